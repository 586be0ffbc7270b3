//! A unified diff as rows: line numbers, signs, the words that changed. Shows every line it is given.
//!
//! Signs are kept, so that added and removed lines differ without colour. A diff is an outsider's text: counts in
//! its headers are believed only for numbering, and no header can make a line disappear.

use std::borrow::Cow;
use std::collections::BTreeSet;

use similar::{ChangeTag, TextDiff};

use super::format::count;
use super::highlight::Highlighter;
use super::text::{Row, Span, push_marked};
use super::wrap::{Line, Wrap, continued};
use crate::console::role::Role;
use crate::domain::{Untrusted, visible_line};

/// Longest line whose words are compared with its counterpart's.
const LONGEST_COMPARED: usize = 600;
/// Most pairs of lines compared.
const MOST_COMPARED: usize = 200;

/// Stands below a diff whose last line has no end. No text from outside can begin like it.
const UNENDED: &str = "⟨the text ends here, without a line break⟩";

/// Stands for a line without even the blank of one that stays.
const UNSIGNED: &str = "⟨no sign⟩";

/// Lines added and removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub files: usize,
    pub added: usize,
    pub removed: usize,
}

impl Counts {
    pub fn of(diff: &Untrusted) -> Self {
        let mut counts = Self::default();
        // Several commits may change one file, and one that is gone has its name on the line before.
        let mut files = BTreeSet::new();
        let mut before = String::new();
        for line in read(diff) {
            match line.kind {
                Kind::Added => counts.added += 1,
                Kind::Removed => counts.removed += 1,
                Kind::NewFile => {
                    let name = line.text.strip_prefix("+++ b/").or(before.strip_prefix("--- a/"));
                    _ = files.insert(name.unwrap_or(&line.text).to_owned());
                }
                Kind::Header => before = line.text.into_owned(),
                Kind::Context | Kind::Hunk => {}
            }
        }
        Self { files: files.len(), ..counts }
    }

    pub fn lines(self) -> usize {
        self.added + self.removed
    }

    /// `+12 −3 in 2 files`.
    pub fn row(self) -> Row {
        let mut row = Row::of(Role::DiffAdded, format!("+{}", self.added));
        row.push(Role::Text, " ");
        row.push(Role::DiffRemoved, format!("−{}", self.removed));
        if self.files > 0 {
            row.push(Role::Dim, format!(" in {}", count(self.files, "file", "files")));
        }
        row
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Header,
    /// `+++ b/path`: what follows is of that file.
    NewFile,
    Hunk,
    Context,
    Added,
    Removed,
}

struct DiffLine<'a> {
    kind: Kind,
    /// The visible text, without the sign of a line of content.
    text: Cow<'a, str>,
    old: u32,
    new: u32,
}

/// Appends the rows of a diff, each with `lead` before it.
pub fn lay(diff: &Untrusted, lead: &Row, width: usize, rows: &mut Vec<Row>) {
    lay_lines(&read(diff), |_| true, lead, width, rows);
}

/// Appends the lines that changed and the one before and after each: for where another row names the file.
pub fn lay_changes(diff: &Untrusted, lead: &Row, width: usize, rows: &mut Vec<Row>) {
    let lines = read(diff);
    let changes = |at: usize| lines.get(at).is_some_and(|line| matches!(line.kind, Kind::Added | Kind::Removed));
    let is_near = |at: usize| changes(at) || changes(at + 1) || at.checked_sub(1).is_some_and(changes);
    let is_content = |at: usize| lines.get(at).is_some_and(|line| line.kind == Kind::Context) || changes(at);
    lay_lines(&lines, |at| is_content(at) && is_near(at), lead, width, rows);
}

fn lay_lines(lines: &[DiffLine<'_>], is_shown: impl Fn(usize) -> bool, lead: &Row, width: usize, rows: &mut Vec<Row>) {
    let changed = changed_parts(lines);
    let digits = lines.iter().map(|line| line.old.max(line.new)).max().unwrap_or(0).to_string().len().max(2);
    let mut highlighters = Sides::default();
    for ((at, line), parts) in lines.iter().enumerate().zip(changed) {
        let code = highlighters.read(line);
        if !is_shown(at) {
            continue;
        }
        content(line, code, &parts, lead.clone(), digits).lay(width, rows);
    }
}

/// Highlighters of the old and of the new text.
#[derive(Default)]
struct Sides {
    path: String,
    old: Option<Highlighter>,
    new: Option<Highlighter>,
}

impl Sides {
    fn read<'a>(&mut self, line: &'a DiffLine<'_>) -> Vec<(Role, &'a str)> {
        let sides: &mut [&mut Option<Highlighter>] = match line.kind {
            Kind::NewFile => {
                let path = line.text.trim_start_matches("+++ ");
                path.strip_prefix("b/").unwrap_or(path).clone_into(&mut self.path);
                &mut []
            }
            Kind::Hunk => {
                // Lines between two hunks are not known, so each begins afresh.
                self.old = Highlighter::for_path(&self.path);
                self.new = Highlighter::for_path(&self.path);
                &mut []
            }
            Kind::Header => &mut [],
            Kind::Context => &mut [&mut self.old, &mut self.new],
            Kind::Added => &mut [&mut self.new],
            Kind::Removed => &mut [&mut self.old],
        };
        let mut pieces = vec![(Role::Code, line.text.as_ref())];
        for highlighter in sides.iter_mut().filter_map(|side| side.as_mut()) {
            pieces = highlighter.line(&line.text);
        }
        pieces
    }
}

