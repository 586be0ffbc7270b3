//! Reading events: onward, of one stream, backward, and by the text in them.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::How;
use super::Question;
use super::Store;
use super::error::unreadable_row;
use super::place;
use crate::domain::Envelope;
use crate::domain::Page;
use crate::domain::Stream;
use crate::ports::LogError;
use crate::store::chain::stream_bytes;
use crate::store::search::SEARCHED_AT_ONCE;
use crate::store::search::patterns;
use crate::store::stored::Stored;
use crate::store::stored::from_sql;
use crate::store::stored::page;
use crate::store::stored::to_sql;

macro_rules! events {
    ($rest:literal) => {
        concat!("SELECT seq, hash, stream, version, at, actor, body FROM morningai.event WHERE tenant = $1 AND ", $rest)
    };
}

pub(super) async fn after(store: &Store, after: u64, limit: u32) -> Result<Vec<Envelope>, LogError> {
    let question = || {
        let query = sqlx::query(events!("seq > $2 ORDER BY seq LIMIT $3")).bind(store.tenant.0.clone());
        query.bind(to_sql(after)).bind(i64::from(limit))
    };
    let rows = store.ask(How::Reading, "read", question).await?;
    let events = decode_all(store, &rows)?;
    if let Some(last) = rows.last() {
        store.seen.note(place(last).map_err(|error| store.explain("read", &error))?);
    }
    Ok(events)
}

pub(super) async fn of_stream(
    store: &Store,
    stream: Stream,
    after: u64,
    limit: u32,
) -> Result<Vec<Envelope>, LogError> {
    let question = || {
        sqlx::query(events!("stream = $2 AND version > $3 ORDER BY version LIMIT $4"))
            .bind(store.tenant.0.clone())
            .bind(stream_bytes(stream).to_vec())
            .bind(to_sql(after))
            .bind(i64::from(limit))
    };
    fetch(store, question).await
}

pub(super) async fn before(store: &Store, before: u64, limit: u32) -> Result<Page<Envelope>, LogError> {
    let question = || {
        let query = sqlx::query(events!("seq < $2 ORDER BY seq DESC LIMIT $3")).bind(store.tenant.0.clone());
        query.bind(to_sql(before)).bind(i64::from(limit) + 1)
    };
    Ok(page(fetch(store, question).await?, limit))
}

/// Looks backward in pieces. Upper and lower case of ASCII letters are the same, for the column compares by its bytes.
pub(super) async fn search(store: &Store, before: u64, limit: u32, text: &str) -> Result<Page<Envelope>, LogError> {
    let [plain, escaped] = patterns(text);
    let wanted = i64::from(limit) + 1;
    let mut top = before.min(store.read_end().await?.seq + 1);
    let mut found = Vec::new();
    while top > 1 && (found.len() as i64) < wanted {
        let bottom = top.saturating_sub(SEARCHED_AT_ONCE).max(1);
        let missing = wanted - found.len() as i64;
        let question = || {
            sqlx::query(events!(
                "seq >= $2 AND seq < $3 AND (body ILIKE $4 OR body ILIKE $5) ORDER BY seq DESC LIMIT $6"
            ))
            .bind(store.tenant.0.clone())
            .bind(to_sql(bottom))
            .bind(to_sql(top))
            .bind(plain.clone())
            .bind(escaped.clone())
            .bind(missing)
        };
        found.extend(fetch(store, question).await?);
        top = bottom;
    }
    Ok(page(found, limit))
}

async fn fetch(store: &Store, question: impl Fn() -> Question) -> Result<Vec<Envelope>, LogError> {
    decode_all(store, &store.ask(How::Reading, "read", question).await?)
}

fn decode_all(store: &Store, rows: &[PgRow]) -> Result<Vec<Envelope>, LogError> {
    rows.iter()
        .map(|row| decode(row).map_err(|(seq, why)| unreadable_row(&store.place, &format!("event {seq}"), &why)))
        .collect()
}

/// The error says which event, and what is wrong with it.
fn decode(row: &PgRow) -> Result<Envelope, (u64, String)> {
    let seq = from_sql(row.try_get(0).map_err(|error| (0, error.to_string()))?);
    let read = || -> Result<Envelope, String> {
        let column = |error: sqlx::Error| error.to_string();
        Stored {
            seq,
            stream: row.try_get(2).map_err(column)?,
            version: from_sql(row.try_get(3).map_err(column)?),
            at: row.try_get(4).map_err(column)?,
            actor: row.try_get(5).map_err(column)?,
            body: row.try_get(6).map_err(column)?,
        }
        .decode()
    };
    read().map_err(|why| (seq, why))
}
