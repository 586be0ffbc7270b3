//! Letting somebody in who shows a session, a token or a signed token.
//!
//! What is good is never held up by what strangers do at the same address: only what is not good counts there.

use std::net::IpAddr;

use chrono::DurationRound;
use chrono::TimeDelta;

use super::Door;
use super::JwtSettings;
use super::Refusal;
use crate::access::backoff::Place;
use crate::access::jwt;
use crate::access::moment::Moment;
use crate::access::principal::Principal;
use crate::access::principal::Reach;
use crate::access::refusals::Refused;
use crate::access::secret;
use crate::access::secret::SecretKind;
use crate::domain::AccessEvent;
use crate::domain::AccountId;
use crate::domain::Actor;
use crate::domain::Means;
use crate::domain::RefusalCause;
use crate::domain::Timestamp;
use crate::ports::AccessChange;
use crate::ports::AccessRecord;
use crate::ports::AccessWrite;
use crate::ports::Account;
use crate::ports::SecretHash;
use crate::ports::Session;
use crate::ports::Standing;
use crate::ports::Token;
use crate::ports::Used;

/// Why a credential is not good, and whose it was, where that is known.
type NotGood = (RefusalCause, AccountId);

const UNKNOWN: NotGood = (RefusalCause::UnknownCredential, AccountId::NOBODY);

impl Door {
    /// Who it is that shows `presented`, the part of an `Authorization` header after `Bearer`.
    pub async fn admit(&self, presented: &str, from: Option<IpAddr>, at: Moment) -> Result<Principal, Refusal> {
        let known = match secret::read(presented) {
            Some((SecretKind::Token, hash)) => self.by_token(&hash, from, at).await?,
            Some((SecretKind::Session, hash)) => self.by_session(&hash, at).await?,
            None => self.by_jwt(presented, from, at).await?,
        };
        let place = Place::of(from);
        match known {
            Ok(principal) => {
                let taken = self.books().principals.take(principal.name.clone(), at.steady);
                if let Err(too_many) = taken {
                    let cause = RefusalCause::RateLimited;
                    self.note(Refused::SignIn { account: principal.account, cause, place }, at).await;
                    return Err(too_many.into());
                }
                Ok(principal)
            }
            Err((cause, account)) => {
                let taken = self.books().places.take(place, at.steady);
                self.note(Refused::SignIn { account, cause, place }, at).await;
                Err(taken.err().map_or_else(Refusal::not_signed_in, Refusal::from))
            }
        }
    }

    /// Ends a session, so that its secret is good for nothing.
    pub async fn sign_out(&self, principal: &Principal, presented: &str, at: Moment) -> Result<(), Refusal> {
        let Some((SecretKind::Session, hash)) = secret::read(presented) else { return Ok(()) };
        let record = noted(principal, AccessEvent::SignedOut {}, at);
        let change = AccessChange { writes: vec![AccessWrite::End(hash)], records: vec![record] };
        self.accounts.commit(change).await?;
        Ok(())
    }

    async fn by_token(
        &self,
        hash: &SecretHash,
        from: Option<IpAddr>,
        at: Moment,
    ) -> Result<Result<Principal, NotGood>, Refusal> {
        let Some(token) = self.accounts.token_of(hash).await? else { return Ok(Err(UNKNOWN)) };
        if let Some(cause) = token_is_over(&token, at.now) {
            return Ok(Err((cause, token.account)));
        }
        let account = match self.active(token.account).await? {
            Ok(account) => account,
            Err(not_good) => return Ok(Err(not_good)),
        };
        let principal = principal(&account, Means::Token, Reach::Scoped(token.scopes.clone()));
        let principal = Principal { token: Some(token.id), ..principal };
        let hour = hour_of(at.now);
        if token.last_used_at.is_none_or(|last| last < hour) {
            self.accounts.used(Used::Token(token.id), hour).await?;
            self.tell_arrival(&principal, from, at).await?;
        }
        Ok(Ok(principal))
    }

