//! The schema and its versions: forward only, one SQL file a version, all steps in one transaction.
//!
//! To add a version, write `migrations/NNNN_name.sql` and name it at the end of `STEPS`; a released step never changes.
//! The version is the number of steps taken, kept in `PRAGMA user_version`: reading it costs nothing, and unlike
//! sqlx's migrator this locks out a second process that starts at the same time.

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

/// In the header of every store of ours, so that another program's database is not taken for one ("morn").
const APPLICATION_ID: i64 = 0x6d6f_726e;

const STEPS: &[&str] = &[
    include_str!("migrations/0001_log.sql"),
    include_str!("migrations/0002_accounts.sql"),
    include_str!("migrations/0003_pruned.sql"),
    include_str!("migrations/0004_keys.sql"),
    include_str!("migrations/0005_streams.sql"),
    include_str!("migrations/0006_rows.sql"),
];

/// What an opened file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// Nothing in it yet.
    Fresh,
    Current,
    /// From an earlier version of the program.
    Older(i64),
    /// From a later one.
    Newer(i64),
    /// A database of another program.
    Foreign,
}

/// The version that this program writes.
pub(super) fn current_version() -> i64 {
    version_after(STEPS)
}

pub(super) async fn identify(connection: &mut SqliteConnection) -> Result<Identity, sqlx::Error> {
    identify_among(connection, STEPS).await
}

/// Takes the steps that are missing. Another process that does the same at the same time is waited for.
pub(super) async fn to_current(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    take(connection, STEPS).await
}

fn version_after(steps: &[&str]) -> i64 {
    i64::try_from(steps.len()).unwrap_or(i64::MAX)
}

async fn identify_among(connection: &mut SqliteConnection, steps: &[&str]) -> Result<Identity, sqlx::Error> {
    let (application, version, tables): (i64, i64, i64) = sqlx::query_as(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
         FROM pragma_application_id, pragma_user_version",
    )
    .fetch_one(connection)
    .await?;
    let current = version_after(steps);
    Ok(match (application, version) {
        (0, 0) if tables == 0 => Identity::Fresh,
        (APPLICATION_ID, version) if version == current => Identity::Current,
        (APPLICATION_ID, version) if version > current => Identity::Newer(version),
        (APPLICATION_ID, version) => Identity::Older(version),
        _ => Identity::Foreign,
    })
}

async fn take(connection: &mut SqliteConnection, steps: &[&'static str]) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // Read again under the lock: somebody else may have been faster.
    let done = match identify_among(&mut transaction, steps).await? {
        Identity::Fresh => 0,
        Identity::Older(version) => usize::try_from(version).unwrap_or(0),
        Identity::Current | Identity::Newer(_) | Identity::Foreign => steps.len(),
    };
    for step in steps.iter().skip(done) {
        sqlx::raw_sql(*step).execute(&mut *transaction).await?;
    }
    if done < steps.len() {
        let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}", version_after(steps));
        sqlx::raw_sql(AssertSqlSafe(marks)).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    const NEXT: &str = "ALTER TABLE lease ADD COLUMN note TEXT NOT NULL DEFAULT 'none';";

    async fn memory() -> SqliteConnection {
        SqliteConnectOptions::new().in_memory(true).connect().await.unwrap()
    }

    #[tokio::test]
    async fn a_later_step_is_taken_on_data_of_an_earlier_one() {
        let mut db = memory().await;
        take(&mut db, &STEPS[..1]).await.unwrap();
        sqlx::raw_sql("INSERT INTO lease VALUES ('local', x'00', 'me', 1, 2)").execute(&mut db).await.unwrap();
        let longer = [STEPS[0], NEXT];
        assert_eq!(identify_among(&mut db, &longer).await.unwrap(), Identity::Older(1));
        take(&mut db, &longer).await.unwrap();
        assert_eq!(identify_among(&mut db, &longer).await.unwrap(), Identity::Current);
        let note: String = sqlx::query_scalar("SELECT note FROM lease").fetch_one(&mut db).await.unwrap();
        assert_eq!(note, "none");
        assert_eq!(identify_among(&mut db, &longer[..1]).await.unwrap(), Identity::Newer(2));
    }

    #[tokio::test]
    async fn a_step_that_fails_leaves_the_version_as_it_was() {
        let mut db = memory().await;
        take(&mut db, &STEPS[..1]).await.unwrap();
        let broken = [STEPS[0], "CREATE TABLE half (x); SELECT no_such_function();"];
        take(&mut db, &broken).await.unwrap_err();
        assert_eq!(identify_among(&mut db, &STEPS[..1]).await.unwrap(), Identity::Current);
        let half = "SELECT count(*) FROM sqlite_schema WHERE name = 'half'";
        assert_eq!(sqlx::query_scalar::<_, i64>(half).fetch_one(&mut db).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_database_of_another_program_is_foreign() {
        let mut db = memory().await;
        assert_eq!(identify_among(&mut db, STEPS).await.unwrap(), Identity::Fresh);
        sqlx::raw_sql("CREATE TABLE theirs (x)").execute(&mut db).await.unwrap();
        assert_eq!(identify_among(&mut db, STEPS).await.unwrap(), Identity::Foreign);
    }
}
