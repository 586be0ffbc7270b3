//! From what somebody wrote to the thing it names: an id, a unique prefix of it, or its last 8 digits.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::ShortId;
use crate::kinds::{Field, Form, RowKind, Rowed, Surface, Table, Thing};
use crate::ports::{Answer, Client, ClientError, Page, Query, RowFilter, RowQuery};

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
    let tell = |row: &K| (row.id().into(), row.index().is_open);
    find_among(client, K::KIND, live.values().cloned(), given, prefer, tell, Answer::rows::<K>).await
}

/// The same of a kind that is told by its surface.
pub async fn find_thing(client: &dyn Client, surface: &Surface, given: &str) -> Result<Thing, NotOne<Thing>> {
    let tell = |thing: &Thing| (thing.id, thing.is_open);
    find_among(client, surface.kind, std::iter::empty(), given, Prefer::Open, tell, |answer| answer.things(surface))
        .await
}

/// A field that names a thing, what was given for it, and why that is not exactly one.
pub type Unnamed = (RowKind, String, NotOne<Uuid>);

/// Puts whole ids in the place of what names a stored thing by a part of its id.
pub async fn whole_ids(client: &dyn Client, fields: &[Field], given: &mut Map<String, Value>) -> Result<(), Unnamed> {
    for field in fields {
        let Some(value) = given.get_mut(&field.name) else { continue };
        let (Form::Id(kind), Some(word)) = (&field.form, value.as_str()) else { continue };
        let word = word.to_owned();
        let nothing = std::iter::empty();
        let found =
            find_among(client, *kind, nothing, &word, Prefer::None, |id| (*id, false), |answer| answer.ids(*kind));
        *value = found.await.map_err(|not_one| (*kind, word, not_one))?.to_string().into();
    }
    Ok(())
}

/// `tell` says the id, and whether it is open.
async fn find_among<T: Clone>(
    client: &dyn Client,
    kind: RowKind,
    live: impl Iterator<Item = T>,
    given: &str,
    prefer: Prefer,
    tell: impl Fn(&T) -> (Uuid, bool),
    read: impl Fn(Answer) -> Result<Page<T>, ClientError>,
) -> Result<T, NotOne<T>> {
    let Some(short) = ShortId::parse(given) else { return Err(NotOne::Nothing) };
    let is_meant = |found: &[T]| prefer == Prefer::Open && found.iter().any(|row| tell(row).1);
    let mut found: Vec<T> = live.filter(|row| short.fits(tell(row).0)).collect();
    if let Some(exact) = given.parse().ok().and_then(|id: Uuid| found.iter().find(|row| tell(row).0 == id)) {
        return Ok(exact.clone());
    }
    if is_meant(&found) {
        found.retain(|row| tell(row).1);
        return only_one(found);
    }
    let named = RowQuery::first(kind, RowFilter::Named(short), RowQuery::MOST_NAMED);
    let stored = client.query(Query::Rows(named)).await.and_then(read).map_err(NotOne::Unread)?;
    for row in stored.rows {
        if found.iter().all(|known| tell(known).0 != tell(&row).0) {
            found.push(row);
        }
    }
    if is_meant(&found) {
        found.retain(|row| tell(row).1);
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
