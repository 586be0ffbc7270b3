//! Key scripts through the real loop: a story, keys, and the screen they lead to. Waits until idle, never sleeps.

mod billing;
mod budgets;
mod bytes;
mod decisions;
mod edits;
mod goals;
mod harness;
mod incidents;
mod lists;
mod lock;
mod log;
mod pairs;
mod palette;
mod quiet;
mod screens;
mod source;
mod things;
mod toasts;
mod trouble;
mod usage;

use super::fake;
use harness::Harness;