fn content(line: &DiffLine<'_>, code: Vec<(Role, &str)>, changed: &[bool], lead: Row, digits: usize) -> Line {
    let number = |shown: bool, number: u32| match shown {
        true => format!("{number:>digits$}"),
        false => " ".repeat(digits),
    };
    let (role, sign, part) = match line.kind {
        Kind::Header | Kind::NewFile | Kind::Hunk => {
            let mut row = lead.clone();
            push_marked(Role::DiffHeader, &line.text, &mut |span| row.push_span(span));
            let mut hang = lead;
            hang.append(continued(2));
            return Line { row, hang, wrap: Wrap::Anywhere };
        }
        Kind::Context => (Role::Dim, " ", Role::Code),
        Kind::Added => (Role::DiffAdded, "+", Role::DiffAddedPart),
        Kind::Removed => (Role::DiffRemoved, "-", Role::DiffRemovedPart),
    };
    let gutter =
        format!("{} {}", number(line.kind != Kind::Added, line.old), number(line.kind != Kind::Removed, line.new));
    let mut row = lead.with(Role::Dim, gutter).with(Role::Text, " ").with(role, sign);
    let hang = continued(row.width());
    push_code(&mut row, line.kind, code, changed, part);
    if line.kind != Kind::Context {
        row.fill = Some(role);
    }
    Line { row, hang, wrap: Wrap::Anywhere }
}

/// Program text in its roles, the changed bytes in the role of a changed part.
fn push_code(row: &mut Row, kind: Kind, code: Vec<(Role, &str)>, changed: &[bool], part: Role) {
    let plain = match kind {
        Kind::Added => Role::DiffAdded,
        Kind::Removed => Role::DiffRemoved,
        _ => Role::Code,
    };
    let mut at = 0;
    for (role, piece) in code {
        let role = if role == Role::Code { plain } else { role };
        let flags = changed.get(at..at + piece.len()).unwrap_or_default();
        at += piece.len();
        let mut rest = 0;
        while rest < piece.len() {
            let differs = flags.get(rest).copied().unwrap_or(false);
            let end = (rest..piece.len()).find(|i| flags.get(*i).copied().unwrap_or(false) != differs);
            let end = end.unwrap_or(piece.len());
            let shown = piece.get(rest..end).unwrap_or_default();
            push_marked(if differs { part } else { role }, shown, &mut |span: Span| row.push_span(span));
            rest = end;
        }
    }
}

