//! Encryption of what is stored: one key for the store, given from outside, and under it one for each person.
//!
//! A log is encrypted from its first event or never. Everything that says something of a person is sealed under that
//! person's own key, which is kept beside it, wrapped under the store's. The chain is over what is stored, so it is
//! checked without any key, and holds after a key is destroyed. Where a log is plain, all of this costs nothing but
//! asking so.
//!
//! # What stays in clear
//!
//! Of an event its number, stream, version, time, kind and hash, and who did it as a random number (agents by name); of
//! a projection row its kind, id, state, parent and times; of an account its id, role, standing and times; of a token
//! its id, scopes and times; leases; for a day, hashes of requests over ids that only their senders know; and how long everything is.

mod batch;
mod blob;
mod cipher;
mod open;
mod rename;
mod table;
mod text;
mod vault;

use std::fmt;
use std::sync::Arc;

pub(super) use batch::{PersonalColumns, SealedBatch, Sealing};
pub(super) use blob::{LOOKUP as BLOB_LOOKUP, StoredBlob};
pub use cipher::{NotAKey, StoreKey};
pub(super) use open::OpenedBody;
pub(super) use rename::renamed;
pub(super) use table::{KeyRow, KeyTable, Mark};
pub(super) use text::beginning;
pub(super) use vault::{Vault, Whose};

use super::OpenMode;
use super::chain::Place;
use crate::domain::{SubjectId, Tenant};
use crate::kinds::Row;
use crate::ports::{AccessWrite, EncryptionState, LogError, LogErrorKind, NewEvent};

/// Digits of a key's check by which people tell keys apart.
const SHOWN: usize = 8;

/// Whether a log is opened with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    None,
    Key(StoreKey),
}

/// How one tenant's log is stored.
#[derive(Clone)]
pub(super) enum Seal {
    Plain,
    Sealed(Arc<Vault>),
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Sealed(_) => "Sealed(…)",
        })
    }
}

impl Seal {
    /// Checks that the key fits the log, or that none is wanted; an empty log becomes encrypted by being opened for
    /// writing with a key. `place` is what people call the store.
    pub async fn admit(
        table: &mut dyn KeyTable,
        (encryption, mode): (&Encryption, OpenMode),
        (tenant, head, place): (&Tenant, Place, &str),
    ) -> Result<Self, LogError> {
        let mark = table.mark().await?;
        let Encryption::Key(key) = encryption else {
            return match mark {
                None | Some(Mark::Plain) => Ok(Self::Plain),
                Some(Mark::Encrypted { check }) => Err(locked(place, tenant, &check)),
            };
        };
        let vault = Vault::new(key, tenant)?;
        let ours = Mark::Encrypted { check: vault.check() };
        let mark = match (mark, mode) {
            (None, _) if head.seq > 0 => Some(Mark::Plain),
            (None, OpenMode::ReadWrite) => table.set_mark(ours.clone()).await?,
            (mark, _) => mark,
        };
        match mark {
            Some(Mark::Plain) => Err(not_encrypted(place, tenant)),
            Some(Mark::Encrypted { check }) if check != vault.check() => {
                Err(wrong_key(place, tenant, &check, &vault.check()))
            }
            Some(Mark::Encrypted { .. }) | None => Ok(Self::Sealed(Arc::new(vault))),
        }
    }

    pub fn state(&self) -> EncryptionState {
        match self {
            Self::Plain => EncryptionState::Plain,
            Self::Sealed(vault) => EncryptionState::Encrypted { key: shown(&vault.check()) },
        }
    }

    /// What is needed to store these after `start`. The first events of a plain log say that it is one, so that nobody
    /// takes it for empty and encrypts it.
    pub async fn prepare(
        &self,
        table: &mut dyn KeyTable,
        start: Place,
        (events, rows): (&[NewEvent], &[Row]),
    ) -> Result<Sealing, LogError> {
        match self {
            Self::Plain if start.seq > 0 => Ok(Sealing::Plain),
            Self::Plain => match table.set_mark(Mark::Plain).await? {
                Some(Mark::Encrypted { .. }) => Err(became_encrypted()),
                Some(Mark::Plain) | None => Ok(Sealing::Plain),
            },
            Self::Sealed(vault) => {
                vault.look_over(table, start).await?;
                Ok(Sealing::Sealed(SealedBatch::prepare(vault, table, events, rows).await?))
            }
        }
    }

