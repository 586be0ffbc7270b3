//! Whether the process is running, and whether it can do its work.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::app::App;
use super::body::json;
use super::problem::Problem;
use crate::domain::RunId;

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// All is well.
#[derive(Serialize, JsonSchema)]
pub(super) struct HealthReport {
    /// `ok`
    status: &'static str,
    version: &'static str,
}

const WELL: HealthReport = HealthReport { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// `GET /healthz`: the process answers. Asks nothing of the store.
pub(super) async fn health() -> Result<Response, Problem> {
    json(&WELL)
}

/// `GET /readyz`: the store answers and takes writes.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    app.readiness.answer(probe(&app)).await.and_then(|()| json(&WELL))
}

/// Writes a row that means nothing, and takes it back.
async fn probe(app: &App) -> Result<(), Problem> {
    let unready = |detail: String, hint: &str| Problem::unavailable(detail, hint);
    if app.stopping.is_cancelled() {
        return Err(unready("the server is ending".to_owned(), "it may be back soon"));
    }
    let write = async {
        // A lease that has run out at once: no run has this id, and nothing is kept from anybody.
        if let Some(lease) = app.log.claim(RunId(uuid::Uuid::nil()), "readyz", Duration::ZERO).await? {
            app.log.release(&lease).await?;
        }
        Ok::<_, crate::ports::LogError>(())
    };
    match tokio::time::timeout(PATIENCE, write).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            // Callers here are not known, so paths and servers are not named to them.
            Err(unready("the store takes no writes".to_owned(), "the server's log file says why"))
        }
        Err(_) => Err(unready("the store does not answer".to_owned(), "the server's log file says more")),
    }
}
