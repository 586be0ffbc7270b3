//! The terminal console: shows what agents do, and takes a person's decisions. Deleting it leaves a working program.
//!
//! Keys become intents (`keymap`, `intent`), intents change state and request things (`update`), state and
//! snapshot become rows with roles (`view`), rows become cells (`render`, `theme`), cells become bytes
//! (`terminal`); `app` is the loop that joins them. It knows one trait, `ports::Client`, and never learns
//! whether that is a local store, a remote server or a recording.

pub mod anchor;
pub mod app;
pub mod cast;
pub mod intent;
pub mod keymap;
pub mod plain;
pub mod render;
pub mod role;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;

use std::io;
use std::sync::Arc;

pub use app::{ConsoleOptions, IdleLock, Launcher, edit_text};

use crate::ports::Client;
use app::{App, End, Tty, Wakes};
use terminal::TerminalError;

/// Why there is no console, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    #[error(transparent)]
    Terminal(#[from] TerminalError),
    #[error("the terminal is gone; runs continue, and wait where they need a person")]
    LineLost,
    #[error("cannot draw: {0}")]
    Draw(#[from] io::Error),
}

impl ConsoleError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Terminal(error) => error.hint(),
            Self::LineLost => "start morningai again to see them",
            Self::Draw(_) => "use --plain for text only",
        }
    }
}

/// Shows the console on this process's terminal until the person leaves. Gives the terminal back in any case.
pub async fn run(client: Arc<dyn Client>, options: ConsoleOptions) -> Result<(), ConsoleError> {
    let wakes = Wakes::default();
    let tty = Tty::take(options.mouse, wakes.listener())?;
    let mut app = App::new(client, options, tty, wakes);
    match app.run().await? {
        End::Left => Ok(()),
        End::LineLost => Err(ConsoleError::LineLost),
    }
}
