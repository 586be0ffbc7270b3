//! Unified diffs of files, the same for the same contents every time, since cards are compared by digest.

use similar::{ChangeTag, TextDiff};

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
        // Only `\n` ends a line here. A `\r` is shown with its line, whatever it means to the file.
        let (old, new): (Vec<&str>, Vec<&str>) =
            (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
        // No deadline: one would make the diff, and with it the digest, depend on how busy the machine is.
        let diff = TextDiff::configure().newline_terminated(true).diff_slices(&old, &new);
        let counted = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
        let from = before.map_or_else(|| "/dev/null".to_owned(), |_| format!("a/{path}"));
        let mut text = String::new();
        for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
            if text.is_empty() {
                text = format!("--- {from}\n+++ b/{path}\n");
            }
            text.push_str(&format!("{}\n", hunk.header()));
            for change in hunk.iter_changes() {
                let end = if change.value().ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
                text.push_str(&format!("{}{}{end}", change.tag(), change.value()));
            }
        }
        Self { added: counted(ChangeTag::Insert), removed: counted(ChangeTag::Delete), text }
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

    #[test]
    fn carriage_returns_stay_with_their_lines() {
        let diff = Diff::of("a.txt", Some(b"one\r\ntwo\n"), b"one\ntwo\n");
        assert_eq!(diff.text, "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n-one\r\n+one\n two\n");
        let old = Diff::of("a.txt", Some(b"one\rtwo\r"), b"one\r2\r");
        let hint = "\\ No newline at end of file\n";
        let expected = format!("--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\rtwo\r\n{hint}+one\r2\r\n{hint}");
        assert_eq!((old.added, old.removed, old.text), (1, 1, expected));
    }
}
