//! What the files of this room share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::error;
use super::pool::Pool;
use super::seen::Seen;
use crate::domain::Tenant;
use crate::ports::{LogError, LogErrorKind};
use crate::store::chain::Place;
use crate::store::listeners::Listeners;
use crate::store::seal::Seal;
use crate::store::{Encryption, OpenMode, heads};

/// What the methods share.
pub(super) struct Store {
    pub(super) place: String,
    pub(super) tenant: Tenant,
    pub(super) seal: Seal,
    /// What it was opened with, for a copy of it.
    pub(super) encryption: Encryption,
    pub(super) mode: OpenMode,
    /// Where the log is believed to end; `None` when that has to be read again. Held by whoever appends.
    pub(super) end: Mutex<Option<Place>>,
    pub(super) seen: Seen,
    pub(super) appender: Pool,
    pub(super) readers: Pool,
    pub(super) lease_order: Order,
    /// One change of accounts at a time is enough to keep the others waiting.
    pub(super) change_order: Mutex<()>,
    pub(super) listeners: Listeners,
    pub(super) watcher: Watcher,
    pub(super) keeper: Keeper,
    /// What the saved heads are kept under, in the data directory.
    pub(super) heads: PathBuf,
}

impl Store {
    pub(super) fn explain(&self, doing: &str, error: &sqlx::Error) -> LogError {
        error::explain(&self.place, doing, error)
    }

    pub(super) fn check_writable(&self) -> Result<(), LogError> {
        match self.mode {
            OpenMode::ReadWrite => Ok(()),
            OpenMode::ReadOnly => Err(LogError::new(
                LogErrorKind::Unusable,
                format!("{} was opened for reading only", self.place),
                "repeat without the option that asks for reading only",
            )),
        }
    }
}

/// Keeps calls about one run in the order they were made, though each may take another connection: a renewal that its
/// caller gave up must not arrive after the release. Runs that share a lock by chance only wait a little.
#[derive(Default)]
pub(super) struct Order(pub(super) [Arc<Mutex<()>>; 16]);

/// What telling and hearing need besides the store.
pub(super) struct Watcher {
    pub(super) channel: String,
    pub(super) is_telling: AtomicBool,
}

impl Watcher {
    pub fn new(tenant: &Tenant) -> Self {
        // A channel's name is short and seen by everybody in the database; a tenant's may be long and is nobody's.
        let name = hex::encode(&Sha256::digest(tenant.0.as_bytes())[..16]);
        Self { channel: format!("morningai_{name}"), is_telling: AtomicBool::new(false) }
    }
}

/// What keeping the head needs besides the store.
pub(super) struct Keeper {
    pub(super) file: PathBuf,
    pub(super) scheduled: AtomicBool,
}

impl Keeper {
    pub fn new(stem: &Path) -> Self {
        Self { file: heads::file_beside(stem), scheduled: AtomicBool::new(false) }
    }
}
