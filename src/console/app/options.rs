//! What the embedding program gives the console: who sits there, and what can be started from it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::console::keymap::Keymap;
use crate::console::state::{Mouse, Offers};
use crate::console::theme::{Depth, Theme};
use crate::console::update::Launch;
use crate::domain::{Actor, Rejection, RunId, RunSpec};
use crate::kinds::{Command, Envelope, RunVerb, Stream};
use crate::ports::{Answer, Client, ClientError, Clock, Query, Sought, Unlock};

/// Makes what a run needs before it can be started, and knows what there is to start.
#[async_trait]
pub trait Launcher: Send + Sync {
    /// Agents, procedures, earlier goals and the directory to suggest. Asked for after the first frame.
    async fn offers(&self) -> Offers;

    /// Resolves what was chosen to a run that can be submitted; may take as long as a git worktree takes.
    async fn prepare(&self, launch: &Launch) -> Result<(RunId, RunSpec), ClientError>;

    /// Takes back what preparing made for a run that was never started.
    async fn discard(&self, _spec: &RunSpec) {}

    /// Paths to offer while a goal is being written.
    async fn complete(&self, sought: &Sought) -> Vec<String>;

    /// Keeps a goal for the next time; called once for each that was started.
    async fn remember(&self, goal: &str);
}

/// Submits. Of a run that the store did not take, nothing is left: neither a worktree nor its branch.
pub async fn submit(
    client: &dyn Client,
    launcher: &dyn Launcher,
    command: Command,
    by: Actor,
) -> Result<Vec<Envelope>, Rejection> {
    let begun = if let Command::Run { id: run, verb: RunVerb::Start { spec } } = &command {
        Some((*run, spec.clone()))
    } else {
        None
    };
    let outcome = client.submit(command, by).await;
    if let (Err(_), Some((run, spec))) = (&outcome, begun) {
        let asked = client.query(Query::Stream { stream: Stream::Run(run), after: 0, limit: 1 }).await;
        // Where the store does not say so, it may have taken it.
        if matches!(asked, Ok(Answer::Events(page)) if page.rows.is_empty()) {
            launcher.discard(&spec).await;
        }
    }
    outcome
}

/// Whether the terminal's bell rings when something needs the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bell {
    Rings,
    Silent,
}

/// A console that locks itself.
#[derive(Clone)]
pub struct IdleLock {
    /// So long after the last key.
    pub after: Duration,
    /// Who finds out whether what is typed opens it.
    pub keyhole: Arc<dyn Unlock>,
}

/// How a console is set up.
pub struct ConsoleOptions {
    /// Who decides here.
    pub person: Actor,
    pub launcher: Arc<dyn Launcher>,
    pub clock: Arc<dyn Clock>,
    /// `None`: it never locks.
    pub lock: Option<IdleLock>,
    pub keymap: Keymap,
    /// Themes one can change to; the first is used. `for_depth` is applied by the console.
    pub themes: Vec<Theme>,
    pub depth: Depth,
    pub mouse: Mouse,
    pub bell: Bell,
    /// The person's editor with its arguments, from `VISUAL` or `EDITOR`; empty for `vi`.
    pub editor: Vec<String>,
    /// Where a copy goes that the terminal does not take.
    pub copy_file: PathBuf,
    /// Value of `TERM`, to know what the terminal takes.
    pub term: String,
}
