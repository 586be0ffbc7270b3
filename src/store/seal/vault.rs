//! The keys of one tenant's encrypted log: found, made and remembered. Stores them nowhere itself.
//!
//! What is remembered must not outlive an erasure. An erasure moves the head of the log, so keys are looked over again
//! whenever the head is not where this process left it; and whoever reads that somebody was erased forgets them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ring::hmac;
use uuid::Uuid;

use super::cipher::{Cipher, KEY, StoreKey, draw};
use super::table::{KeyRow, KeyTable, Lookup};
use super::text::{Place, SealedText};
use crate::domain::{BlobId, SubjectId, Tenant};
use crate::kinds::{Owner, Stream};
use crate::ports::{LogError, LogErrorKind, NewEvent};
use crate::store::chain;

/// Streams whose subject is remembered.
const MOST_STREAMS: usize = 20_000;

/// Before the name in a wrapped key: the tenant's own has none.
const OF_TENANT: u8 = 0;
const OF_PERSON: u8 = 1;

/// Whose data something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Whose<'a> {
    /// Nobody's in particular.
    Tenant,
    Person(&'a str),
}

/// A key in use.
pub(super) struct SubjectKey {
    pub id: SubjectId,
    /// `None` for the tenant's own.
    pub name: Option<String>,
    pub cipher: Cipher,
}

/// What is known of a key.
#[derive(Clone)]
pub(super) enum Held {
    Key(Arc<SubjectKey>),
    /// It was destroyed.
    Erased,
}

/// The keys of one tenant.
pub(in crate::store) struct Vault {
    pub(super) tenant: Tenant,
    wrapping: Cipher,
    finding: hmac::Key,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<SubjectId, Held>,
    found: HashMap<Lookup, SubjectId>,
    streams: HashMap<Stream, SubjectId>,
    /// Where the log ended when the keys were last looked over.
    looked_over_at: Option<chain::Place>,
}

impl Vault {
    pub fn new(key: &StoreKey, tenant: &Tenant) -> Result<Self, LogError> {
        let (wrapping, finding) = key.for_tenant(tenant)?;
        Ok(Self { tenant: tenant.clone(), wrapping, finding, known: Mutex::default() })
    }

    /// The right key is told by it, and nothing follows from it.
    pub fn check(&self) -> Vec<u8> {
        self.sign(b"check", b"")
    }

    pub fn lookup(&self, whose: Whose<'_>) -> Lookup {
        match whose {
            Whose::Tenant => self.sign(b"tenant", b""),
            Whose::Person(name) => self.sign(b"person", name.as_bytes()),
        }
    }

    /// What a blob is found by: its own hash would say what is in it to whoever can guess.
    pub fn blob_lookup(&self, blob: &BlobId) -> Vec<u8> {
        self.sign(b"blob", blob.0.as_bytes())
    }

