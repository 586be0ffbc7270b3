//! Reading events: onward, of one stream, backward, and by the text in them.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::error::unreadable_row;
use super::keys;
use super::store::Store;
use crate::kinds::{Envelope, Stream};
use crate::ports::{LogError, Page};
use crate::store::chain::stream_bytes;
use crate::store::seal::Seal;
use crate::store::search::{Needle, OPENED_AT_ONCE, SEARCHED_AT_ONCE, patterns};
use crate::store::stored::{Stored, from_sql, page, to_sql};

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
    if let Seal::Sealed(_) = store.seal {
        return search_sealed(store, before, limit, text).await;
    }
    let [plain, escaped] = patterns(text);
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

/// The same where the database cannot look into bodies: all of them are read and opened here, a piece at a time.
async fn search_sealed(store: &Store, before: u64, limit: u32, text: &str) -> Result<Page<Envelope>, LogError> {
    let needle = Needle::new(text)?;
    let mut top = before;
    let mut found = Vec::new();
    loop {
        let query = sqlx::query(events!("seq < $2 ORDER BY seq DESC LIMIT $3")).bind(store.tenant.0.clone());
        let rows = fetch_rows(store, query.bind(to_sql(top)).bind(i64::from(OPENED_AT_ONCE))).await?;
        for row in &rows {
            let decoded = read(row).and_then(|stored| {
                stored.decode_if(&store.seal, |json| needle.is_in(json)).map_err(|why| (stored.seq, why))
            });
            found.extend(decoded.map_err(|(seq, why)| unreadable_row(&store.path, &format!("event {seq}"), &why))?);
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

type Query = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// With the keys that they name.
async fn fetch_rows(store: &Store, query: Query) -> Result<Vec<SqliteRow>, LogError> {
    let rows = query.fetch_all(&store.readers).await.map_err(|error| store.explain("read", &error))?;
    let columns = rows.iter().flat_map(|row| [4, 5].into_iter().filter_map(|column| row.try_get(column).ok()));
    keys::learn(store, store.seal.unknown(columns)).await?;
    Ok(rows)
}

async fn fetch(store: &Store, query: Query) -> Result<Vec<Envelope>, LogError> {
    let rows = fetch_rows(store, query).await?;
    let decode = |row| {
        let stored = read(row)?;
        stored.decode(&store.seal).map_err(|why| (stored.seq, why))
    };
    rows.iter()
        .map(|row| decode(row).map_err(|(seq, why)| unreadable_row(&store.path, &format!("event {seq}"), &why)))
        .collect()
}

/// The error says which event, and what is wrong with it.
fn read(row: &SqliteRow) -> Result<Stored<'_>, (u64, String)> {
    let seq = from_sql(row.try_get(0).map_err(|error| (0, error.to_string()))?);
    let read = || -> Result<Stored<'_>, sqlx::Error> {
        Ok(Stored {
            seq,
            stream: row.try_get(1)?,
            version: from_sql(row.try_get(2)?),
            at: row.try_get(3)?,
            actor: row.try_get(4)?,
            body: row.try_get(5)?,
        })
    };
    read().map_err(|error| (seq, error.to_string()))
}
