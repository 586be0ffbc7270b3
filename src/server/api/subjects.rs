//! `/v1/subjects`: all that the store holds of a person, exported or erased for good.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use futures::stream;
use schemars::JsonSchema;
use serde::Deserialize;

use super::people::refused;
use crate::access::{Principal, people};
use crate::domain::{AccountName, Action};
use crate::ports::{EncryptionState, EraseError, Erasure};
use crate::server::app::App;
use crate::server::body::{Given, InPath, json, ndjson};
use crate::server::problem::Problem;
use crate::shape::{ErasedShape, ExportError, Sources, SubjectExport};

/// Lines are sent together until they are so long, in bytes.
const TOGETHER: usize = 64 * 1024;

/// All of it, one JSON object a line, read as fast as it is taken, and cut off once the caller may not any more. One that
/// came to its end has a last line that says so.
pub(in crate::server) async fn export(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(name): InPath,
) -> Result<Response, Problem> {
    tracing::info!(by = %principal.actor(), "what the log holds of somebody is exported");
    let mut export = SubjectExport::begin(app.log.as_ref(), &name).await?;
    // Whether there is anything at all is known before the answer begins.
    let first = read_on(&app, &mut export).await?;
    let lines = stream::try_unfold((app, principal, export, Some(first)), |(app, principal, mut export, read)| async {
        let text = match read {
            Some(first) => first,
            None => {
                let principal = app.gate.again(&principal).await?;
                app.gate.permit(&principal, Action::Export).await?;
                read_on(&app, &mut export).await?
            }
        };
        if text.is_empty() {
            return Ok(None);
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Some((text, (app, principal, export, None))))
    });
    Ok(ndjson(Body::from_stream(lines)))
}

/// Some more lines; nothing after the last.
async fn read_on(app: &App, export: &mut SubjectExport) -> Result<String, ExportError> {
    let from = Sources { log: app.log.as_ref(), accounts: app.gate.accounts() };
    let mut text = String::new();
    while text.len() < TOGETHER
        && let Some(lines) = export.next(from, app.gate.now()).await?
    {
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
    }
    Ok(text)
}

/// That it is meant.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Erase {
    /// The name once more: what is erased is gone for good.
    #[schemars(required)]
    confirm: Option<String>,
}

pub(in crate::server) async fn erase(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(name): InPath,
    Given(given): Given<Erase>,
) -> Result<Response, Problem> {
    if app.upkeep.subjects().encryption() == EncryptionState::Plain {
        return Err(EraseError::NotEncrypted.into());
    }
    let others = app.gate.accounts().accounts().await?;
    let target = AccountName::parse(&name).ok();
    let target = others.iter().find(|account| Some(&account.name) == target.as_ref());
    if let Err(error) = people::may_erase(&principal, target, &others) {
        return Err(refused(&app, &principal, error).await);
    }
    confirmed(&name, given.confirm.as_deref())?;
    let (by, upkeep) = (principal.actor(), app.upkeep.clone());
    tracing::info!(%by, "somebody is erased");
    let erasure = Erasure { name, by, at: app.gate.now() };
    // Not while a backup is written, which would hold the key that is destroyed.
    let erased = app.in_turn("an erasure", async move { Ok(upkeep.subjects().erase(erasure).await?) });
    json(&ErasedShape::of(&erased.await?))
}

fn confirmed(name: &str, given: Option<&str>) -> Result<(), Problem> {
    let detail = match given {
        Some(given) if given == name => return Ok(()),
        Some(_) => "`confirm` is not the name in the path; nothing was erased",
        None => "everything about somebody would be gone for good; nothing was erased",
    };
    Err(Problem::invalid(detail, "to go on, repeat the name in `confirm`, exactly as it stands in the path"))
}
