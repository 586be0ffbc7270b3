//! The routes of every kind that is told by its surface.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::routing::{get, post};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::route::{Answer, Describe, Route, camel, capital};
use crate::access::Principal;
use crate::kinds::{Document, Surface, Survey, VerbDoc};
use crate::server::api::things;
use crate::server::api::things::Asked;
use crate::server::app::App;
use crate::server::body::{Given, InPath, Once, Params};

pub(super) fn thing_routes() -> Vec<Route> {
    Surface::all().into_iter().flat_map(of_kind).collect()
}

fn of_kind(surface: Surface) -> Vec<Route> {
    let (name, plural) = (surface.name(), surface.plural);
    let mut routes = vec![
        Route::get(
            format!("/v1/{plural}"),
            camel(&["list", plural]),
            format!("{}, newest first", capital(plural)),
            Answer::Json(Arc::new(move |generator| list_schema(surface, generator))),
            move || {
                get(async move |State(app): State<Arc<App>>, Params(wanted): Params<things::Wanted>| {
                    things::list(app, surface, wanted).await
                })
            },
        )
        .params::<things::Wanted>()
        .needs(surface.reading),
        Route::get(
            format!("/v1/{plural}/{{id}}"),
            camel(&["show", name]),
            "One of them in full",
            Answer::Json(Arc::new(surface.schema)),
            move || {
                get(async move |State(app): State<Arc<App>>, InPath(id): InPath| things::show(app, surface, id).await)
            },
        )
        .needs(surface.reading),
    ];
    routes.extend(surface.documents.iter().map(|document| writes(surface, document)));
    routes.extend(surface.surveys.iter().map(|survey| counts(surface, survey)));
    routes.extend(surface.verbs().map(|verb| if verb.begins { begins(surface, verb) } else { acts(surface, verb) }));
    routes
}

fn writes(surface: Surface, document: &'static Document) -> Route {
    let schema = move |_: &mut SchemaGenerator| {
        json_schema!({
            "type": "object",
            "properties": {
                "id": { "type": "string", "format": "uuid" },
                document.name: { "type": "string", "description": "Markdown" },
            },
            "required": ["id", document.name],
        })
    };
    let handler = move || {
        get(async move |State(app): State<Arc<App>>, InPath(id): InPath| {
            things::document(app, surface, document, id).await
        })
    };
    let path = format!("/v1/{}/{{id}}/{}", surface.plural, document.name);
    let id = camel(&["write", document.name, "of", surface.name()]);
    Route::get(path, id, document.about, Answer::Json(Arc::new(schema)), handler).needs(surface.reading)
}

fn counts(surface: Surface, survey: &'static Survey) -> Route {
    let schema = move |generator: &mut SchemaGenerator| {
        let items = (survey.schema)(generator).to_value();
        let list = serde_json::json!({ "type": "array", "items": items });
        json_schema!({ "type": "object", "properties": { survey.name: list }, "required": [survey.name] })
    };
    let handler = move || {
        get(async move |State(app): State<Arc<App>>, Params(wanted): Params<things::Counted>| {
            things::count(app, survey, wanted).await
        })
    };
    let path = format!("/v1/{}/{}", surface.plural, survey.name);
    let id = camel(&["count", survey.name, "of", surface.plural]);
    Route::get(path, id, survey.about, Answer::Json(Arc::new(schema)), handler)
        .params::<things::Counted>()
        .needs(surface.reading)
}

fn begins(surface: Surface, verb: &'static VerbDoc) -> Route {
    let body: Describe = Arc::new(move |generator| {
        let mut body = surface.body(verb, generator);
        let id = "The new one's id, a UUIDv7 of the caller's choice: asking twice with the same one makes one.";
        if let Some(properties) = body.as_object_mut().and_then(|body| body.get_mut("properties")) {
            properties["id"] = serde_json::json!({ "type": "string", "format": "uuid", "description": id });
        }
        body
    });
    let handler = move || {
        post(
            async move |State(app): State<Arc<App>>,
                        Extension(principal): Extension<Principal>,
                        once: Once,
                        Given(given): Given<Map<String, Value>>| {
                things::begin(app, Asked { principal, once, surface, verb, given }).await
            },
        )
    };
    let path = format!("/v1/{}", surface.plural);
    let answer = Answer::Made(Arc::new(surface.schema));
    Route::post(path, camel(&[verb.name, surface.name()]), verb.about, body, answer, handler).needs(verb.action).once()
}

fn acts(surface: Surface, verb: &'static VerbDoc) -> Route {
    let body: Describe = Arc::new(move |generator| surface.body(verb, generator));
    let handler = move || {
        post(
            async move |State(app): State<Arc<App>>,
                        Extension(principal): Extension<Principal>,
                        InPath(id): InPath,
                        once: Once,
                        Given(given): Given<Map<String, Value>>| {
                things::act(app, Asked { principal, once, surface, verb, given }, id).await
            },
        )
    };
    let path = format!("/v1/{}/{{id}}/{}", surface.plural, verb.name);
    let answer = Answer::Json(Arc::new(surface.schema));
    Route::post(path, camel(&[verb.name, surface.name()]), verb.about, body, answer, handler).needs(verb.action).once()
}

fn list_schema(surface: Surface, generator: &mut SchemaGenerator) -> Schema {
    let items = (surface.schema)(generator).to_value();
    let list = serde_json::json!({ "type": "array", "items": items });
    json_schema!({ "type": "object", "properties": { surface.plural: list }, "required": [surface.plural] })
}
