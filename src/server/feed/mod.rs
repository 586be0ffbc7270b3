//! The feed: what is committed goes to every attached console, and their wishes come back.
//!
//! `hub` listens to the orchestrator once and writes each message once, however many consoles there are; `console` is
//! one console's connection; `standing` looks whether it may stay; `wishes` answers what it asks; `company` counts who looks at the same thing. A
//! console that is slow is caught up from the log. It never holds up the orchestrator, the hub or another console.

mod company;
mod console;
mod end;
mod hub;
mod standing;
mod wishes;

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State};
use axum::response::Response;
use tokio::sync::Semaphore;

pub(super) use company::Company;
pub(super) use hub::Hub;

use super::app::App;
use super::problem::Problem;
use crate::access::Principal;
use crate::protocol;

/// Consoles attached at once.
const MOST_CONSOLES: usize = 256;
/// Bytes of a WebSocket's buffers: what is written goes out at once, in messages that are gathered already.
const BUFFER: usize = 16 * 1024;

/// As many places as there may be consoles.
pub(super) fn seats() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MOST_CONSOLES))
}

/// `GET /v1/feed`: becomes a WebSocket.
pub(super) async fn attach(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|error| {
        Problem::malformed(format!("this is a WebSocket: {}", error.body_text()), "use `morningai attach`")
    })?;
    let Ok(seat) = app.consoles.clone().try_acquire_owned() else {
        return Err(Problem::unavailable("too many consoles are attached", "detach one, or try again later"));
    };
    let upgrade = upgrade
        .max_message_size(protocol::MOST_FROM_CONSOLE)
        .max_frame_size(protocol::MOST_FROM_CONSOLE)
        .read_buffer_size(BUFFER)
        .write_buffer_size(0);
    let task = app.tasks.token();
    Ok(upgrade.on_upgrade(async move |socket| {
        console::attend(socket, app, principal).await;
        drop((seat, task));
    }))
}
