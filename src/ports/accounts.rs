//! Accounts, tokens and sessions: the rows that say who may do what, kept beside the log and changed together with it.

use std::fmt;

use async_trait::async_trait;

use super::log::{LogError, NewEvent};
use crate::domain::{AccountId, AccountName, Actor, Role, Scopes, Timestamp, TokenId};
use crate::kinds::{AccessEvent, Envelope};

/// What a store keeps of one tenant's accounts, and of what programs and consoles show instead of a password.
#[async_trait]
pub trait AccountRows: Send + Sync {
    /// All of them, by name.
    async fn accounts(&self) -> Result<Vec<Account>, LogError>;

    async fn account(&self, id: AccountId) -> Result<Option<Account>, LogError>;

    async fn account_named(&self, name: &AccountName) -> Result<Option<Account>, LogError>;

    /// All tokens, newest first, also those that no longer hold.
    async fn tokens(&self) -> Result<Vec<Token>, LogError>;

    async fn token_of(&self, secret: &SecretHash) -> Result<Option<Token>, LogError>;

    async fn session_of(&self, secret: &SecretHash) -> Result<Option<Session>, LogError>;

    /// Notes that something was used, unless the store has a later time. Not worth a disk's attention: may be lost.
    async fn used(&self, what: Used, at: Timestamp) -> Result<(), LogError>;

    /// The last event of an account's stream; 0 for none.
    async fn last_version(&self, account: AccountId) -> Result<u64, LogError>;

    /// Writes these, and appends the events wherever the log ends, in one transaction: all of it, or nothing. Returns once
    /// it is on disk.
    ///
    /// `Conflict` when an account is not at the version named, its name is taken, or an event does not follow the last of
    /// its stream: read again, decide again. `Unknown` when the connection was lost on the way, and what became of it
    /// could not be found out.
    async fn append_with(&self, writes: &[AccessWrite], events: &[NewEvent]) -> Result<Vec<Envelope>, LogError>;
}

/// One tenant's accounts, to be read and changed.
///
/// A change and the events that tell of it are one transaction: nothing is granted that the log does not say, and the
/// log says nothing that was not done.
#[async_trait]
pub trait Accounts: AccountRows {
    /// Does all of it, or nothing, and returns once it is on disk.
    ///
    /// `Conflict` when an account is not at the version named, or its name is taken: read again, decide again. `Unknown`
    /// as of `append_with`.
    async fn commit(&self, change: AccessChange) -> Result<Vec<Envelope>, LogError>;
}

/// A person's account, with its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub name: AccountName,
    pub role: Role,
    pub standing: Standing,
    pub created_at: Timestamp,
    /// One more with each change; the first is 1.
    pub version: u64,
    pub secrets: AccountSecrets,
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Active,
    Disabled,
}

/// What an account is opened with. Its debug form shows none of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AccountSecrets {
    /// Argon2id as a PHC string; `None`: it cannot sign in by password.
    pub password: Option<String>,
    pub totp: Option<TotpSecret>,
    /// Codes for a lost second factor, each good once.
    pub recovery: Vec<SecretHash>,
}

/// The shared secret of a second factor, and the last step that a code was taken for: none is taken twice.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret {
    pub secret: Vec<u8>,
    pub last_step: u64,
}

impl fmt::Debug for AccountSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |is_set: bool| if is_set { "set" } else { "none" };
        f.debug_struct("AccountSecrets")
            .field("password", &shown(self.password.is_some()))
            .field("totp", &shown(self.totp.is_some()))
            .field("recovery", &self.recovery.len())
            .finish()
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotpSecret").field("last_step", &self.last_step).finish_non_exhaustive()
    }
}

/// The SHA-256 of a secret of 256 random bits: enough to find it by, and useless to a reader of the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// What a program shows instead of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub id: TokenId,
    pub account: AccountId,
    /// What it is for, in its owner's words.
    pub label: String,
    pub hash: SecretHash,
    pub scopes: Scopes,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    /// To the hour.
    pub last_used_at: Option<Timestamp>,
}

/// Somebody who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub hash: SecretHash,
    pub account: AccountId,
    pub created_at: Timestamp,
    /// To the minute.
    pub last_used_at: Timestamp,
}

/// Something whose use is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    Token(TokenId),
    Session(SecretHash),
}

/// What one transaction changes, and what the log says of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessChange {
    pub writes: Vec<AccessWrite>,
    pub records: Vec<AccessRecord>,
}

/// A change of rows.
#[derive(Clone, Debug, PartialEq)]
pub enum AccessWrite {
    /// A new account; its version must be 1 and its name free.
    Create(Account),
    /// An account as it is now; the row must be at the version before it.
    Update(Account),
    /// Changes nothing: this account must still be at this version, since the decision rests on it.
    Witness {
        account: AccountId,
        version: u64,
    },
    Issue(Token),
    /// A token that is revoked already stays as it was.
    Revoke {
        token: TokenId,
        at: Timestamp,
    },
    RevokeAll {
        account: AccountId,
        at: Timestamp,
    },
    Begin(Session),
    End(SecretHash),
    EndAll(AccountId),
    /// Sessions not used since then are gone for good.
    Sweep {
        unused_since: Timestamp,
    },
}

/// What the log says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessRecord {
    pub account: AccountId,
    pub at: Timestamp,
    pub by: Actor,
    pub event: AccessEvent,
}
