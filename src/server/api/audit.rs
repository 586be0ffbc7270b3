//! `/v1/audit`: who tried to get in, what changed about accounts, and who decided what.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use super::log::EventPage;
use crate::server::app::App;
use crate::server::body::{Params, json};
use crate::server::problem::Problem;
use crate::shape;
use crate::shape::Audited;

const USUAL: u32 = 50;

/// Which events, newest first.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::server) struct Wanted {
    /// Only what this person did.
    who: Option<String>,
    /// Only those before this `seq`: the last one of the page before.
    before: Option<u64>,
    /// How many; 50 when nothing is said, at most 500.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
}

pub(in crate::server) async fn page(
    State(app): State<Arc<App>>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let limit = wanted.limit.unwrap_or(USUAL);
    let before = wanted.before.unwrap_or(u64::MAX);
    let page = shape::audit(app.log.as_ref(), Audited { who: wanted.who.as_deref(), before, limit }).await?;
    json(&EventPage::of(page))
}
