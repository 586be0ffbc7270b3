//! Opening: whether the database is ours, of this version, and the role may do with it what it must.
//!
//! Costs the same however long the history is.

use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use super::ask::{ANSWER, PIECE_ANSWER, answered};
use super::error::explain;
use super::migrate;
use super::migrate::{Identity, Rights};
use super::pool::Connector;
use crate::domain::Tenant;
use crate::ports::{LogError, LogErrorKind};
use crate::store::OpenMode;

const ASK_THE_OWNER: &str = "let the owner of the database run `morningai db migrate --db URL --grant ROLE`, where ROLE is \
                             the role in your URL";

/// A connection to a store that is ours and of this version; the role may create or migrate it, it is.
pub(super) async fn open(connector: &Connector, mode: OpenMode) -> Result<PgConnection, LogError> {
    let place = &connector.place;
    let failed = |error| explain(place, "open", &error);
    let mut connection = connector.connect().await?;
    let rights = answered(ANSWER, migrate::rights(&mut connection)).await.map_err(failed)?;
    if rights.encoding != "UTF8" {
        return Err(wrong_encoding(place, &rights));
    }
    match (answered(ANSWER, migrate::identify(&mut connection)).await.map_err(failed)?, mode) {
        (Identity::Current, _) => check_rights(&mut connection, place, mode).await?,
        (Identity::Fresh | Identity::Older(_), OpenMode::ReadWrite) if rights.may_migrate => {
            bring_up_to_date(place, &mut connection).await?;
        }
        (identity, _) => return Err(not_ours(place, identity)),
    }
    Ok(connection)
}

/// A tenant's name must be a text that Postgres can hold; none would mean no rows.
pub(super) fn check_tenant(tenant: &Tenant) -> Result<(), LogError> {
    match tenant.0.is_empty() || tenant.0.contains('\0') {
        false => Ok(()),
        true => Err(LogError::new(
            LogErrorKind::Unusable,
            "this name of a tenant cannot be used in Postgres",
            "give one with --tenant that is not empty",
        )),
    }
}

async fn check_rights(connection: &mut PgConnection, place: &str, mode: OpenMode) -> Result<(), LogError> {
    let rights = answered(ANSWER, migrate::rights(connection)).await.map_err(|error| explain(place, "open", &error))?;
    let (suffices, what) = match mode {
        OpenMode::ReadWrite => (rights.may_write, "write"),
        OpenMode::ReadOnly => (rights.may_read, "read"),
    };
    if suffices {
        return Ok(());
    }
    let role = &rights.role;
    Err(LogError::new(
        LogErrorKind::Unusable,
        format!("the role {role} may not {what} the log in {place}"),
        format!("let the owner of the database run `morningai db migrate --db URL --grant {role}`"),
    ))
}

async fn bring_up_to_date(place: &str, connection: &mut PgConnection) -> Result<(), LogError> {
    let failed = |error| explain(place, "migrate", &error);
    // Somebody else who migrates is waited for.
    answered(PIECE_ANSWER, migrate::to_current(connection)).await.map_err(failed)?;
    match answered(ANSWER, migrate::identify(connection)).await.map_err(failed)? {
        Identity::Current => Ok(()),
        other => Err(not_ours(place, other)),
    }
}

fn wrong_encoding(place: &str, rights: &Rights) -> LogError {
    LogError::new(
        LogErrorKind::Unusable,
        format!("{place} is encoded in {}, which cannot hold every text", rights.encoding),
        "create a database for it with ENCODING 'UTF8'",
    )
}

fn not_ours(place: &str, identity: Identity) -> LogError {
    let ours = migrate::current_version();
    match identity {
        Identity::Newer(theirs) => LogError::new(
            LogErrorKind::TooNew,
            format!("{place} has schema version {theirs}, this program knows versions up to {ours}"),
            "use the newer program; nothing was changed",
        ),
        Identity::Older(theirs) => LogError::new(
            LogErrorKind::Unusable,
            format!("{place} has schema version {theirs}, this program needs version {ours}"),
            ASK_THE_OWNER,
        ),
        Identity::Fresh | Identity::Current => LogError::new(
            LogErrorKind::Unusable,
            format!("there is no log in {place} yet, and the role may not create it"),
            ASK_THE_OWNER,
        ),
        Identity::Foreign => LogError::new(
            LogErrorKind::Unusable,
            format!("{place} has a schema named morningai that another program made"),
            "name another database with --db; nothing was changed",
        ),
    }
}

/// What can be used as it is, and should not be left so.
pub(super) async fn weaknesses(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT current_user::text, rolsuper OR rolbypassrls, current_setting('fsync'),
             current_setting('full_page_writes'), pg_is_in_recovery()
         FROM pg_roles WHERE rolname = current_user",
    )
    .persistent(false)
    .fetch_one(&mut *connection)
    .await?;
    let (role, passes_policies): (String, bool) = (row.try_get(0)?, row.try_get(1)?);
    let (fsync, full_page_writes): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    let is_standby: bool = row.try_get(4)?;
    let may_write = migrate::rights(connection).await?.may_write;
    let weaknesses = [
        (is_standby, "this server is a standby: nothing can be decided on it".to_owned()),
        (!may_write, format!("the role {role} may read, not write")),
        (passes_policies, format!("the role {role} passes every row security policy; run as another one")),
        (fsync != "on", "the server runs with fsync = off: what is decided does not survive a crash of it".to_owned()),
        (
            full_page_writes != "on",
            "the server runs with full_page_writes = off: a crash may damage the log".to_owned(),
        ),
    ];
    Ok(weaknesses.into_iter().filter_map(|(applies, text)| applies.then_some(text)).collect())
}