    fn sign(&self, what: &[u8], text: &[u8]) -> Vec<u8> {
        hmac::sign(&self.finding, &[what, b"\0", text].concat()).as_ref().to_vec()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers nothing any more: something that was written may not be there.
    pub fn forget_all(&self) {
        *self.known() = Known::default();
    }

    pub fn forget(&self, subject: SubjectId) {
        let mut known = self.known();
        known.keys.insert(subject, Held::Erased);
        known.found.retain(|_, found| *found != subject);
        known.streams.retain(|_, of| *of != subject);
    }

    /// The log ends there by our own doing.
    pub fn moved_to(&self, end: chain::Place) {
        self.known().looked_over_at = Some(end);
    }

    /// Learns who was erased, unless nothing can have happened since this was last asked.
    pub async fn look_over(&self, table: &mut dyn KeyTable, head: chain::Place) -> Result<(), LogError> {
        if self.known().looked_over_at == Some(head) {
            return Ok(());
        }
        for subject in table.erased().await? {
            if !matches!(self.held(subject), Some(Held::Erased)) {
                self.forget(subject);
            }
        }
        self.moved_to(head);
        Ok(())
    }

    /// What is known of a key that was learned.
    pub(super) fn held(&self, subject: SubjectId) -> Option<Held> {
        self.known().keys.get(&subject).cloned()
    }

    /// Learns these keys, as far as they are not known.
    pub async fn learn(
        &self,
        table: &mut dyn KeyTable,
        subjects: impl IntoIterator<Item = SubjectId>,
    ) -> Result<(), LogError> {
        let mut missing: Vec<_> = {
            let known = self.known();
            subjects.into_iter().filter(|subject| !known.keys.contains_key(subject)).collect()
        };
        missing.sort();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        for row in table.of_subjects(&missing).await? {
            self.take_in(&row)?;
        }
        Ok(())
    }

    /// The key of somebody, made where there is none.
    pub(super) async fn key_of(&self, table: &mut dyn KeyTable, whose: Whose<'_>) -> Result<Arc<SubjectKey>, LogError> {
        let lookup = self.lookup(whose);
        if let Some(key) = self.remembered(&lookup) {
            return Ok(key);
        }
        let mut row = table.found_by(&lookup).await?;
        if row.is_none() {
            table.add(&self.new_row(whose, &lookup)?).await?;
            // Somebody else may have been faster.
            row = table.found_by(&lookup).await?;
        }
        match row.map(|row| self.take_in(&row)).transpose()? {
            Some(Held::Key(key)) => Ok(key),
            Some(Held::Erased) | None => Err(LogError::new(
                LogErrorKind::NotSaved,
                "a key that was just made is gone: somebody is being erased at this moment",
                "nothing was saved; do it again",
            )),
        }
    }

    /// The key of somebody who has one.
    pub async fn subject_of(&self, table: &mut dyn KeyTable, whose: Whose<'_>) -> Result<Option<SubjectId>, LogError> {
        Ok(table.found_by(&self.lookup(whose)).await?.map(|row| row.subject))
    }

    fn remembered(&self, lookup: &Lookup) -> Option<Arc<SubjectKey>> {
        let known = self.known();
        match known.keys.get(known.found.get(lookup)?)? {
            Held::Key(key) => Some(key.clone()),
            Held::Erased => None,
        }
    }

    fn new_row(&self, whose: Whose<'_>, lookup: &Lookup) -> Result<KeyRow, LogError> {
        let subject = SubjectId(Uuid::new_v4());
        let mut key = [0; KEY];
        draw(&mut key)?;
        let mut inside = key.to_vec();
        match whose {
            Whose::Tenant => inside.push(OF_TENANT),
            Whose::Person(name) => {
                inside.push(OF_PERSON);
                inside.extend_from_slice(name.as_bytes());
            }
        }
        let wrapped = self.wrapping.seal(&Place::Key(subject).bytes(&self.tenant), &inside)?;
        Ok(KeyRow { subject, lookup: Some(lookup.clone()), wrapped })
    }

    fn take_in(&self, row: &KeyRow) -> Result<Held, LogError> {
        let held = if row.wrapped.is_empty() { Held::Erased } else { Held::Key(Arc::new(self.unwrapped(row)?)) };
        let mut known = self.known();
        // What was read before an erasure may arrive after it.
        if let Some(Held::Erased) = known.keys.get(&row.subject) {
            return Ok(Held::Erased);
        }
        known.keys.insert(row.subject, held.clone());
        if let (Some(lookup), Held::Key(_)) = (&row.lookup, &held) {
            known.found.insert(lookup.clone(), row.subject);
        }
        Ok(held)
    }

    fn unwrapped(&self, row: &KeyRow) -> Result<SubjectKey, LogError> {
        let read = || {
            let inside = self.wrapping.open(&Place::Key(row.subject).bytes(&self.tenant), &row.wrapped)?;
            let (key, of) = inside.split_first_chunk::<KEY>()?;
            let name = match of.split_first()? {
                (&OF_TENANT, []) => None,
                (&OF_PERSON, name) => Some(String::from_utf8(name.to_vec()).ok()?),
                _ => return None,
            };
            Some((Cipher::new(key).ok()?, name))
        };
        let (cipher, name) = read().ok_or_else(|| {
            LogError::new(
                LogErrorKind::Unusable,
                format!("the key of subject {} does not open: it was changed, or moved from elsewhere", row.subject),
                "take the store from a backup, and find out who else can write to it",
            )
        })?;
        Ok(SubjectKey { id: row.subject, name, cipher })
    }

    /// The key that a stream's events are sealed with: that of the person on whose behalf it was begun.
    pub(super) async fn key_of_stream(
        &self,
        table: &mut dyn KeyTable,
        stream: Stream,
        events: &[NewEvent],
    ) -> Result<Arc<SubjectKey>, LogError> {
        let mut asked = stream;
        loop {
            if let Some(Held::Key(key)) = self.remembered_of(asked) {
                self.remember(stream, key.id);
                return Ok(key);
            }
            let begun = events.iter().find(|event| event.stream == asked && event.version == 1);
            let key = match begun.map(|first| first.event.owner(&first.by)) {
                Some(Owner::Person(name)) => self.key_of(table, Whose::Person(name)).await?,
                Some(Owner::Tenant) => self.key_of(table, Whose::Tenant).await?,
                // Asked once more at most: what others belong to belongs to nothing else.
                Some(Owner::Stream(parent)) if asked == stream => {
                    asked = parent;
                    continue;
                }
                Some(Owner::Stream(_)) => self.key_of(table, Whose::Tenant).await?,
                // Not to be remembered: the stream may begin yet.
                None => match self.key_stored_of(table, asked).await? {
                    Some(key) => key,
                    None => return self.key_of(table, Whose::Tenant).await,
                },
            };
            self.remember(stream, key.id);
            return Ok(key);
        }
    }

    /// That of the stream's first event. What is said of somebody after they were erased is nobody's.
    async fn key_stored_of(
        &self,
        table: &mut dyn KeyTable,
        stream: Stream,
    ) -> Result<Option<Arc<SubjectKey>>, LogError> {
        let body = table.first_body(stream).await?;
        let subject = body.as_deref().and_then(SealedText::parse).map(|text| text.subject());
        if let Some(subject) = subject {
            self.learn(table, [subject]).await?;
            if let Some(Held::Key(key)) = self.held(subject) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    fn remembered_of(&self, stream: Stream) -> Option<Held> {
        let known = self.known();
        known.keys.get(known.streams.get(&stream)?).cloned()
    }

    fn remember(&self, stream: Stream, subject: SubjectId) {
        let mut known = self.known();
        if known.streams.len() >= MOST_STREAMS {
            known.streams.clear();
        }
        known.streams.insert(stream, subject);
    }
}
