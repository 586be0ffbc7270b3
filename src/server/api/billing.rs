//! `/v1/billing`: the plan, what is used of it, and the next invoice.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::server::app::App;
use crate::server::body::json;
use crate::server::problem::Problem;
use crate::shape;

pub(in crate::server) async fn show(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    json(&shape::billing(&*app.client, app.gate.now()).await?)
}
