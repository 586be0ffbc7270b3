//! A unified diff, line by line: what each line is, and its numbers in the old and in the new text.
//!
//! A diff is an outsider's text: counts in its headers are believed only for telling lines apart and numbering them, and
//! no header can make a line disappear.

use std::collections::BTreeSet;

use super::text::Untrusted;

/// What a line of a diff is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffKind {
    Header,
    /// `+++ b/path`: what follows is of that file.
    NewFile,
    Hunk,
    Context,
    Added,
    Removed,
    /// Content that stays, without even the blank that says so.
    Unsigned,
}

impl DiffKind {
    /// Whether it is of the text on both sides.
    pub fn is_context(self) -> bool {
        matches!(self, Self::Context | Self::Unsigned)
    }

    pub fn is_change(self) -> bool {
        matches!(self, Self::Added | Self::Removed)
    }
}

/// A line of a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiffLine<'a> {
    pub kind: DiffKind,
    /// As it came, without the sign of a line of content.
    pub text: &'a str,
    /// Its number in the old and in the new text; 0 for what is not content.
    pub old: u32,
    pub new: u32,
}

/// The lines of a diff. The end of the last one is not a line of its own.
pub fn diff_lines(diff: &Untrusted) -> Vec<DiffLine<'_>> {
    let mut reader = Reader::default();
    let mut lines: Vec<_> = diff.raw().split('\n').map(|line| reader.line(line)).collect();
    if diff.raw().ends_with('\n') {
        lines.pop();
    }
    lines
}

/// The files that a diff changes, each once.
pub fn changed_files(diff: &Untrusted) -> BTreeSet<Untrusted> {
    let mut files = BTreeSet::new();
    // One that is gone has its name on the line before.
    let mut before = "";
    // The one that a `diff --git` line begins: it has no `+++` line where only its mode, name or bytes changed.
    let mut begun = None;
    for line in diff_lines(diff) {
        match line.kind {
            DiffKind::NewFile => {
                let name = line.text.strip_prefix("+++ b/").or(before.strip_prefix("--- a/"));
                _ = files.insert(Untrusted::from(name.unwrap_or(line.text)));
                begun = None;
            }
            DiffKind::Header => {
                before = line.text;
                let moved_to = line.text.strip_prefix("rename to ").or(line.text.strip_prefix("copy to "));
                if let Some(names) = line.text.strip_prefix("diff --git ") {
                    files.extend(begun.replace(name_of_both(names)).map(Untrusted::from));
                } else if let Some(name) = moved_to.filter(|_| begun.is_some()) {
                    begun = Some(name);
                }
            }
            DiffKind::Context | DiffKind::Unsigned | DiffKind::Hunk | DiffKind::Added | DiffKind::Removed => {}
        }
    }
    files.extend(begun.map(Untrusted::from));
    files
}

/// The name in `a/name b/name`; all of it where the two differ.
fn name_of_both(names: &str) -> &str {
    let same = || {
        let (old, new) = names.split_at_checked(names.len() / 2)?;
        let (old, new) = (old.strip_prefix("a/")?, new.strip_prefix(" b/")?);
        (old == new).then_some(new)
    };
    same().unwrap_or(names)
}

#[derive(Default)]
struct Reader {
    old: u32,
    new: u32,
    old_left: u32,
    new_left: u32,
}

impl Reader {
    fn line<'a>(&mut self, text: &'a str) -> DiffLine<'a> {
        if self.old_left == 0 && self.new_left == 0 {
            return self.header(text);
        }
        let (kind, content) = match text.chars().next() {
            Some('+') => (DiffKind::Added, &text[1..]),
            Some('-') => (DiffKind::Removed, &text[1..]),
            Some(' ') => (DiffKind::Context, &text[1..]),
            None => (DiffKind::Unsigned, ""),
            Some('\\') => return DiffLine { kind: DiffKind::Header, text, old: 0, new: 0 },
            // Not what the header promised: the hunk is over.
            Some(_) => {
                (self.old_left, self.new_left) = (0, 0);
                return self.header(text);
            }
        };
        let line = DiffLine { kind, text: content, old: self.old, new: self.new };
        if kind != DiffKind::Added {
            self.old = self.old.saturating_add(1);
            self.old_left = self.old_left.saturating_sub(1);
        }
        if kind != DiffKind::Removed {
            self.new = self.new.saturating_add(1);
            self.new_left = self.new_left.saturating_sub(1);
        }
        line
    }

    fn header<'a>(&mut self, text: &'a str) -> DiffLine<'a> {
        let kind = match hunk(text) {
            Some(((old, old_left), (new, new_left))) => {
                (self.old, self.old_left, self.new, self.new_left) = (old, old_left, new, new_left);
                DiffKind::Hunk
            }
            None if text.starts_with("+++ ") => DiffKind::NewFile,
            None => DiffKind::Header,
        };
        DiffLine { kind, text, old: 0, new: 0 }
    }
}

/// First line and count, of the old and of the new side: `@@ -38,9 +38,10 @@`.
fn hunk(text: &str) -> Option<((u32, u32), (u32, u32))> {
    let mut parts = text.strip_prefix("@@ ")?.split(' ');
    let side = |part: &str, sign: char| {
        let part = part.strip_prefix(sign)?;
        let (from, length) = part.split_once(',').unwrap_or((part, "1"));
        Some((from.parse().ok()?, length.parse().ok()?))
    };
    Some((side(parts.next()?, '-')?, side(parts.next()?, '+')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_once_and_those_that_are_gone_too() {
        let diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-+++ b/no\n+y\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-z\n\
                    --- a/x\n+++ b/x\n";
        let files = changed_files(&diff.into());
        assert_eq!(files.iter().map(Untrusted::raw).collect::<Vec<_>>(), ["gone", "x"]);
    }

    #[test]
    fn files_without_changed_lines_are_named_too() {
        let diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-diff --git a/no b/no\n+y\n\
                    diff --git a/a b c.png b/a b c.png\nBinary files a/a b c.png and b/a b c.png differ\n\
                    diff --git a/empty b/empty\nnew file mode 100644\nindex 0000000..e69de29\n\
                    diff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new\n\
                    diff --git a/é.sh b/ü.sh\n\
                    diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n";
        let files = changed_files(&diff.into());
        let names: Vec<_> = files.iter().map(Untrusted::raw).collect();
        assert_eq!(names, ["a b c.png", "a/é.sh b/ü.sh", "empty", "new", "run.sh", "x"]);
    }
}
