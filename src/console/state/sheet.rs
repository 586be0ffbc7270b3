//! What stands over the foot of the page and takes the keys: help, palette, a line to type, a question to confirm.

use super::arguments::Arguments;
use super::editor::{Editor, Lines};
use super::goal::Goal;
use super::palette::Palette;
use super::pane::Pane;
use super::things::ThingVerb;
use crate::domain::{ApprovalId, RunId};

/// At most one is open.
#[derive(Clone, Debug, PartialEq)]
pub enum Sheet {
    Help(Pane),
    Palette(Box<Palette>),
    Prompt(Box<Prompt>),
    Confirm(Confirm),
    Goal(Box<Goal>),
    Arguments(Box<Arguments>),
}

/// A text that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    pub wanted: PromptFor,
    pub editor: Editor,
}

/// What the text is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptFor {
    /// Shows only rows that contain it; on the log it searches all of history.
    Filter,
    /// Denies the card, with this reason.
    Reason(ApprovalId),
    /// Answers the question.
    Answer(ApprovalId),
    /// Approves a critical card, once it reads as `target`.
    Target { approval: ApprovalId, target: String },
    /// Asks a verb, with what is typed as what it takes.
    Verb(ThingVerb),
}

impl Prompt {
    pub fn new(wanted: PromptFor, text: &str) -> Self {
        let lines = match wanted {
            PromptFor::Answer(_) => Lines::Many,
            PromptFor::Filter | PromptFor::Reason(_) | PromptFor::Target { .. } | PromptFor::Verb(_) => Lines::One,
        };
        Self { wanted, editor: Editor::with(lines, text) }
    }
}

/// A question that `y` confirms and everything else calls off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirm {
    CancelRun(RunId),
    /// Leave although something runs.
    Quit,
}
