//! The router over the table of routes.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use super::app::App;
use super::door::{Asks, Door, Pace};
use super::problem::Problem;
use super::routes::routes;
use super::{door, openapi};

/// The router over the table.
pub(super) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let params = openapi::query_parameters(&route).into();
        let door = Door { app: app.clone(), asks: route.asks, pace: route.pace, params };
        let handler = (route.handler)().layer(middleware::from_fn_with_state(door, door::pass));
        router = router.route(&route.path, handler);
    }
    // A request for a path that does not exist passes the same door, so that nothing is learned without a token.
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
