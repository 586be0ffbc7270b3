//! `morningai approvals`: what waits for a person, and what was decided.

use super::args::ApprovalsOptions;
use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::Part;
use super::table::table;
use super::{card, find, time};
use crate::domain::ApprovalState;
use crate::kinds::Approval;
use crate::ports::Client;
use crate::shape;
use crate::shape::ApprovalDetail;

pub async fn approvals(mut context: Context<'_>, options: ApprovalsOptions) -> Result<Exit, Failure> {
    let session = context.host.session(Part::Reader).await?;
    let shown = match &options.show {
        Some(show) => show_one(&mut context, session.client(), show.id()).await,
        None => list(&mut context, session.client(), &options).await,
    };
    session.close().await;
    shown.map(|()| Exit::Done)
}

async fn show_one(context: &mut Context<'_>, client: &dyn Client, given: &str) -> Result<(), Failure> {
    let (snapshot, _) = client.open().await?;
    let approval = find::approval(client, &snapshot, given).await?;
    match context.form {
        Form::Json => context.output.json(&ApprovalDetail::of(&approval)),
        Form::Text => context.output.write(&card::text(&approval)),
    }
}

async fn list(context: &mut Context<'_>, client: &dyn Client, options: &ApprovalsOptions) -> Result<(), Failure> {
    let most_settled = if options.all { options.limit } else { 0 };
    let approvals = match options.state {
        Some(state) => shape::approvals_in(client, state, options.limit).await?,
        None => shape::approvals(client, most_settled).await?,
    };
    match context.form {
        // A digest is told only with all that is approved by it.
        Form::Json => approvals.iter().try_for_each(|approval| context.output.json(&ApprovalDetail::of(approval))),
        Form::Text if approvals.is_empty() => context.output.line(&nothing(options.state)),
        Form::Text => context.output.line(&page(&approvals)),
    }
}

fn nothing(state: Option<ApprovalState>) -> String {
    match state {
        Some(state) => format!("no request is {}", state.name().replace('_', " ")),
        None => "nothing waits for a person".to_owned(),
    }
}

fn page(approvals: &[Approval]) -> String {
    let row = |approval: &Approval| {
        vec![
            approval.id.short(),
            approval.state.to_string(),
            approval.ask.card().map_or("-", |card| card.risk.name()).to_owned(),
            time::shown(approval.requested_at),
            card::headline(approval),
        ]
    };
    table(&["ID", "STATE", "RISK", "ASKED", "WHAT"], &approvals.iter().map(row).collect::<Vec<_>>())
}
