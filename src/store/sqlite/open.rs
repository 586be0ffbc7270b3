//! Opening the file: who may use it, whether it is ours, and how SQLite is to treat it.
//!
//! Costs the same however long the history is. Never opens the database file itself, since closing any descriptor of
//! it would drop the POSIX locks that SQLite holds for the whole process.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::time::Instant;

use super::error::{explain, explain_io, is_busy};
use super::migrate;
use super::migrate::Identity;
use crate::ports::{LogError, LogErrorKind};
use crate::store::OpenMode;
use crate::store::heads::with_suffix;

/// How long one process waits for another's transaction before it says `Busy`.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What every connection to a store is set to.
pub(super) const PRAGMAS: [(&str, &str); 7] = [
    ("synchronous", "FULL"),
    ("foreign_keys", "ON"),
    // Without it, an fsync on macOS does not reach the disk; elsewhere it means nothing.
    ("fullfsync", "ON"),
    // 2 MiB a connection and no memory map: the page cache of the system does the rest, outside our memory.
    ("cache_size", "-2048"),
    ("mmap_size", "0"),
    ("temp_store", "MEMORY"),
    // A write-ahead log that one large transaction has grown shrinks again.
    ("journal_size_limit", "4194304"),
];

/// A connection to a store that is ours and of this version, and how others that read are to be opened.
pub(super) async fn open(path: &Path, mode: OpenMode) -> Result<(SqliteConnection, SqliteConnectOptions), LogError> {
    prepare_file(path, mode)?;
    let failed = |error| explain(path, "open", &error);
    let reading = options(path, OpenMode::ReadOnly).immutable(mode == OpenMode::ReadOnly && stands_alone(path)?);
    let mut connection = match mode {
        OpenMode::ReadOnly => reading.connect().await,
        OpenMode::ReadWrite => options(path, mode).connect().await,
    }
    .map_err(failed)?;
    let identity = migrate::identify(&mut connection).await.map_err(failed)?;
    match (identity, mode) {
        (Identity::Current, OpenMode::ReadOnly) => {}
        // A restored backup is current, but not yet in this journal mode.
        (Identity::Current, OpenMode::ReadWrite) => use_wal(path, &mut connection).await?,
        (Identity::Fresh | Identity::Older(_), OpenMode::ReadWrite) => {
            use_wal(path, &mut connection).await?;
            bring_up_to_date(path, &mut connection).await?;
        }
        (identity, _) => return Err(not_ours(path, identity)),
    }
    Ok((connection, reading))
}

/// Whether the database is all there is to read. Readers share an index of the write-ahead log in a file beside it,
/// and one of them makes that file: where it is missing, nobody has the store open. Where it cannot be made either, what
/// the last writer left must be complete, and is read as it is now.
pub(super) fn stands_alone(path: &Path) -> Result<bool, LogError> {
    let (wal, index) = (with_suffix(path, "-wal"), with_suffix(path, "-shm"));
    let directory = path.parent().unwrap_or(Path::new("."));
    if index.exists() || rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_ok() {
        return Ok(false);
    }
    if fs::metadata(&wal).map_or(0, |found| found.len()) == 0 {
        return Ok(true);
    }
    Err(LogError::new(
        LogErrorKind::Unusable,
        format!("cannot read {}: the newest events are in {}", path.display(), wal.display()),
        "copy both files to a directory you can write to and name the copy with --db, or open the store as its owner",
    ))
}

/// How sqlx opens a connection to a store.
pub(super) fn options(path: &Path, mode: OpenMode) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(mode == OpenMode::ReadOnly)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(256)
        .disable_statement_logging();
    PRAGMAS.into_iter().fold(options, |options, (name, value)| options.pragma(name, value))
}

/// Checks what can be checked without SQLite, and creates an empty file that only its owner may read; SQLite gives
/// `-wal` and `-shm` the permissions of the database.
fn prepare_file(path: &Path, mode: OpenMode) -> Result<(), LogError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(LogError::new(
            LogErrorKind::Unusable,
            format!("cannot open {}: it is a directory", path.display()),
            "name a file, for example one in that directory",
        )),
        Ok(_) if mode == OpenMode::ReadWrite => check_writable(path),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && mode == OpenMode::ReadWrite => {
            create_private(path).map_err(|error| explain_io(path, "create", &error))
        }
        Err(error) => Err(explain_io(path, "open", &error)),
    }
}

/// SQLite would silently fall back to reading only, and fail at the first append.
fn check_writable(path: &Path) -> Result<(), LogError> {
    #[cfg(unix)]
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK)
        .map_err(|error| explain_io(path, "write to", &error.into()))?;
    Ok(())
}

/// Creates an empty file (0600), and its directory (0700) where it is missing. A file that appears meanwhile is kept.
fn create_private(path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    create_directory(directory)?;
    match new_private_file(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn create_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Creates an empty file, closed again before it gets its name: see the head of this file.
pub(super) fn new_private_file(path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let fresh = tempfile::NamedTempFile::with_prefix_in(".store-", directory)?.into_temp_path();
    fresh.persist_noclobber(path)?;
    Ok(())
}

/// Sets the journal mode, which stays with the file; costs nothing when it is set. SQLite does not wait for others here, so we do.
async fn use_wal(path: &Path, connection: &mut SqliteConnection) -> Result<(), LogError> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL").fetch_one(&mut *connection).await {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(LogError::new(
                    LogErrorKind::Unusable,
                    format!("cannot use {}: its file system allows only journal mode {mode}", path.display()),
                    "keep the store on a local disk, not on a network file system",
                ));
            }
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => return Err(explain(path, "open", &error)),
        }
    }
}

async fn bring_up_to_date(path: &Path, connection: &mut SqliteConnection) -> Result<(), LogError> {
    migrate::to_current(connection).await.map_err(|error| explain(path, "migrate", &error))?;
    match migrate::identify(connection).await.map_err(|error| explain(path, "migrate", &error))? {
        Identity::Current => Ok(()),
        other => Err(not_ours(path, other)),
    }
}

fn not_ours(path: &Path, identity: Identity) -> LogError {
    let place = path.display();
    let ours = migrate::current_version();
    match identity {
        Identity::Newer(theirs) => LogError::new(
            LogErrorKind::TooNew,
            format!("{place} has schema version {theirs}, this program knows versions up to {ours}"),
            "use the newer program, or restore a backup made by this one; nothing was changed",
        ),
        Identity::Older(theirs) => LogError::new(
            LogErrorKind::Unusable,
            format!("{place} has schema version {theirs}, this program reads version {ours}"),
            "bring it forward with `morningai db migrate`",
        ),
        Identity::Fresh | Identity::Current => LogError::new(
            LogErrorKind::Unusable,
            format!("{place} is empty, there is no log in it yet"),
            "start `morningai` once to create the store",
        ),
        Identity::Foreign => LogError::new(
            LogErrorKind::Unusable,
            format!("{place} is a database of another program"),
            "name another file with --db; nothing was changed",
        ),
    }
}
