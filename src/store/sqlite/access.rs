//! The rows behind accounts: each as it is read, and each write as its statement.

use sqlx::Row as _;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::Store;
use super::error::unreadable_row;
use super::keys;
use crate::domain::AccountId;
use crate::domain::AccountName;
use crate::domain::Timestamp;
use crate::domain::TokenId;
use crate::ports::AccessWrite;
use crate::ports::Account;
use crate::ports::AccountSecrets;
use crate::ports::LogError;
use crate::ports::LogErrorKind;
use crate::ports::SecretHash;
use crate::ports::Session;
use crate::ports::Standing;
use crate::ports::Token;
use crate::ports::TotpSecret;
use crate::store::seal::AccountColumns;
use crate::store::seal::Seal;
use crate::store::seal::Sealing;
use crate::store::stored::from_sql;
use crate::store::stored::to_sql;

type Query = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

macro_rules! accounts {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, role, is_disabled, created_at, version, password, totp_secret, totp_step, recovery
             FROM account WHERE tenant = $1",
            $rest
        )
    };
}

macro_rules! tokens {
    ($rest:literal) => {
        concat!(
            "SELECT id, account, label, hash, scopes, created_at, expires_at, revoked_at, last_used_at
             FROM token WHERE tenant = $1",
            $rest
        )
    };
}

pub(super) async fn accounts(store: &Store) -> Result<Vec<Account>, LogError> {
    let mut accounts = all(store, of(store, accounts!("")), read_account).await?;
    // Here, for the column of an encrypted log says nothing of the order.
    accounts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(accounts)
}

pub(super) async fn account(store: &Store, id: AccountId) -> Result<Option<Account>, LogError> {
    one(store, of(store, accounts!(" AND id = $2")).bind(bytes(id.0)), read_account).await
}

pub(super) async fn account_named(store: &Store, name: &AccountName) -> Result<Option<Account>, LogError> {
    one(store, of(store, accounts!(" AND name = $2")).bind(store.seal.account_name(name.as_str())), read_account).await
}

pub(super) async fn tokens(store: &Store) -> Result<Vec<Token>, LogError> {
    all(store, of(store, tokens!(" ORDER BY created_at DESC, id")), read_token).await
}

pub(super) async fn token_of(store: &Store, hash: &SecretHash) -> Result<Option<Token>, LogError> {
    one(store, of(store, tokens!(" AND hash = $2")).bind(hash.0.to_vec()), read_token).await
}

pub(super) async fn session_of(store: &Store, hash: &SecretHash) -> Result<Option<Session>, LogError> {
    const FIND: &str = "SELECT hash, account, created_at, last_used_at FROM session WHERE tenant = $1 AND hash = $2";
    one(store, of(store, FIND).bind(hash.0.to_vec()), read_session).await
}

fn of(store: &Store, statement: &'static str) -> Query {
    sqlx::query(statement).bind(store.tenant.0.clone())
}

fn bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

type Read<T> = fn(&Seal, &SqliteRow) -> Result<T, String>;

async fn all<T>(store: &Store, query: Query, read: Read<T>) -> Result<Vec<T>, LogError> {
    let rows = query.fetch_all(&store.readers).await.map_err(|error| store.explain("read accounts in", &error))?;
    let sealed =
        rows.iter().flat_map(|row| ["password", "label"].into_iter().filter_map(|name| row.try_get(name).ok()));
    keys::learn(store, store.seal.unknown(sealed)).await?;
    let unreadable = |why: String| unreadable_row(&store.path, "a row of the accounts", &why);
    rows.iter().map(|row| read(&store.seal, row).map_err(unreadable)).collect()
}

async fn one<T>(store: &Store, query: Query, read: Read<T>) -> Result<Option<T>, LogError> {
    Ok(all(store, query, read).await?.into_iter().next())
}

