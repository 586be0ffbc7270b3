//! Events and rows between their stored columns and the types of the program, the same in every store. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;

use super::chain::{Chain, Columns, Link, Place, stream_from_bytes};
use super::seal::{OpenedBody, Seal, Sealing};
use crate::domain::{Actor, IdempotencyKey, Tenant, Timestamp};
use crate::kinds::{AccessEvent, Envelope, Event, Row, RowKey, RowKind, Stream};
use crate::ports::{Answered, LogError, LogErrorKind, NewEvent, Page, RowPlace};

/// SQL's integers are signed; ours are not and stay far below 2^63.
pub(super) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// An event that is about to be stored.
pub(super) struct Chained {
    pub envelope: Envelope,
    /// Microseconds since 1970 UTC.
    pub at: i64,
    pub actor: String,
    pub body: String,
    pub prev: Link,
    /// The hash of the row itself.
    pub link: Link,
}

/// The events that follow `start`, with their hashes; and the place after them.
pub(super) fn chain_on(
    tenant: &Tenant,
    sealing: &Sealing,
    start: Place,
    events: Vec<NewEvent>,
) -> Result<(Vec<Chained>, Place), LogError> {
    let mut chain = Chain::after(tenant, start.link);
    let mut chained = Vec::with_capacity(events.len());
    for (seq, new) in (start.seq + 1..).zip(events) {
        let envelope = placed(seq, new);
        let actor = sealing.actor(&envelope.by);
        let body = sealing.event(&envelope, &actor, event_json(&envelope.event)?)?;
        let at = envelope.at.timestamp_micros();
        let prev = chain.last();
        let columns =
            Columns { seq, stream: envelope.stream, version: envelope.version, at, actor: &actor, body: &body };
        let link = chain.push(prev, &columns);
        chained.push(Chained { envelope, at, actor, body, prev, link });
    }
    let end = Place { seq: start.seq + chained.len() as u64, link: chain.last() };
    Ok((chained, end))
}

/// An event with its place; times keep whole microseconds, as stored.
fn placed(seq: u64, new: NewEvent) -> Envelope {
    let at = Timestamp::from_timestamp_micros(new.at.timestamp_micros()).unwrap_or(new.at);
    Envelope { seq, stream: new.stream, version: new.version, at, by: new.by, event: new.event }
}

fn event_json(event: &Event) -> Result<String, LogError> {
    serde_json::to_string(event).map_err(|error| {
        LogError::new(
            LogErrorKind::Unusable,
            format!("cannot write {} as JSON: {error}", event.kind()),
            "this is a defect of the program; please report it",
        )
    })
}

/// An event's columns as a store gives them.
pub(super) struct Stored<'a> {
    pub seq: u64,
    pub stream: &'a [u8],
    pub version: u64,
    pub at: i64,
    pub actor: &'a str,
    pub body: &'a str,
}

impl Stored<'_> {
    /// The error says what is wrong with it. The keys it names are known to `seal`.
    pub fn decode(&self, seal: &Seal) -> Result<Envelope, String> {
        self.with(seal, seal.event(self.body, self.stream()?, self.version, self.actor)?)
    }

    /// The same if its JSON is one that is looked for.
    pub fn decode_if(&self, seal: &Seal, is_wanted: impl FnOnce(&str) -> bool) -> Result<Option<Envelope>, String> {
        match seal.event(self.body, self.stream()?, self.version, self.actor)? {
            OpenedBody::Json(json) if !is_wanted(&json) => Ok(None),
            OpenedBody::Erased(_) => Ok(None),
            opened => self.with(seal, opened).map(Some),
        }
    }

    fn stream(&self) -> Result<Stream, String> {
        stream_from_bytes(self.stream).ok_or_else(|| "not a stream".to_owned())
    }

    fn with(&self, seal: &Seal, opened: OpenedBody<'_>) -> Result<Envelope, String> {
        let stream = self.stream()?;
        let event = match opened {
            OpenedBody::Json(json) => Event::decode(stream, &json).map_err(|error| error.to_string())?,
            OpenedBody::Erased(event) => Event::Erased(event),
        };
        if let Event::Account(AccessEvent::SubjectErased { subject }) = event {
            seal.forget(subject);
        }
        let actor = seal.actor(self.actor)?;
        Ok(Envelope {
            seq: self.seq,
            stream,
            version: self.version,
            at: Timestamp::from_timestamp_micros(self.at).ok_or("a time out of range")?,
            by: Actor::deserialize(actor.as_ref().into_deserializer())
                .map_err(|error: ValueError| error.to_string())?,
            event,
        })
    }
}

/// What a projection row is found by, as a store gives it.
pub(super) struct RowIndex<'a> {
    pub is_open: bool,
    pub sort: i64,
    /// None in a row of before there was the column, nor in the next two.
    pub state: Option<String>,
    pub parent: Option<&'a [u8]>,
    pub due: Option<i64>,
}

impl RowIndex<'_> {
    /// The row of this JSON; the error says what is wrong with it.
    pub fn row(self, key: RowKey, body: String) -> Result<Row, String> {
        let time = |micros| Timestamp::from_timestamp_micros(micros).ok_or("a time out of range");
        let (is_open, sort) = (self.is_open, time(self.sort)?);
        let Some(state) = self.state else {
            return Ok(match Row::read(key.clone(), body.clone()) {
                Ok(row) => Row { is_open, sort, ..row },
                // The caller that wants more than the JSON says why it cannot be read.
                Err(_) => Row { key, is_open, sort, state: String::new(), parent: None, due: None, body },
            });
        };
        let parent =
            self.parent.map(|parent| stream_from_bytes(parent).ok_or("its parent is not a stream")).transpose()?;
        Ok(Row { key, is_open, sort, state, parent, due: self.due.map(time).transpose()?, body })
    }
}

/// What is kept of a request that was carried out.
pub(super) struct AnswerColumns<'a> {
    pub asked: &'a [u8],
    pub first: i64,
    pub events: i64,
    pub at: i64,
}

impl AnswerColumns<'_> {
    /// The error says what is wrong with it.
    pub fn decode(self, key: &IdempotencyKey) -> Result<Answered, String> {
        let asked = self.asked.try_into().map_err(|_| "a hash is not 32 bytes")?;
        Ok(Answered {
            key: IdempotencyKey { asked, ..*key },
            first: from_sql(self.first),
            events: u32::try_from(self.events).map_err(|error| error.to_string())?,
            at: Timestamp::from_timestamp_micros(self.at).ok_or("a time out of range")?,
        })
    }
}

/// The streams of these events, and the version of the first event of each.
pub(super) fn first_of_each(events: &[NewEvent]) -> BTreeMap<Stream, u64> {
    let mut streams = BTreeMap::new();
    for event in events {
        streams.entry(event.stream).or_insert(event.version);
    }
    streams
}

/// The kind of that name.
pub(super) fn row_kind(name: &str) -> Result<RowKind, String> {
    RowKind::ALL
        .iter()
        .copied()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| format!("no kind of rows is called {name}"))
}

/// Where a page begins: behind this place.
pub(super) fn beginning(after: Option<&RowPlace>) -> (i64, &str) {
    after.map_or((i64::MAX, ""), |place| (place.sort.timestamp_micros(), &place.id))
}

/// A page of `limit` rows out of one row more, which tells whether there are more.
pub(super) fn page<T>(mut rows: Vec<T>, limit: u32) -> Page<T> {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    Page { rows, more }
}
