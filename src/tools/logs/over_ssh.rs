//! Logs of another host: its files and its journal, brought here by small fixed scripts, bounded in bytes.

use std::path::{Path, PathBuf};

use chrono::FixedOffset;
use tokio_util::sync::CancellationToken;

use super::gather::{Gatherer, Window};
use super::place::{MOST_FILES, Place, is_packed};
use crate::domain::{FailureKind, ToolResult, Untrusted};
use crate::tools::files::is_credential;
use crate::tools::remote::{NamedHost, Sections};

/// Bytes that are brought here, of all logs together.
const MOST_BYTES: usize = 16 * 1024 * 1024;
const NOT_THERE: i32 = 3;
const NOT_ITSELF: i32 = 4;

/// Prints the offset of that host's clock, then the files at a path, each with when it was last written to. A path that
/// leads elsewhere is told and not followed, since what was judged is the path.
const LIST: &str = r#"
real=$(readlink -f -- "$1") && [ -e "$real" ] || exit 3
[ "$real" = "$1" ] || { printf '%s' "$real"; exit 4; }
date +%z
if [ -d "$1" ]; then
  find "$1" -xdev -maxdepth 4 -type f -exec stat -c '%Y %n' -- {} + 2>/dev/null | head -c 1000000
else
  for file in "$1" "$1.1"; do
    [ -f "$file" ] && [ ! -L "$file" ] && stat -c '%Y %n' -- "$file" 2>/dev/null
  done
fi
exit 0
"#;

/// Prints the end of each file. Arguments: the mark of parts, the bytes of each, the files.
const READ: &str = r#"
mark=$1 most=$2; shift 2
for file; do
  [ -f "$file" ] && [ "$(readlink -f -- "$file")" = "$file" ] && [ -r "$file" ] || continue
  printf '\n%s %s\n' "$mark" "$file"
  tail -c "$most" -- "$file" 2>/dev/null
done
exit 0
"#;

/// Prints the offset of the clock and the journal. Arguments: since and until, the most bytes, a unit or nothing.
const JOURNAL: &str = r#"
command -v journalctl >/dev/null || exit 3
date +%z
journalctl --output=short-unix --no-pager --quiet --no-hostname "--since=@$1" "--until=@$2" ${4:+"--unit=$4"} \
  2>/dev/null </dev/null | head -c "$3"
exit 0
"#;

/// Logs that were brought here.
#[derive(Default)]
pub struct Brought {
    /// Of each its end, and when it was last written to; for the journal, nothing says that.
    pub logs: Vec<(Vec<u8>, Option<i64>)>,
    /// The most bytes of each.
    most: usize,
    pub unreadable: usize,
    pub left_out: usize,
    /// Of the clock there.
    pub offset: Option<FixedOffset>,
}

impl Brought {
    pub fn read_into(&self, gatherer: &mut Gatherer<'_>) {
        for (text, written) in &self.logs {
            gatherer.log(text, *written, self.most);
        }
    }
}

/// A place there, by its text alone: what it leads to is looked at there.
pub fn place(path: Option<&str>, unit: Option<String>) -> Result<Place, ToolResult> {
    let Some(path) = path else { return Ok(Place::Journal(unit)) };
    let refused = |why: String| ToolResult::failure(FailureKind::Refused, why);
    let shown = Untrusted::from(path).cut(200);
    let is_plain =
        Path::new(path).is_absolute() && path.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
    if !is_plain || path.contains(['\0', '\n']) {
        return Err(refused("a log is named by its absolute path, such as /var/log/syslog".to_owned()));
    }
    if is_credential(Path::new(path)) {
        return Err(refused(format!("{} holds credentials", shown.raw())));
    }
    Ok(Place::Files(PathBuf::from(path)))
}

/// Brings the logs of a place here, as far as they are of the window or the time before.
pub async fn bring(
    host: &NamedHost,
    place: &Place,
    window: Window,
    cancel: &CancellationToken,
) -> Result<Brought, ToolResult> {
    match place {
        Place::Files(path) => files(host, path, window, cancel).await,
        Place::Journal(unit) => journal(host, unit.as_deref(), window, cancel).await,
    }
}

async fn files(
    host: &NamedHost,
    path: &Path,
    window: Window,
    cancel: &CancellationToken,
) -> Result<Brought, ToolResult> {
    let path = path.to_string_lossy();
    let listed = host.look(LIST, &[&path], cancel).await?;
    let said = listed.text();
    match listed.code {
        0 => {}
        NOT_THERE => return Err(failed(format!("{path}: there is no such file on {}", host.name))),
        NOT_ITSELF => {
            let summary = format!("on {}, {path} leads to {}; name that", host.name, said.trim());
            return Err(ToolResult::failure(FailureKind::Refused, summary));
        }
        code => return Err(failed(format!("{path} cannot be read on {}, exit {code}: {}", host.name, said.trim()))),
    }
    let (offset, list) = said.split_once('\n').unwrap_or_default();
    let mut found = listing(list, &path, window);
    let left_out = found.len().saturating_sub(MOST_FILES);
    found.truncate(MOST_FILES);
    let most = MOST_BYTES / found.len().max(1);
    let sections = Sections::random();
    let size = most.to_string();
    let mut arguments = vec![sections.mark(), &size];
    arguments.extend(found.iter().map(|(_, file)| file.as_str()));
    let read = host.look(READ, &arguments, cancel).await?;
    let parts = sections.split(&read.bytes);
    let written = |file: &str| found.iter().find(|(_, listed)| listed == file).map(|(written, _)| *written);
    let logs: Vec<_> = parts.iter().map(|(file, text)| (text.to_vec(), written(file))).collect();
    let unreadable = found.len().saturating_sub(logs.len());
    if logs.is_empty() && unreadable > 0 {
        return Err(failed(format!("{path} may not be read by the user of {}", host.destination)));
    }
    Ok(Brought { logs, most, unreadable, left_out, offset: parse_offset(offset) })
}

