//! `/v1/doctor`: what works on the server, and what to do about the rest.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::server::app::App;
use crate::server::body::json;
use crate::server::problem::Problem;
use crate::shape::Finding;

/// One finding for each thing that was looked at.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct Findings {
    findings: Vec<Finding>,
}

pub(in crate::server) async fn examine(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    json(&Findings { findings: app.host.examine().await })
}
