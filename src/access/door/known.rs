//! Whom a credential stands for, if it is good; and once an hour, a word to the log of who came with it.

use std::net::IpAddr;

use chrono::{DurationRound, TimeDelta};

use super::{Door, JwtSettings, Refusal};
use crate::access::jwt;
use crate::access::jwt::JwtError;
use crate::access::moment::Moment;
use crate::access::principal::{Credential, Principal, Reach};
use crate::domain::{AccountId, AccountName, Means, RefusalCause, Role, Timestamp};
use crate::kinds::AccessEvent;
use crate::ports::{AccessChange, AccessRecord, Account, SecretHash, Session, Standing, Token, Used};

/// Why a credential is not good: for the log, and for the caller who showed it.
pub(super) struct NotGood {
    pub(super) cause: RefusalCause,
    /// Whose it was, where that is known.
    pub(super) account: AccountId,
    pub(super) refusal: Refusal,
}

impl NotGood {
    fn unknown() -> Self {
        Self { cause: RefusalCause::UnknownCredential, account: AccountId::NOBODY, refusal: Refusal::not_known() }
    }

    fn new(cause: RefusalCause, account: AccountId, refusal: Refusal) -> Self {
        Self { cause, account, refusal }
    }
}

type Found = Result<Result<Principal, NotGood>, Refusal>;

/// A look at what the store knows, at one moment.
pub(super) struct Lookup<'a> {
    pub(super) door: &'a Door,
    pub(super) at: Moment,
}

impl Lookup<'_> {
    pub(super) async fn by_token(&self, hash: &SecretHash) -> Found {
        let Some(token) = self.door.accounts.token_of(hash).await? else { return Ok(Err(NotGood::unknown())) };
        if let Some(cause) = token_is_over(&token, self.at.now) {
            return Ok(Err(NotGood::new(cause, token.account, Refusal::token_over(cause))));
        }
        Ok(self.active(token.account).await?.map(|account| {
            let credential = Credential::Token { id: token.id, hash: *hash };
            principal(&account, Means::Token, Reach::Scoped(token.scopes), credential)
        }))
    }

    pub(super) async fn by_session(&self, hash: &SecretHash) -> Found {
        match self.door.accounts.session_of(hash).await? {
            Some(session) => self.of_session(&session).await,
            None => Ok(Err(NotGood::unknown())),
        }
    }

    pub(super) async fn of_session(&self, session: &Session) -> Found {
        let settings = &self.door.settings;
        let refusal = if self.at.now - session.last_used_at > settings.idle {
            Some(Refusal::session_unused(settings.idle))
        } else if self.at.now - session.created_at > settings.longest_session {
            Some(Refusal::session_too_old(settings.longest_session))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return Ok(Err(NotGood::new(RefusalCause::Expired, session.account, refusal)));
        }
        let credential = Credential::Session(session.hash);
        let account = self.active(session.account).await?;
        Ok(account.map(|account| principal(&account, Means::Session, Reach::Role, credential)))
    }

    pub(super) async fn by_jwt(&self, presented: &str) -> Found {
        let Some(JwtSettings { keys, expected }) = &self.door.settings.jwt else { return Ok(Err(NotGood::unknown())) };
        match jwt::verify(presented, keys, expected, self.at.now) {
            Ok(claims) => self.of_jwt(&claims.subject, claims.role, claims.expires_at).await,
            Err(error) => {
                tracing::debug!(%error, "a signed token was not believed");
                Ok(Err(self.not_believed(&error)))
            }
        }
    }

    /// Whose signature holds may know what is wrong; anybody else learns nothing.
    fn not_believed(&self, error: &JwtError) -> NotGood {
        let (cause, refusal) = match error {
            JwtError::Expired => (RefusalCause::Expired, Refusal::jwt_expired(self.at.now)),
            JwtError::NotYet => (RefusalCause::NotYet, Refusal::jwt_not_yet(self.at.now)),
            JwtError::NoRole => (RefusalCause::UnknownCredential, Refusal::jwt_without_role()),
            _ => return NotGood::unknown(),
        };
        NotGood::new(cause, AccountId::NOBODY, refusal)
    }

    /// Somebody of another system. An account of the same name is the same person, and can only narrow what they may.
    pub(super) async fn of_jwt(&self, name: &AccountName, role: Role, until: Timestamp) -> Found {
        if self.at.now.timestamp() >= until.timestamp().saturating_add(jwt::TOLERANCE) {
            let refusal = Refusal::jwt_expired(self.at.now);
            return Ok(Err(NotGood::new(RefusalCause::Expired, AccountId::NOBODY, refusal)));
        }
        let mut principal = Principal {
            account: AccountId::NOBODY,
            name: name.clone(),
            role,
            reach: Reach::Role,
            means: Means::Jwt,
            credential: Credential::Jwt { role, until },
        };
        if let Some(account) = self.door.accounts.account_named(name).await? {
            if account.standing == Standing::Disabled {
                return Ok(Err(NotGood::new(RefusalCause::Disabled, account.id, Refusal::disabled())));
            }
            principal.account = account.id;
            principal.role = role.min(account.role);
        }
        Ok(Ok(principal))
    }

    /// By a name that another service vouches for.
    pub(super) async fn by_name(&self, name: &AccountName) -> Found {
        let Some(account) = self.door.accounts.account_named(name).await? else {
            let refusal = Refusal::no_account(name);
            return Ok(Err(NotGood::new(RefusalCause::UnknownCredential, AccountId::NOBODY, refusal)));
        };
        let account = self.active(account.id).await?;
        Ok(account.map(|account| principal(&account, Means::Slack, Reach::Role, Credential::Slack)))
    }

    async fn active(&self, id: AccountId) -> Result<Result<Account, NotGood>, Refusal> {
        Ok(match self.door.accounts.account(id).await? {
            Some(account) if account.standing == Standing::Active => Ok(account),
            Some(account) => Err(NotGood::new(RefusalCause::Disabled, account.id, Refusal::disabled())),
            None => Err(NotGood::unknown()),
        })
    }
}

