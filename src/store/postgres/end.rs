//! Where the log ends, and whether it is still the log that was seen.

use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use super::ask::How;
use super::store::Store;
use super::transaction::{Kind, begin};
use crate::domain::Tenant;
use crate::ports::{LogError, LogErrorKind};
use crate::store::chain::{Link, Place};
use crate::store::stored::{from_sql, to_sql};

const END: &str = "SELECT seq, hash FROM morningai.event WHERE tenant = $1 ORDER BY seq DESC LIMIT 1";

/// Where the log ends, asked of a connection that is no store's yet.
pub(super) async fn first_look(connection: &mut PgConnection, tenant: &Tenant) -> Result<Place, sqlx::Error> {
    let mut transaction = begin(connection, tenant, Kind::Read).await?;
    let end = read_place(&mut transaction, tenant).await?;
    transaction.commit().await?;
    Ok(end)
}

pub(super) async fn read_place(connection: &mut PgConnection, tenant: &Tenant) -> Result<Place, sqlx::Error> {
    let found = sqlx::query(END).bind(tenant.0.clone()).fetch_optional(connection).await?;
    found.as_ref().map_or(Ok(Place::default()), place)
}

pub(super) fn place(row: &PgRow) -> Result<Place, sqlx::Error> {
    let hash: &[u8] = row.try_get(1)?;
    let link = Link::from_bytes(hash).ok_or_else(|| sqlx::Error::Decode("event.hash is not 32 bytes".into()))?;
    Ok(Place { seq: from_sql(row.try_get(0)?), link })
}

impl Store {
    /// Where the log ends, also where another process wrote it.
    pub(super) async fn read_end(&self) -> Result<Place, LogError> {
        let question = || sqlx::query("SELECT seq, hash FROM morningai.log_end($1, 0)").bind(self.tenant.0.clone());
        let rows = self.ask(How::Calling, "read the head of", question).await?;
        rows.first().map_or(Ok(Place::default()), place).map_err(|error| self.explain("read the head of", &error))
    }
}

/// Where the log ends, whoever wrote it; an error when what was seen does not lie on it any more.
pub(super) async fn read_end(store: &Store) -> Result<Place, LogError> {
    let seen = *store.seen.furthest();
    let question = || {
        sqlx::query("SELECT seq, hash, seen_hash FROM morningai.log_end($1, $2)")
            .bind(store.tenant.0.clone())
            .bind(to_sql(seen.seq))
    };
    let doing = "read the head of";
    let rows = store.ask(How::Calling, doing, question).await?;
    let read = |row| Ok((place(row)?, row.try_get::<Option<Vec<u8>>, _>(2)?));
    let found = rows.first().map(read).transpose().map_err(|error| store.explain(doing, &error))?;
    let (end, hash) = found.unwrap_or_default();
    // One that is not there though later ones are was removed on purpose, for its age.
    let is_replaced = hash.is_some_and(|hash| hash != seen.link.bytes());
    match end.seq < seen.seq || is_replaced {
        true => Err(lost(&store.place, seen, end)),
        false => Ok(end),
    }
}

/// Events that were read, the first column of each its number, the second its hash, the eighth that of the one before it:
/// from now on they are seen. An error when they do not go on from what was seen before.
pub(super) async fn follow(store: &Store, rows: &[PgRow]) -> Result<(), LogError> {
    let failed = |error| store.explain("read", &error);
    let Some(last) = rows.last() else { return Ok(()) };
    let last = place(last).map_err(failed)?;
    let seen = *store.seen.furthest();
    if last.seq <= seen.seq {
        return Ok(());
    }
    match link_at(rows, seen.seq).map_err(failed)? {
        Some(link) if link == seen.link => {}
        Some(_) => return Err(lost(&store.place, seen, last)),
        // They begin further on, or it was pruned.
        None => drop(read_end(store).await?),
    }
    store.seen.note(last);
    Ok(())
}

/// The hash of the event at a place, told by itself or by the one after it.
fn link_at(rows: &[PgRow], seq: u64) -> Result<Option<Link>, sqlx::Error> {
    for row in rows {
        let found = place(row)?;
        if found.seq == seq {
            return Ok(Some(found.link));
        }
        if found.seq == seq + 1 {
            return Ok(Link::from_bytes(row.try_get(7)?));
        }
    }
    Ok(None)
}

fn lost(place: &str, seen: Place, end: Place) -> LogError {
    let what = match end.seq < seen.seq {
        true => format!("it ends with event {}, and was saved up to {}", end.seq, seen.seq),
        false => format!("another event has the place of event {}", seen.seq),
    };
    LogError::new(
        LogErrorKind::Lost,
        format!("the server has lost what was saved in {place}: {what}"),
        "look whether a standby took over that did not have everything; `morningai log verify` says more; end this \
         program and start it again to go on with the log as it is now",
    )
}
