//! Letting somebody in who shows a session, a token or a signed token; looking again while they stay; and letting go.
//!
//! What is good is never held up by what strangers do at the same address: only what is not good counts there.

use std::net::IpAddr;

use chrono::TimeDelta;

use super::known::{Lookup, noted};
use super::{Door, Refusal};
use crate::access::backoff::Place;
use crate::access::moment::Moment;
use crate::access::principal::{Credential, Principal};
use crate::access::refusals::Refused;
use crate::access::secret;
use crate::access::secret::SecretKind;
use crate::domain::{AccountId, AccountName, RefusalCause};
use crate::kinds::AccessEvent;
use crate::ports::{AccessChange, AccessWrite, SecretHash, Used};

impl Door {
    /// Who it is that shows `presented`, the part of an `Authorization` header after `Bearer`. Counts as one request.
    pub async fn admit(&self, presented: &str, from: Option<IpAddr>, at: Moment) -> Result<Principal, Refusal> {
        let lookup = Lookup { door: self, at };
        let known = match secret::read(presented) {
            Some((SecretKind::Token, hash)) => lookup.by_token(&hash).await?,
            Some((SecretKind::Session, hash)) => lookup.by_session(&hash).await?,
            None => lookup.by_jwt(presented).await?,
        };
        match known {
            Ok(principal) => {
                self.count_from(&principal, from, at).await?;
                self.note_arrival(&principal, from, at).await?;
                Ok(principal)
            }
            Err(not_good) => {
                let refusal = self.not_good(not_good.cause, not_good.account, from, at).await;
                Err(refusal.unwrap_or(not_good.refusal))
            }
        }
    }

    /// Somebody for whom another service vouches, by a request that it signed. Counts as one request.
    pub async fn vouched(&self, name: &AccountName, at: Moment) -> Result<Principal, Refusal> {
        let known = Lookup { door: self, at }.by_name(name).await?;
        let principal = known.map_err(|not_good| not_good.refusal)?;
        self.count(&principal, at).await?;
        Ok(principal)
    }

    /// Counts something that is not good against the place it came from; a refusal where there were too many.
    pub(in crate::access) async fn not_good(
        &self,
        cause: RefusalCause,
        account: AccountId,
        from: Option<IpAddr>,
        at: Moment,
    ) -> Option<Refusal> {
        let place = Place::of(from);
        let taken = self.books().places.take(place, at.steady);
        self.note(Refused::SignIn { account, cause, place }, at).await;
        taken.err().map(Refusal::from)
    }

    /// Whether somebody who was admitted still is, and as what: for those whose connection stays open.
    pub async fn again(&self, principal: &Principal, at: Moment) -> Result<Principal, Refusal> {
        let lookup = Lookup { door: self, at };
        let known = match &principal.credential {
            Credential::Store | Credential::TokenFile { .. } => return Ok(principal.clone()),
            Credential::Token { hash, .. } => lookup.by_token(hash).await?,
            Credential::Session(hash) => match self.accounts.session_of(hash).await? {
                Some(session) => lookup.of_session(&session).await?,
                None => return Err(Refusal::session_ended()),
            },
            Credential::Slack => lookup.by_name(&principal.name).await?,
            Credential::Jwt { role, until } => lookup.of_jwt(&principal.name, *role, *until).await?,
        };
        known.map_err(|not_good| not_good.refusal)
    }

    /// Counts one more request of somebody who was admitted before.
    pub async fn count(&self, principal: &Principal, at: Moment) -> Result<(), Refusal> {
        self.count_from(principal, None, at).await
    }

    async fn count_from(&self, principal: &Principal, from: Option<IpAddr>, at: Moment) -> Result<(), Refusal> {
        let taken = self.books().principals.take(principal.name.clone(), at.steady);
        if let Err(too_many) = taken {
            let (account, place) = (principal.account, Place::of(from));
            self.note(Refused::SignIn { account, cause: RefusalCause::RateLimited, place }, at).await;
            return Err(too_many.into());
        }
        Ok(())
    }

    /// Notes that somebody who stays connected is still there, so that their session does not end as unused.
    pub async fn used(&self, principal: &Principal, at: Moment) -> Result<(), Refusal> {
        let Credential::Session(hash) = principal.credential else { return Ok(()) };
        if self.is_worth_noting(hash, at) {
            self.accounts.used(Used::Session(hash), at.now).await?;
        }
        Ok(())
    }

    /// Whether a use is noted: once a minute, and more often where sessions are short.
    pub(super) fn is_worth_noting(&self, hash: SecretHash, at: Moment) -> bool {
        let pace = (self.settings.idle / 4).min(TimeDelta::minutes(1)).to_std().unwrap_or_default();
        let uses = &mut self.books().uses;
        if uses.get(&hash).is_some_and(|last| at.steady.saturating_sub(*last) < pace) {
            return false;
        }
        if uses.len() >= super::MOST_KNOWN {
            // A forgotten one is noted once more.
            uses.clear();
        }
        uses.insert(hash, at.steady);
        true
    }

    /// Ends a session, so that its secret is good for nothing. What is no session has no such end.
    pub async fn sign_out(&self, principal: &Principal, at: Moment) -> Result<(), Refusal> {
        let Credential::Session(hash) = principal.credential else { return Err(Refusal::no_session()) };
        let record = noted(principal, AccessEvent::SignedOut {}, at);
        let change = AccessChange { writes: vec![AccessWrite::End(hash)], records: vec![record] };
        self.accounts.commit(change).await?;
        Ok(())
    }
}
