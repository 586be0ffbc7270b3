//! `/v1/db`: what the store is, and upkeep of it that is safe while work goes on. Names no file that a caller chose.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use super::runs::Nothing;
use crate::access::Principal;
use crate::domain::Timestamp;
use crate::server::app::App;
use crate::server::body::{Given, json, with_status};
use crate::server::problem::Problem;
use crate::shape::{RowCheck, Trial, ago, past};

pub(in crate::server) async fn show(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    json(&app.upkeep.describe().await?)
}

pub(in crate::server) async fn check(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Result<Response, Problem> {
    tracing::info!(by = %principal.actor(), "rows are compared with the log");
    let upkeep = app.upkeep.clone();
    let rows = app.in_turn("a comparison", async move { Ok(upkeep.compare_rows().await?) }).await?;
    json(&RowCheck::of(rows))
}

pub(in crate::server) async fn rebuild(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Given(Nothing {}): Given<Nothing>,
) -> Result<Response, Problem> {
    tracing::info!(by = %principal.actor(), "rows are computed from the log again");
    let upkeep = app.upkeep.clone();
    json(&app.in_turn("a rebuild", async move { Ok(upkeep.rebuild().await?) }).await?)
}

pub(in crate::server) async fn back_up(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Given(Nothing {}): Given<Nothing>,
) -> Result<Response, Problem> {
    let (by, upkeep) = (principal.actor(), app.upkeep.clone());
    tracing::info!(%by, "a backup begins");
    let backup = app.in_turn("a backup", async move {
        let backup = upkeep.back_up().await?;
        tracing::info!(%by, backup = backup.file.backup, bytes = backup.file.bytes, "a backup is written");
        Ok(backup)
    });
    with_status(StatusCode::CREATED, &backup.await?)
}

/// Which runs are removed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Prune {
    /// Those that ended before then: an age such as `365d`, a date, or a time; without it, what the server's
    /// configuration says below `[retention]`.
    before: Option<String>,
    /// Only say what would be removed.
    #[serde(default)]
    trial: bool,
}

pub(in crate::server) async fn prune(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Given(given): Given<Prune>,
) -> Result<Response, Problem> {
    let ended_before = ended_before(&app, given.before.as_deref())?;
    let trial = if given.trial { Trial::Yes } else { Trial::No };
    let (by, upkeep) = (principal.actor(), app.upkeep.clone());
    tracing::info!(%by, %ended_before, ?trial, "ended runs are pruned");
    let pruned = app.in_turn("pruning", async move { Ok(upkeep.prune(by, ended_before, trial).await?) });
    json(&pruned.await?)
}

/// Nothing is ever removed because nobody said for how long to keep it.
fn ended_before(app: &App, given: Option<&str>) -> Result<Timestamp, Problem> {
    let now = app.gate.now();
    if let Some(text) = given {
        return past(text, now).map_err(|error| Problem::invalid(format!("`before`: {error}"), error.hint()));
    }
    let unsaid = || {
        Problem::invalid(
            "no retention period is set",
            "give `before`, or set `ended_runs = \"365d\"` below [retention] in the server's configuration",
        )
    };
    let keep = app.upkeep.keep_ended_runs().ok_or_else(unsaid)?;
    ago(keep, now).ok_or_else(unsaid)
}
