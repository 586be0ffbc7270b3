//! What attached consoles ask for, answered.

use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use crate::access::{Principal, Refusal, action_of_query};
use crate::domain::{Action, RunId};
use crate::ports::{OfferKind, Order, Query, RowQuery, Uncommitted, Work};
use crate::protocol::{Launch, LaunchKind, Offered, Offers, Outcome, WireAnswer, Wish};
use crate::server::app::App;
use crate::server::commit;
use crate::server::prepared::{procedure, workspace as named};

/// Most rows of one page; a larger wish gets this many and is told that more follow.
const MOST_ROWS: u32 = 1000;

/// Does what `principal` wishes, as far as they may.
pub(super) async fn fulfil(app: &Arc<App>, principal: &Principal, id: Uuid, wish: Wish) -> Outcome {
    let may = async |action: Action| app.gate.permit(principal, action).await.map_err(refused);
    if let Err(refusal) = app.gate.used(principal).await {
        tracing::warn!(%refusal, "it was not noted that a session is in use");
    }
    match wish {
        // Each command is an action of its own, and is asked about where it is submitted.
        Wish::Submit { command } => match commit::submit(app, principal, id, *command).await {
            Ok(events) => Outcome::Committed { events },
            Err(rejection) => Outcome::Rejected { rejection },
        },
        Wish::Query { query } => match may(action_of_query(&query)).await {
            Ok(()) => answer(app, bounded(query)).await,
            Err(outcome) => outcome,
        },
        Wish::Offers {} => match may(Action::ReadRuns).await {
            Ok(()) => Outcome::Offers { offers: offers(app).await },
            Err(outcome) => outcome,
        },
        Wish::Prepare { launch } => match may_prepare(app, principal).await {
            Ok(()) => prepare(app, launch).await,
            Err(refusal) => refused(refusal),
        },
        Wish::Complete { sought } => match may(Action::StartRuns).await {
            Ok(()) => Outcome::Completed { found: app.host.complete(&sought).await },
            Err(outcome) => outcome,
        },
        Wish::Remember { goal } => match may(Action::StartRuns).await {
            Ok(()) => {
                app.host.remember(&goal).await;
                Outcome::Remembered {}
            }
            Err(outcome) => outcome,
        },
    }
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Failed { message: refusal.message, hint: refusal.hint }
}

/// Preparing makes a workspace, so it is asked about and counted like the command that follows it.
async fn may_prepare(app: &App, principal: &Principal) -> Result<(), Refusal> {
    let principal = app.gate.again(principal).await?;
    app.gate.count(&principal).await?;
    app.gate.permit(&principal, Action::StartRuns).await
}

/// The same question, for no more rows than one answer may have.
fn bounded(query: Query) -> Query {
    let most = |limit: u32| limit.min(MOST_ROWS);
    match query {
        Query::Stream { stream, after, limit } => Query::Stream { stream, after, limit: most(limit) },
        Query::LogBefore { before, limit } => Query::LogBefore { before, limit: most(limit) },
        Query::Search { text, before, limit } => Query::Search { text, before, limit: most(limit) },
        Query::Rows(rows) => Query::Rows(RowQuery { limit: most(rows.limit), ..rows }),
        Query::Blob { blob } => Query::Blob { blob },
        Query::Chart { incident } => Query::Chart { incident },
    }
}

async fn answer(app: &App, query: Query) -> Outcome {
    match app.client.query(query).await.and_then(WireAnswer::pack) {
        Ok(answer) => Outcome::Answered { answer: Box::new(answer) },
        Err(error) => Outcome::Failed { message: error.message, hint: error.hint },
    }
}

async fn offers(app: &App) -> Offers {
    let offers = app.host.offers().await;
    let of = |kind: OfferKind| {
        let matching = offers.iter().filter(|offer| offer.kind == kind && offer.is_for_people());
        matching.map(|offer| Offered { name: offer.name.clone(), description: offer.description.clone() }).collect()
    };
    Offers {
        agents: of(OfferKind::Agent),
        procedures: of(OfferKind::Procedure),
        past_goals: app.host.past_goals().await,
        workspace: app.host.workspace(),
    }
}

async fn prepare(app: &App, launch: Launch) -> Outcome {
    let run = RunId(Uuid::now_v7());
    let workspace = launch.workspace.trim();
    let work = match launch.kind {
        LaunchKind::Agent(name) => Ok(Work::Goal { goal: launch.goal, agent: Some(name) }),
        LaunchKind::Procedure(name) => procedure(name),
    };
    let workspace = (!workspace.is_empty()).then(|| PathBuf::from(workspace));
    let prepared = match work.and_then(|work| Ok((work, named(workspace)?))) {
        Ok((work, workspace)) => {
            app.host.prepare(Order { run, work, workspace, uncommitted: Uncommitted::Refuse }).await
        }
        Err(unprepared) => Err(unprepared),
    };
    match prepared {
        Ok(spec) => {
            app.prepared.keep(run, &spec);
            Outcome::Prepared { run, spec: Box::new(spec) }
        }
        Err(unprepared) => Outcome::Failed { message: unprepared.message, hint: unprepared.hint },
    }
}
