//! Accounts, tokens and roles, as `--json` and the HTTP API print them. Never a secret, but in the one answer that says
//! it is shown once.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{AccountId, AccountName, Action, Role, Scopes, Timestamp, TokenId, Untrusted};
use crate::ports::{Account, Standing, Token};

/// An account, as lists print it.
#[derive(Serialize, JsonSchema)]
pub struct AccountShape {
    pub id: AccountId,
    pub name: AccountName,
    pub role: Role,
    /// `active` or `disabled`.
    pub state: &'static str,
    /// Whether one is set.
    pub password: bool,
    pub totp: bool,
    /// How many are left.
    pub recovery_codes: usize,
    pub created_at: Timestamp,
}

impl AccountShape {
    pub fn of(account: &Account) -> Self {
        let secrets = &account.secrets;
        Self {
            id: account.id,
            name: account.name.clone(),
            role: account.role,
            state: match account.standing {
                Standing::Active => "active",
                Standing::Disabled => "disabled",
            },
            password: secrets.password.is_some(),
            totp: secrets.totp.is_some(),
            recovery_codes: secrets.recovery.len(),
            created_at: account.created_at,
        }
    }
}

/// An account with its tokens.
#[derive(Serialize, JsonSchema)]
pub struct AccountDetail {
    #[serde(flatten)]
    pub account: AccountShape,
    pub tokens: Vec<TokenShape>,
}

impl AccountDetail {
    /// `tokens` are all there are.
    pub fn of(account: &Account, tokens: &[Token], now: Timestamp) -> Self {
        let own = tokens.iter().filter(|token| token.account == account.id);
        Self {
            account: AccountShape::of(account),
            tokens: own.map(|token| TokenShape::of(token, &account.name, now)).collect(),
        }
    }
}

/// A token, as lists print it; never its secret.
#[derive(Serialize, JsonSchema)]
pub struct TokenShape {
    pub id: TokenId,
    pub account: AccountName,
    pub label: String,
    /// `good`, `expired` or `revoked`.
    pub state: &'static str,
    pub scopes: Scopes,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    /// To the hour.
    pub last_used_at: Option<Timestamp>,
}

impl TokenShape {
    pub fn of(token: &Token, account: &AccountName, now: Timestamp) -> Self {
        let state = match token.revoked_at {
            Some(_) => "revoked",
            None if now >= token.expires_at => "expired",
            None => "good",
        };
        Self {
            id: token.id,
            account: account.clone(),
            label: token.label.clone(),
            state,
            scopes: token.scopes.clone(),
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
            last_used_at: token.last_used_at,
        }
    }

    /// Those whose account is among these.
    pub fn all(tokens: &[Token], accounts: &[Account], now: Timestamp) -> Vec<Self> {
        let owner = |token: &Token| accounts.iter().find(|account| account.id == token.account);
        tokens.iter().filter_map(|token| Some(Self::of(token, &owner(token)?.name, now))).collect()
    }

    /// On one line, for the page of its account.
    pub fn line(&self) -> String {
        let label = Untrusted::from(self.label.as_str());
        format!("{}  {}  {}  {}", self.id.short(), self.state, label.visible(), self.scopes.joined())
    }
}

/// A token that was just issued.
#[derive(Serialize, JsonSchema)]
pub struct IssuedToken {
    pub id: TokenId,
    pub account: AccountName,
    /// The only time it is shown.
    pub secret: String,
}

/// What a second factor is set up with, shown once.
#[derive(Serialize, JsonSchema)]
pub struct TotpShape {
    pub name: AccountName,
    /// For the authenticator, as text or as a picture of it.
    pub uri: String,
    /// Each good once, for the day the authenticator is lost.
    pub recovery_codes: Vec<String>,
}

/// What a role may do.
#[derive(Serialize, JsonSchema)]
pub struct RoleShape {
    pub role: Role,
    pub actions: Vec<Action>,
}

/// The token whose id begins with this, or ends with it as lists show it.
pub fn token<'a>(tokens: &'a [Token], given: &str) -> Result<&'a Token, TokenNotFound> {
    let wanted = given.trim().to_ascii_lowercase();
    let matches = |token: &&Token| token.id.to_string().starts_with(&wanted) || token.id.short() == wanted;
    let mut found = tokens.iter().filter(matches).filter(|_| !wanted.is_empty());
    match (found.next(), found.next()) {
        (Some(token), None) => Ok(token),
        (Some(_), Some(_)) => Err(TokenNotFound::Several),
        (None, _) => Err(TokenNotFound::Nothing),
    }
}

/// Why not exactly one token was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenNotFound {
    Nothing,
    Several,
}
