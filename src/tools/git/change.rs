//! The change a card shows: a unified diff that depends on two trees and on nothing else, cut where it gets too long.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::program::{Git, MOST_OUTPUT};
use super::repository::failure;
use crate::domain::{EffectCard, ToolResult, Untrusted};
use crate::tools::{cards, names, output};

/// Most of a diff that a card carries, in bytes: several thousand lines, more than anybody reads in one go.
pub const MOST_SHOWN: usize = 256 * 1024;

/// What git is told to print. No configuration changes it, and ids are whole: short ones grow with the number of
/// objects, and the same change would get another digest.
const DIFF: [&str; 10] = [
    "diff-tree",
    "-r",
    "-p",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--full-index",
    "--submodule=short",
    "--ignore-submodules=none",
];

/// Arguments for what differs between two commits or trees.
pub fn arguments(from: &str, to: &str) -> Vec<String> {
    DIFF.into_iter().chain([from, to]).map(str::to_owned).collect()
}

/// Arguments for what commits change, each read as a line `COMMIT PARENT` and printed after a line with its id.
pub fn of_commits() -> impl Iterator<Item = &'static str> {
    DIFF.into_iter().chain(["--root", "--always", "--stdin"])
}

/// What a git command with these arguments prints, as a card carries it; `None` when nothing differs.
pub async fn shown(diff: Git) -> Result<Option<Untrusted>, ToolResult> {
    let printed = diff.success().await.map_err(|error| failure(&error))?.stdout;
    Ok((!printed.is_empty()).then(|| Untrusted::new(cut(&with_names(&printed), (printed.len() as u64) < MOST_OUTPUT))))
}

/// A diff with the names of its files as every tool takes them. Git quotes some names in its own way, and leaves others
/// as bytes that are no text.
pub fn with_names(diff: &[u8]) -> Vec<u8> {
    let mut named = Vec::with_capacity(diff.len());
    let mut in_header = false;
    for line in diff.split_inclusive(|byte| *byte == b'\n') {
        let (text, end) = line.strip_suffix(b"\n").map_or((line, b"".as_slice()), |text| (text, b"\n".as_slice()));
        // Lines of a file begin with a sign, so only git itself begins one so.
        in_header = (in_header && !text.starts_with(b"@@")) || text.starts_with(PAIR);
        let renamed = if in_header { header(text) } else { None };
        named.extend_from_slice(renamed.as_deref().unwrap_or(text));
        named.extend_from_slice(end);
    }
    named
}

const PAIR: &[u8] = b"diff --git ";

/// A line of a header with its name rewritten, if it has one.
fn header(line: &[u8]) -> Option<Vec<u8>> {
    if let Some(pair) = line.strip_prefix(PAIR) {
        // Both names are the same but for their first letter, and a blank stands between them.
        let (one, other) = match pair {
            [b'"', ..] => pair.split_at(quoted_length(pair)?),
            _ => pair.split_at(pair.len() / 2),
        };
        let names = [written(one)?, written(other.strip_prefix(b" ")?)?];
        return Some([PAIR, names.join(" ").as_bytes()].concat());
    }
    let sign = [b"--- ".as_slice(), b"+++ "].into_iter().find(|sign| line.starts_with(sign))?;
    // Behind a name with blanks, git puts a tab.
    let name = &line[sign.len()..];
    Some([sign, written(name.strip_suffix(b"\t").unwrap_or(name))?.as_bytes()].concat())
}

fn written(name: &[u8]) -> Option<String> {
    let bytes = match name.strip_prefix(b"\"") {
        Some(quoted) => unquoted(quoted.strip_suffix(b"\"")?)?,
        None => name.to_vec(),
    };
    Some(names::written(Path::new(OsStr::from_bytes(&bytes))))
}

/// How long the quoted name at the start is, quotes included.
fn quoted_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The inside of git's quotes: escapes of C, octal ones among them.
fn unquoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next()? {
                b'a' => 7,
                b'b' => 8,
                b't' => b'\t',
                b'n' => b'\n',
                b'v' => 11,
                b'f' => 12,
                b'r' => b'\r',
                high @ b'0'..=b'3' => {
                    let mut digit =
                        || rest.next().filter(|digit| matches!(digit, b'0'..=b'7')).map(|digit| digit - b'0');
                    (high - b'0') * 64 + digit()? * 8 + digit()?
                }
                other => other,
            },
            other => other,
        });
    }
    Some(bytes)
}

/// At most [`MOST_SHOWN`] bytes of whole lines, and a last line that says how much is missing. It stands there also where
/// a shorter text is not `complete`.
pub fn cut(diff: &[u8], complete: bool) -> String {
    let text = String::from_utf8_lossy(diff);
    if complete && text.len() <= MOST_SHOWN {
        return text.into_owned();
    }
    let kept = output::shorten(&text, MOST_SHOWN);
    // A single line longer than all of it is cut inside.
    let kept = kept.rfind('\n').map_or(kept, |end| &kept[..=end]);
    let missing = &text[kept.len()..];
    let at_least = if complete { "" } else { "at least " };
    let (bytes, lines) = (missing.len(), cards::count(missing.lines().count(), "line", "lines"));
    let newline = if kept.ends_with('\n') { "" } else { "\n" };
    let cut = EffectCard::CUT;
    format!("{kept}{newline}{cut}{at_least}{bytes} more bytes in {lines} are not shown]\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_tools_take_them_and_lines_stay() {
        let git = b"diff --git \"a/new\\nl\\303\\251\" \"b/new\\nl\\303\\251\"\n--- /dev/null\n+++ \"b/new\\nl\\303\\251\"\n@@ -0,0 +1 @@\n\
            +--- \"a/x\\ty\"\n--- \"a/x\\ty\"\ndiff --git a/a b\xff b/a b\xff\n--- a/a b\xff\t\n+++ b/a b\xff\t\n";
        let expected = "diff --git a/new\\x0alé b/new\\x0alé\n--- /dev/null\n+++ b/new\\x0alé\n@@ -0,0 +1 @@\n\
            +--- \"a/x\\ty\"\n--- \"a/x\\ty\"\ndiff --git a/a b\\xff b/a b\\xff\n--- a/a b\\xff\n+++ b/a b\\xff\n";
        assert_eq!(String::from_utf8(with_names(git)).unwrap(), expected);
        let plain = b"diff --git a/a b/c b/a b/c\nindex 1..2 100644\n--- a/a b/c\n+++ b/a b/c\n@@ -1 +1 @@\n-x\n+y\n";
        assert_eq!(with_names(plain), plain);
    }

    #[test]
    fn a_long_diff_ends_with_how_much_is_missing() {
        let whole = "+line\n".repeat(MOST_SHOWN / 6);
        assert_eq!(cut(whole.as_bytes(), true), whole);
        assert!(
            cut(whole.as_bytes(), false).ends_with("\n[cut here: at least 0 more bytes in 0 lines are not shown]\n")
        );
        let long = "+line\n".repeat(MOST_SHOWN / 6 + 10);
        let shown = cut(long.as_bytes(), true);
        assert!(shown.ends_with("+line\n[cut here: 60 more bytes in 10 lines are not shown]\n"), "{}", shown.len());
        let one_line = cut("é".repeat(MOST_SHOWN).as_bytes(), true);
        assert!(one_line.ends_with("é\n[cut here: 262144 more bytes in 1 line are not shown]\n"));
    }
}
