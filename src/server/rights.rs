//! Whether somebody may submit a command: what it takes depends on the card it decides on, and on who asked for that.

use super::app::App;
use crate::access::{Principal, Refusal, RefusalKind, action_of_command};
use crate::domain::{Action, Actor, ApprovalId, Ask, Rejection, RejectionKind};
use crate::kinds::{Approval, Command, Envelope, Event, Stream};
use crate::ports::{Answer, Query};

/// A request as it was made.
#[derive(Default)]
struct Asked {
    ask: Option<Ask>,
    /// The agent, and the person who started its run.
    by: Vec<Actor>,
}

/// Refuses a command that is not theirs to give; the log is told.
pub(super) async fn check(app: &App, principal: &Principal, command: &Command) -> Result<(), Refusal> {
    let asked = match command.approval() {
        Some(approval) => asked(app, approval).await?,
        None => Asked::default(),
    };
    let action = action_of_command(command, asked.ask.as_ref());
    match action {
        Action::ApproveLow | Action::ApproveHigh | Action::ApproveCritical => {
            app.gate.permit_decision(principal, action, &asked.by).await
        }
        _ => app.gate.permit(principal, action).await,
    }
}

/// One that is not there has no card, and an approval of it takes the most.
async fn asked(app: &App, approval: ApprovalId) -> Result<Asked, Refusal> {
    let Some(first) = first_of(app, Stream::Approval(approval)).await? else { return Ok(Asked::default()) };
    let Event::Approval(event) = &first.event else { return Ok(Asked::default()) };
    let Some(asked) = Approval::requested(approval, event, &first.by, first.at) else { return Ok(Asked::default()) };
    let started = first_of(app, Stream::Run(asked.run)).await?;
    let by = started.map(|started| started.by).into_iter().chain([asked.requested_by.clone()]).collect();
    Ok(Asked { ask: Some(asked.ask), by })
}

async fn first_of(app: &App, stream: Stream) -> Result<Option<Envelope>, Refusal> {
    match app.client.query(Query::Stream { stream, after: 0, limit: 1 }).await {
        Ok(Answer::Events(page)) => Ok(page.rows.into_iter().next()),
        Ok(_) => Ok(None),
        Err(error) => Err(Refusal::new(RefusalKind::Unavailable, error.message, error.hint)),
    }
}

/// The same, to the caller who submitted a command.
pub(super) fn rejected(refusal: Refusal) -> Rejection {
    let kind = match refusal.kind {
        RefusalKind::NotSignedIn | RefusalKind::CodeWanted | RefusalKind::NotAllowed | RefusalKind::NotSuited => {
            RejectionKind::NotAllowed
        }
        RefusalKind::TooMany { .. } => RejectionKind::TooOften,
        RefusalKind::Unavailable => RejectionKind::NotSaved,
    };
    Rejection::new(kind, refusal.message).hint(refusal.hint)
}
