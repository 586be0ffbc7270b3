//! `/v1/approvals`: what waits for a person, and their decisions.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::not_one;
use crate::access::Principal;
use crate::domain::Settlement;
use crate::fold::Snapshot;
use crate::kinds::{Approval, ApprovalVerb, Command, Table};
use crate::server::app::App;
use crate::server::body::{Given, InPath, Once, Params, json};
use crate::server::commit;
use crate::server::problem::Problem;
use crate::shape;
use crate::shape::{ApprovalDetail, ApprovalShape, Prefer};

const USUAL: u32 = 50;

/// Which requests.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::server) struct Wanted {
    /// Include settled requests.
    all: bool,
    /// How many settled requests to list; 50 when nothing is said, at most 500.
    #[schemars(range(max = 500))]
    limit: Option<u32>,
}

/// Requests to people: open ones first, oldest first.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct ApprovalList<'a> {
    approvals: Vec<ApprovalShape<'a>>,
}

pub(in crate::server) async fn list(
    State(app): State<Arc<App>>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let most_settled = if wanted.all { wanted.limit.unwrap_or(USUAL) } else { 0 };
    let approvals = shape::approvals(&*app.client, most_settled).await?;
    json(&ApprovalList { approvals: approvals.iter().map(ApprovalShape::of).collect() })
}

pub(in crate::server) async fn show(State(app): State<Arc<App>>, InPath(id): InPath) -> Result<Response, Problem> {
    json(&ApprovalDetail::of(&find(&app, &id).await?))
}

async fn find(app: &App, given: &str) -> Result<Approval, Problem> {
    let found = shape::find(&*app.client, &Table::<Approval>::new(), given, Prefer::Open).await;
    found.map_err(|several| not_one("approval", several, |approval| approval.id.to_string()))
}

/// What is approved, by its digest.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Approve {
    /// The card's digest, at least its first 8 hex digits: what you approve is what you saw.
    #[schemars(length(min = 8))]
    digest: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Deny {
    /// What the agent is told.
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Edit {
    /// The card's digest, at least its first 8 hex digits: what you change is what you saw.
    #[schemars(length(min = 8))]
    digest: String,
    /// All of the call's arguments, as its tool's schema wants them.
    arguments: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Answer {
    text: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Settle {
    outcome: Settlement,
    /// How you know.
    #[serde(default)]
    note: String,
}

pub(in crate::server) async fn approve(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(id): InPath,
    once: Once,
    Given(given): Given<Approve>,
) -> Result<Response, Problem> {
    let digest = given.digest.trim().to_owned();
    decide(&app, (&principal, &once), &id, |approval| ApprovalVerb::Approve { digest }.on(approval.id)).await
}

pub(in crate::server) async fn deny(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(id): InPath,
    once: Once,
    Given(given): Given<Deny>,
) -> Result<Response, Problem> {
    decide(&app, (&principal, &once), &id, |approval| {
        ApprovalVerb::Deny { reason: given.reason.into() }.on(approval.id)
    })
    .await
}

/// The answer is the request by which the changed call is asked for, or the changed one while there is no other.
pub(in crate::server) async fn edit(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(id): InPath,
    once: Once,
    Given(given): Given<Edit>,
) -> Result<Response, Problem> {
    let approval = find(&app, &id).await?;
    let mut after = Snapshot::default();
    after.approvals.insert(approval.id, approval.clone());
    let args = serde_json::Value::Object(given.arguments);
    let command = ApprovalVerb::Edit { digest: given.digest.trim().to_owned(), args }.on(approval.id);
    let key = once.key(&principal, &command);
    for envelope in commit::decide(&app, &principal, command, key).await? {
        after.apply(&envelope);
    }
    let asked = after.asked_instead_of(approval.id).or(after.approvals.get(&approval.id));
    json(&ApprovalDetail::of(asked.unwrap_or(&approval)))
}

pub(in crate::server) async fn answer(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(id): InPath,
    once: Once,
    Given(given): Given<Answer>,
) -> Result<Response, Problem> {
    decide(&app, (&principal, &once), &id, |approval| ApprovalVerb::Answer { text: given.text.into() }.on(approval.id))
        .await
}

pub(in crate::server) async fn settle(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(id): InPath,
    once: Once,
    Given(given): Given<Settle>,
) -> Result<Response, Problem> {
    let Settle { outcome: settlement, note } = given;
    let command = |approval: &Approval| ApprovalVerb::Settle { settlement, note: note.into() }.on(approval.id);
    decide(&app, (&principal, &once), &id, command).await
}

/// Submits a decision; the answer is the request as it is after it.
async fn decide(
    app: &App,
    (principal, once): (&Principal, &Once),
    given: &str,
    command: impl FnOnce(&Approval) -> Command,
) -> Result<Response, Problem> {
    let approval = find(app, given).await?;
    let mut after = Snapshot::default();
    after.approvals.insert(approval.id, approval.clone());
    let command = command(&approval);
    let key = once.key(principal, &command);
    for envelope in commit::decide(app, principal, command, key).await? {
        after.apply(&envelope);
    }
    json(&ApprovalShape::of(after.approvals.get(&approval.id).unwrap_or(&approval)))
}
