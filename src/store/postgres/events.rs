//! Reading events: onward, of one stream, backward, and by the text in them.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::ask::{How, Question};
use super::error::unreadable_row;
use super::store::Store;
use super::{end, keys};
use crate::kinds::{Envelope, Stream};
use crate::ports::{LogError, Page};
use crate::store::chain::stream_bytes;
use crate::store::seal::Seal;
use crate::store::search::{Needle, OPENED_AT_ONCE, SEARCHED_AT_ONCE, patterns};
use crate::store::stored::{Stored, from_sql, page, to_sql};

macro_rules! events {
    ($rest:literal) => {
        concat!(
            "SELECT seq, hash, stream, version, at, actor, body, prev FROM morningai.event WHERE tenant = $1 AND ",
            $rest
        )
    };
}

pub(super) async fn after(store: &Store, after: u64, limit: u32) -> Result<Vec<Envelope>, LogError> {
    let question = || {
        let query = sqlx::query(
            "SELECT seq, hash, stream, version, at, actor, body, prev FROM morningai.events_after($1, $2, $3) ORDER BY seq",
        );
        query.bind(store.tenant.0.clone()).bind(to_sql(after)).bind(i64::from(limit))
    };
    let rows = store.ask(How::CallingMuch, "read", question).await?;
    learn_keys(store, &rows).await?;
    let events = decode_all(store, &rows)?;
    end::follow(store, &rows).await?;
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
    if let Seal::Sealed(_) = store.seal {
        return search_sealed(store, before, limit, text).await;
    }
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

/// The same where the database cannot look into bodies: all of them are read and opened here, a piece at a time.
async fn search_sealed(store: &Store, before: u64, limit: u32, text: &str) -> Result<Page<Envelope>, LogError> {
    let needle = Needle::new(text)?;
    let mut top = before;
    let mut found = Vec::new();
    loop {
        let question = || {
            let query = sqlx::query(events!("seq < $2 ORDER BY seq DESC LIMIT $3")).bind(store.tenant.0.clone());
            query.bind(to_sql(top)).bind(i64::from(OPENED_AT_ONCE))
        };
        let rows = fetch_rows(store, question).await?;
        for row in &rows {
            let decoded = read(row).and_then(|stored| {
                stored.decode_if(&store.seal, |json| needle.is_in(json)).map_err(|why| (stored.seq, why))
            });
            found.extend(decoded.map_err(|(seq, why)| unreadable_row(&store.place, &format!("event {seq}"), &why))?);
            if found.len() > limit as usize {
                return Ok(page(found, limit));
            }
        }
        match rows.last().filter(|_| rows.len() == OPENED_AT_ONCE as usize) {
            Some(last) => top = last.try_get(0).map_or(1, from_sql),
            None => return Ok(page(found, limit)),
        }
    }
}

/// With the keys that they name.
async fn fetch_rows(store: &Store, question: impl Fn() -> Question) -> Result<Vec<PgRow>, LogError> {
    let rows = store.ask(How::ReadingMuch, "read", question).await?;
    learn_keys(store, &rows).await?;
    Ok(rows)
}

async fn learn_keys(store: &Store, rows: &[PgRow]) -> Result<(), LogError> {
    let columns = rows.iter().flat_map(|row| [5, 6].into_iter().filter_map(|column| row.try_get(column).ok()));
    keys::learn(store, store.seal.unknown(columns)).await
}

async fn fetch(store: &Store, question: impl Fn() -> Question) -> Result<Vec<Envelope>, LogError> {
    decode_all(store, &fetch_rows(store, question).await?)
}

fn decode_all(store: &Store, rows: &[PgRow]) -> Result<Vec<Envelope>, LogError> {
    let decode = |row| {
        let stored = read(row)?;
        stored.decode(&store.seal).map_err(|why| (stored.seq, why))
    };
    rows.iter()
        .map(|row| decode(row).map_err(|(seq, why)| unreadable_row(&store.place, &format!("event {seq}"), &why)))
        .collect()
}

/// The error says which event, and what is wrong with it.
fn read(row: &PgRow) -> Result<Stored<'_>, (u64, String)> {
    let seq = from_sql(row.try_get(0).map_err(|error| (0, error.to_string()))?);
    let read = || -> Result<Stored<'_>, sqlx::Error> {
        Ok(Stored {
            seq,
            stream: row.try_get(2)?,
            version: from_sql(row.try_get(3)?),
            at: row.try_get(4)?,
            actor: row.try_get(5)?,
            body: row.try_get(6)?,
        })
    };
    read().map_err(|error| (seq, error.to_string()))
}
