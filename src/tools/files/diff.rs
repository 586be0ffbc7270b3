//! Unified diffs of files, the same for the same contents every time, since cards are compared by digest.

use similar::ChangeTag;
use similar::TextDiff;

/// A unified diff and how many lines it adds and removes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    pub text: String,
    pub added: usize,
    pub removed: usize,
}

impl Diff {
    /// From the content before (`None` for a new file) to the content after, labelled the way git does.
    pub fn of(path: &str, before: Option<&[u8]>, after: &[u8]) -> Self {
        let old = String::from_utf8_lossy(before.unwrap_or_default());
        let new = String::from_utf8_lossy(after);
        // No deadline: one would make the diff, and with it the digest, depend on how busy the machine is.
        let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
        let counted = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
        let from = before.map_or_else(|| "/dev/null".to_owned(), |_| format!("a/{path}"));
        Self {
            added: counted(ChangeTag::Insert),
            removed: counted(ChangeTag::Delete),
            text: diff.unified_diff().context_radius(3).header(&from, &format!("b/{path}")).to_string(),
        }
    }

    /// Lines touched, as people count them: a replaced line is one.
    pub fn changed(&self) -> usize {
        self.added.max(self.removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_line_counts_once() {
        let diff = Diff::of("a.txt", Some(b"one\ntwo\nthree\n"), b"one\n2\nthree\nfour\n");
        assert_eq!((diff.added, diff.removed, diff.changed()), (2, 1, 2));
        assert_eq!(diff.text, "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,4 @@\n one\n-two\n+2\n three\n+four\n");
    }

    #[test]
    fn a_new_file_comes_from_nothing() {
        let diff = Diff::of("a.txt", None, b"x\n");
        assert!(diff.text.starts_with("--- /dev/null\n+++ b/a.txt\n"), "{}", diff.text);
        assert_eq!((diff.added, diff.removed), (1, 0));
    }
}
