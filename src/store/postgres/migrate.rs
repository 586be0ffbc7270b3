//! The schema and its versions: forward only, one SQL file a version, all steps in one transaction.
//!
//! To add a version, write `migrations/NNNN_name.sql` and name it at the end of `STEPS`; a released step never changes.
//! The version is kept in the comment on the schema: everybody may read it, only the owner may change it, and it needs
//! no table that would have no tenant.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Row as _};

const STEPS: &[&str] = &[
    include_str!("migrations/0001_log.sql"),
    include_str!("migrations/0002_accounts.sql"),
    include_str!("migrations/0003_pruned.sql"),
    include_str!("migrations/0004_keys.sql"),
    include_str!("migrations/0005_reading.sql"),
    include_str!("migrations/0006_streams.sql"),
    include_str!("migrations/0007_rows.sql"),
];

/// Before the number in the comment.
const MARK: &str = "morningai store, version ";

/// Locks out others that migrate at the same time ("morn").
const LOCK: i64 = 0x6d6f_726e;

/// What an opened database turned out to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// No schema of ours yet.
    Fresh,
    Current,
    /// From an earlier version of the program.
    Older(usize),
    /// From a later one.
    Newer(usize),
    /// A schema of that name that is not ours.
    Foreign,
}

/// What the role of a connection may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rights {
    pub role: String,
    /// Owns the schema, or may create it where there is none.
    pub may_migrate: bool,
    /// May do all that this program does with the tables.
    pub may_write: bool,
    /// May read the log.
    pub may_read: bool,
    /// UTF-8 is the only encoding that holds every event.
    pub encoding: String,
}

/// What may be granted to the program's own role: it adds events and never changes or removes one. What is kept of people
/// besides (keys, outputs, accounts, tokens) it may destroy.
const GRANTS: &[(&str, &str)] = &[
    ("event", "SELECT, INSERT"),
    ("blob", "SELECT, INSERT, DELETE"),
    ("head", "SELECT, INSERT, UPDATE"),
    ("projection", "SELECT, INSERT, DELETE"),
    ("listing", "SELECT, INSERT, UPDATE, DELETE"),
    ("lease", "SELECT, INSERT, DELETE"),
    ("answer", "SELECT, INSERT, DELETE"),
    ("account", "SELECT, INSERT, UPDATE, DELETE"),
    ("token", "SELECT, INSERT, UPDATE, DELETE"),
    ("session", "SELECT, INSERT, UPDATE, DELETE"),
    // INSERT for copies of a log that was pruned elsewhere.
    ("pruned", "SELECT, INSERT"),
    ("keyring", "SELECT, INSERT"),
    ("subject_key", "SELECT, INSERT, UPDATE"),
];

/// The version that this program writes.
pub(super) fn current_version() -> usize {
    STEPS.len()
}

pub(super) async fn identify(connection: &mut PgConnection) -> Result<Identity, sqlx::Error> {
    identify_among(connection, STEPS).await
}

async fn identify_among(connection: &mut PgConnection, steps: &[&str]) -> Result<Identity, sqlx::Error> {
    let found =
        sqlx::query("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'morningai'")
            .persistent(false)
            .fetch_optional(connection)
            .await?;
    let Some(row) = found else { return Ok(Identity::Fresh) };
    let comment: Option<String> = row.try_get(0)?;
    let version = comment.as_deref().and_then(|comment| comment.strip_prefix(MARK)?.parse().ok());
    Ok(match version {
        None => Identity::Foreign,
        Some(version) if version == steps.len() => Identity::Current,
        Some(version) if version > steps.len() => Identity::Newer(version),
        Some(version) => Identity::Older(version),
    })
}

/// What the role may do, asked of the catalogue, so that nothing has to be tried.
pub(super) async fn rights(connection: &mut PgConnection) -> Result<Rights, sqlx::Error> {
    let row = sqlx::query(
        "SELECT current_user::text, current_setting('server_encoding'),
             coalesce((SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'morningai'),
                 has_database_privilege(current_database(), 'CREATE')),
             coalesce((SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = 'morningai'), false)",
    )
    .persistent(false)
    .fetch_one(&mut *connection)
    .await?;
    let may_enter: bool = row.try_get(3)?;
    let mut rights = Rights {
        role: row.try_get(0)?,
        encoding: row.try_get(1)?,
        may_migrate: row.try_get(2)?,
        may_write: may_enter,
        may_read: may_enter,
    };
    if may_enter {
        rights.may_write = holds(connection, GRANTS).await?;
        rights.may_read = rights.may_write
            || holds(connection, &[("event", "SELECT"), ("projection", "SELECT"), ("keyring", "SELECT")]).await?;
    }
    Ok(rights)
}

/// Whether the role has each of these rights, on tables that exist.
async fn holds(connection: &mut PgConnection, grants: &[(&str, &str)]) -> Result<bool, sqlx::Error> {
    let pairs = grants.iter().flat_map(|(table, rights)| rights.split(", ").map(move |right| (*table, right)));
    let (tables, rights): (Vec<_>, Vec<_>) = pairs.map(|(table, right)| (table.to_owned(), right.to_owned())).unzip();
    sqlx::query_scalar(
        "SELECT coalesce(bool_and(has_table_privilege(pg_class.oid, wanted.privilege)), false)
         FROM unnest($1::text[], $2::text[]) AS wanted (name, privilege)
         LEFT JOIN pg_class ON pg_class.relname = wanted.name AND pg_class.relnamespace = 'morningai'::regnamespace",
    )
    .persistent(false)
    .bind(tables)
    .bind(rights)
    .fetch_one(connection)
    .await
}

/// Takes the steps that are missing. Another process that does the same at the same time is waited for.
pub(super) async fn to_current(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    take(connection, STEPS).await
}

async fn take(connection: &mut PgConnection, steps: &[&'static str]) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").persistent(false).bind(LOCK).execute(&mut *transaction).await?;
    // Read again under the lock: somebody else may have been faster.
    let done = match identify_among(&mut transaction, steps).await? {
        Identity::Fresh => 0,
        Identity::Older(version) => version,
        Identity::Current | Identity::Newer(_) | Identity::Foreign => steps.len(),
    };
    for step in steps.iter().skip(done) {
        sqlx::raw_sql(*step).execute(&mut *transaction).await?;
    }
    if done < steps.len() {
        let comment = format!("COMMENT ON SCHEMA morningai IS '{MARK}{}'", steps.len());
        sqlx::raw_sql(AssertSqlSafe(comment)).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// Lets a role do all that the program does, and nothing more. May be repeated.
pub(super) async fn grant(connection: &mut PgConnection, role: &str) -> Result<(), sqlx::Error> {
    let role = identifier(role);
    // Two that grant at the same time would stumble over each other in the catalogue.
    let mut sql = format!(
        "BEGIN; SELECT pg_advisory_xact_lock({LOCK}); GRANT USAGE ON SCHEMA morningai TO {role}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA morningai TO {role};"
    );
    for (table, rights) in GRANTS {
        sql.push_str(&format!("GRANT {rights} ON morningai.{table} TO {role};"));
    }
    sql.push_str("COMMIT");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

/// A name that Postgres reads as exactly this text.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