/// Which bytes of each line have no equal in its counterpart; empty where nothing is compared.
fn changed_parts(lines: &[DiffLine<'_>]) -> Vec<Vec<bool>> {
    let mut changed = vec![Vec::new(); lines.len()];
    let mut compared = 0;
    let mut at = 0;
    while at < lines.len() {
        let removed = run_of(lines, at, Kind::Removed);
        let added = run_of(lines, at + removed, Kind::Added);
        for pair in 0..removed.min(added) {
            let (old, new) = (at + pair, at + removed + pair);
            let (Some(before), Some(after)) = (lines.get(old), lines.get(new)) else { continue };
            if compared < MOST_COMPARED && before.text.len().max(after.text.len()) <= LONGEST_COMPARED {
                compared += 1;
                if let Some((was, is)) = compare(&before.text, &after.text) {
                    changed[old] = was;
                    changed[new] = is;
                }
            }
        }
        at += (removed + added).max(1);
    }
    changed
}

fn run_of(lines: &[DiffLine<'_>], from: usize, kind: Kind) -> usize {
    lines.iter().skip(from).take_while(|line| line.kind == kind).count()
}

/// Changed bytes on both sides; `None` when the lines have too little in common for that to help.
fn compare(old: &str, new: &str) -> Option<(Vec<bool>, Vec<bool>)> {
    let diff = TextDiff::from_unicode_words(old, new);
    if diff.ratio() < 0.4 {
        return None;
    }
    let (mut was, mut is) = (Vec::with_capacity(old.len()), Vec::with_capacity(new.len()));
    for change in diff.iter_all_changes() {
        let length = change.value().len();
        if change.tag() != ChangeTag::Insert {
            was.extend(std::iter::repeat_n(change.tag() == ChangeTag::Delete, length));
        }
        if change.tag() != ChangeTag::Delete {
            is.extend(std::iter::repeat_n(change.tag() == ChangeTag::Insert, length));
        }
    }
    Some((was, is))
}

fn read(diff: &Untrusted) -> Vec<DiffLine<'_>> {
    let mut reader = Reader::default();
    let mut lines: Vec<_> = diff.raw().split('\n').map(|line| reader.line(line)).collect();
    // The end of the last line is not a line of its own; that it has none is worth one.
    if diff.raw().ends_with('\n') {
        lines.pop();
    } else if !diff.is_empty() {
        lines.push(DiffLine { kind: Kind::Header, text: UNENDED.into(), old: 0, new: 0 });
    }
    lines
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
            Some('+') => (Kind::Added, &text[1..]),
            Some('-') => (Kind::Removed, &text[1..]),
            Some(' ') => (Kind::Context, &text[1..]),
            None => (Kind::Context, ""),
            Some('\\') => return DiffLine { kind: Kind::Header, text: visible_line(text), old: 0, new: 0 },
            // Not what the header promised: the hunk is over.
            Some(_) => {
                (self.old_left, self.new_left) = (0, 0);
                return self.header(text);
            }
        };
        let shown = if text.is_empty() { UNSIGNED.into() } else { visible_line(content) };
        let line = DiffLine { kind, text: shown, old: self.old, new: self.new };
        if kind != Kind::Added {
            self.old = self.old.saturating_add(1);
            self.old_left = self.old_left.saturating_sub(1);
        }
        if kind != Kind::Removed {
            self.new = self.new.saturating_add(1);
            self.new_left = self.new_left.saturating_sub(1);
        }
        line
    }

    fn header<'a>(&mut self, text: &'a str) -> DiffLine<'a> {
        let kind = match hunk(text) {
            Some(((old, old_left), (new, new_left))) => {
                (self.old, self.old_left, self.new, self.new_left) = (old, old_left, new, new_left);
                Kind::Hunk
            }
            None if text.starts_with("+++ ") => Kind::NewFile,
            None => Kind::Header,
        };
        DiffLine { kind, text: visible_line(text), old: 0, new: 0 }
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
    use proptest::prelude::*;

    use super::*;
    use crate::console::view::fixtures::{DIFF, HOSTILE, picture};

    fn rows(diff: &str, width: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        lay(&diff.into(), &Row::new(), width, &mut rows);
        rows
    }

    #[test]
    fn numbers_signs_and_words() {
        insta::assert_snapshot!(picture(&rows(DIFF, 80), 80));
    }

    #[test]
    fn the_words_that_changed_stand_out() {
        let parts = |role: Role| -> Vec<String> {
            let all = rows(DIFF, 120);
            all.iter().flat_map(Row::spans).filter(|s| s.role() == role).map(|s| s.text().to_owned()).collect()
        };
        assert!(parts(Role::DiffAddedPart).concat().contains("is_some_and"), "{:?}", parts(Role::DiffAddedPart));
        assert!(!parts(Role::DiffAddedPart).concat().contains("while"));
    }

    #[test]
    fn counts_are_of_lines_not_of_headers() {
        assert_eq!(Counts::of(&DIFF.into()), Counts { files: 1, added: 3, removed: 2 });
        assert_eq!(Counts::of(&"--- a\n+++ b\n@@ -1 +1 @@\n--- x\n+++ y\n".into()).added, 1);
        let message =
            "commit 1\n    +++ b/x\n    @@ -1 +1 @@\n    +x\n\n+++ b/y\n@@ -0,0 +1 @@\n+y\n\ncommit 2\n    -z\n";
        assert_eq!(Counts::of(&message.into()), Counts { files: 1, added: 1, removed: 0 });
        let twice = format!("{DIFF}{DIFF}--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n--- a/y\n+++ /dev/null\n");
        assert_eq!(Counts::of(&twice.into()), Counts { files: 3, added: 6, removed: 5 });
    }

    #[test]
    fn a_lying_header_hides_nothing() {
        let shown = picture(&rows("@@ -1,1 +1,0 @@\n-a\nrm -rf /\n+evil\n@@ nonsense\n", 40), 40);
        for part in ["rm -rf /", "+evil", "@@ nonsense"] {
            assert!(shown.contains(part), "{shown}");
        }
    }

    #[test]
    fn a_hostile_diff_is_shown_in_full() {
        let diff = format!("--- a/{HOSTILE}\n+++ b/x\n@@ -1 +1 @@\n-{HOSTILE}\n+{HOSTILE}!\n");
        insta::assert_snapshot!(picture(&rows(&diff, 80), 80));
    }

    fn check_lines(text: &str, width: usize) {
        let diff = Untrusted::from(format!("@@ -1,3 +1,3 @@\n{text}"));
        let mut rows = Vec::new();
        lay(&diff, &Row::new(), width, &mut rows);
        let shown: String = rows.iter().map(Row::text).collect::<String>();
        let squeezed = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
        assert!(rows.iter().all(|row| row.width() <= width));
        assert!(squeezed(&shown) >= squeezed(diff.raw()));
    }

    #[test]
    fn a_line_with_marks_and_blanks_of_other_scripts_is_shown_and_fits() {
        check_lines("Σa\u{11c3f} ලa￼ ¡A\n", 20);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_line_is_shown_and_fits(text in "([ +\\-@\\\\]?\\PC{0,30}\n){0,8}", width in 20_usize..90) {
            check_lines(&text, width);
        }
    }
}
