//! The document that tells programs of all routes.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::server::app::App;
use crate::server::body::json;
use crate::server::problem::Problem;

/// `GET /openapi.json`
pub(in crate::server) async fn show(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    json(&*app.document)
}
