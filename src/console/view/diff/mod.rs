//! A unified diff as rows: line numbers, signs, the words that changed. Shows every line it is given.
//!
//! Signs are kept, so that added and removed lines differ without colour. A diff is an outsider's text: counts in
//! its headers are believed only for numbering, and no header can make a line disappear.

mod sides;

use std::borrow::Cow;

use similar::{ChangeTag, TextDiff};

use super::format::count;
use super::highlight::Highlighter;
use super::text::{Row, Span, push_marked};
use super::wrap::{Line, Wrap, continued};
use crate::console::role::Role;
use crate::domain::{DiffKind, DiffLine, Untrusted, changed_files, diff_lines, visible_line};

pub use sides::lay_sides;

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
        let count = |kind| diff_lines(diff).iter().filter(|line| line.kind == kind).count();
        Self { files: changed_files(diff).len(), added: count(DiffKind::Added), removed: count(DiffKind::Removed) }
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

/// A line as it is shown.
struct ShownLine<'a> {
    kind: DiffKind,
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
    let changes = |at: usize| lines.get(at).is_some_and(|line| line.kind.is_change());
    let is_near = |at: usize| changes(at) || changes(at + 1) || at.checked_sub(1).is_some_and(changes);
    let is_content = |at: usize| lines.get(at).is_some_and(|line| line.kind.is_context() || line.kind.is_change());
    lay_lines(&lines, |at| is_content(at) && is_near(at), lead, width, rows);
}