    async fn by_session(&self, hash: &SecretHash, at: Moment) -> Result<Result<Principal, NotGood>, Refusal> {
        let Some(session) = self.accounts.session_of(hash).await? else { return Ok(Err(UNKNOWN)) };
        if self.session_is_over(&session, at.now) {
            return Ok(Err((RefusalCause::Expired, session.account)));
        }
        let account = match self.active(session.account).await? {
            Ok(account) => account,
            Err(not_good) => return Ok(Err(not_good)),
        };
        if at.now - session.last_used_at >= TimeDelta::minutes(1) {
            self.accounts.used(Used::Session(*hash), at.now).await?;
        }
        Ok(Ok(principal(&account, Means::Session, Reach::Role)))
    }

    fn session_is_over(&self, session: &Session, now: Timestamp) -> bool {
        now - session.last_used_at > self.settings.idle || now - session.created_at > self.settings.longest_session
    }

    /// Somebody of another system. An account of the same name is the same person, and can only narrow what they may.
    async fn by_jwt(
        &self,
        presented: &str,
        from: Option<IpAddr>,
        at: Moment,
    ) -> Result<Result<Principal, NotGood>, Refusal> {
        let Some(JwtSettings { keys, expected }) = &self.settings.jwt else { return Ok(Err(UNKNOWN)) };
        let claims = match jwt::verify(presented, keys, expected, at.now) {
            Ok(claims) => claims,
            Err(jwt::JwtError::Expired) => return Ok(Err((RefusalCause::Expired, AccountId::NOBODY))),
            Err(error) => {
                tracing::debug!(%error, "a signed token was not believed");
                return Ok(Err(UNKNOWN));
            }
        };
        let mut principal = Principal {
            account: AccountId::NOBODY,
            name: claims.subject,
            role: claims.role,
            reach: Reach::Role,
            means: Means::Jwt,
            token: None,
        };
        if let Some(account) = self.accounts.account_named(&principal.name).await? {
            if account.standing == Standing::Disabled {
                return Ok(Err((RefusalCause::Disabled, account.id)));
            }
            principal.account = account.id;
            principal.role = principal.role.min(account.role);
        }
        if self.is_new_this_hour(&principal, at) {
            self.tell_arrival(&principal, from, at).await?;
        }
        Ok(Ok(principal))
    }

    async fn active(&self, id: AccountId) -> Result<Result<Account, NotGood>, Refusal> {
        Ok(match self.accounts.account(id).await? {
            Some(account) if account.standing == Standing::Active => Ok(account),
            Some(account) => Err((RefusalCause::Disabled, account.id)),
            None => Err(UNKNOWN),
        })
    }

    fn is_new_this_hour(&self, principal: &Principal, at: Moment) -> bool {
        let hour = hour_of(at.now).timestamp();
        let seen = &mut self.books().seen;
        if seen.len() >= super::MOST_KNOWN {
            // Whoever is forgotten is told of once more.
            seen.clear();
        }
        seen.insert(principal.name.clone(), hour) != Some(hour)
    }

    /// Once an hour, who came with what: more would be a log of requests.
    async fn tell_arrival(&self, principal: &Principal, from: Option<IpAddr>, at: Moment) -> Result<(), Refusal> {
        let event = AccessEvent::SignedIn { with: principal.means, from, recovery_codes_left: None };
        let change = AccessChange { writes: Vec::new(), records: vec![noted(principal, event, at)] };
        self.accounts.commit(change).await?;
        Ok(())
    }
}

fn principal(account: &Account, means: Means, reach: Reach) -> Principal {
    Principal { account: account.id, name: account.name.clone(), role: account.role, reach, means, token: None }
}

fn noted(principal: &Principal, event: AccessEvent, at: Moment) -> AccessRecord {
    let by = Actor::Person(principal.name.as_str().to_owned());
    AccessRecord { account: principal.account, at: at.now, by, event }
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
