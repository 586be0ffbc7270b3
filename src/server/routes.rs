//! Every route, in one table. The router and the OpenAPI document are both made from it.

mod people;
mod route;
mod store;
mod things;
mod work;

use std::borrow::Cow;

use axum::http::Method;

use super::door::Asks;
use crate::domain::Action;

pub(super) use route::{Answer, Crowd, Describe, Route};

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
    routes.extend(work::hook_routes());
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
            Asks::Admission | Asks::Hook(_) | Asks::Signature | Asks::Nothing => None,
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
            Asks::Hook(proof) => proof.about(),
            Asks::Signature => "the sender's signature".to_owned(),
            Asks::Admission => "being admitted".to_owned(),
            Asks::Right(action) => format!("`{action}`"),
        };
        text.push_str(&format!("| `{} {}` | {} | {takes} |\n", route.method, route.path, route.summary));
    }
    text
}
