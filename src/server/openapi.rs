//! The OpenAPI 3.1 document, made from the table of routes.

use std::collections::BTreeSet;

use axum::http::Method;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::door::Asks;
use super::problem;
use super::problem::Problem;
use super::routes::{Answer, Crowd, Describe, Route, routes};
use crate::domain::Action;
use crate::feeds::{Proof, SOURCES};

/// The document: every route of the table, with the schemas of what goes in and comes out.
pub fn document() -> Value {
    let mut generator = settings().into_generator();
    let problem = generator.subschema_for::<Problem>().to_value();
    let mut paths = Map::new();
    for route in routes() {
        let operation = operation(&route, &mut generator);
        let path = paths.entry(route.path.clone()).or_insert_with(|| Value::Object(Map::new()));
        path[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "morningai",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Runs of agents, what they ask of people, and the log. Ids are UUIDv7, and any unique prefix \
                            is accepted. Times are RFC 3339 UTC. Money is a decimal string in USD. Requests and the \
                            commands of attached consoles are counted for each person: 100 a minute and 1000 an hour \
                            unless the server's configuration says otherwise; beyond that the answer is 429 with \
                            `Retry-After`. Upkeep of the store that is safe while work goes on is here. `morningai db \
                            migrate`, `restore` and `copy` name stores and files of the server's machine: these stay \
                            commands of that machine, for when the server is stopped.",
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": schemes(),
            "responses": {
                "Problem": {
                    "description": "Why it was not done, and what to do next (RFC 9457)",
                    "content": { problem::MEDIA_TYPE: { "schema": problem } },
                },
            },
        },
    })
}

/// The document's name for what a source shows.
fn scheme(proof: Proof) -> &'static str {
    match proof {
        Proof::Token => "hook",
        Proof::Signature { header, .. } => header,
    }
}

fn schemes() -> Value {
    let mut schemes = Map::new();
    schemes.insert("token".to_owned(), json!({ "type": "http", "scheme": "bearer" }));
    for source in &SOURCES {
        let shown = match source.proof {
            Proof::Token => json!({ "type": "http", "scheme": "bearer" }),
            Proof::Signature { header, .. } => json!({ "type": "apiKey", "in": "header", "name": header }),
        };
        schemes.insert(scheme(source.proof).to_owned(), shown);
    }
    schemes.into()
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.summary,
        "parameters": parameters(route, generator),
        "responses": responses(route, generator),
        "security": match route.asks {
            Asks::Nothing | Asks::Signature => json!([]),
            Asks::Hook(proof) => json!([{ scheme(proof): [] }]),
            Asks::Admission | Asks::Right(_) => json!([{ "token": [] }]),
        },
    });
    if let Asks::Right(action) = route.asks {
        operation["description"] = format!("{} {}", needs(action), route.note).trim_end().into();
    }
    if let Some(body) = &route.body {
        let schema = body(generator).to_value();
        operation["requestBody"] = json!({ "content": { "application/json": { "schema": schema } } });
    }
    operation
}

/// What a route takes, and where more is looked at than the route.
fn needs(action: Action) -> String {
    let more = match action {
        Action::ApproveLow => {
            ", or what the card's risk and environment ask for; and that somebody else started the run, unless \
             `[access] own_requests` allows it"
        }
        Action::ManageSelf => "; what belongs to somebody else takes `accounts.manage` and a role above theirs",
        Action::ManageAccounts => ", and a role above theirs",
        _ => "",
    };
    format!("Needs `{action}`: to {}{more}.", action.about())
}

fn parameters(route: &Route, generator: &mut SchemaGenerator) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<_> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    if route.takes_once {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "An id of the caller's own, best a UUID. For a day a request that is sent again under it does \
                            nothing and gets the same answer; another one under it is refused.",
            "schema": { "type": "string", "maxLength": 255 },
        }));
    }
    parameters.extend(route.params.as_ref().map(|params| in_query(params, generator)).unwrap_or_default());
    parameters
}

