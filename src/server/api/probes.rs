//! `/v1/probes`: how the uptime probes of this server stand. Asking runs none of them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::feeds::{ProbeReport, probe_reports};
use crate::server::app::App;
use crate::server::body::json;
use crate::server::problem::Problem;

#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct ProbeList {
    probes: Vec<ProbeReport>,
}

pub(in crate::server) async fn list(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let (probes, board) = app.host.probes();
    let reports = probe_reports(&probes, &board, app.client.as_ref(), chrono::Utc::now()).await?;
    json(&ProbeList { probes: reports })
}
