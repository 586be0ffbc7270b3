//! Taking a backup out of its file: into a new store, of this version, without touching the file.

use std::fs;
use std::path::Path;

use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::error::{explain, explain_io};
use super::migrate::Identity;
use super::{copying, migrate, open};
use crate::domain::Tenant;
use crate::ports::{LogError, LogErrorKind};
use crate::store::OpenMode;

const ANOTHER: &str = "name a file that `morningai db backup` wrote; if this is one, it is damaged: take another";

/// Copies the store in the file `backup` to `target`, which must not exist yet, and brings it up to date there: the
/// tenants it has. Reads all of it, so that a damaged file is noticed here.
pub async fn unpack(backup: &Path, target: &Path) -> Result<Vec<Tenant>, LogError> {
    let doing = "read the backup";
    let found = fs::metadata(backup).map_err(|error| hinted(explain_io(backup, doing, &error)))?;
    if !found.is_file() {
        let what = format!("cannot read the backup {}: it is not a file", backup.display());
        return Err(LogError::new(LogErrorKind::Unusable, what, ANOTHER));
    }
    let reading = open::options(backup, OpenMode::ReadOnly).immutable(open::stands_alone(backup)?);
    let failed = |error: sqlx::Error| hinted(explain(backup, doing, &error));
    let mut connection = reading.connect().await.map_err(failed)?;
    match migrate::identify(&mut connection).await.map_err(failed)? {
        Identity::Current | Identity::Older(_) => {}
        other => return Err(no_backup(backup, other)),
    }
    pour(&mut connection, target).await.map_err(failed)?;
    let (mut connection, _) = open::open(target, OpenMode::ReadWrite).await?;
    let tenants = copying::tenants(target, &mut connection).await?;
    connection.close().await.map_err(|error| explain(target, "close", &error))?;
    Ok(tenants)
}

async fn pour(connection: &mut SqliteConnection, target: &Path) -> Result<(), sqlx::Error> {
    let name = target.to_str().ok_or_else(|| sqlx::Error::Io(std::io::ErrorKind::InvalidData.into()))?;
    sqlx::query("VACUUM INTO $1").bind(name.to_owned()).execute(connection).await.map(drop)
}

/// What a damaged store needs is not what a damaged backup needs.
fn hinted(error: LogError) -> LogError {
    match error.kind {
        LogErrorKind::Unusable => LogError { hint: ANOTHER.to_owned(), ..error },
        _ => error,
    }
}

fn no_backup(backup: &Path, identity: Identity) -> LogError {
    let place = backup.display();
    let ours = migrate::current_version();
    match identity {
        Identity::Newer(theirs) => LogError::new(
            LogErrorKind::TooNew,
            format!("the backup {place} has schema version {theirs}, this program knows versions up to {ours}"),
            "restore it with the newer program; nothing was changed",
        ),
        Identity::Foreign => LogError::new(
            LogErrorKind::Unusable,
            format!("{place} is a database of another program, not a backup"),
            ANOTHER,
        ),
        Identity::Fresh | Identity::Current | Identity::Older(_) => {
            LogError::new(LogErrorKind::Unusable, format!("the backup {place} is empty"), ANOTHER)
        }
    }
}
