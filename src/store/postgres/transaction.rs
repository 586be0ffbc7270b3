//! How transactions begin: each names its tenant.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Postgres, Transaction};

use crate::domain::Tenant;

/// A piece of large outputs takes its time, and so does the other store meanwhile.
pub(super) const PATIENCE: &str =
    "SET LOCAL statement_timeout = '5min'; SET LOCAL idle_in_transaction_session_timeout = '15min'";

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    /// All of it sees one state of the database.
    Snapshot,
    Write,
}

/// Begins a transaction that has named its tenant, in one round trip.
pub(super) async fn begin<'c>(
    connection: &'c mut PgConnection,
    tenant: &Tenant,
    kind: Kind,
) -> Result<Transaction<'c, Postgres>, sqlx::Error> {
    connection.begin_with(AssertSqlSafe(beginning(tenant, kind))).await
}

pub(super) fn beginning(tenant: &Tenant, kind: Kind) -> String {
    let begin = match kind {
        Kind::Read => "BEGIN READ ONLY",
        Kind::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Kind::Write => "BEGIN",
    };
    format!("{begin}; SELECT set_config('morningai.tenant', {}, true)", literal(&tenant.0))
}

/// A text that Postgres reads as exactly this, whatever its settings.
pub(super) fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_reaches_the_database_as_it_is_written() {
        assert_eq!(literal(r"o'b\"), r"E'o''b\\'");
        assert_eq!(literal("local"), "E'local'");
    }
}
