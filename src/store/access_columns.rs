//! Accounts, tokens and sessions between their stored columns and the types of the program, the same in every store.
//! Pure. In an encrypted log, names and secrets are sealed on the way in and opened on the way out.
//!
//! Ids are the 16 bytes of a UUID, times microseconds since 1970 UTC; an empty password or secret is none.

use uuid::Uuid;

use super::seal::{PersonalColumns, Seal, Sealing};
use super::stored::{from_sql, to_sql};
use crate::domain::{AccountId, AccountName, Timestamp, TokenId};
use crate::ports::{Account, AccountSecrets, LogError, SecretHash, Session, Standing, Token, TotpSecret};

/// An account as it is stored.
pub(super) struct AccountColumns {
    pub id: Vec<u8>,
    pub name: String,
    pub role: String,
    pub is_disabled: bool,
    pub created_at: i64,
    pub version: i64,
    pub password: String,
    pub totp_secret: Vec<u8>,
    pub totp_step: i64,
    pub recovery: String,
}

impl AccountColumns {
    pub fn of(account: &Account, sealing: &Sealing) -> Result<Self, LogError> {
        let PersonalColumns { name, password, totp_secret, recovery } = sealing.account(account)?;
        Ok(Self {
            id: bytes(account.id.0),
            name,
            role: account.role.name().to_owned(),
            is_disabled: account.standing == Standing::Disabled,
            created_at: account.created_at.timestamp_micros(),
            version: to_sql(account.version),
            password,
            totp_secret,
            totp_step: to_sql(account.secrets.totp.as_ref().map_or(0, |totp| totp.last_step)),
            recovery,
        })
    }

    /// The error says what is wrong with it.
    pub fn decode(self, seal: &Seal) -> Result<Account, String> {
        let (id, last_step) = (AccountId(id(&self.id)?), from_sql(self.totp_step));
        let Self { name, password, totp_secret, recovery: codes, .. } = self;
        let opened = seal.account(id, PersonalColumns { name, password, totp_secret, recovery: codes })?;
        let PersonalColumns { name, password, totp_secret: secret, recovery: codes } = opened;
        Ok(Account {
            id,
            name: AccountName::parse(&name)?,
            role: self.role.parse()?,
            standing: if self.is_disabled { Standing::Disabled } else { Standing::Active },
            created_at: time(self.created_at)?,
            version: from_sql(self.version),
            secrets: AccountSecrets {
                password: Some(password).filter(|kept| !kept.is_empty()),
                totp: (!secret.is_empty()).then_some(TotpSecret { secret, last_step }),
                recovery: recovery(&codes)?,
            },
        })
    }
}

/// A token as it is stored.
pub(super) struct TokenColumns {
    pub id: Vec<u8>,
    pub account: Vec<u8>,
    pub label: String,
    pub hash: Vec<u8>,
    pub scopes: String,
    pub created_at: i64,
    pub expires_at: i64,
    pub revoked_at: Option<i64>,
    pub last_used_at: Option<i64>,
}

impl TokenColumns {
    pub fn of(token: &Token, sealing: &Sealing) -> Result<Self, LogError> {
        let micros = |time: Timestamp| time.timestamp_micros();
        Ok(Self {
            id: bytes(token.id.0),
            account: bytes(token.account.0),
            label: sealing.label(token)?,
            hash: token.hash.0.to_vec(),
            scopes: json(&token.scopes),
            created_at: micros(token.created_at),
            expires_at: micros(token.expires_at),
            revoked_at: token.revoked_at.map(micros),
            last_used_at: token.last_used_at.map(micros),
        })
    }

    /// The error says what is wrong with it.
    pub fn decode(self, seal: &Seal) -> Result<Token, String> {
        let token = TokenId(id(&self.id)?);
        Ok(Token {
            id: token,
            account: AccountId(id(&self.account)?),
            label: seal.label(token, self.label)?,
            hash: hash(&self.hash)?,
            scopes: serde_json::from_str(&self.scopes).map_err(|error| error.to_string())?,
            created_at: time(self.created_at)?,
            expires_at: time(self.expires_at)?,
            revoked_at: self.revoked_at.map(time).transpose()?,
            last_used_at: self.last_used_at.map(time).transpose()?,
        })
    }
}

/// A session as it is stored.
pub(super) struct SessionColumns {
    pub hash: Vec<u8>,
    pub account: Vec<u8>,
    pub created_at: i64,
    pub last_used_at: i64,
}

impl SessionColumns {
    pub fn of(session: &Session) -> Self {
        Self {
            hash: session.hash.0.to_vec(),
            account: bytes(session.account.0),
            created_at: session.created_at.timestamp_micros(),
            last_used_at: session.last_used_at.timestamp_micros(),
        }
    }

    /// The error says what is wrong with it.
    pub fn decode(self) -> Result<Session, String> {
        Ok(Session {
            hash: hash(&self.hash)?,
            account: AccountId(id(&self.account)?),
            created_at: time(self.created_at)?,
            last_used_at: time(self.last_used_at)?,
        })
    }
}

pub(super) fn bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

fn id(bytes: &[u8]) -> Result<Uuid, String> {
    Uuid::from_slice(bytes).map_err(|error| error.to_string())
}

fn hash(bytes: &[u8]) -> Result<SecretHash, String> {
    bytes.try_into().map(SecretHash).map_err(|_| "a hash is not 32 bytes".to_owned())
}

fn time(micros: i64) -> Result<Timestamp, String> {
    Timestamp::from_timestamp_micros(micros).ok_or_else(|| "a time out of range".to_owned())
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

fn json<T: serde::Serialize>(value: &T) -> String {
    // Lists of texts always serialize; should that change, what is read later says so.
    serde_json::to_string(value).unwrap_or_default()
}
