//! One route: what it takes, what it answers with, and who handles it.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::Method;
use axum::routing::MethodRouter;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::domain::Action;
use crate::feeds::Proof;
use crate::server::app::App;
use crate::server::door::{Asks, Pace};

/// Adds a type to a document and refers to it.
pub(in crate::server) type Describe = Arc<dyn Fn(&mut SchemaGenerator) -> Schema>;

/// One route.
pub(in crate::server) struct Route {
    pub(in crate::server) method: Method,
    pub(in crate::server) path: Cow<'static, str>,
    /// Its name in clients that are generated from the document.
    pub(in crate::server) name: Cow<'static, str>,
    pub(in crate::server) summary: Cow<'static, str>,
    pub(in crate::server) asks: Asks,
    pub(in crate::server) params: Option<Describe>,
    pub(in crate::server) body: Option<Describe>,
    pub(in crate::server) answer: Answer,
    /// What there is to know besides; empty for nothing.
    pub(in crate::server) note: &'static str,
    pub(in crate::server) crowd: Crowd,
    /// Whether it takes a request's own id, so that one that arrives twice is carried out once.
    pub(in crate::server) takes_once: bool,
    /// Errors it answers with that do not follow from the rest of its row.
    pub(in crate::server) also: &'static [u16],
    pub(in crate::server) pace: Pace,
    pub(in crate::server) handler: Box<dyn Fn() -> MethodRouter<Arc<App>>>,
}

/// What a route answers with when all goes well.
#[derive(Clone)]
pub(in crate::server) enum Answer {
    Json(Describe),
    /// The same, with status 201 when something was made.
    Made(Describe),
    /// The same, with status 202 when there was nothing to do.
    Taken(Describe),
    Lines,
    /// A WebSocket.
    Switched,
    /// A document of no fixed schema.
    Document,
}

/// How many may use a route at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Crowd {
    Welcome,
    /// One, of all the routes that say so.
    OneAtATime,
}

pub(super) fn describe<T: JsonSchema + 'static>() -> Describe {
    Arc::new(SchemaGenerator::subschema_for::<T>)
}

/// `["take_over", "incident"]` as `takeOverIncident`.
pub(super) fn camel(words: &[&str]) -> String {
    let words = words.iter().flat_map(|words| words.split(['_', '-']));
    words.enumerate().map(|(place, word)| if place == 0 { word.to_owned() } else { capital(word) }).collect()
}

pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

impl Route {
    pub(super) fn get(
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

    pub(super) fn post(
        path: impl Into<Cow<'static, str>>,
        name: impl Into<Cow<'static, str>>,
        summary: impl Into<Cow<'static, str>>,
        body: Describe,
        answer: Answer,
        handler: impl Fn() -> MethodRouter<Arc<App>> + 'static,
    ) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path, name, summary, answer, handler) }
    }

    pub(super) fn delete(
        path: &'static str,
        name: &'static str,
        summary: &'static str,
        answer: Answer,
        handler: impl Fn() -> MethodRouter<Arc<App>> + 'static,
    ) -> Self {
        Self { method: Method::DELETE, ..Self::get(path, name, summary, answer, handler) }
    }

    pub(super) fn params<Params: JsonSchema + 'static>(self) -> Self {
        Self { params: Some(describe::<Params>()), ..self }
    }

    pub(super) fn needs(self, action: Action) -> Self {
        Self { asks: Asks::Right(action), ..self }
    }

    /// For anybody who was admitted.
    pub(super) fn admitted(self) -> Self {
        Self { asks: Asks::Admission, ..self }
    }

    /// For a source that shows this.
    pub(super) fn hook(self, proof: Proof) -> Self {
        Self { asks: Asks::Hook(proof), ..self }
    }

    /// For those who sign what they send.
    pub(super) fn signed(self) -> Self {
        Self { asks: Asks::Signature, ..self }
    }

    /// For anybody at all.
    pub(super) fn open(self) -> Self {
        Self { asks: Asks::Nothing, ..self }
    }

    pub(super) fn takes_long(self) -> Self {
        Self { pace: Pace::Long, ..self }
    }

    /// Refused while another one of these is under way.
    pub(super) fn one_at_a_time(self) -> Self {
        Self { crowd: Crowd::OneAtATime, ..self }
    }

    /// Carried out once for each `Idempotency-Key`.
    pub(super) fn once(self) -> Self {
        Self { takes_once: true, ..self }
    }

    /// Errors that do not follow from the rest of the row.
    pub(super) fn also(self, also: &'static [u16]) -> Self {
        Self { also, ..self }
    }

    pub(super) fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }
}
