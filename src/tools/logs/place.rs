//! Where logs are: which files a call means, and what the journal has.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ignore::WalkBuilder;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::gather::Window;
use crate::domain::{FailureKind, ToolResult, Untrusted};
use crate::tools::files::is_credential;

/// Files of one directory that are read: the ones that were written to last.
pub const MOST_FILES: usize = 200;
/// Bytes that are taken of the journal.
const MOST_OF_JOURNAL: u64 = 64 * 1024 * 1024;
const JOURNAL_LIMIT: Duration = Duration::from_secs(20);
/// Endings of files whose bytes are no lines.
const PACKED: &[&str] = &["gz", "xz", "zst", "bz2", "zip", "journal", "db"];

/// What a call looks into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, or all files of a directory, by the real path.
    Files(PathBuf),
    /// The journal, of one unit or of all.
    Journal(Option<String>),
}

impl Place {
    /// `private` is where this program keeps what it has.
    pub fn of(path: Option<&str>, unit: Option<String>, private: &[PathBuf]) -> Result<Self, ToolResult> {
        let Some(path) = path else { return Ok(Self::Journal(unit)) };
        let refused = |why: String| ToolResult::failure(FailureKind::Refused, why);
        if !Path::new(path).is_absolute() {
            return Err(refused("a log is named by its absolute path, such as /var/log/syslog".to_owned()));
        }
        let shown = Untrusted::from(path).cut(200);
        let real = Path::new(path)
            .canonicalize()
            .map_err(|error| ToolResult::failure(FailureKind::Failed, format!("{}: {error}", shown.raw())))?;
        let private = private.iter().filter_map(|place| place.canonicalize().ok());
        if is_credential(&real) || private.into_iter().any(|place| real.starts_with(place)) {
            return Err(refused(format!("{} holds credentials or files of morningai", shown.raw())));
        }
        Ok(Self::Files(real))
    }

    pub fn name(&self) -> Untrusted {
        match self {
            Self::Files(path) => Untrusted::new(path.display().to_string()),
            Self::Journal(None) => Untrusted::from("the journal"),
            Self::Journal(Some(unit)) => Untrusted::new(format!("the journal of {unit}")),
        }
    }
}

/// The files at a path that hold lines of the window, with when they were last written to, the newest first; and how many
/// were left out. A file that was rotated once is one of its log.
pub fn files(path: &Path, window: Window, private: &[PathBuf]) -> (Vec<(PathBuf, i64)>, usize) {
    let single = [path.to_owned(), PathBuf::from(format!("{}.1", path.display()))];
    let candidates: Vec<PathBuf> = match path.is_dir() {
        false => single.into(),
        true => {
            let private: Vec<_> = private.iter().filter_map(|place| place.canonicalize().ok()).collect();
            let mut walk = WalkBuilder::new(path);
            walk.standard_filters(false).follow_links(false).same_file_system(true).max_depth(Some(4));
            walk.filter_entry(move |entry| !private.iter().any(|place| entry.path() == place));
            walk.build().flatten().map(ignore::DirEntry::into_path).collect()
        }
    };
    let length = window.end - window.start;
    let written = |path: PathBuf| {
        let known = path.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
        let since = known.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        let written = i64::try_from(since.as_secs()).ok()?;
        (written >= window.start - length && !is_packed(&path) && !is_credential(&path)).then_some((path, written))
    };
    let mut found: Vec<_> = candidates.into_iter().filter_map(written).collect();
    found.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let left_out = found.len().saturating_sub(MOST_FILES);
    found.truncate(MOST_FILES);
    (found, left_out)
}

/// Whether the bytes of a file are no lines.
pub fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|end| PACKED.iter().any(|packed| end == *packed))
}

/// What the journal has of the window and of the time before; and whether that is all.
pub async fn journal(
    unit: Option<&str>,
    window: Window,
    cancel: &CancellationToken,
) -> Result<(Vec<u8>, bool), ToolResult> {
    let failed = |why: String| ToolResult::failure(FailureKind::Failed, why);
    let mut command = Command::new("journalctl");
    let since = format!("--since=@{}", window.start - (window.end - window.start));
    command.args(["--output=short-unix", "--no-pager", "--quiet", "--no-hostname", &since]);
    command.arg(format!("--until=@{}", window.end));
    command.args(unit.map(|unit| format!("--unit={unit}")));
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            failed("there is no journalctl on this machine; name a file by `path`".to_owned())
        }
        _ => failed(format!("journalctl did not start: {error}")),
    })?;
    let mut text = Vec::new();
    let output = child.stdout.take().ok_or_else(|| failed("journalctl has no output".to_owned()))?;
    let read = async { output.take(MOST_OF_JOURNAL).read_to_end(&mut text).await };
    tokio::select! {
        read = tokio::time::timeout(JOURNAL_LIMIT, read) => match read {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(failed(format!("journalctl cannot be read: {error}"))),
            Err(_) => return Ok((text, false)),
        },
        () = cancel.cancelled() => {
            return Err(ToolResult::failure(FailureKind::Cancelled, "the search was cancelled"));
        }
    }
    let is_all = (text.len() as u64) < MOST_OF_JOURNAL;
    if is_all {
        let status = child.wait().await.map_err(|error| failed(format!("journalctl: {error}")))?;
        if !status.success() && text.is_empty() {
            return Err(failed(format!(
                "journalctl found nothing that it may show ({status}); is this user in the group systemd-journal?"
            )));
        }
    }
    Ok((text, is_all))
}
