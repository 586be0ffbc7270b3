//! `/v1/usage`: what model calls cost.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::kinds::UsageBy;
use crate::server::app::App;
use crate::server::body::{Params, json};
use crate::server::problem::Problem;
use crate::shape;
use crate::shape::UsageAsked;

/// Which usage.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::server) struct Wanted {
    /// By what the rows are told apart; `agent` when nothing is said.
    by: Option<UsageBy>,
    /// From when on, in whole days of UTC: an age such as `7d`, or a date; the last 30 days when nothing is said.
    since: Option<String>,
}

pub(in crate::server) async fn show(
    State(app): State<Arc<App>>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let now = app.gate.now();
    let past = |text: &str| {
        shape::past(text, now).map_err(|error| Problem::invalid(format!("`since`: {error}"), error.hint()))
    };
    let asked = UsageAsked { by: wanted.by.unwrap_or_default(), since: wanted.since.as_deref().map(past).transpose()? };
    json(&shape::usage(&*app.client, asked, now).await?)
}
