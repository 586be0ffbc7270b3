//! Owns every mode the terminal is put in, and gives all of them back.

use std::io;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;

use super::writer::write_all;
use super::{Listener, TerminalError, Told};

/// Alternate screen, bracketed paste, hidden cursor, our title over the saved one. Titles are constant: nothing
/// an agent wrote ever stands in an escape sequence.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[r\x1b[0m\x1b[?2004h\x1b[?25l\x1b[22;2t\x1b]2;morningai\x07\x1b[2J";
/// The reverse, with the mouse given back whether or not we had it.
const LEAVE: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?25h\x1b[23;2t\x1b[?1049l";
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// Whether this program has the terminal now. A panic then says nothing on the screen.
static HELD: AtomicBool = AtomicBool::new(false);
/// What panics had to say while the terminal was held, to be printed once it is given back.
static UNSAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Modes a person may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Modes {
    /// The terminal keeps the mouse.
    #[default]
    Keys,
    /// The console hears the mouse too.
    KeysAndMouse,
}

/// Holds the terminal until it is dropped.
#[derive(Debug)]
pub struct Guard {
    modes: Modes,
}

impl Guard {
    /// Takes the terminal, or says why it cannot be had.
    pub fn take(modes: Modes, listener: Arc<dyn Listener>) -> Result<Self, TerminalError> {
        if !io::stdin().is_terminal() {
            return Err(TerminalError::NotATerminal("standard input"));
        }
        if !io::stdout().is_terminal() {
            return Err(TerminalError::NotATerminal("standard output"));
        }
        if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
            return Err(TerminalError::Dumb);
        }
        hook_panics(listener);
        let mut guard = Self { modes };
        guard.enter()?;
        Ok(guard)
    }

    /// Puts the terminal into our modes again after `leave`.
    pub fn enter(&mut self) -> io::Result<()> {
        // A shell that had it meanwhile may have changed it, and what counts as raw already is not made raw again.
        let _ = crossterm::terminal::disable_raw_mode();
        crossterm::terminal::enable_raw_mode()?;
        HELD.store(true, Ordering::SeqCst);
        let mut bytes = ENTER.to_vec();
        if self.modes == Modes::KeysAndMouse {
            bytes.extend_from_slice(MOUSE_ON);
        }
        write_all(&bytes)
    }

    /// Gives the terminal back for a while. Does so as far as it can, and more than once does no harm.
    pub fn leave(&mut self) {
        if HELD.swap(false, Ordering::SeqCst) {
            // A terminal that hung up hears none of this, and there is nobody else to tell.
            let _ = write_all(LEAVE);
            let _ = crossterm::terminal::disable_raw_mode();
        }
    }

    pub fn set_modes(&mut self, modes: Modes) -> io::Result<()> {
        self.modes = modes;
        write_all(if modes == Modes::KeysAndMouse { MOUSE_ON } else { MOUSE_OFF })
    }

    /// Goes back to the shell until it brings us to the foreground again.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.leave();
        // The whole job stops, as it would had the terminal sent the signal: we may run below `cargo run`.
        rustix::process::kill_current_process_group(Signal::TSTP)?;
        // Another thread may take the signal; this pause lets it stop us before the screen is ours again. Where
        // nobody can continue us (no shell with job control) the kernel drops the signal, and we go on at once.
        std::thread::sleep(Duration::from_millis(30));
        self.enter()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.leave();
        let unsaid = UNSAID.lock().map(|mut unsaid| std::mem::take(&mut *unsaid)).unwrap_or_default();
        for message in unsaid {
            let _ = writeln!(io::stderr(), "{message}");
        }
    }
}

/// While the terminal is held a panic goes to the log and to the listener instead of onto the screen.
fn hook_panics(listener: Arc<dyn Listener>) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !HELD.load(Ordering::SeqCst) {
            return before(panic);
        }
        let message = panic.to_string();
        tracing::error!(panic = %message, "a task failed");
        if let Ok(mut unsaid) = UNSAID.lock() {
            unsaid.push(message.clone());
        }
        listener.tell(Told::Panicked(message));
    }));
}
