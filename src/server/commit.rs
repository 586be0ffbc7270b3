//! Submitting for somebody elsewhere, so that asking again after a cut connection gives the answer that was lost: the
//! store remembers what came of a request together with its events.

use uuid::Uuid;

use super::app::App;
use super::rights;
use crate::access::Principal;
use crate::domain::{IdempotencyKey, Rejection, RunId};
use crate::kinds::{Command, Envelope, RunVerb, Stream};
use crate::ports::{Answer, Query};

type Outcome = Result<Vec<Envelope>, Rejection>;

/// Carries a console's command out, once however often it arrives.
pub(super) async fn submit(app: &App, principal: &Principal, id: Uuid, command: Command) -> Outcome {
    let key = IdempotencyKey::new(&principal.actor(), &id.to_string(), &command);
    // What came of it before is told even to somebody who could not do it any more.
    if let Some(done) = app.client.outcome_of(&key).await? {
        return Ok(done);
    }
    let principal = app.gate.again(principal).await.map_err(rights::rejected)?;
    app.gate.count(&principal).await.map_err(rights::rejected)?;
    decide(app, &principal, command, Some(key)).await
}

/// Submits what a person from outside asks for, if they may; once, where it may arrive twice.
pub(super) async fn decide(app: &App, principal: &Principal, command: Command, key: Option<IdempotencyKey>) -> Outcome {
    rights::check(app, principal, &command).await.map_err(rights::rejected)?;
    let Command::Run { id: run, verb: RunVerb::Start { .. } } = command else {
        return hand_over(app, principal, command, key).await;
    };
    // Starting it again changes nothing, so a run that is there already needs no preparation.
    if is_known(app, run).await == Some(true) {
        return Ok(Vec::new());
    }
    let spec = Box::new(app.prepared.of(run)?);
    let outcome = hand_over(app, principal, RunVerb::Start { spec }.on(run), key).await;
    if outcome.is_err() {
        take_back(app, run).await;
    }
    outcome
}

async fn hand_over(app: &App, principal: &Principal, command: Command, key: Option<IdempotencyKey>) -> Outcome {
    match key {
        Some(key) => app.client.submit_once(key, command, principal.actor()).await,
        None => app.client.submit(command, principal.actor()).await,
    }
}

/// Leaves nothing of a run that was prepared, unless the store has it.
pub(super) async fn take_back(app: &App, run: RunId) {
    if is_known(app, run).await == Some(false)
        && let Some(spec) = app.prepared.take(run)
    {
        app.host.discard(&spec).await;
    }
}

/// `None` where the store does not say.
async fn is_known(app: &App, run: RunId) -> Option<bool> {
    let query = Query::Stream { stream: Stream::Run(run), after: 0, limit: 1 };
    match app.client.query(query).await {
        Ok(Answer::Events(page)) => Some(!page.rows.is_empty()),
        _ => None,
    }
}
