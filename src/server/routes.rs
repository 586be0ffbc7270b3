//! Every route, in one table. The router and the OpenAPI document are both made from it.

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::middleware;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::MethodRouter;
use axum::routing::get;
use axum::routing::post;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use tower_http::catch_panic::CatchPanicLayer;

use super::App;
use super::api::agents;
use super::api::approvals;
use super::api::doctor;
use super::api::log;
use super::api::runs;
use super::door;
use super::door::Door;
use super::door::Pace;
use super::feed;
use super::health;
use super::openapi;
use super::problem::Problem;
use crate::ports::Action;
use crate::protocol;
use crate::shape::ApprovalDetail;
use crate::shape::ApprovalShape;
use crate::shape::OfferDetail;
use crate::shape::RunDetail;
use crate::shape::RunShape;
use crate::shape::Verification;

/// Adds a type to a document and refers to it.
pub(super) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// One route.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// Its name in clients that are generated from the document.
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    /// What one must be allowed to do; `None`: anybody may.
    pub(super) action: Option<Action>,
    pub(super) params: Option<Describe>,
    pub(super) body: Option<Describe>,
    pub(super) answer: Answer,
    pace: Pace,
    handler: fn() -> MethodRouter<Arc<App>>,
}

/// What a route answers with when all goes well.
#[derive(Clone, Copy)]
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

fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Route {
    fn get(
        path: &'static str,
        name: &'static str,
        summary: &'static str,
        answer: Answer,
        handler: fn() -> MethodRouter<Arc<App>>,
    ) -> Self {
        Self {
            method: Method::GET,
            path,
            name,
            summary,
            action: Some(Action::Look),
            params: None,
            body: None,
            answer,
            pace: Pace::Prompt,
            handler,
        }
    }

    fn post<Body: JsonSchema>(
        path: &'static str,
        name: &'static str,
        summary: &'static str,
        answer: Answer,
        handler: fn() -> MethodRouter<Arc<App>>,
    ) -> Self {
        let body = Some(describe::<Body> as Describe);
        Self { method: Method::POST, body, ..Self::get(path, name, summary, answer, handler) }
    }

    fn params<Params: JsonSchema>(self) -> Self {
        Self { params: Some(describe::<Params>), ..self }
    }

    fn needs(self, action: Action) -> Self {
        Self { action: Some(action), ..self }
    }

    fn open(self) -> Self {
        Self { action: None, ..self }
    }

    fn takes_long(self) -> Self {
        Self { pace: Pace::Long, ..self }
    }
}

/// The table.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = run_routes();
    routes.extend(approval_routes());
    routes.extend(other_routes());
    routes
}

