//! The change a card shows: a unified diff that depends on two trees and on nothing else, cut where it gets too long.

use super::program::Git;
use super::program::MOST_OUTPUT;
use super::repository::failure;
use crate::domain::EffectCard;
use crate::domain::ToolResult;
use crate::domain::Untrusted;
use crate::tools::cards;
use crate::tools::output;

/// Most of a diff that a card carries, in bytes: several thousand lines, more than anybody reads in one go.
const MOST_SHOWN: usize = 256 * 1024;

/// Arguments for git. No configuration changes what they print, and ids are whole: short ones grow with the number of
/// objects, and the same change would get another digest.
pub fn arguments(from: &str, to: &str) -> Vec<String> {
    let options = ["diff-tree", "-r", "-p", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"];
    let fixed = ["--full-index", "--submodule=short", "--ignore-submodules=none"];
    options.into_iter().chain(fixed).chain([from, to]).map(str::to_owned).collect()
}

/// What a git command with these arguments prints, as a card carries it; `None` when nothing differs.
pub async fn shown(diff: Git) -> Result<Option<Untrusted>, ToolResult> {
    let printed = diff.success().await.map_err(|error| failure(&error))?.stdout;
    Ok((!printed.is_empty()).then(|| Untrusted::new(cut(&printed))))
}

/// At most [`MOST_SHOWN`] bytes of whole lines, and a last line that says how much is missing.
fn cut(diff: &[u8]) -> String {
    let text = String::from_utf8_lossy(diff);
    if text.len() <= MOST_SHOWN {
        return text.into_owned();
    }
    let kept = output::shorten(&text, MOST_SHOWN);
    // A single line longer than all of it is cut inside.
    let kept = kept.rfind('\n').map_or(kept, |end| &kept[..=end]);
    let missing = &text[kept.len()..];
    let at_least = if diff.len() as u64 >= MOST_OUTPUT { "at least " } else { "" };
    let (bytes, lines) = (missing.len(), cards::count(missing.lines().count(), "line", "lines"));
    let newline = if kept.ends_with('\n') { "" } else { "\n" };
    let cut = EffectCard::CUT;
    format!("{kept}{newline}{cut}{at_least}{bytes} more bytes in {lines} are not shown]\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_diff_ends_with_how_much_is_missing() {
        let whole = "+line\n".repeat(MOST_SHOWN / 6);
        assert_eq!(cut(whole.as_bytes()), whole);
        let long = "+line\n".repeat(MOST_SHOWN / 6 + 10);
        let shown = cut(long.as_bytes());
        assert!(shown.ends_with("+line\n[cut here: 60 more bytes in 10 lines are not shown]\n"), "{}", shown.len());
        let one_line = cut("é".repeat(MOST_SHOWN).as_bytes());
        assert!(one_line.ends_with("é\n[cut here: 262144 more bytes in 1 line are not shown]\n"));
    }
}
