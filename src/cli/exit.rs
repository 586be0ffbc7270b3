//! How a command ends, as scripts see it.

use std::process::ExitCode;

/// The exit codes; there are no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; for a run that was followed: it succeeded.
    Done = 0,
    Failed = 1,
    /// What was asked makes no sense here: unknown names, bad options, an invalid configuration.
    Usage = 2,
    /// By policy or by a person.
    Refused = 3,
    /// Left waiting for a person.
    Waiting = 4,
}

impl Exit {
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
