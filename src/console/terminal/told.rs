//! What a terminal tells, and to whom.

use std::time::Instant;

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
