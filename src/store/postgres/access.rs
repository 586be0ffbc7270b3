//! The rows behind accounts: each as it is read, and each write as its statement.

use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use super::ask::{Failure, How, Question};
use super::error::unreadable_row;
use super::keys;
use super::store::Store;
use crate::domain::{AccountId, AccountName, Timestamp};
use crate::ports::{AccessWrite, Account, LogError, SecretHash, Session, Token, Used};
use crate::store::access_columns::{AccountColumns, SessionColumns, TokenColumns, bytes};
use crate::store::seal::{Seal, Sealing};
use crate::store::stored::to_sql;

macro_rules! accounts {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, role, is_disabled, created_at, version, password, totp_secret, totp_step, recovery
             FROM morningai.account WHERE tenant = $1",
            $rest
        )
    };
}

macro_rules! tokens {
    ($rest:literal) => {
        concat!(
            "SELECT id, account, label, hash, scopes, created_at, expires_at, revoked_at, last_used_at
             FROM morningai.token WHERE tenant = $1",
            $rest
        )
    };
}

pub(super) async fn accounts(store: &Store) -> Result<Vec<Account>, LogError> {
    let mut accounts = all(store, || of(store, accounts!("")), read_account).await?;
    // Here, for the column of an encrypted log says nothing of the order.
    accounts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(accounts)
}

pub(super) async fn account(store: &Store, id: AccountId) -> Result<Option<Account>, LogError> {
    one(store, || of(store, accounts!(" AND id = $2")).bind(bytes(id.0)), read_account).await
}

pub(super) async fn account_named(store: &Store, name: &AccountName) -> Result<Option<Account>, LogError> {
    let stored = store.seal.account_name(name.as_str());
    one(store, || of(store, accounts!(" AND name = $2")).bind(stored.clone()), read_account).await
}

pub(super) async fn tokens(store: &Store) -> Result<Vec<Token>, LogError> {
    all(store, || of(store, tokens!(" ORDER BY created_at DESC, id")), read_token).await
}

pub(super) async fn token_of(store: &Store, hash: &SecretHash) -> Result<Option<Token>, LogError> {
    one(store, || of(store, tokens!(" AND hash = $2")).bind(hash.0.to_vec()), read_token).await
}

pub(super) async fn session_of(store: &Store, hash: &SecretHash) -> Result<Option<Session>, LogError> {
    const FIND: &str =
        "SELECT hash, account, created_at, last_used_at FROM morningai.session WHERE tenant = $1 AND hash = $2";
    one(store, || of(store, FIND).bind(hash.0.to_vec()), read_session).await
}

/// May be repeated: only a later time is taken.
pub(super) async fn used(store: &Store, what: Used, at: Timestamp) -> Result<(), LogError> {
    store.check_writable()?;
    let (statement, key) = match what {
        Used::Token(id) => ("SELECT morningai.use_token($1, $2, $3)", bytes(id.0)),
        Used::Session(hash) => ("SELECT morningai.use_session($1, $2, $3)", hash.0.to_vec()),
    };
    let question = || of(store, statement).bind(key.clone()).bind(at.timestamp_micros());
    store.ask(How::Calling, "note a use in", question).await.map(drop)
}

fn of(store: &Store, statement: &'static str) -> Question {
    sqlx::query(statement).bind(store.tenant.0.clone())
}

type Read<T> = fn(&Seal, &PgRow) -> Result<T, String>;

async fn all<T>(store: &Store, question: impl Fn() -> Question, read: Read<T>) -> Result<Vec<T>, LogError> {
    let rows = store.ask(How::ReadingMuch, "read accounts in", question).await?;
    let sealed =
        rows.iter().flat_map(|row| ["password", "label"].into_iter().filter_map(|name| row.try_get(name).ok()));
    keys::learn(store, store.seal.unknown(sealed)).await?;
    let unreadable = |why: String| unreadable_row(&store.place, "a row of the accounts", &why);
    rows.iter().map(|row| read(&store.seal, row).map_err(unreadable)).collect()
}

async fn one<T>(store: &Store, question: impl Fn() -> Question, read: Read<T>) -> Result<Option<T>, LogError> {
    Ok(all(store, question, read).await?.into_iter().next())
}

fn read_account(seal: &Seal, row: &PgRow) -> Result<Account, String> {
    let read = || -> Result<AccountColumns, sqlx::Error> {
        Ok(AccountColumns {
            id: row.try_get(0)?,
            name: row.try_get(1)?,
            role: row.try_get(2)?,
            is_disabled: row.try_get(3)?,
            created_at: row.try_get(4)?,
            version: row.try_get(5)?,
            password: row.try_get(6)?,
            totp_secret: row.try_get(7)?,
            totp_step: row.try_get(8)?,
            recovery: row.try_get(9)?,
        })
    };
    read().map_err(|error| error.to_string())?.decode(seal)
}

