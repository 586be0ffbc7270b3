//! Why the terminal cannot be used, and what to do.

use std::io;

#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    #[error("{0} is not a terminal")]
    NotATerminal(&'static str),
    #[error("this terminal (TERM=dumb) cannot move its cursor")]
    Dumb,
    #[error("the terminal does not take its modes: {0}")]
    Modes(#[from] io::Error),
}

impl TerminalError {
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotATerminal(_) | Self::Dumb => "use --plain for text only, or a subcommand such as `morningai runs`",
            Self::Modes(_) => "use --plain for text only",
        }
    }
}