fn lay_lines(lines: &[ShownLine<'_>], is_shown: impl Fn(usize) -> bool, lead: &Row, width: usize, rows: &mut Vec<Row>) {
    let changed = changed_parts(lines);
    let digits = digits(lines);
    let mut highlighters = Sides::default();
    for ((at, line), parts) in lines.iter().enumerate().zip(changed) {
        let code = highlighters.read(line);
        if !is_shown(at) {
            continue;
        }
        content(line, &code, &parts, lead.clone(), &numbers(line, digits)).lay(width, rows);
    }
}

/// Columns of a line's number.
fn digits(lines: &[ShownLine<'_>]) -> usize {
    lines.iter().map(|line| line.old.max(line.new)).max().unwrap_or(0).to_string().len().max(2)
}

/// Its number in the old text and in the new one.
fn numbers(line: &ShownLine<'_>, digits: usize) -> String {
    let number = |is_without: DiffKind, number: u32| match line.kind == is_without {
        true => " ".repeat(digits),
        false => format!("{number:>digits$}"),
    };
    format!("{} {}", number(DiffKind::Added, line.old), number(DiffKind::Removed, line.new))
}

/// A line's text in pieces, each in its role.
type Code<'a> = Vec<(Role, &'a str)>;

/// Highlighters of the old and of the new text.
#[derive(Default)]
struct Sides {
    path: String,
    old: Option<Highlighter>,
    new: Option<Highlighter>,
}

impl Sides {
    fn read<'a>(&mut self, line: &'a ShownLine<'_>) -> Code<'a> {
        let sides: &mut [&mut Option<Highlighter>] = match line.kind {
            DiffKind::NewFile => {
                let path = line.text.trim_start_matches("+++ ");
                path.strip_prefix("b/").unwrap_or(path).clone_into(&mut self.path);
                &mut []
            }
            DiffKind::Hunk => {
                // Lines between two hunks are not known, so each begins afresh.
                self.old = Highlighter::for_path(&self.path);
                self.new = Highlighter::for_path(&self.path);
                &mut []
            }
            DiffKind::Header => &mut [],
            DiffKind::Context | DiffKind::Unsigned => &mut [&mut self.old, &mut self.new],
            DiffKind::Added => &mut [&mut self.new],
            DiffKind::Removed => &mut [&mut self.old],
        };
        let mut pieces = vec![(Role::Code, line.text.as_ref())];
        for highlighter in sides.iter_mut().filter_map(|side| side.as_mut()) {
            pieces = highlighter.line(&line.text);
        }
        pieces
    }
}

/// A line of the diff, one of content behind its numbers.
fn content(line: &ShownLine<'_>, code: &Code<'_>, changed: &[bool], lead: Row, numbers: &str) -> Line {
    let (role, sign, part) = match line.kind {
        DiffKind::Header | DiffKind::NewFile | DiffKind::Hunk => {
            let mut row = lead.clone();
            push_marked(Role::DiffHeader, &line.text, &mut |span| row.push_span(span));
            let mut hang = lead;
            hang.append(continued(2));
            return Line { row, hang, wrap: Wrap::Anywhere };
        }
        DiffKind::Context | DiffKind::Unsigned => (Role::Dim, " ", Role::Code),
        DiffKind::Added => (Role::DiffAdded, "+", Role::DiffAddedPart),
        DiffKind::Removed => (Role::DiffRemoved, "-", Role::DiffRemovedPart),
    };
    let mut row = lead.with(Role::Dim, numbers).with(Role::Text, " ").with(role, sign);
    let hang = continued(row.width());
    push_code(&mut row, line.kind, code, changed, part);
    if line.kind.is_change() {
        row.fill = Some(role);
    }
    Line { row, hang, wrap: Wrap::Anywhere }
}

/// Program text in its roles, the changed bytes in the role of a changed part.
fn push_code(row: &mut Row, kind: DiffKind, code: &Code<'_>, changed: &[bool], part: Role) {
    let plain = match kind {
        DiffKind::Added => Role::DiffAdded,
        DiffKind::Removed => Role::DiffRemoved,
        DiffKind::Header | DiffKind::NewFile | DiffKind::Hunk | DiffKind::Context | DiffKind::Unsigned => Role::Code,
    };
    let mut at = 0;
    for (role, piece) in code {
        let role = if *role == Role::Code { plain } else { *role };
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
fn changed_parts(lines: &[ShownLine<'_>]) -> Vec<Vec<bool>> {
    let mut changed = vec![Vec::new(); lines.len()];
    let mut compared = 0;
    let mut at = 0;
    while at < lines.len() {
        let removed = run_of(lines, at, DiffKind::Removed);
        let added = run_of(lines, at + removed, DiffKind::Added);
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

fn run_of(lines: &[ShownLine<'_>], from: usize, kind: DiffKind) -> usize {
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

fn shown_line(line: DiffLine<'_>) -> ShownLine<'_> {
    let text = if line.kind == DiffKind::Unsigned { UNSIGNED.into() } else { visible_line(line.text) };
    ShownLine { kind: line.kind, text, old: line.old, new: line.new }
}

fn read(diff: &Untrusted) -> Vec<ShownLine<'_>> {
    let mut lines: Vec<_> = diff_lines(diff).into_iter().map(shown_line).collect();
    // That the last line has no end is worth one of its own.
    if !diff.is_empty() && !diff.raw().ends_with('\n') {
        lines.push(ShownLine { kind: DiffKind::Header, text: UNENDED.into(), old: 0, new: 0 });
    }
    lines
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

    fn sides(diff: &str, width: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        lay_sides(&diff.into(), width, &mut rows);
        rows
    }

    #[test]
    fn old_and_new_stand_side_by_side() {
        insta::assert_snapshot!(picture(&sides(DIFF, 140), 140));
    }

    fn check_lines(text: &str, width: usize) {
        let diff = Untrusted::from(format!("@@ -1,3 +1,3 @@\n{text}"));
        let mut rows = Vec::new();
        lay(&diff, &Row::new(), width, &mut rows);
        let shown: String = rows.iter().map(Row::text).collect::<String>();
        let squeezed = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
        assert!(rows.iter().all(|row| row.width() <= width));
        assert!(squeezed(&shown) >= squeezed(diff.raw()));
        let both = sides(diff.raw(), width + 40);
        let shown: String = both.iter().map(Row::text).collect();
        assert!(both.iter().all(|row| row.width() <= width + 40));
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