fn read_token(seal: &Seal, row: &PgRow) -> Result<Token, String> {
    let read = || -> Result<TokenColumns, sqlx::Error> {
        Ok(TokenColumns {
            id: row.try_get(0)?,
            account: row.try_get(1)?,
            label: row.try_get(2)?,
            hash: row.try_get(3)?,
            scopes: row.try_get(4)?,
            created_at: row.try_get(5)?,
            expires_at: row.try_get(6)?,
            revoked_at: row.try_get(7)?,
            last_used_at: row.try_get(8)?,
        })
    };
    read().map_err(|error| error.to_string())?.decode(seal)
}

fn read_session(_: &Seal, row: &PgRow) -> Result<Session, String> {
    let read = || -> Result<SessionColumns, sqlx::Error> {
        Ok(SessionColumns {
            hash: row.try_get(0)?,
            account: row.try_get(1)?,
            created_at: row.try_get(2)?,
            last_used_at: row.try_get(3)?,
        })
    };
    read().map_err(|error| error.to_string())?.decode()
}

/// One write of a change, within its transaction; the number of rows it came to.
pub(super) async fn write(
    store: &Store,
    connection: &mut PgConnection,
    sealing: &Sealing,
    write: &AccessWrite,
) -> Result<u64, Failure> {
    let done = statement(store, sealing, write)?.execute(connection).await;
    Ok(done.map_err(|error| store.failure("change accounts in", &error))?.rows_affected())
}

fn statement(store: &Store, sealing: &Sealing, write: &AccessWrite) -> Result<Question, LogError> {
    Ok(match write {
        AccessWrite::Create(account) => account_values(
            of(
                store,
                "INSERT INTO morningai.account (tenant, id, version, name, role, is_disabled, created_at, password,
                     totp_secret, totp_step, recovery)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
            ),
            AccountColumns::of(account, sealing)?,
        ),
        AccessWrite::Update(account) => account_values(
            of(
                store,
                "UPDATE morningai.account SET version = $3, name = $4, role = $5, is_disabled = $6, created_at = $7,
                     password = $8, totp_secret = $9, totp_step = $10, recovery = $11
                 WHERE tenant = $1 AND id = $2 AND version = $3 - 1",
            ),
            AccountColumns::of(account, sealing)?,
        ),
        AccessWrite::Witness { account, version } => {
            of(store, "SELECT FROM morningai.account WHERE tenant = $1 AND id = $2 AND version = $3 FOR SHARE")
                .bind(bytes(account.0))
                .bind(to_sql(*version))
        }
        AccessWrite::Issue(token) => token_values(
            of(
                store,
                "INSERT INTO morningai.token (tenant, id, account, label, hash, scopes, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            ),
            TokenColumns::of(token, sealing)?,
        ),
        AccessWrite::Revoke { token, at } => {
            of(store, "UPDATE morningai.token SET revoked_at = $3 WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL")
                .bind(bytes(token.0))
                .bind(at.timestamp_micros())
        }
        AccessWrite::RevokeAll { account, at } => of(
            store,
            "UPDATE morningai.token SET revoked_at = $3 WHERE tenant = $1 AND account = $2 AND revoked_at IS NULL",
        )
        .bind(bytes(account.0))
        .bind(at.timestamp_micros()),
        AccessWrite::Begin(session) => session_values(
            of(
                store,
                "INSERT INTO morningai.session (tenant, hash, account, created_at, last_used_at)
                 VALUES ($1, $2, $3, $4, $5)",
            ),
            session,
        ),
        AccessWrite::End(hash) => {
            of(store, "DELETE FROM morningai.session WHERE tenant = $1 AND hash = $2").bind(hash.0.to_vec())
        }
        AccessWrite::EndAll(account) => {
            of(store, "DELETE FROM morningai.session WHERE tenant = $1 AND account = $2").bind(bytes(account.0))
        }
        AccessWrite::Sweep { unused_since } => {
            of(store, "DELETE FROM morningai.session WHERE tenant = $1 AND last_used_at < $2")
                .bind(unused_since.timestamp_micros())
        }
    })
}

fn account_values(query: Question, columns: AccountColumns) -> Question {
    query
        .bind(columns.id)
        .bind(columns.version)
        .bind(columns.name)
        .bind(columns.role)
        .bind(columns.is_disabled)
        .bind(columns.created_at)
        .bind(columns.password)
        .bind(columns.totp_secret)
        .bind(columns.totp_step)
        .bind(columns.recovery)
}

fn token_values(query: Question, columns: TokenColumns) -> Question {
    query
        .bind(columns.id)
        .bind(columns.account)
        .bind(columns.label)
        .bind(columns.hash)
        .bind(columns.scopes)
        .bind(columns.created_at)
        .bind(columns.expires_at)
}

fn session_values(query: Question, session: &Session) -> Question {
    let columns = SessionColumns::of(session);
    query.bind(columns.hash).bind(columns.account).bind(columns.created_at).bind(columns.last_used_at)
}
