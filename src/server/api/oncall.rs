//! `/v1/oncall`: who is on call.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::server::app::App;
use crate::server::body::{Params, json};
use crate::server::problem::Problem;
use crate::shape;
use crate::shape::OnCallShape;

/// At which time.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::server) struct Wanted {
    /// RFC 3339, or a date; now when nothing is said.
    at: Option<String>,
}

/// Each schedule and who is on call there.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct OnCallList {
    oncall: Vec<OnCallShape>,
}

pub(in crate::server) async fn list(
    State(app): State<Arc<App>>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let at = match wanted.at {
        None => app.gate.now(),
        Some(text) => shape::moment(&text)
            .ok_or_else(|| Problem::invalid("`at` is neither a date nor a time", "write 2026-12-24T18:00:00Z"))?,
    };
    json(&OnCallList { oncall: app.host.on_call(at) })
}
