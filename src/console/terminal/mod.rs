//! The terminal: its modes, what comes in from it, and what goes out. Knows no screen and no key's meaning.
//!
//! One guard owns every mode, and gives all of them back however the program ends: on return, error, panic,
//! signal or a lost line. Nothing is written from the caller's task, so a stuck line never blocks the loop.

mod error;
mod grid;
mod guard;
mod input;
mod painter;
mod pen;
mod pieces;
mod shift;
mod signals;
mod strokes;
mod told;
mod typed;
mod writer;

pub use error::TerminalError;
pub use guard::{Guard, Modes};
pub use input::Input;
pub use painter::Painter;
pub use signals::Signals;
pub use told::{Listener, Told};
pub use writer::Writer;
