//! From what somebody wrote to the thing it names: an id, a unique prefix of it, or its last 8 digits.

use crate::domain::ShortId;
use crate::kinds::{Rowed, Table};
use crate::ports::{Client, ClientError, Query, RowFilter, RowQuery};

/// Why there is not exactly one.
#[derive(Clone, Debug, PartialEq)]
pub enum NotOne<T> {
    Nothing,
    /// Two or more.
    Several(Vec<T>),
    /// It could not be looked up.
    Unread(ClientError),
}

/// Which of several are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    /// All are as good.
    None,
    /// What is still open, where there is any: nothing else can be decided.
    Open,
}

/// The one that `given` names, of those in memory or of all that are stored.
pub async fn find<K: Rowed>(client: &dyn Client, live: &Table<K>, given: &str, prefer: Prefer) -> Result<K, NotOne<K>> {
    if let Some(row) = given.parse().ok().and_then(|id: K::Id| live.get(&id)) {
        return Ok(row.clone());
    }
    let Some(short) = ShortId::parse(given) else { return Err(NotOne::Nothing) };
    let is_meant = |found: &[K]| prefer == Prefer::Open && found.iter().any(|row| row.index().is_open);
    let mut found: Vec<K> = live.values().filter(|row| short.fits(row.id().into())).cloned().collect();
    if is_meant(&found) {
        found.retain(|row| row.index().is_open);
        return only_one(found);
    }
    let named = RowQuery::first(K::KIND, RowFilter::Named(short), RowQuery::MOST_NAMED);
    let stored =
        client.query(Query::Rows(named)).await.and_then(|answer| answer.rows::<K>()).map_err(NotOne::Unread)?;
    for row in stored.rows {
        if found.iter().all(|known| known.id() != row.id()) {
            found.push(row);
        }
    }
    if is_meant(&found) {
        found.retain(|row| row.index().is_open);
    }
    only_one(found)
}

fn only_one<T>(mut found: Vec<T>) -> Result<T, NotOne<T>> {
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(NotOne::Nothing),
        _ => Err(NotOne::Several(found)),
    }
}