fn read_account(seal: &Seal, row: &SqliteRow) -> Result<Account, String> {
    let column = |error: sqlx::Error| error.to_string();
    let is_disabled: i64 = row.try_get(3).map_err(column)?;
    let last_step = from_sql(row.try_get(8).map_err(column)?);
    let id = AccountId(id(row, 0)?);
    let stored = AccountColumns {
        name: row.try_get(1).map_err(column)?,
        password: row.try_get(6).map_err(column)?,
        totp_secret: row.try_get(7).map_err(column)?,
        recovery: row.try_get(9).map_err(column)?,
    };
    let AccountColumns { name, password, totp_secret: secret, recovery: codes } = seal.account(id, stored)?;
    Ok(Account {
        id,
        name: AccountName::parse(&name)?,
        role: row.try_get::<&str, _>(2).map_err(column)?.parse()?,
        standing: if is_disabled == 0 { Standing::Active } else { Standing::Disabled },
        created_at: time(row, 4)?,
        version: from_sql(row.try_get(5).map_err(column)?),
        secrets: AccountSecrets {
            password: Some(password).filter(|kept| !kept.is_empty()),
            totp: (!secret.is_empty()).then_some(TotpSecret { secret, last_step }),
            recovery: recovery(&codes)?,
        },
    })
}

fn read_token(seal: &Seal, row: &SqliteRow) -> Result<Token, String> {
    let column = |error: sqlx::Error| error.to_string();
    let id = TokenId(self::id(row, 0)?);
    Ok(Token {
        id,
        account: AccountId(self::id(row, 1)?),
        label: seal.label(id, row.try_get(2).map_err(column)?)?,
        hash: hash(row, 3)?,
        scopes: serde_json::from_str(row.try_get(4).map_err(column)?).map_err(|error| error.to_string())?,
        created_at: time(row, 5)?,
        expires_at: time(row, 6)?,
        revoked_at: perhaps_time(row, 7)?,
        last_used_at: perhaps_time(row, 8)?,
    })
}

fn read_session(_: &Seal, row: &SqliteRow) -> Result<Session, String> {
    Ok(Session {
        hash: hash(row, 0)?,
        account: AccountId(id(row, 1)?),
        created_at: time(row, 2)?,
        last_used_at: time(row, 3)?,
    })
}

fn id(row: &SqliteRow, column: usize) -> Result<Uuid, String> {
    let bytes: &[u8] = row.try_get(column).map_err(|error| error.to_string())?;
    Uuid::from_slice(bytes).map_err(|error| error.to_string())
}

fn hash(row: &SqliteRow, column: usize) -> Result<SecretHash, String> {
    let bytes: &[u8] = row.try_get(column).map_err(|error| error.to_string())?;
    bytes.try_into().map(SecretHash).map_err(|_| "a hash is not 32 bytes".to_owned())
}

fn time(row: &SqliteRow, column: usize) -> Result<Timestamp, String> {
    perhaps_time(row, column)?.ok_or_else(|| "a time is missing".to_owned())
}

fn perhaps_time(row: &SqliteRow, column: usize) -> Result<Option<Timestamp>, String> {
    let micros: Option<i64> = row.try_get(column).map_err(|error| error.to_string())?;
    let time = |micros| Timestamp::from_timestamp_micros(micros).ok_or_else(|| "a time out of range".to_owned());
    micros.map(time).transpose()
}

fn recovery(text: &str) -> Result<Vec<SecretHash>, String> {
    let hashes: Vec<String> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let read = |hash: &String| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(hash, &mut bytes).map_err(|error| error.to_string())?;
        Ok(SecretHash(bytes))
    };
    hashes.iter().map(read).collect()
}

/// One write of a change, within its transaction.
pub(super) async fn write(
    store: &Store,
    connection: &mut SqliteConnection,
    sealing: &Sealing,
    write: &AccessWrite,
) -> Result<(), LogError> {
    let failed = |error| store.explain("change accounts in", &error);
    let done = statement(store, sealing, write)?.execute(connection).await.map_err(failed)?.rows_affected();
    match write {
        AccessWrite::Create(account) if done == 0 => {
            Err(conflict(format!("there is an account {} already", account.name)))
        }
        AccessWrite::Update(Account { id, .. }) | AccessWrite::Witness { account: id, .. } if done == 0 => {
            Err(conflict(format!("account {id} has changed meanwhile")))
        }
        _ => Ok(()),
    }
}

