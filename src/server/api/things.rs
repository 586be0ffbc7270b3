//! `/v1/PLURAL` of every kind that is told by its surface: its list, one thing, and its verbs.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json as value};
use uuid::Uuid;

use super::not_one;
use crate::access::Principal;
use crate::fold::Snapshot;
use crate::kinds::{Surface, Thing, VerbDoc};
use crate::server::app::App;
use crate::server::body::{json, with_status};
use crate::server::commit;
use crate::server::problem::Problem;
use crate::shape;

const USUAL: u32 = 50;

/// Which of them.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::server) struct Wanted {
    /// Only those in this state.
    state: Option<String>,
    /// How many of those that ended; 50 when nothing is said, at most 500.
    #[schemars(range(max = 500))]
    limit: Option<u32>,
}

pub(in crate::server) async fn list(app: Arc<App>, surface: Surface, wanted: Wanted) -> Result<Response, Problem> {
    let (snapshot, _) = app.client.open().await?;
    let limit = wanted.limit.unwrap_or(USUAL);
    let things = shape::things(&*app.client, &snapshot, &surface, wanted.state.as_deref(), limit).await?;
    let things: Vec<_> = things.into_iter().map(|thing| thing.json).collect();
    json(&value!({ surface.plural: things }))
}

pub(in crate::server) async fn show(app: Arc<App>, surface: Surface, given: String) -> Result<Response, Problem> {
    json(&find(&app, &surface, &given).await?.1.json)
}

async fn find(app: &App, surface: &Surface, given: &str) -> Result<(Snapshot, Thing), Problem> {
    let (snapshot, _) = app.client.open().await?;
    let found = shape::find_thing(&*app.client, &snapshot, surface, given).await;
    let thing = found.map_err(|several| not_one(surface.name(), several, |thing| thing.id.to_string()))?;
    Ok((snapshot, thing))
}

/// Makes a new one. In the body, `id` may be a UUID of the caller's choice: asking twice makes one.
pub(in crate::server) async fn begin(
    app: Arc<App>,
    principal: Principal,
    (surface, verb): (Surface, &'static VerbDoc),
    mut given: Map<String, Value>,
) -> Result<Response, Problem> {
    let chosen = given.remove("id").map(serde_json::from_value::<Uuid>).transpose();
    let id = chosen.map_err(|_| Problem::invalid("`id` is not a UUID", "leave it out"))?;
    let id = id.unwrap_or_else(Uuid::now_v7);
    let (snapshot, _) = app.client.open().await?;
    match submit(&app, &principal, (surface, verb), id, snapshot, given).await? {
        (_, Some(thing)) => with_status(StatusCode::CREATED, &thing.json),
        // It was there already.
        (_, None) => json(&find(&app, &surface, &id.to_string()).await?.1.json),
    }
}

/// Asks a verb of one; the answer is the thing as it is after it.
pub(in crate::server) async fn act(
    app: Arc<App>,
    principal: Principal,
    (surface, verb): (Surface, &'static VerbDoc),
    id: String,
    given: Map<String, Value>,
) -> Result<Response, Problem> {
    let (snapshot, thing) = find(&app, &surface, &id).await?;
    let (snapshot, changed) = submit(&app, &principal, (surface, verb), thing.id, snapshot, given).await?;
    let now = changed.or_else(|| surface.thing(&snapshot, thing.id));
    json(&now.unwrap_or(thing).json)
}

/// The snapshot after it, and the thing if it changed.
async fn submit(
    app: &Arc<App>,
    principal: &Principal,
    (surface, verb): (Surface, &'static VerbDoc),
    id: Uuid,
    mut snapshot: Snapshot,
    given: Map<String, Value>,
) -> Result<(Snapshot, Option<Thing>), Problem> {
    let command = surface.command(id, verb, given);
    let command = command.map_err(|wrong| Problem::invalid(wrong, "/openapi.json has the schema"))?;
    let committed = commit::decide(app, principal, command).await?;
    committed.iter().for_each(|envelope| drop(snapshot.apply(envelope)));
    let changed = if committed.is_empty() { None } else { surface.thing(&snapshot, id) };
    Ok((snapshot, changed))
}
