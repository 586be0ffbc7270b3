//! The door: who somebody is, whether they may, and what the log is told of it.
//!
//! Joins the pure parts to the store. It holds in memory what may be lost with the process: limits, delays, and
//! refusals not told yet. It never holds a secret longer than the call that brought it.

mod admit;
mod known;
mod refusal;
mod sign_in;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Semaphore;

pub use refusal::{Refusal, RefusalKind};
pub use sign_in::{SignIn, SignedIn};

use super::backoff::{Backoff, Place};
use super::jwt;
use super::limit::{Limiter, Quota};
use super::moment::{Entropy, Moment};
use super::principal::{NotAllowed, Principal};
use super::refusals::{Refusals, Refused};
use crate::domain::{AccountName, Action, Actor};
use crate::kinds::AccessEvent;
use crate::ports::{AccessChange, AccessRecord, Accounts, SecretHash};

/// Principals and places told apart by the limits, each.
const MOST_KNOWN: usize = 10_000;
/// Passwords checked at once: each takes 19 MiB and a core.
const HASHED_AT_ONCE: usize = 2;

/// What a door goes by.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// Requests of one principal.
    pub per_principal: Vec<Quota>,
    /// Sign-ins, and credentials that were not good, from one place.
    pub per_place: Vec<Quota>,
    /// A session not used for this long is over.
    pub idle: TimeDelta,
    /// A session is over after this long, used or not.
    pub longest_session: TimeDelta,
    /// Signed tokens of others; `None`: none is believed.
    pub jwt: Option<JwtSettings>,
    pub own_requests: OwnRequests,
}

/// Whether people may approve what runs ask for that they started themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnRequests {
    /// Somebody else has to.
    Refuse,
    Allow,
}

/// Whose signed tokens are believed, and as what.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    pub keys: jwt::Keyring,
    pub expected: jwt::Expected,
}

impl Default for DoorSettings {
    fn default() -> Self {
        Self {
            per_principal: vec![Quota::per_minute(100), Quota::per_hour(1_000)],
            per_place: vec![Quota::per_minute(20), Quota::per_hour(200)],
            idle: TimeDelta::minutes(30),
            longest_session: TimeDelta::hours(12),
            jwt: None,
            own_requests: OwnRequests::Refuse,
        }
    }
}

pub struct Door {
    accounts: Arc<dyn Accounts>,
    entropy: Arc<dyn Entropy>,
    settings: DoorSettings,
    books: Mutex<Books>,
    hashing: Semaphore,
}

/// What is counted.
struct Books {
    principals: Limiter<AccountName>,
    places: Limiter<Place>,
    backoff: Backoff,
    refusals: Refusals,
    /// The hour in which somebody with a signed token was last noted in the log.
    seen: HashMap<AccountName, i64>,
    /// When the use of a session was last noted.
    uses: HashMap<SecretHash, Duration>,
}

impl Door {
    pub fn new(accounts: Arc<dyn Accounts>, entropy: Arc<dyn Entropy>, settings: DoorSettings) -> Self {
        let books = Books {
            principals: Limiter::new(settings.per_principal.clone(), MOST_KNOWN),
            places: Limiter::new(settings.per_place.clone(), MOST_KNOWN),
            backoff: Backoff::default(),
            refusals: Refusals::default(),
            seen: HashMap::new(),
            uses: HashMap::new(),
        };
        Self { accounts, entropy, settings, books: Mutex::new(books), hashing: Semaphore::new(HASHED_AT_ONCE) }
    }

    /// Whether somebody who was admitted may do this; a refusal is told to the log.
    pub async fn permit(&self, principal: &Principal, action: Action, at: Moment) -> Result<(), Refusal> {
        match principal.may(action) {
            Ok(()) => Ok(()),
            Err(refused) => Err(self.not_allowed(principal, action, refused, at).await),
        }
    }

    /// The same for a decision that must not be by those who asked for it.
    pub async fn permit_decision(
        &self,
        principal: &Principal,
        action: Action,
        asked_by: &[Actor],
        at: Moment,
    ) -> Result<(), Refusal> {
        let may = match self.settings.own_requests {
            OwnRequests::Refuse => principal.may_decide(action, asked_by),
            OwnRequests::Allow => principal.may(action),
        };
        match may {
            Ok(()) => Ok(()),
            Err(refused) => Err(self.not_allowed(principal, action, refused, at).await),
        }
    }

    async fn not_allowed(&self, principal: &Principal, action: Action, refused: NotAllowed, at: Moment) -> Refusal {
        self.note(Refused::Permission { account: principal.account, action }, at).await;
        Refusal::new(RefusalKind::NotAllowed, refused.to_string(), refused.hint())
    }

    /// Tells the log what waited to be told. To be called every few seconds, and once with nothing more to come.
    pub async fn tell(&self, at: Moment) {
        let due = self.books().refusals.due(at.steady);
        self.append(due, at).await;
    }

    /// The same for all that was not told yet, at the end of the program.
    pub async fn tell_rest(&self, at: Moment) {
        let rest = self.books().refusals.rest();
        self.append(rest, at).await;
    }

    async fn note(&self, refused: Refused, at: Moment) {
        let told = {
            let mut books = self.books();
            let mut told: Vec<_> = books.refusals.due(at.steady);
            told.extend(books.refusals.note(refused, at.steady));
            told
        };
        self.append(told, at).await;
    }

    /// A refusal stands whether or not the log could be told.
    async fn append(&self, told: Vec<(Refused, u32)>, at: Moment) {
        if told.is_empty() {
            return;
        }
        let records = told.into_iter().map(|(refused, count)| {
            let (account, event) = match refused {
                Refused::SignIn { account, cause, place } => {
                    (account, AccessEvent::SignInRefused { cause, from: place.address(), count })
                }
                Refused::Permission { account, action } => (account, AccessEvent::PermissionRefused { action, count }),
            };
            AccessRecord { account, at: at.now, by: Actor::System, event }
        });
        let change = AccessChange { records: records.collect(), writes: Vec::new() };
        if let Err(error) = self.accounts.commit(change).await {
            tracing::warn!(%error, "the log was not told of refused attempts");
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
