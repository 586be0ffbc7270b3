//! Reading events: onward, of one stream, backward, and by the text in them.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::Store;
use super::error::unreadable_row;
use super::from_sql;
use super::to_sql;
use crate::domain::Actor;
use crate::domain::Envelope;
use crate::domain::Event;
use crate::domain::Page;
use crate::domain::Stream;
use crate::domain::Timestamp;
use crate::ports::LogError;
use crate::store::chain::stream_bytes;
use crate::store::chain::stream_from_bytes;

/// Events looked through in one statement of a search, so that none holds the reader for long.
const SEARCHED_AT_ONCE: u64 = 20_000;

macro_rules! events {
    ($rest:literal) => {
        concat!("SELECT seq, stream, version, at, actor, body FROM event WHERE tenant = $1 AND ", $rest)
    };
}

pub(super) async fn after(store: &Store, after: u64, limit: u32) -> Result<Vec<Envelope>, LogError> {
    let query = sqlx::query(events!("seq > $2 ORDER BY seq LIMIT $3")).bind(store.tenant.0.clone());
    fetch(store, query.bind(to_sql(after)).bind(i64::from(limit))).await
}

pub(super) async fn of_stream(
    store: &Store,
    stream: Stream,
    after: u64,
    limit: u32,
) -> Result<Vec<Envelope>, LogError> {
    let query = sqlx::query(events!("stream = $2 AND version > $3 ORDER BY version LIMIT $4"))
        .bind(store.tenant.0.clone())
        .bind(stream_bytes(stream).to_vec());
    fetch(store, query.bind(to_sql(after)).bind(i64::from(limit))).await
}

pub(super) async fn before(store: &Store, before: u64, limit: u32) -> Result<Page<Envelope>, LogError> {
    let query = sqlx::query(events!("seq < $2 ORDER BY seq DESC LIMIT $3")).bind(store.tenant.0.clone());
    let found = fetch(store, query.bind(to_sql(before)).bind(i64::from(limit) + 1)).await?;
    Ok(page(found, limit))
}

/// Looks backward in pieces. Upper and lower case of ASCII letters are the same.
pub(super) async fn search(store: &Store, before: u64, limit: u32, text: &str) -> Result<Page<Envelope>, LogError> {
    // What a person reads as `say "hi"` is stored as `say \"hi\"`: either form is a match.
    let (plain, escaped) = (like_pattern(text), like_pattern(&escaped(text)));
    let wanted = i64::from(limit) + 1;
    let mut top = before.min(store.place().await?.seq + 1);
    let mut found = Vec::new();
    while top > 1 && (found.len() as i64) < wanted {
        let bottom = top.saturating_sub(SEARCHED_AT_ONCE).max(1);
        let query = sqlx::query(events!(
            "seq >= $2 AND seq < $3 AND (body LIKE $4 ESCAPE '\\' OR body LIKE $5 ESCAPE '\\')
             ORDER BY seq DESC LIMIT $6"
        ))
        .bind(store.tenant.0.clone())
        .bind(to_sql(bottom))
        .bind(to_sql(top))
        .bind(plain.clone())
        .bind(escaped.clone())
        .bind(wanted - found.len() as i64);
        found.extend(fetch(store, query).await?);
        top = bottom;
    }
    Ok(page(found, limit))
}

fn page(mut rows: Vec<Envelope>, limit: u32) -> Page<Envelope> {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    Page { rows, more }
}

/// `text` anywhere, taken literally.
fn like_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// `text` as it stands within a JSON string.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

type Query = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

async fn fetch(store: &Store, query: Query) -> Result<Vec<Envelope>, LogError> {
    let rows = query.fetch_all(&store.readers).await.map_err(|error| store.explain("read", &error))?;
    rows.iter()
        .map(|row| decode(row).map_err(|(seq, why)| unreadable_row(&store.path, &format!("event {seq}"), &why)))
        .collect()
}

/// The error says which event, and what is wrong with it.
fn decode(row: &SqliteRow) -> Result<Envelope, (u64, String)> {
    let seq = from_sql(row.try_get(0).map_err(|error| (0, error.to_string()))?);
    let read = || -> Result<Envelope, String> {
        let column = |error: sqlx::Error| error.to_string();
        let stream = stream_from_bytes(row.try_get(1).map_err(column)?).ok_or("not a stream")?;
        let at = Timestamp::from_timestamp_micros(row.try_get(3).map_err(column)?).ok_or("a time out of range")?;
        let actor: &str = row.try_get(4).map_err(column)?;
        Ok(Envelope {
            seq,
            stream,
            version: from_sql(row.try_get(2).map_err(column)?),
            at,
            by: Actor::deserialize(actor.into_deserializer()).map_err(|error: ValueError| error.to_string())?,
            event: event(stream, row.try_get(5).map_err(column)?).map_err(|error| error.to_string())?,
        })
    };
    read().map_err(|why| (seq, why))
}

/// The stream says which kind of event it is; trying both, as `Event` itself must, costs far more.
fn event(stream: Stream, body: &str) -> Result<Event, serde_json::Error> {
    match stream {
        Stream::Run(_) => serde_json::from_str(body).map(Event::Run),
        Stream::Approval(_) => serde_json::from_str(body).map(Event::Approval),
        Stream::Account(_) => serde_json::from_str(body).map(Event::Access),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_searched_text_is_taken_literally() {
        assert_eq!(like_pattern("50%_a\\b"), "%50\\%\\_a\\\\b%");
        assert_eq!(escaped("say \"hi\"\n"), "say \\\"hi\\\"\\n");
    }
}
