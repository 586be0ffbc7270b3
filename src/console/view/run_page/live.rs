//! What the model says at this moment: laid out as it streams in, at a cost that does not grow with the text.
//!
//! Paragraphs that are complete keep their rows; only the last one is laid out anew. A last one that is very
//! long (one huge code block) is shown by its end until the turn is over and its text is in the log.

use super::context::RunPageContext;
use crate::console::role::Role;
use crate::console::view::markdown::Highlighting;
use crate::console::view::text::Row;
use crate::console::view::wrap::Line;
use crate::console::view::{format, markdown};
use crate::domain::{PurposeOfTurn, Untrusted};

/// Most bytes of an unfinished paragraph that are laid out for a frame.
const MOST_BYTES: usize = 8 * 1024;

#[derive(Clone, Debug, Default)]
pub struct LiveText {
    turn: u32,
    /// The complete paragraphs, and their rows.
    done: String,
    rows: Vec<Row>,
    /// The text the rows below were laid out from.
    last: String,
    last_rows: Vec<Row>,
}

impl LiveText {
    pub fn rows(&mut self, context: &RunPageContext<'_>) -> Vec<Row> {
        let (Some(open), Some(live)) = (&context.run.open_turn, context.live) else {
            *self = Self::default();
            return Vec::new();
        };
        if live.turn != open.turn {
            return Vec::new();
        }
        if open.purpose == PurposeOfTurn::Plan {
            // What streams in is JSON, which nobody reads as it comes.
            let written = format!("writing the plan, {} so far ", format::bytes(live.text.raw().len() as u64));
            let mut rows = vec![lead().with(Role::Dim, written).with(Role::Running, "▌").cut(context.width)];
            lay_notice(&live.notice, context.width, &mut rows);
            return rows;
        }
        if self.turn != live.turn || !live.text.raw().starts_with(&self.done) {
            *self = Self { turn: live.turn, ..Self::default() };
        }
        self.take_paragraphs(&live.text, context.width);
        self.lay_last(&live.text.raw()[self.done.len()..], context.width);
        let mut rows = self.rows.clone();
        rows.extend(self.last_rows.iter().cloned());
        if !live.notice.is_empty() {
            lay_notice(&live.notice, context.width, &mut rows);
        } else if let Some(last) = rows.last_mut().filter(|last| last.width() < context.width) {
            last.push(Role::Running, "▌");
        }
        rows
    }

    fn take_paragraphs(&mut self, text: &Untrusted, width: usize) {
        let Some(rest) = text.raw().get(self.done.len()..) else { return };
        let Some(end) = last_paragraph_end(rest) else { return };
        let complete = &rest[..end];
        markdown::lay(&complete.trim_end().into(), Highlighting::Plain, &lead(), width, &mut self.rows);
        self.rows.push(lead());
        self.done.push_str(complete);
    }

    fn lay_last(&mut self, rest: &str, width: usize) {
        if self.last == rest {
            return;
        }
        self.last_rows.clear();
        rest.clone_into(&mut self.last);
        let shown = match rest.len().checked_sub(MOST_BYTES) {
            Some(from) => {
                let from = (from..=rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
                let text = format!("… {} before this", format::bytes(from as u64));
                self.last_rows.push(lead().with(Role::Dim, text).cut(width));
                return super::super::wrap::untrusted_lines(
                    &lead(),
                    Role::Agent,
                    &rest[from..].into(),
                    super::super::wrap::Wrap::Words,
                    width,
                    &mut self.last_rows,
                );
            }
            None => rest,
        };
        if !shown.trim().is_empty() {
            markdown::lay(&shown.into(), Highlighting::Plain, &lead(), width, &mut self.last_rows);
        }
    }
}

/// In full: what it says last, when the next try is, is what people want to know.
fn lay_notice(notice: &Untrusted, width: usize, rows: &mut Vec<Row>) {
    if !notice.is_empty() {
        let mut text = Row::new();
        text.push_untrusted(Role::Text, notice);
        Line::led(Row::of(Role::Warning, "  ! "), text).lay(width, rows);
    }
}

fn lead() -> Row {
    Row::of(Role::Text, "  ")
}

/// Where the last complete paragraph ends: at a blank line outside a fence, before a line that begins a new block.
fn last_paragraph_end(text: &str) -> Option<usize> {
    let mut fenced = false;
    let mut end = None;
    let mut blank = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        // A line that belongs to the list item before it would read otherwise on its own.
        let begins = line.chars().next().is_some_and(|first| !first.is_whitespace());
        if blank && begins && !fenced {
            end = Some(at);
        }
        let bare = line.trim();
        if bare.starts_with("```") || bare.starts_with("~~~") {
            fenced = !fenced;
        }
        blank = bare.is_empty();
        at += line.len();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_is_complete_when_the_next_block_has_begun() {
        assert_eq!(last_paragraph_end("one\n\ntwo"), Some(5));
        assert_eq!(last_paragraph_end("one\n\n"), None);
        assert_eq!(last_paragraph_end("```\na\n\nb\n"), None);
        assert_eq!(last_paragraph_end("```\na\n```\n\nb"), Some(11));
        assert_eq!(last_paragraph_end("- item\n\n  its second paragraph"), None);
    }
}
