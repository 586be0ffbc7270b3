//! A backup: a file that holds a store, and is one. Of SQLite it is the whole file, of Postgres what one tenant has.

use std::path::Path;

use super::AnyLog;
use crate::ports::{LogError, LogErrorKind};
use crate::store::{OpenMode, PostgresLog, Scratch, SqliteLog};

/// Writes a consistent copy to `target`, which must not exist yet, while others go on reading and writing.
pub async fn back_up(log: AnyLog<'_>, target: &Path) -> Result<(), LogError> {
    match log {
        AnyLog::Sqlite(log) => log.backup_to(target).await,
        AnyLog::Postgres(log) => back_up_database(log, target).await,
    }
}

/// By way of a store beside the target, so that what is written there is a backup like any other.
async fn back_up_database(log: &PostgresLog, target: &Path) -> Result<(), LogError> {
    let failed = |error: std::io::Error| {
        LogError::new(
            LogErrorKind::Unusable,
            format!("cannot write a backup to {}: {error}", target.display()),
            "name a file that does not exist yet, in a directory that you may write to",
        )
    };
    let target = std::path::absolute(target).map_err(failed)?;
    if target.try_exists().map_err(failed)? {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    let directory = target.parent().unwrap_or(Path::new("/"));
    let scratch = Scratch::within(directory).map_err(failed)?;
    let store = scratch.path().join("store.db");
    let copied = SqliteLog::open_with(&store, log.tenant().clone(), OpenMode::ReadWrite, log.encryption()).await?;
    super::copy(AnyLog::Postgres(log), AnyLog::Sqlite(&copied)).await?;
    copied.backup_to(&target).await?;
    copied.close().await
}