fn run_routes() -> Vec<Route> {
    let run = || Answer::Json(describe::<RunShape<'static>>);
    vec![
        Route::get(
            "/v1/runs",
            "listRuns",
            "Runs, newest first",
            Answer::Json(describe::<runs::RunList<'static>>),
            || get(runs::list),
        )
        .params::<runs::Wanted>(),
        Route::post::<runs::Start>(
            "/v1/runs",
            "startRun",
            "Start a run",
            Answer::Made(describe::<RunShape<'static>>),
            || post(runs::start),
        )
        .needs(Action::Start),
        Route::get(
            "/v1/runs/{id}",
            "showRun",
            "A run, its plan and its calls",
            Answer::Json(describe::<RunDetail<'static>>),
            || get(runs::show),
        ),
        Route::post::<runs::Cancel>("/v1/runs/{id}/cancel", "cancelRun", "Stop a run for good", run(), || {
            post(runs::cancel)
        })
        .needs(Action::Steer),
        Route::post::<runs::Nothing>(
            "/v1/runs/{id}/pause",
            "pauseRun",
            "Let what is under way in a run finish, and begin nothing new",
            run(),
            || post(runs::pause),
        )
        .needs(Action::Steer),
        Route::post::<runs::Nothing>(
            "/v1/runs/{id}/resume",
            "resumeRun",
            "Go on with a run that was paused",
            run(),
            || post(runs::resume),
        )
        .needs(Action::Steer),
        Route::get("/v1/runs/{id}/recording", "recordRun", "A run as a recording", Answer::Lines, || {
            get(runs::recording)
        })
        .needs(Action::ReadLog)
        .takes_long(),
    ]
}

fn approval_routes() -> Vec<Route> {
    let approval = || Answer::Json(describe::<ApprovalShape<'static>>);
    vec![
        Route::get(
            "/v1/approvals",
            "listApprovals",
            "What waits for a person, oldest first",
            Answer::Json(describe::<approvals::ApprovalList<'static>>),
            || get(approvals::list),
        )
        .params::<approvals::Wanted>(),
        Route::get(
            "/v1/approvals/{id}",
            "showApproval",
            "A request with everything on its card",
            Answer::Json(describe::<ApprovalDetail<'static>>),
            || get(approvals::show),
        ),
        Route::post::<approvals::Approve>(
            "/v1/approvals/{id}/approve",
            "approve",
            "Approve an effect",
            approval(),
            || post(approvals::approve),
        )
        .needs(Action::Decide),
        Route::post::<approvals::Deny>(
            "/v1/approvals/{id}/deny",
            "deny",
            "Deny an effect, or decline to answer a question",
            approval(),
            || post(approvals::deny),
        )
        .needs(Action::Decide),
        Route::post::<approvals::Edit>(
            "/v1/approvals/{id}/edit",
            "edit",
            "Change what an agent asks to do; the answer is the changed card, which is to be approved",
            Answer::Json(describe::<ApprovalDetail<'static>>),
            || post(approvals::edit),
        )
        .needs(Action::Decide),
        Route::post::<approvals::Answer>(
            "/v1/approvals/{id}/answer",
            "answer",
            "Answer an agent's question",
            approval(),
            || post(approvals::answer),
        )
        .needs(Action::Decide),
        Route::post::<approvals::Settle>(
            "/v1/approvals/{id}/settle",
            "settle",
            "Say what became of an effect whose outcome is in doubt",
            approval(),
            || post(approvals::settle),
        )
        .needs(Action::Decide),
    ]
}

fn other_routes() -> Vec<Route> {
    let health = || Answer::Json(describe::<health::HealthReport>);
    vec![
        Route::get(
            "/v1/agents",
            "listAgents",
            "Agents and procedures that can be run",
            Answer::Json(describe::<agents::AgentList>),
            || get(agents::list),
        ),
        Route::get(
            "/v1/agents/{name}",
            "showAgent",
            "An agent or a procedure with what it is told",
            Answer::Json(describe::<OfferDetail<'static>>),
            || get(agents::show),
        ),
        Route::get(
            "/v1/doctor",
            "examine",
            "What works on the server, and what to do about the rest; asks no model",
            Answer::Json(describe::<doctor::Findings>),
            || get(doctor::examine),
        )
        .needs(Action::ReadLog),
        Route::get("/v1/log", "readLog", "Events of the log, a page", Answer::Json(describe::<log::EventPage>), || {
            get(log::page)
        })
        .params::<log::Wanted>()
        .needs(Action::ReadLog),
        Route::get("/v1/log/export", "exportLog", "All events, one a line", Answer::Lines, || get(log::export))
            .needs(Action::ReadLog)
            .takes_long(),
        Route::post::<runs::Nothing>(
            "/v1/log/verify",
            "verifyLog",
            "Recompute the hash chain and compare it with the saved heads",
            Answer::Json(describe::<Verification<'static>>),
            || post(log::verify),
        )
        .needs(Action::ReadLog)
        .takes_long(),
        Route::get(
            protocol::FEED_PATH,
            "attach",
            "The feed of attached consoles, over a WebSocket",
            Answer::Switched,
            || get(feed::attach),
        )
        .takes_long(),
        Route::get("/healthz", "health", "Whether the process is up", health(), || get(health::health)).open(),
        Route::get("/readyz", "readiness", "Whether the store answers and takes writes", health(), || {
            get(health::ready)
        })
        .open(),
        Route::get("/openapi.json", "describe", "This document", Answer::Document, || get(openapi::serve)).open(),
    ]
}

/// Method and path of every route, sorted.
pub fn operations() -> Vec<(String, String)> {
    let mut operations: Vec<_> =
        routes().iter().map(|route| (route.method.to_string(), route.path.to_owned())).collect();
    operations.sort();
    operations
}

/// The router over the table.
pub(super) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let door = Door { app: app.clone(), action: route.action, pace: route.pace };
        let handler = (route.handler)().layer(middleware::from_fn_with_state(door, door::pass));
        router = router.route(route.path, handler);
    }
    // Whoever asks for what is not there passes the same door, so that nothing is learned without a token.
    let closed = Door { app: app.clone(), action: Some(Action::Look), pace: Pace::Prompt };
    let nothing = get(nowhere).fallback(nowhere).layer(middleware::from_fn_with_state(closed, door::pass));
    router
        .fallback_service(nothing.with_state(app.clone()))
        .method_not_allowed_fallback(wrong_method)
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