/// What a route takes after the question mark, as the document has it.
pub(super) fn query_parameters(route: &Route) -> Vec<Value> {
    route.params.as_ref().map(|params| in_query(params, &mut settings().into_generator())).unwrap_or_default()
}

/// The fields of a parameter type, each a parameter of its own.
fn in_query(params: &Describe, generator: &mut SchemaGenerator) -> Vec<Value> {
    let reference = params(generator).to_value();
    let name = reference["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let Some(schema) = generator.definitions_mut().remove(name) else { return Vec::new() };
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let parameter = |(name, mut schema): (String, Value)| {
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
    };
    properties.into_iter().map(parameter).collect()
}

fn responses(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let content = |schema: Value| json!({ "application/json": { "schema": schema } });
    let mut responses = match &route.answer {
        Answer::Json(describe) => {
            json!({ "200": { "description": "Done", "content": content(describe(generator).to_value()) } })
        }
        Answer::Made(describe) => {
            let content = content(describe(generator).to_value());
            json!({
                "201": { "description": "Made", "content": content },
                "200": { "description": "It was there already", "content": content },
            })
        }
        Answer::Taken(describe) => {
            let content = content(describe(generator).to_value());
            json!({
                "200": { "description": "It is on disk", "content": content },
                "202": { "description": "It says nothing about incidents", "content": content },
            })
        }
        Answer::Lines => json!({
            "200": { "description": "One JSON object a line", "content": { "application/x-ndjson": {} } },
        }),
        Answer::Switched => json!({ "101": { "description": "A WebSocket" } }),
        Answer::Document => json!({ "200": { "description": "Done", "content": { "application/json": {} } } }),
    };
    for status in statuses(route) {
        responses[status.to_string()] = json!({ "$ref": "#/components/responses/Problem" });
    }
    responses
}

/// Every error it can answer with: what the door refuses, what follows from its row, and what it names itself.
fn statuses(route: &Route) -> BTreeSet<u16> {
    let is_asked_for_admission = matches!(route.asks, Asks::Admission | Asks::Right(_));
    let cases: [(bool, &[u16]); 9] = [
        // Unknown names and web pages; heads too long; defects; a store that does not answer in time.
        (true, &[403, 431, 500, 503]),
        (is_asked_for_admission, &[400, 401, 429]),
        (matches!(route.asks, Asks::Hook(_)), &[401, 429]),
        (route.asks == Asks::Signature, &[400, 401, 413]),
        (route.path.contains('{'), &[400, 404, 422]),
        (route.params.is_some(), &[400, 422]),
        (route.body.is_some(), &[400, 413, 422]),
        (route.crowd == Crowd::OneAtATime, &[409]),
        // What is changed may have been changed by somebody else.
        (is_asked_for_admission && route.method == Method::POST, &[409]),
    ];
    let following = cases.into_iter().filter(|(applies, _)| *applies).flat_map(|(_, statuses)| statuses);
    following.chain(route.also).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_stands_in_the_document_and_nothing_else_does() {
        let document = document();
        let mut documented = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            documented.extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
        }
        documented.sort();
        let known = crate::server::operations();
        let mut known: Vec<_> = known.iter().map(|known| (known.method.to_owned(), known.path.to_string())).collect();
        known.sort();
        assert_eq!(documented, known);
        let names: BTreeSet<_> = routes().iter().map(|route| route.name.clone()).collect();
        assert_eq!(names.len(), routes().len(), "an operation's name is its own");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        let references: BTreeSet<_> =
            text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(references.contains("/components/schemas/RunShape"), "{references:?}");
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn fields_are_those_of_the_command_line() {
        let document = document();
        let fields = |schema: &str| {
            let properties = &document["components"]["schemas"][schema]["properties"];
            properties.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>()
        };
        let run = ["id", "goal", "agent", "state", "steps", "cost_usd", "started_at", "ended_at"];
        assert_eq!(fields("RunShape"), run.map(str::to_owned).into());
        assert!(fields("ApprovalShape").is_superset(&["digest", "risk", "decided_by"].map(str::to_owned).into()));
    }
}
