//! What the files of this room share.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use super::appender::Appender;
use super::error;
use crate::domain::Tenant;
use crate::ports::{LogError, LogErrorKind};
use crate::store::heads;
use crate::store::heads::with_suffix;
use crate::store::listeners::Listeners;
use crate::store::seal::Seal;

/// What the methods share.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) path: PathBuf,
    pub(super) tenant: Tenant,
    pub(super) seal: Seal,
    /// `None` when opened for reading, and after `close`.
    pub(super) writer: Mutex<Option<Writer>>,
    pub(super) readers: SqlitePool,
    pub(super) listeners: Listeners,
    pub(super) watcher: Watcher,
    pub(super) keeper: Keeper,
}

/// The connections that write. Whoever holds this writes alone in this process.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) appender: Appender,
    pub(super) connection: SqliteConnection,
}

impl Store {
    pub(super) async fn writer(&self) -> Result<MappedMutexGuard<'_, Writer>, LogError> {
        let guard = self.writer.lock().await;
        MutexGuard::try_map(guard, Option::as_mut).map_err(|_| self.cannot_write())
    }

    pub(super) fn cannot_write(&self) -> LogError {
        if self.readers.is_closed() {
            return error::closed(&self.path);
        }
        LogError::new(
            LogErrorKind::Unusable,
            format!("{} was opened for reading only", self.path.display()),
            "repeat without the option that asks for reading only",
        )
    }

    pub(super) fn explain(&self, doing: &str, error: &sqlx::Error) -> LogError {
        error::explain(&self.path, doing, error)
    }
}

/// What the thread needs besides the store.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) wal: PathBuf,
}

impl Watcher {
    pub fn new(database: &Path) -> Self {
        Self { wal: with_suffix(database, "-wal") }
    }
}

/// What keeping the head needs besides the store.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) file: PathBuf,
    pub(super) scheduled: AtomicBool,
}

impl Keeper {
    pub fn new(database: &Path) -> Self {
        Self { file: heads::file_beside(database), scheduled: AtomicBool::new(false) }
    }
}