impl Door {
    /// Tells the log, once an hour, who came with what: more would be a log of requests. Notes the use of a session.
    pub(super) async fn note_arrival(
        &self,
        principal: &Principal,
        from: Option<IpAddr>,
        at: Moment,
    ) -> Result<(), Refusal> {
        match &principal.credential {
            Credential::Store | Credential::Slack | Credential::TokenFile { .. } => Ok(()),
            // Signing in was told.
            Credential::Session(_) => self.used(principal, at).await,
            Credential::Token { hash, .. } if !self.is_worth_noting(*hash, at) => Ok(()),
            Credential::Token { id, hash } => {
                let hour = hour_of(at.now);
                let known = self.accounts.token_of(hash).await?;
                if known.is_some_and(|token| token.last_used_at.is_none_or(|last| last < hour)) {
                    self.accounts.used(Used::Token(*id), hour).await?;
                    self.tell_arrival(principal, from, at).await?;
                }
                Ok(())
            }
            Credential::Jwt { .. } if self.is_new_this_hour(principal, at) => {
                self.tell_arrival(principal, from, at).await
            }
            Credential::Jwt { .. } => Ok(()),
        }
    }

    fn is_new_this_hour(&self, principal: &Principal, at: Moment) -> bool {
        let hour = hour_of(at.now).timestamp();
        let seen = &mut self.books().seen;
        if seen.len() >= super::MOST_KNOWN {
            // A forgotten one is told of once more.
            seen.clear();
        }
        seen.insert(principal.name.clone(), hour) != Some(hour)
    }

    async fn tell_arrival(&self, principal: &Principal, from: Option<IpAddr>, at: Moment) -> Result<(), Refusal> {
        let event = AccessEvent::SignedIn { with: principal.means, from, recovery_codes_left: None };
        let change = AccessChange { writes: Vec::new(), records: vec![noted(principal, event, at)] };
        self.accounts.commit(change).await?;
        Ok(())
    }
}

fn principal(account: &Account, means: Means, reach: Reach, credential: Credential) -> Principal {
    Principal { account: account.id, name: account.name.clone(), role: account.role, reach, means, credential }
}

pub(super) fn noted(principal: &Principal, event: AccessEvent, at: Moment) -> AccessRecord {
    AccessRecord { account: principal.account, at: at.now, by: principal.actor(), event }
}

fn token_is_over(token: &Token, now: Timestamp) -> Option<RefusalCause> {
    match token.revoked_at {
        Some(_) => Some(RefusalCause::Revoked),
        None => (now >= token.expires_at).then_some(RefusalCause::Expired),
    }
}

fn hour_of(now: Timestamp) -> Timestamp {
    now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now)
}
