//! Every route, in one table. The router and the OpenAPI document are both made from it.

mod people;
mod store;
mod things;
mod work;

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Router, middleware};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use tower_http::catch_panic::CatchPanicLayer;

use super::door::{Asks, Door, Pace};
use super::problem::Problem;
use super::{App, door, openapi};
use crate::domain::Action;

/// Adds a type to a document and refers to it.
pub(super) type Describe = Arc<dyn Fn(&mut SchemaGenerator) -> Schema>;

/// One route.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: Cow<'static, str>,
    /// Its name in clients that are generated from the document.
    pub(super) name: Cow<'static, str>,
    pub(super) summary: Cow<'static, str>,
    pub(super) asks: Asks,
    pub(super) params: Option<Describe>,
    pub(super) body: Option<Describe>,
    pub(super) answer: Answer,
    /// What there is to know besides; empty for nothing.
    pub(super) note: &'static str,
    pub(super) crowd: Crowd,
    /// Whether it takes a request's own id, so that one that arrives twice is carried out once.
    pub(super) takes_once: bool,
    /// Errors it answers with that do not follow from the rest of its row.
    pub(super) also: &'static [u16],
    pace: Pace,
    handler: Box<dyn Fn() -> MethodRouter<Arc<App>>>,
}

/// What a route answers with when all goes well.
#[derive(Clone)]
pub(super) enum Answer {
    Json(Describe),
    /// The same, with status 201 when something was made.
    Made(Describe),
    Lines,
    /// A WebSocket.
    Switched,
    /// A document of no fixed schema.
    Document,
}

/// How many may use a route at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crowd {
    Welcome,
    /// One, of all the routes that say so.
    OneAtATime,
}

fn describe<T: JsonSchema + 'static>() -> Describe {
    Arc::new(SchemaGenerator::subschema_for::<T>)
}

impl Route {
    fn get(
        path: impl Into<Cow<'static, str>>,
        name: impl Into<Cow<'static, str>>,
        summary: impl Into<Cow<'static, str>>,
        answer: Answer,
        handler: impl Fn() -> MethodRouter<Arc<App>> + 'static,
    ) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            name: name.into(),
            summary: summary.into(),
            asks: Asks::Right(Action::ReadRuns),
            params: None,
            body: None,
            answer,
            note: "",
            crowd: Crowd::Welcome,
            takes_once: false,
            also: &[],
            pace: Pace::Prompt,
            handler: Box::new(handler),
        }
    }

    fn post(
        path: impl Into<Cow<'static, str>>,
        name: impl Into<Cow<'static, str>>,
        summary: impl Into<Cow<'static, str>>,
        body: Describe,
        answer: Answer,
        handler: impl Fn() -> MethodRouter<Arc<App>> + 'static,
    ) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path, name, summary, answer, handler) }
    }

    fn delete(
        path: &'static str,
        name: &'static str,
        summary: &'static str,
        answer: Answer,
        handler: impl Fn() -> MethodRouter<Arc<App>> + 'static,
    ) -> Self {
        Self { method: Method::DELETE, ..Self::get(path, name, summary, answer, handler) }
    }

    fn params<Params: JsonSchema + 'static>(self) -> Self {
        Self { params: Some(describe::<Params>()), ..self }
    }

    fn needs(self, action: Action) -> Self {
        Self { asks: Asks::Right(action), ..self }
    }

    /// For anybody who was admitted.
    fn admitted(self) -> Self {
        Self { asks: Asks::Admission, ..self }
    }

    /// For anybody at all.
    fn open(self) -> Self {
        Self { asks: Asks::Nothing, ..self }
    }

    fn takes_long(self) -> Self {
        Self { pace: Pace::Long, ..self }
    }

    /// Refused while another one of these is under way.
    fn one_at_a_time(self) -> Self {
        Self { crowd: Crowd::OneAtATime, ..self }
    }

    /// Carried out once for each `Idempotency-Key`.
    fn once(self) -> Self {
        Self { takes_once: true, ..self }
    }

    /// Errors that do not follow from the rest of the row.
    fn also(self, also: &'static [u16]) -> Self {
        Self { also, ..self }
    }

    fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }
}

/// The table.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = work::run_routes();
    routes.extend(work::approval_routes());
    routes.extend(people::session_routes());
    routes.extend(people::account_routes());
    routes.extend(people::token_routes());
    routes.extend(store::store_routes());
    routes.extend(store::subject_routes());
    routes.extend(things::thing_routes());
    routes.extend(work::other_routes());
    routes
}

/// A route, as others may know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    pub path: Cow<'static, str>,
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    pub name: Cow<'static, str>,
    /// What it takes at least; `None`: anybody, or anybody who was admitted.
    pub action: Option<Action>,
    /// Whether it answers without knowing who asks.
    pub is_open: bool,
}

/// Every route, by path and method.
pub fn operations() -> Vec<Operation> {
    let operation = |route: &Route| Operation {
        path: route.path.clone(),
        method: match route.method {
            Method::POST => "POST",
            Method::DELETE => "DELETE",
            _ => "GET",
        },
        name: route.name.clone(),
        action: match route.asks {
            Asks::Right(action) => Some(action),
            Asks::Admission | Asks::Nothing => None,
        },
        is_open: route.asks == Asks::Nothing,
    };
    let mut operations: Vec<_> = routes().iter().map(operation).collect();
    operations.sort();
    operations
}

/// The table as Markdown, for documents: one line a route.
pub fn table() -> String {
    let mut text = "| route | does | takes |\n|---|---|---|\n".to_owned();
    for route in routes() {
        let takes = match route.asks {
            Asks::Nothing => "nothing".to_owned(),
            Asks::Admission => "being admitted".to_owned(),
            Asks::Right(action) => format!("`{action}`"),
        };
        text.push_str(&format!("| `{} {}` | {} | {takes} |\n", route.method, route.path, route.summary));
    }
    text
}

/// The router over the table.
pub(super) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let params = openapi::query_parameters(&route).into();
        let door = Door { app: app.clone(), asks: route.asks, pace: route.pace, params };
        let handler = (route.handler)().layer(middleware::from_fn_with_state(door, door::pass));
        router = router.route(&route.path, handler);
    }
    // Whoever asks for what is not there passes the same door, so that nothing is learned without a token.
    let closed = Door { app: app.clone(), asks: Asks::Admission, pace: Pace::Prompt, params: Arc::new([]) };
    let nothing = get(nowhere).fallback(nowhere).layer(middleware::from_fn_with_state(closed, door::pass));
    router
        .fallback_service(nothing.with_state(app.clone()))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(door::check_head))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(app)
}

async fn nowhere() -> Problem {
    Problem::not_found("there is nothing here", "/openapi.json lists what there is")
}

async fn wrong_method() -> Problem {
    let status = axum::http::StatusCode::METHOD_NOT_ALLOWED;
    Problem::new(status, "wrong-method", "this is not done with that method", "/openapi.json lists what there is")
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("unknown"), "a request failed inside");
    Problem::internal().into_response()
}
