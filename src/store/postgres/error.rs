//! Turns what Postgres, the network and TLS say into what the port promises: kind, what and where, what next.
//!
//! Nothing here repeats a URL, a statement or a value, so nothing secret can be in a message.

use sqlx::postgres::PgDatabaseError;

use crate::ports::{LogError, LogErrorKind};

const FREE_SPACE: &str = "nothing was saved; free some space on the database server, then repeat";
const TRY_AGAIN: &str = "try again; look on the database server for what holds it up";
const CHECK_SERVER: &str = "check that the server runs and can be reached; work goes on by itself when it is back";
const CHECK_LOGIN: &str = "check the role in the URL and its password: PGPASSWORD, ~/.pgpass, or the URL itself";
const MIGRATE: &str = "let the owner of the database run `morningai db migrate --grant ROLE`, where ROLE is this one";
const CHECK_TLS: &str = "check sslmode and sslrootcert in the URL against the server's certificate";
const RESTORE: &str = "check it with `morningai log verify`; the server's own log says more";

/// Raised by our own functions in the database.
pub(super) mod raised {
    /// The log has moved on.
    pub const CONFLICT: &str = "MA001";
    /// A lease is lost.
    pub const FENCED: &str = "MA002";
}

/// SQLSTATEs that we tell apart (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
mod state {
    pub const NOT_SAVED: &[&str] = &["53000", "53100", "53200", "53400", "58000", "58030"];
    pub const BUSY: &[&str] = &["53300", "55P03", "57014", "40001", "40P01", "25P03"];
    pub const LOGIN: &[&str] = &["28P01", "28000"];
    pub const NO_DATABASE: &str = "3D000";
    pub const NO_RIGHT: &str = "42501";
    pub const NO_SCHEMA: &[&str] = &["3F000", "42P01", "42883"];
    pub const READ_ONLY: &str = "25006";
    pub const UNIQUE: &str = "23505";
    /// A character that text here cannot hold.
    pub const BAD_TEXT: &str = "22021";
}

/// What failed: `cannot DOING PLACE: reason`.
pub(super) fn explain(place: &str, doing: &str, error: &sqlx::Error) -> LogError {
    let (kind, hint) = judge(error);
    LogError::new(kind, format!("cannot {doing} {place}: {}", reason(error)), hint)
}

/// In the server's words, or the driver's.
pub(super) fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::PoolTimedOut => "all connections of this program are in use".to_owned(),
        other => other.to_string(),
    }
}

pub(super) fn judge(error: &sqlx::Error) -> (LogErrorKind, &'static str) {
    match error {
        sqlx::Error::Database(error) => judge_state(error.code().as_deref().unwrap_or_default()),
        sqlx::Error::Tls(_) => (LogErrorKind::Unusable, CHECK_TLS),
        sqlx::Error::Io(error) if is_unknown_host(error) => {
            (LogErrorKind::Unusable, "check the name of the host in the URL")
        }
        // How rustls' refusal of a certificate arrives.
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            (LogErrorKind::Unusable, CHECK_TLS)
        }
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => (LogErrorKind::Busy, CHECK_SERVER),
        sqlx::Error::PoolTimedOut => (LogErrorKind::Busy, TRY_AGAIN),
        sqlx::Error::Configuration(_) => (LogErrorKind::Unusable, CHECK_TLS),
        _ => (LogErrorKind::Unusable, RESTORE),
    }
}

fn judge_state(code: &str) -> (LogErrorKind, &'static str) {
    match code {
        code if state::NOT_SAVED.contains(&code) => (LogErrorKind::NotSaved, FREE_SPACE),
        code if state::BUSY.contains(&code) => (LogErrorKind::Busy, TRY_AGAIN),
        code if is_shutdown(code) => (LogErrorKind::Busy, CHECK_SERVER),
        code if state::LOGIN.contains(&code) => (LogErrorKind::Unusable, CHECK_LOGIN),
        state::NO_DATABASE => (LogErrorKind::Unusable, "create the database, or name another in the URL"),
        state::NO_RIGHT => (LogErrorKind::Unusable, MIGRATE),
        code if state::NO_SCHEMA.contains(&code) => (LogErrorKind::Unusable, MIGRATE),
        state::READ_ONLY => (LogErrorKind::Busy, "this server is a standby now; name all hosts in the URL, as h1,h2"),
        state::BAD_TEXT => (LogErrorKind::Unusable, "Postgres stores no text with a NUL in it; take it out"),
        _ => (LogErrorKind::Unusable, RESTORE),
    }
}

/// Whether the connection is gone, or the server is about to cut it; what was under way may have happened or not.
pub(super) fn is_connection_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => is_shutdown(error.code().as_deref().unwrap_or_default()),
        _ => false,
    }
}

/// Whether the server is the wrong one by now: a standby, or a primary that became one.
pub(super) fn is_read_only(error: &sqlx::Error) -> bool {
    has_code(error, state::READ_ONLY)
}

pub(super) fn is_unique_violation(error: &sqlx::Error) -> bool {
    has_code(error, state::UNIQUE)
}

pub(super) fn has_code(error: &sqlx::Error, code: &str) -> bool {
    error.as_database_error().and_then(|error| error.code()).as_deref() == Some(code)
}

/// What our functions say beside their code.
pub(super) fn detail(error: &sqlx::Error) -> &str {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    error.and_then(PgDatabaseError::detail).unwrap_or_default()
}

/// Shut down, crashed, starting up, or an idle session ended.
fn is_shutdown(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P")
}

fn is_unknown_host(error: &std::io::Error) -> bool {
    // The standard library has no kind for it; these are its words.
    error.to_string().starts_with("failed to lookup address information")
}

pub(super) fn closed(place: &str) -> LogError {
    LogError::new(
        LogErrorKind::Unusable,
        format!("the store {place} is closed"),
        "the program is ending; start it again",
    )
}

/// A row that this program cannot have written, or that is of a kind it does not know.
pub(super) fn unreadable_row(place: &str, row: &str, why: &str) -> LogError {
    LogError::new(
        LogErrorKind::Unusable,
        format!("cannot read {row} in {place}: {why}"),
        "run `morningai log verify`; if the log is intact, a newer version wrote it: use that one",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_gets_its_kind() {
        let kind = |code| judge_state(code).0;
        assert_eq!(kind("53100"), LogErrorKind::NotSaved);
        assert_eq!(kind("53300"), LogErrorKind::Busy);
        assert_eq!(kind("57P03"), LogErrorKind::Busy);
        assert_eq!(kind("08006"), LogErrorKind::Busy);
        assert_eq!(kind("25006"), LogErrorKind::Busy);
        for code in ["28P01", "3D000", "42501", "42P01", "XX001", ""] {
            assert_eq!(kind(code), LogErrorKind::Unusable, "{code}");
        }
        assert!(judge_state("28P01").1.contains("PGPASSWORD") && judge_state("42501").1.contains("--grant"));
    }

    #[test]
    fn a_lost_connection_is_told_from_a_refusal() {
        let io = |kind: std::io::ErrorKind| sqlx::Error::Io(kind.into());
        assert!(is_connection_lost(&io(std::io::ErrorKind::UnexpectedEof)));
        assert!(!is_connection_lost(&sqlx::Error::PoolTimedOut));
        let unknown = std::io::Error::other("failed to lookup address information: Name or service not known");
        assert_eq!(judge(&sqlx::Error::Io(unknown)).0, LogErrorKind::Unusable);
        assert_eq!(judge(&io(std::io::ErrorKind::ConnectionRefused)).0, LogErrorKind::Busy);
    }
}