fn conflict(message: String) -> LogError {
    LogError::new(LogErrorKind::Conflict, message, "look at it again, then repeat")
}

fn statement(store: &Store, sealing: &Sealing, write: &AccessWrite) -> Result<Query, LogError> {
    Ok(match write {
        AccessWrite::Create(account) => account_values(
            of(
                store,
                "INSERT INTO account (tenant, id, version, name, role, is_disabled, created_at, password, totp_secret,
                     totp_step, recovery)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
            ),
            account,
            sealing.account(account)?,
        ),
        AccessWrite::Update(account) => account_values(
            of(
                store,
                "UPDATE account SET version = $3, name = $4, role = $5, is_disabled = $6, created_at = $7,
                     password = $8, totp_secret = $9, totp_step = $10, recovery = $11
                 WHERE tenant = $1 AND id = $2 AND version = $3 - 1",
            ),
            account,
            sealing.account(account)?,
        ),
        AccessWrite::Witness { account, version } => {
            // Writes nothing new, and says by the number of rows whether it is there.
            of(store, "UPDATE account SET version = version WHERE tenant = $1 AND id = $2 AND version = $3")
                .bind(bytes(account.0))
                .bind(to_sql(*version))
        }
        AccessWrite::Issue(token) => of(
            store,
            "INSERT INTO token (tenant, id, account, label, hash, scopes, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(bytes(token.id.0))
        .bind(bytes(token.account.0))
        .bind(sealing.label(token)?)
        .bind(token.hash.0.to_vec())
        .bind(json(&token.scopes))
        .bind(token.created_at.timestamp_micros())
        .bind(token.expires_at.timestamp_micros()),
        AccessWrite::Revoke { token, at } => {
            of(store, "UPDATE token SET revoked_at = $3 WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL")
                .bind(bytes(token.0))
                .bind(at.timestamp_micros())
        }
        AccessWrite::RevokeAll { account, at } => {
            of(store, "UPDATE token SET revoked_at = $3 WHERE tenant = $1 AND account = $2 AND revoked_at IS NULL")
                .bind(bytes(account.0))
                .bind(at.timestamp_micros())
        }
        AccessWrite::Begin(session) => of(
            store,
            "INSERT INTO session (tenant, hash, account, created_at, last_used_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(session.hash.0.to_vec())
        .bind(bytes(session.account.0))
        .bind(session.created_at.timestamp_micros())
        .bind(session.last_used_at.timestamp_micros()),
        AccessWrite::End(hash) => {
            of(store, "DELETE FROM session WHERE tenant = $1 AND hash = $2").bind(hash.0.to_vec())
        }
        AccessWrite::EndAll(account) => {
            of(store, "DELETE FROM session WHERE tenant = $1 AND account = $2").bind(bytes(account.0))
        }
        AccessWrite::Sweep { unused_since } => of(store, "DELETE FROM session WHERE tenant = $1 AND last_used_at < $2")
            .bind(unused_since.timestamp_micros()),
    })
}

fn account_values(query: Query, account: &Account, columns: AccountColumns) -> Query {
    query
        .bind(bytes(account.id.0))
        .bind(to_sql(account.version))
        .bind(columns.name)
        .bind(account.role.name())
        .bind(i64::from(account.standing == Standing::Disabled))
        .bind(account.created_at.timestamp_micros())
        .bind(columns.password)
        .bind(columns.totp_secret)
        .bind(to_sql(account.secrets.totp.as_ref().map_or(0, |totp| totp.last_step)))
        .bind(columns.recovery)
}

fn json<T: serde::Serialize>(value: &T) -> String {
    // Lists of texts always serialize; should that change, what is read later says so.
    serde_json::to_string(value).unwrap_or_default()
}
