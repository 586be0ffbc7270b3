//! `/v1/log`: the events themselves, and whether they are all there.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use futures::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::Principal;
use crate::domain::Action;
use crate::kinds::Envelope;
use crate::ports::{Page, Query};
use crate::server::app::App;
use crate::server::body::{Given, Params, json, ndjson};
use crate::server::problem::Problem;
use crate::shape;
use crate::shape::Verification;

use super::runs::Nothing;

const USUAL: u32 = 100;
const MOST: u32 = 1000;

/// Which events.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::server) struct Wanted {
    /// Those after this `seq`, oldest first.
    after: Option<u64>,
    /// Those before this `seq`, newest first; without `after` and `before`, the newest.
    before: Option<u64>,
    /// Only those whose stored JSON contains this; not together with `after`.
    search: Option<String>,
    /// How many; 100 when nothing is said, at most 1000.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

/// A page of events.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct EventPage {
    #[schemars(with = "Vec<EventSchema>")]
    events: Vec<Envelope>,
    /// Whether more follow in the same direction.
    more: bool,
}

/// An event with its place in the log. `event` has a `type` such as `run.started`, and fields that go with it.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct EventSchema {
    seq: u64,
    /// `run:ID` or `approval:ID`.
    stream: String,
    version: u64,
    at: crate::domain::Timestamp,
    /// `person:NAME`, `agent:NAME` or `system`.
    by: String,
    event: Value,
}

impl EventPage {
    pub(super) fn of(page: Page<Envelope>) -> Self {
        Self { events: page.rows, more: page.more }
    }
}

pub(in crate::server) async fn page(
    State(app): State<Arc<App>>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let limit = wanted.limit.unwrap_or(USUAL);
    let page = match (wanted.after, wanted.before, wanted.search) {
        (Some(after), None, None) => {
            let events = app.log.read(after, limit).await?;
            EventPage { more: events.len() == limit as usize, events }
        }
        (Some(_), _, _) => {
            return Err(Problem::malformed("`after` goes with neither `before` nor `search`", "leave one out"));
        }
        (None, before, search) => {
            let before = before.unwrap_or(u64::MAX);
            let query = match search {
                Some(text) => Query::Search { text, before, limit },
                None => Query::LogBefore { before, limit },
            };
            let page = app.client.query(query).await?.events()?;
            EventPage::of(page)
        }
    };
    json(&page)
}

pub(in crate::server) async fn verify(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Given(Nothing {}): Given<Nothing>,
) -> Result<Response, Problem> {
    tracing::info!(by = %principal.actor(), "the log is verified");
    json(&Verification::of(&app.log.verify(&[]).await?, &[], &[]))
}

/// All events, one JSON object a line, read as fast as they are taken, and cut off once the caller may not any more.
pub(in crate::server) async fn export(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Result<Response, Problem> {
    let lines = stream::try_unfold((app, principal, 0), |(app, principal, after)| async move {
        let principal = app.gate.again(&principal).await?;
        app.gate.permit(&principal, Action::Export).await?;
        let page = app.log.read(after, MOST).await?;
        let Some(last) = page.last().map(|last| last.seq) else { return Ok(None) };
        let mut text = String::new();
        for envelope in &page {
            text.push_str(&shape::escaped(serde_json::to_string(envelope).unwrap_or_default()));
            text.push('\n');
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Some((text, (app, principal, last))))
    });
    Ok(ndjson(Body::from_stream(lines)))
}
