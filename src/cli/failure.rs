//! Why a command did not do it: what happened, where, and what to do next; and the exit code that goes with it.

use std::fmt::Write;

use super::exit::Exit;
use crate::billing::Refused;
use crate::domain::{Faults, Rejection, RejectionKind, printable};
use crate::ports::{ClientError, LogError, LogErrorKind};

/// A command that did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub exit: Exit,
    what: String,
    place: String,
    next: String,
    /// Faults of a file, drawn with the lines they point at.
    drawing: String,
}

impl Failure {
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), place: String::new(), next: String::new(), drawing: String::new() }
    }

    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what)
    }

    /// Where: a file, a store, a line.
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// What to do next.
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    /// What happened and where, on one line.
    pub fn message(&self) -> String {
        match self.place.as_str() {
            "" => self.what.clone(),
            place => format!("{}: {place}", self.what),
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        self.next.clone()
    }

    /// For standard error: at most three lines and a drawing, with nothing a terminal would obey.
    pub fn rendered(&self) -> String {
        let mut text = String::new();
        let parts = [("error", &self.what), ("where", &self.place), ("next", &self.next)];
        for (label, words) in parts.into_iter().filter(|(_, words)| !words.is_empty()) {
            let shown: Vec<_> = words.split('\n').map(printable).collect();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{label:>5}: {}", shown.join("\n       "));
        }
        if !self.drawing.is_empty() {
            let _ = writeln!(text, "{}", self.drawing.trim_end());
        }
        text
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        let drawn = faults.rendered();
        match faults.iter().count() {
            // Its message is the first line of the drawing.
            1 => {
                let rest = drawn.trim_start_matches(['\n', ' ']).split_once('\n').map(|(_, rest)| rest.to_owned());
                Self { drawing: rest.unwrap_or_default(), ..Self::usage(faults.to_string()) }
            }
            count => Self { drawing: drawn, ..Self::usage(format!("{count} mistakes in the file")) },
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::new(Exit::Refused, refused.message).next(refused.hint)
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let exit = match rejection.kind {
            RejectionKind::NotFound | RejectionKind::Invalid => Exit::Usage,
            RejectionKind::DigestMismatch | RejectionKind::NotAllowed => Exit::Refused,
            RejectionKind::AlreadySettled
            | RejectionKind::Stale
            | RejectionKind::NotSaved
            | RejectionKind::TooOften => Exit::Failed,
        };
        Self::new(exit, rejection.message).next(rejection.hint)
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        let exit = match error.kind {
            LogErrorKind::TooNew | LogErrorKind::Unusable => Exit::Usage,
            LogErrorKind::Conflict
            | LogErrorKind::Fenced
            | LogErrorKind::NotSaved
            | LogErrorKind::Unknown
            | LogErrorKind::Busy
            | LogErrorKind::Unsound
            | LogErrorKind::Lost => Exit::Failed,
        };
        Self::new(exit, error.message).next(error.hint)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::failed(error.message).next(error.hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Fault, SourceText};

    #[test]
    fn it_says_what_where_and_what_next() {
        let failure = Failure::usage("no agent is called \u{1b}dve").at("/c/agents").next("did you mean dev?");
        let expected = "error: no agent is called ␛dve\nwhere: /c/agents\n next: did you mean dev?\n";
        assert_eq!(failure.rendered(), expected);
        assert_eq!(Failure::failed("no").rendered(), "error: no\n");
    }

    #[test]
    fn a_fault_of_a_file_is_drawn() {
        let source = SourceText::new("a.toml", "thme = 1\n");
        let failure = Failure::from(Faults::from(Fault::new(&source, 0..4, "unknown key").help("theme?")));
        assert_eq!(failure.exit, Exit::Usage);
        let text = failure.rendered();
        assert!(text.starts_with("error: a.toml:1:1: unknown key\n   ╭─") && text.contains("1 │ thme = 1"), "{text}");
    }

    #[test]
    fn each_kind_of_rejection_has_its_exit_code() {
        for (kind, exit) in [
            (RejectionKind::NotFound, Exit::Usage),
            (RejectionKind::DigestMismatch, Exit::Refused),
            (RejectionKind::NotAllowed, Exit::Refused),
            (RejectionKind::AlreadySettled, Exit::Failed),
            (RejectionKind::NotSaved, Exit::Failed),
        ] {
            assert_eq!(Failure::from(Rejection::new(kind, "x")).exit, exit, "{kind:?}");
        }
    }
}
