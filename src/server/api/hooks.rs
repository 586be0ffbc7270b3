//! `/v1/hooks/SOURCE`: what sources of alerts post. The answer says that it is on disk.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::Actor;
use crate::feeds::{LARGEST_BODY, read_webhook};
use crate::server::app::App;
use crate::server::body::{json, whole};
use crate::server::problem::Problem;

/// What was taken in.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct Taken {
    /// How many events it led to; none where all of it was known.
    events: usize,
}

/// `POST /v1/hooks/alertmanager`
pub(in crate::server) async fn alertmanager(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    let body = whole(request, LARGEST_BODY).await?;
    let read = read_webhook(&body, &app.hooks.grouping);
    let commands = read.map_err(|error| {
        tracing::warn!(error = error.message, "alerts were turned away");
        Problem::malformed(error.message, error.hint)
    })?;
    let mut events = 0;
    for command in commands {
        events += app.client.submit(command, Actor::System).await?.len();
    }
    json(&Taken { events })
}
