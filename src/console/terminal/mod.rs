//! The terminal: its modes, what comes in from it, and what goes out. Knows no screen and no key's meaning.
//!
//! One guard owns every mode, and gives all of them back however the program ends: on return, error, panic,
//! signal or a lost line. Nothing is written from the caller's task, so a stuck line never blocks the loop.

mod bridge;
mod guard;
mod input;
mod painter;
mod signals;
mod writer;

use std::io;
use std::time::Instant;

pub use guard::{Guard, Modes};
pub use input::Input;
pub use painter::Painter;
pub use signals::Signals;
pub use writer::Writer;

/// What a terminal tells.
#[derive(Debug)]
pub enum Told {
    /// A key, pasted text, the mouse or a new size, with the time it arrived.
    Event(crossterm::event::Event, Instant),
    /// All bytes of this frame have been handed to the terminal.
    Flushed(u64),
    /// The line is gone: nothing can be shown any more.
    Gone,
    /// The program is asked to end.
    Terminate,
    /// Somebody pressed Ctrl-C where the terminal does not send it as a key.
    Interrupt,
    /// It was stopped, and goes on.
    Continued,
    /// A task failed in a way that is a defect; the message stands in the log.
    Panicked(String),
}

/// Where `Told`s go. Called from other threads.
pub trait Listener: Send + Sync + 'static {
    fn tell(&self, told: Told);
}

impl<F: Fn(Told) + Send + Sync + 'static> Listener for F {
    fn tell(&self, told: Told) {
        self(told);
    }
}

/// Why the terminal cannot be used, and what to do.
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