async fn journal(
    host: &NamedHost,
    unit: Option<&str>,
    window: Window,
    cancel: &CancellationToken,
) -> Result<Brought, ToolResult> {
    let since = (window.start - (window.end - window.start)).to_string();
    let (until, most) = (window.end.to_string(), MOST_BYTES.to_string());
    let read = host.look(JOURNAL, &[&since, &until, &most, unit.unwrap_or_default()], cancel).await?;
    if read.code == NOT_THERE {
        return Err(failed(format!("there is no journalctl on {}; name a file by `path`", host.name)));
    }
    let end = memchr::memchr(b'\n', &read.bytes).unwrap_or(read.bytes.len());
    let (offset, text) = read.bytes.split_at(end);
    let offset = parse_offset(&String::from_utf8_lossy(offset));
    Ok(Brought { logs: vec![(text.to_vec(), None)], most: MOST_BYTES, offset, ..Brought::default() })
}

/// The files of a listing that hold lines of the window, the newest first. A name that leads out of the path is none of
/// them, whoever wrote it into a file's name.
fn listing(text: &str, path: &str, window: Window) -> Vec<(i64, String)> {
    let below = format!("{path}/");
    let rotated = format!("{path}.1");
    let of_line = |line: &str| {
        let (written, file) = line.split_once(' ')?;
        let written: i64 = written.parse().ok()?;
        let is_inside = (file.starts_with(&below) || file == path || file == rotated) && !file.contains("/../");
        let is_log = !is_credential(Path::new(file)) && !is_packed(Path::new(file));
        let is_new = written >= window.start - (window.end - window.start);
        (is_inside && is_log && is_new).then(|| (written, file.to_owned()))
    };
    let mut found: Vec<_> = text.lines().filter_map(of_line).collect();
    found.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    found
}

/// `+0200`.
fn parse_offset(text: &str) -> Option<FixedOffset> {
    let text = text.trim();
    let number: i32 = text.parse().ok().filter(|_| text.len() == 5)?;
    FixedOffset::east_opt((number / 100 * 60 + number % 100) * 60)
}

fn failed(why: String) -> ToolResult {
    ToolResult::failure(FailureKind::Failed, why)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const WINDOW: Window = Window { start: 0, end: 4_000_000_000 };

    fn printed(script: &str, arguments: &[&str]) -> (Option<i32>, Vec<u8>) {
        let output = Command::new("sh").args(["-c", script, "sh"]).args(arguments).output().unwrap();
        (output.status.code(), output.stdout)
    }

    #[test]
    fn a_shell_lists_and_reads_files_and_follows_no_link_out() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let at = |name: &str| root.join(name).display().to_string();
        std::fs::create_dir(root.join("logs")).unwrap();
        std::fs::write(root.join("logs/it's $(a).log"), "one\ntwo\n").unwrap();
        std::fs::write(root.join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(root.join("secret"), root.join("logs/link")).unwrap();
        std::os::unix::fs::symlink(&root, root.join("logs/up")).unwrap();
        let forged = format!("x\n1 {}", at("logs/up/secret").trim_start_matches('/'));
        assert!(std::fs::write(root.join("logs").join("y\n1 z"), "y").is_ok() && !forged.is_empty());

        let (code, list) = printed(LIST, &[&at("logs")]);
        let list = String::from_utf8(list).unwrap();
        assert_eq!(code, Some(0));
        let (offset, list) = list.split_once('\n').unwrap();
        assert!(parse_offset(offset).is_some());
        let found: Vec<_> = listing(list, &at("logs"), WINDOW).into_iter().map(|(_, file)| file).collect();
        assert!(found.contains(&at("logs/it's $(a).log")) && found.iter().all(|file| file.starts_with(&at("logs/"))));
        assert!(!found.contains(&at("logs/link")));

        assert_eq!(printed(LIST, &[&at("logs/link")]), (Some(NOT_ITSELF), at("secret").into_bytes()));
        assert_eq!(printed(LIST, &[&at("nothing")]).0, Some(NOT_THERE));

        let sections = Sections::random();
        let asked = [at("logs/it's $(a).log"), at("logs/link"), at("logs/up/secret")];
        let (_, all) = printed(READ, &[sections.mark(), "4", &asked[0], &asked[1], &asked[2]]);
        assert_eq!(sections.split(&all), [(asked[0].clone(), &b"two\n"[..])]);
    }

    #[test]
    fn a_listing_names_nothing_outside() {
        let text =
            "5 /var/log/a.log\n9 /var/log/b.log.gz\n7 /etc/shadow\n8 /var/log/../../etc/x\n6 /var/log/.ssh/id\nz\n";
        let found = listing(text, "/var/log", WINDOW);
        assert_eq!(found, [(5, "/var/log/a.log".to_owned())]);
        for path in ["var/log", "/var/log/../x", "/var//log", "/var/log/", "/a\nb", "/home/me/.ssh/x"] {
            assert_eq!(place(Some(path), None).unwrap_err().failure, Some(FailureKind::Refused), "{path}");
        }
        assert!(place(Some("/var/log"), None).is_ok());
        assert_eq!(parse_offset("+0230").map(|offset| offset.local_minus_utc()), Some(9000));
        assert_eq!(parse_offset("-0800\n").map(|offset| offset.local_minus_utc()), Some(-28_800));
        assert_eq!(parse_offset("now"), None);
    }
}
