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
use crate::kinds::{Command, Document, Surface, Survey, Thing, VerbDoc};
use crate::ports::{history, read_survey};
use crate::server::app::App;
use crate::server::body::{Once, json, with_status};
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
    /// How many that have ended to list; 50 when nothing is said, at most 500.
    #[schemars(range(max = 500))]
    limit: Option<u32>,
}

pub(in crate::server) async fn list(app: Arc<App>, surface: Surface, wanted: Wanted) -> Result<Response, Problem> {
    let limit = wanted.limit.unwrap_or(USUAL);
    let things = shape::things(&*app.client, &surface, wanted.state.as_deref(), limit).await?;
    let things: Vec<_> = things.into_iter().map(|thing| thing.json).collect();
    json(&value!({ surface.plural: things }))
}

pub(in crate::server) async fn show(app: Arc<App>, surface: Surface, given: String) -> Result<Response, Problem> {
    json(&find(&app, &surface, &given).await?.json)
}

/// A document about one, in Markdown.
pub(in crate::server) async fn document(
    app: Arc<App>,
    surface: Surface,
    document: &'static Document,
    given: String,
) -> Result<Response, Problem> {
    let thing = find(&app, &surface, &given).await?;
    let history = history(&*app.client, thing.stream, thing.about()).await?;
    let text = (document.write)(&history).ok_or_else(|| {
        let message = format!("the log has no history of {} {}", surface.name(), thing.id);
        Problem::not_found(message, "its events were pruned")
    })?;
    json(&value!({ "id": thing.id, document.name: text }))
}

/// From when on.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::server) struct Counted {
    /// An age such as `7d`, a date or an RFC 3339 time; the last 7 days when nothing is said.
    since: Option<String>,
}

/// A table over all of them.
pub(in crate::server) async fn count(
    app: Arc<App>,
    survey: &'static Survey,
    wanted: Counted,
) -> Result<Response, Problem> {
    let since = shape::past(wanted.since.as_deref().unwrap_or("7d"), app.gate.now())
        .map_err(|error| Problem::invalid(format!("`since`: {error}"), error.hint()))?;
    let lines = read_survey(&*app.client, survey, since).await?;
    json(&value!({ survey.name: lines.into_iter().map(|line| line.json).collect::<Vec<_>>() }))
}

async fn find(app: &App, surface: &Surface, given: &str) -> Result<Thing, Problem> {
    let found = shape::find_thing(&*app.client, surface, given).await;
    found.map_err(|several| not_one(surface.name(), several, |thing| thing.id.to_string()))
}

/// A verb that somebody asks.
pub(in crate::server) struct Asked {
    pub(in crate::server) principal: Principal,
    pub(in crate::server) once: Once,
    pub(in crate::server) surface: Surface,
    pub(in crate::server) verb: &'static VerbDoc,
    pub(in crate::server) given: Map<String, Value>,
}

/// Makes a new one. In the body, `id` may be a UUID of the caller's choice: asking twice makes one.
pub(in crate::server) async fn begin(app: Arc<App>, asked: Asked) -> Result<Response, Problem> {
    let Asked { principal, once, surface, verb, mut given } = asked;
    // Without the id that is drawn here, which is another one each time.
    let key = once.key(&principal, &(verb.name, &given));
    let before = match &key {
        Some(key) => app.client.outcome_of(key).await?,
        None => None,
    };
    let chosen = given.remove("id").map(serde_json::from_value::<Uuid>).transpose();
    let chosen = chosen.map_err(|_| Problem::invalid("`id` is not a UUID", "leave it out"))?;
    let id = chosen.unwrap_or_else(Uuid::now_v7);
    let command = command(&surface, id, verb, given)?;
    let (_, id) = command.stream().parts();
    let committed = match before {
        Some(events) => events,
        None => commit::decide(&app, &principal, command, key).await?,
    };
    let made = committed.first().map_or(id, |envelope| envelope.stream.parts().1);
    let thing = find(&app, &surface, &made.to_string()).await?;
    let status = if committed.is_empty() { StatusCode::OK } else { StatusCode::CREATED };
    with_status(status, &thing.json)
}

/// Asks a verb of one; the answer is the thing as it is after it.
pub(in crate::server) async fn act(app: Arc<App>, asked: Asked, id: String) -> Result<Response, Problem> {
    let Asked { principal, once, surface, verb, mut given } = asked;
    let named = shape::whole_ids(&*app.client, &surface.fields(verb), &mut given).await;
    named.map_err(|(kind, _, several)| not_one(kind.name(), several, Uuid::to_string))?;
    let thing = find(&app, &surface, &id).await?;
    let command = command(&surface, thing.id, verb, given)?;
    let key = once.key(&principal, &command);
    commit::decide(&app, &principal, command, key).await?;
    json(&find(&app, &surface, &thing.id.to_string()).await?.json)
}

fn command(surface: &Surface, id: Uuid, verb: &VerbDoc, given: Map<String, Value>) -> Result<Command, Problem> {
    surface.command(id, verb, given).map_err(|wrong| Problem::invalid(wrong, "/openapi.json has the schema"))
}
