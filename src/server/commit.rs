//! Submitting for somebody elsewhere, so that asking again after a cut connection gives the answer that was lost.
//!
//! Two things remember what came of a submission: this process, for those sent again while it lives, and the log
//! itself, for those sent again after it was restarted. What a person decided stands there under their name, after
//! the last event they had when they decided.

use std::sync::Arc;

use tokio::sync::watch;
use uuid::Uuid;

use super::app::App;
use super::commits::Outcome;
use super::rights;
use crate::access::Principal;
use crate::domain::{Actor, Rejection, RejectionKind, RunId};
use crate::kinds::{Command, Envelope, RunVerb, Stream};
use crate::ports::{Answer, Query};
use crate::protocol::{Delivery, Submission};

/// Events of a stream looked through at once.
const PAGE: u32 = 500;

/// Carries a command out for `principal`, whatever becomes of the connection it came by.
pub(super) async fn submit(app: &Arc<App>, principal: &Principal, id: Uuid, submission: Submission) -> Outcome {
    let mut outcome = match app.commits.find(id, principal.actor().name()) {
        Some(outcome) => outcome,
        None => begin(app, principal, id, submission),
    };
    let told = outcome.wait_for(Option::is_some).await;
    told.ok().and_then(|outcome| outcome.clone()).unwrap_or_else(|| {
        Err(Rejection::new(RejectionKind::NotSaved, "the server is ending").hint("attach again, and look"))
    })
}

fn begin(app: &Arc<App>, principal: &Principal, id: Uuid, submission: Submission) -> watch::Receiver<Option<Outcome>> {
    let (tell, outcome) = watch::channel(None);
    app.commits.add(id, principal.actor().name().to_owned(), outcome.clone());
    let (app, principal) = (app.clone(), principal.clone());
    tokio::spawn(async move {
        let came_of_it = carry_out(&app, &principal, submission).await;
        tell.send_replace(Some(came_of_it));
    });
    outcome
}

async fn carry_out(app: &App, principal: &Principal, submission: Submission) -> Outcome {
    let Submission { command, since, delivery } = submission;
    let person = principal.actor();
    // What came of it before is told even to somebody who could not do it any more.
    if delivery == Delivery::Again
        && let Some(done) = already_done(app, &command, since, &person).await
    {
        return Ok(done);
    }
    let principal = app.gate.again(principal).await.map_err(rights::rejected)?;
    app.gate.count(&principal).await.map_err(rights::rejected)?;
    let rejection = match decide(app, &principal, (*command).clone()).await {
        Err(rejection) if delivery == Delivery::Again => rejection,
        outcome => return outcome,
    };
    // It may have been decided between the look and the try.
    match rejection.kind {
        RejectionKind::AlreadySettled => already_done(app, &command, since, &person).await.ok_or(rejection),
        _ => Err(rejection),
    }
}

/// Submits what a person from outside asks for, if they may.
pub(super) async fn decide(app: &App, principal: &Principal, command: Command) -> Outcome {
    rights::check(app, principal, &command).await.map_err(rights::rejected)?;
    let Command::Run { id: run, verb: RunVerb::Start { .. } } = command else {
        return app.client.submit(command, principal.actor()).await;
    };
    // Starting it again changes nothing, so a run that is there already needs no preparation.
    if is_known(app, run).await == Some(true) {
        return Ok(Vec::new());
    }
    let spec = Box::new(app.prepared.of(run)?);
    let outcome = app.client.submit(RunVerb::Start { spec }.on(run), principal.actor()).await;
    if outcome.is_err() {
        take_back(app, run).await;
    }
    outcome
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

/// The event by which `person` already got what `command` wants, after `since`.
async fn already_done(app: &App, command: &Command, since: u64, person: &Actor) -> Option<Vec<Envelope>> {
    let stream = command.stream();
    let mut after = 0;
    loop {
        let query = Query::Stream { stream, after, limit: PAGE };
        let Ok(Answer::Events(page)) = app.client.query(query).await else { return None };
        let is_it = |event: &&Envelope| event.seq > since && event.by == *person && command.led_to(&event.event);
        if let Some(event) = page.rows.iter().find(is_it) {
            return Some(vec![event.clone()]);
        }
        after = page.rows.last().filter(|_| page.more)?.version;
    }
}
