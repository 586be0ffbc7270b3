//! What can be started from the console, and the goals that were.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Wire, goals, launch};
use crate::cli::{Failure, OfferKind, Order, Uncommitted, Work};
use crate::console::Launcher;
use crate::console::state::{Offer, Offers};
use crate::console::theme::Theme;
use crate::console::update::{Launch, LaunchKind};
use crate::domain::{RunId, RunSpec};
use crate::ports::{ClientError, Sought};

/// Starts runs on the embedded orchestrator.
pub(super) struct Desk {
    wire: Arc<Wire>,
}

impl Desk {
    pub(super) fn new(wire: Arc<Wire>) -> Self {
        Self { wire }
    }
}

#[async_trait]
impl Launcher for Desk {
    async fn offers(&self) -> Offers {
        // The answer is drawn anew, and by then the sandbox is known too.
        self.wire.sandbox.rung().await;
        let (offers, _) = launch::offers(&self.wire);
        let of = |kind: OfferKind| {
            let matching = offers.iter().filter(|offer| offer.kind == kind && offer.is_for_people());
            matching.map(|offer| Offer { name: offer.name.clone(), description: offer.description.clone() }).collect()
        };
        Offers {
            agents: of(OfferKind::Agent),
            procedures: of(OfferKind::Procedure),
            themes: Theme::builtin_names().map(str::to_owned).collect(),
            past_goals: goals::past(&self.wire.places),
            workspace: std::env::current_dir().map(|dir| dir.display().to_string()).unwrap_or_default(),
        }
    }

    async fn prepare(&self, launch: &Launch) -> Result<(RunId, RunSpec), ClientError> {
        let run = RunId(uuid::Uuid::now_v7());
        let workspace = launch.workspace.trim();
        let work = match &launch.kind {
            LaunchKind::Agent(name) => Work::Goal { goal: launch.goal.clone(), agent: Some(name.clone()) },
            LaunchKind::Procedure(name) => Work::Procedure(name.clone()),
        };
        let order = Order {
            run,
            work,
            workspace: (!workspace.is_empty()).then(|| self.wire.places.typed(Path::new(workspace))),
            uncommitted: Uncommitted::Refuse,
        };
        let spec = launch::prepare(&self.wire, order).await.map_err(to_client_error)?;
        Ok((run, spec))
    }

    async fn discard(&self, spec: &RunSpec) {
        launch::discard(spec).await;
    }

    async fn complete(&self, sought: &Sought) -> Vec<String> {
        goals::complete(&self.wire.places, sought).await
    }

    async fn remember(&self, goal: &str) {
        goals::remember(&self.wire.places, goal);
    }
}

/// Nothing can be started from a recording.
pub(super) struct DemoDesk;

#[async_trait]
impl Launcher for DemoDesk {
    async fn offers(&self) -> Offers {
        let themes = Theme::builtin_names().map(str::to_owned).collect();
        Offers { themes, ..Offers::default() }
    }

    async fn prepare(&self, _launch: &Launch) -> Result<(RunId, RunSpec), ClientError> {
        Err(ClientError {
            message: "this is a recording: nothing can be started from it".to_owned(),
            hint: "leave it, and start `morningai`".to_owned(),
        })
    }

    async fn complete(&self, _: &Sought) -> Vec<String> {
        Vec::new()
    }

    async fn remember(&self, _goal: &str) {}
}

fn to_client_error(failure: Failure) -> ClientError {
    ClientError { message: failure.message(), hint: failure.hint() }
}