    /// The same for a change of accounts, without its events.
    pub async fn prepare_access(
        &self,
        table: &mut dyn KeyTable,
        start: Place,
        writes: &[AccessWrite],
    ) -> Result<Sealing, LogError> {
        let mut sealing = self.prepare(table, start, (&[], &[])).await?;
        if let Sealing::Sealed(batch) = &mut sealing {
            for write in writes {
                match write {
                    AccessWrite::Create(account) | AccessWrite::Update(account) => {
                        batch.add_person(table, account.name.as_str()).await?;
                    }
                    AccessWrite::Issue(token) => {
                        batch.add_stream(table, crate::kinds::Stream::Account(token.account), &[]).await?;
                    }
                    AccessWrite::Witness { .. }
                    | AccessWrite::Revoke { .. }
                    | AccessWrite::RevokeAll { .. }
                    | AccessWrite::Begin(_)
                    | AccessWrite::End(_)
                    | AccessWrite::EndAll(_)
                    | AccessWrite::Sweep { .. } => {}
                }
            }
        }
        Ok(sealing)
    }

    /// The log ends there by our own doing: nobody can have been erased since the keys were looked over.
    pub fn moved_to(&self, end: Place) {
        if let Self::Sealed(vault) = self {
            vault.moved_to(end);
        }
    }

    /// What was remembered of a transaction that came to nothing.
    pub fn forget_all(&self) {
        if let Self::Sealed(vault) = self {
            vault.forget_all();
        }
    }

    pub fn forget(&self, subject: SubjectId) {
        if let Self::Sealed(vault) = self {
            vault.forget(subject);
        }
    }

    /// The keys that stored texts name and that are not known; none in a plain log.
    pub fn unknown<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Vec<SubjectId> {
        let Self::Sealed(vault) = self else { return Vec::new() };
        let named = texts.into_iter().flat_map(text::keys_in);
        let mut unknown: Vec<_> = named.filter(|subject| vault.held(*subject).is_none()).collect();
        unknown.sort();
        unknown.dedup();
        unknown
    }

    pub async fn learn(&self, table: &mut dyn KeyTable, subjects: Vec<SubjectId>) -> Result<(), LogError> {
        match self {
            Self::Plain => Ok(()),
            Self::Sealed(vault) => vault.learn(table, subjects).await,
        }
    }

    /// What an account of this name is found by.
    pub fn account_name(&self, name: &str) -> String {
        match self {
            Self::Plain => name.to_owned(),
            Self::Sealed(vault) => hex::encode(vault.lookup(Whose::Person(name))),
        }
    }
}

fn shown(check: &[u8]) -> String {
    hex::encode(check).chars().take(SHOWN).collect()
}

fn unusable(message: String, hint: &str) -> LogError {
    LogError::new(LogErrorKind::Unusable, message, hint)
}

fn locked(place: &str, tenant: &Tenant, check: &[u8]) -> LogError {
    unusable(
        format!("the log of {tenant} in {place} is encrypted under key {}, and no key is given", shown(check)),
        "say where the key is, in the configuration: `[store]` with `key = { file = \"…\" }`, or set MORNINGAI_STORE_KEY",
    )
}

fn wrong_key(place: &str, tenant: &Tenant, check: &[u8], given: &[u8]) -> LogError {
    unusable(
        format!(
            "the log of {tenant} in {place} is encrypted under key {}, and the one given is {}",
            shown(check),
            shown(given)
        ),
        "give the key that the store was made with: look at [store] in the configuration and at MORNINGAI_STORE_KEY",
    )
}

fn not_encrypted(place: &str, tenant: &Tenant) -> LogError {
    unusable(
        format!("the log of {tenant} in {place} is not encrypted, and a key is given"),
        "a store is encrypted from its first event or never: name a new one with --db, or leave the key away for this one",
    )
}

fn became_encrypted() -> LogError {
    unusable(
        "another process has made this store an encrypted one meanwhile".to_owned(),
        "nothing was saved; start again with its key",
    )
}
