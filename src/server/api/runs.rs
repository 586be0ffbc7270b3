//! `/v1/runs`: what goes on and what went on, starting it, and steering it.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::not_one;
use crate::access::Principal;
use crate::domain::{RunId, RunState};
use crate::fold::Snapshot;
use crate::kinds::{Command, Envelope, Run, RunVerb, Table};
use crate::ports::{Order, Uncommitted, Work};
use crate::server::app::App;
use crate::server::body::{Given, InPath, Once, Params, json, ndjson, with_status};
use crate::server::commit;
use crate::server::prepared::{procedure, workspace};
use crate::server::problem::Problem;
use crate::shape;
use crate::shape::{Prefer, RunDetail, RunShape};

const USUAL: u32 = 50;

/// Which runs.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::server) struct Wanted {
    /// Only those in this state.
    state: Option<RunState>,
    /// How many ended runs to list; 50 when nothing is said, at most 500.
    #[schemars(range(max = 500))]
    limit: Option<u32>,
}

/// Runs, newest first.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct RunList<'a> {
    runs: Vec<RunShape<'a>>,
}

pub(in crate::server) async fn list(
    State(app): State<Arc<App>>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let limit = wanted.limit.unwrap_or(USUAL);
    let runs = shape::runs(&*app.client, wanted.state, limit).await?;
    json(&RunList { runs: runs.iter().map(RunShape::of).collect() })
}

pub(in crate::server) async fn show(State(app): State<Arc<App>>, InPath(id): InPath) -> Result<Response, Problem> {
    let run = find(&app, &id).await?;
    let thread = shape::thread(&*app.client, run.id).await?;
    json(&RunDetail::of(&run, thread.as_ref()))
}

async fn find(app: &App, given: &str) -> Result<Run, Problem> {
    let found = shape::find(&*app.client, &Table::<Run>::new(), given, Prefer::None).await;
    found.map_err(|several| not_one("run", several, |run| run.id.to_string()))
}

/// What is to be done: a goal, or a runbook.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Start {
    /// The run's id, a UUIDv7 of the caller's choice: asking twice with the same one starts one run.
    id: Option<RunId>,
    /// What should be done.
    goal: Option<String>,
    /// Who does it; `dev` when nobody is named.
    agent: Option<String>,
    /// A procedure to follow instead of a goal, by name.
    runbook: Option<String>,
    /// The repository to work in, on the server's machine: its whole path.
    workspace: Option<PathBuf>,
    /// Start although the repository has changes that are not committed; the run does not see them.
    #[serde(default)]
    leave_changes: bool,
}

pub(in crate::server) async fn start(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    once: Once,
    Given(given): Given<Start>,
) -> Result<Response, Problem> {
    let key = once.key(&principal, &given);
    if let Some(key) = &key
        && let Some(begun) = app.client.outcome_of(key).await?.as_deref().and_then(begun_by)
    {
        return json(&RunShape::of(&find(&app, &begun.to_string()).await?));
    }
    let run = given.id.unwrap_or_else(|| RunId(uuid::Uuid::now_v7()));
    // Preparing makes a workspace, which a run that is there already has.
    if given.id.is_some()
        && let Ok(known) = find(&app, &run.to_string()).await
    {
        return json(&RunShape::of(&known));
    }
    let uncommitted = if given.leave_changes { Uncommitted::LeaveBehind } else { Uncommitted::Refuse };
    let work = work(given.goal, given.agent, given.runbook)?;
    let spec = app.host.prepare(Order { run, work, workspace: workspace(given.workspace)?, uncommitted }).await?;
    app.prepared.keep(run, &spec);
    let mut started = Snapshot::default();
    let committed = commit::decide(&app, &principal, RunVerb::Start { spec: Box::new(spec) }.on(run), key).await;
    let begun = committed.as_deref().ok().and_then(begun_by);
    // The same request may have arrived twice at once, and the other one have begun its run.
    if committed.is_err() || begun.is_some_and(|begun| begun != run) {
        commit::take_back(&app, run).await;
    }
    for envelope in committed? {
        started.apply(&envelope);
    }
    let begun = begun.unwrap_or(run);
    match started.runs.get(&begun) {
        Some(run) => with_status(StatusCode::CREATED, &RunShape::of(run)),
        None => json(&RunShape::of(&find(&app, &begun.to_string()).await?)),
    }
}

/// The run that a request began.
fn begun_by(events: &[Envelope]) -> Option<RunId> {
    events.first()?.stream.run()
}

fn work(goal: Option<String>, agent: Option<String>, runbook: Option<String>) -> Result<Work, Problem> {
    match (goal.filter(|goal| !goal.trim().is_empty()), agent, runbook) {
        (Some(goal), agent, None) => Ok(Work::Goal { goal, agent }),
        (None, None, Some(name)) => Ok(procedure(name)?),
        (Some(_), _, Some(_)) => Err(Problem::invalid("a goal and a runbook", "give one of them")),
        (None, Some(_), Some(_)) => Err(Problem::invalid("a runbook needs no agent", "leave the agent out")),
        (None, _, None) => Err(Problem::invalid("a run needs a goal", "say what should be done")),
    }
}

/// Why it is stopped.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Cancel {
    #[serde(default)]
    reason: String,
}

/// Nothing more needs to be said.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Nothing {}

pub(in crate::server) async fn cancel(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(id): InPath,
    once: Once,
    Given(given): Given<Cancel>,
) -> Result<Response, Problem> {
    let reason = match given.reason.is_empty() {
        true => format!("cancelled by {}", principal.actor().name()),
        false => given.reason,
    };
    steer(&app, (&principal, &once), &id, |run| RunVerb::Cancel { reason }.on(run)).await
}

pub(in crate::server) async fn pause(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(id): InPath,
    once: Once,
    Given(Nothing {}): Given<Nothing>,
) -> Result<Response, Problem> {
    steer(&app, (&principal, &once), &id, |run| RunVerb::Pause.on(run)).await
}

pub(in crate::server) async fn resume(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(id): InPath,
    once: Once,
    Given(Nothing {}): Given<Nothing>,
) -> Result<Response, Problem> {
    steer(&app, (&principal, &once), &id, |run| RunVerb::Resume.on(run)).await
}

/// Submits a command about a run; the answer is the run as it is after it.
async fn steer(
    app: &App,
    (principal, once): (&Principal, &Once),
    given: &str,
    command: impl FnOnce(RunId) -> Command,
) -> Result<Response, Problem> {
    let run = find(app, given).await?;
    let mut after = Snapshot::default();
    after.runs.insert(run.id, run.clone());
    let command = command(run.id);
    let key = once.key(principal, &command);
    for envelope in commit::decide(app, principal, command, key).await? {
        after.apply(&envelope);
    }
    json(&RunShape::of(after.runs.get(&run.id).unwrap_or(&run)))
}

pub(in crate::server) async fn recording(State(app): State<Arc<App>>, InPath(id): InPath) -> Result<Response, Problem> {
    let run = find(&app, &id).await?;
    match app.host.record(run.id).await? {
        Some(recording) => Ok(ndjson(Body::from(recording))),
        None => Err(Problem::not_found("that run has no history here", "GET /v1/runs lists those that have")),
    }
}
