//! `/v1/agents`: who can be given work, and the procedures that need nobody.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ports::Offer;
use crate::server::app::App;
use crate::server::body::{InPath, json};
use crate::server::problem::Problem;
use crate::shape::OfferDetail;

/// What can be run here.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct AgentList {
    agents: Vec<Offer>,
}

pub(in crate::server) async fn list(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    json(&AgentList { agents: app.host.offers().await })
}

pub(in crate::server) async fn show(State(app): State<Arc<App>>, InPath(name): InPath) -> Result<Response, Problem> {
    let offers = app.host.offers().await;
    match offers.iter().find(|offer| offer.name == name) {
        Some(offer) => json(&OfferDetail::of(offer)),
        None => Err(Problem::not_found("no agent or procedure is called that", "GET /v1/agents lists them")),
    }
}
