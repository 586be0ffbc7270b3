//! Turns what SQLite and the file system say into what the port promises: kind, what and where, what next.

use std::io;
use std::path::Path;

use crate::ports::{LogError, LogErrorKind};

const FREE_SPACE: &str =
    "nothing was saved; free some space or repair the disk, then repeat: the store itself stays usable";
const TRY_AGAIN: &str = "another process holds the store; try again, or look for one that hangs";
const RESTORE: &str = "check it with `morningai log verify`, and restore a backup with `morningai db restore`";
const PERMISSIONS: &str =
    "make the file and its directory writable for you, or choose another place with --db or --data-dir";

/// SQLite's primary result codes that we tell apart (<https://www.sqlite.org/rescode.html>).
mod code {
    pub const PERM: i32 = 3;
    pub const BUSY: i32 = 5;
    pub const LOCKED: i32 = 6;
    pub const READONLY: i32 = 8;
    pub const IOERR: i32 = 10;
    pub const CORRUPT: i32 = 11;
    pub const FULL: i32 = 13;
    pub const CANTOPEN: i32 = 14;
    pub const NOTADB: i32 = 26;
}

/// What failed: `cannot DOING PATH: reason`.
pub(super) fn explain(path: &Path, doing: &str, error: &sqlx::Error) -> LogError {
    let (kind, hint) = match error {
        sqlx::Error::Io(error) => return explain_io(path, doing, error),
        sqlx::Error::PoolTimedOut => (LogErrorKind::Busy, TRY_AGAIN),
        sqlx::Error::PoolClosed => return closed(path),
        sqlx::Error::WorkerCrashed => (LogErrorKind::Unusable, "start the program again; this store went away"),
        _ => judge(result_code(error).map(|code| code & 0xff)),
    };
    let reason = match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        other => other.to_string(),
    };
    LogError::new(kind, format!("cannot {doing} {}: {reason}", path.display()), hint)
}

/// The same for what the connection that appends says.
pub(super) fn explain_refusal(path: &Path, doing: &str, error: &rusqlite::Error) -> LogError {
    let (kind, hint) = judge(error.sqlite_error().map(|error| error.extended_code & 0xff));
    LogError::new(kind, format!("cannot {doing} {}: {error}", path.display()), hint)
}

fn judge(primary: Option<i32>) -> (LogErrorKind, &'static str) {
    match primary {
        Some(code::FULL | code::IOERR) => (LogErrorKind::NotSaved, FREE_SPACE),
        Some(code::BUSY | code::LOCKED) => (LogErrorKind::Busy, TRY_AGAIN),
        Some(code::READONLY | code::CANTOPEN | code::PERM) => (LogErrorKind::Unusable, PERMISSIONS),
        Some(code::NOTADB) => (
            LogErrorKind::Unusable,
            "the file is not an SQLite database; name another with --db, or move it away to start afresh",
        ),
        Some(code::CORRUPT) => (LogErrorKind::Unusable, RESTORE),
        _ => (LogErrorKind::Unusable, RESTORE),
    }
}

/// The same for the file system's own errors.
pub(super) fn explain_io(path: &Path, doing: &str, error: &io::Error) -> LogError {
    let (kind, hint) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (LogErrorKind::NotSaved, FREE_SPACE),
        io::ErrorKind::AlreadyExists => (LogErrorKind::Unusable, "name a file that does not exist yet"),
        io::ErrorKind::InvalidData => (LogErrorKind::Unusable, "use a path of valid UTF-8 text"),
        _ => (LogErrorKind::Unusable, PERMISSIONS),
    };
    LogError::new(kind, format!("cannot {doing} {}: {error}", path.display()), hint)
}

pub(super) fn closed(path: &Path) -> LogError {
    LogError::new(
        LogErrorKind::Unusable,
        format!("the store {} is closed", path.display()),
        "the program is ending; start it again",
    )
}

/// A row that this program cannot have written, or that is of a kind it does not know.
pub(super) fn unreadable_row(path: &Path, row: &str, why: &str) -> LogError {
    LogError::new(
        LogErrorKind::Unusable,
        format!("cannot read {row} in {}: {why}", path.display()),
        "run `morningai log verify`; if the log is intact, a newer version wrote it: use that one",
    )
}

pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(result_code(error).map(|code| code & 0xff), Some(code::BUSY | code::LOCKED))
}

fn result_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_result_code_gets_its_kind() {
        let kind = |code| judge(Some(code)).0;
        assert_eq!(kind(code::FULL), LogErrorKind::NotSaved);
        assert_eq!(kind(code::IOERR), LogErrorKind::NotSaved);
        assert_eq!(kind(code::BUSY), LogErrorKind::Busy);
        assert_eq!(kind(code::CORRUPT), LogErrorKind::Unusable);
        assert_eq!(kind(code::NOTADB), LogErrorKind::Unusable);
        assert_eq!(judge(None).0, LogErrorKind::Unusable);
    }

    #[test]
    fn the_file_systems_errors_say_what_where_and_what_next() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = explain_io(Path::new("/data/store.db"), "create", &full);
        assert_eq!(error.kind, LogErrorKind::NotSaved);
        assert!(error.message.starts_with("cannot create /data/store.db: "), "{}", error.message);
        assert!(error.hint.contains("free some space"));
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(explain_io(Path::new("/x"), "open", &denied).kind, LogErrorKind::Unusable);
    }
}
