//! `/v1/hooks/SOURCE`: what sources of alerts post. The answer says that it is on disk.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::Actor;
use crate::feeds::{Heard, LARGEST_BODY, Source};
use crate::server::app::App;
use crate::server::body::{whole, with_status};
use crate::server::peer::Peer;
use crate::server::problem::Problem;

/// What was taken in.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct Taken {
    /// How many events it led to; none where all of it was known.
    events: usize,
}

/// `POST /v1/hooks/SOURCE`. Only after what it shows has been checked is anything of the body looked at.
pub(in crate::server) async fn take(
    State(app): State<Arc<App>>,
    source: &'static Source,
    request: Request,
) -> Result<Response, Problem> {
    let Some(Peer(from)) = request.extensions().get().copied() else { return Err(Problem::internal()) };
    let claim = app.hooks.admit(source, from, request.headers())?;
    let body = whole(request, LARGEST_BODY).await?;
    app.hooks.verify(source, &claim, &body)?;
    let heard = source.read(&body, &app.hooks.grouping).map_err(|error| {
        tracing::warn!(source = source.name, error = error.message, "a delivery cannot be read");
        match error.is_unmapped {
            true => Problem::invalid(error.message, error.hint),
            false => Problem::malformed(error.message, error.hint),
        }
    })?;
    let commands = match heard {
        Heard::Alerts(commands) => commands,
        Heard::Ignored(why) => {
            tracing::debug!(source = source.name, why, "a delivery was ignored");
            return with_status(StatusCode::ACCEPTED, &Taken { events: 0 });
        }
    };
    let mut events = 0;
    for command in commands {
        events += app.client.submit(command, Actor::System).await?.len();
    }
    with_status(StatusCode::OK, &Taken { events })
}
