//! What opens the receivers of webhooks: each has keys of its own, which open nothing else, and nothing else opens it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;

use super::problem::Problem;
use super::slack::SlackDoor;
use super::stripe::StripeDoor;
use crate::access::{Limiter, Quota};
use crate::feeds::{Claim, Grouping, Keys, Source, Unproven};

/// Deliveries that one receiver takes from one address: a storm of alerts fits, a flood does not.
const PACE: Quota = Quota { most: 6_000, span: Duration::from_secs(10) };
/// Receivers and addresses that are counted apart.
const MOST_KNOWN: usize = 1_024;

/// What receivers go by.
pub struct Hooks {
    keys: BTreeMap<&'static str, Keys>,
    pub(super) grouping: Grouping,
    pub(super) slack: SlackDoor,
    pub(super) stripe: StripeDoor,
    pace: Mutex<Limiter<(&'static str, IpAddr)>>,
    began: Instant,
}

impl Hooks {
    /// Receivers by the names of their sources; those without keys are closed.
    pub fn new(keys: impl IntoIterator<Item = (&'static str, Keys)>, grouping: Grouping) -> Self {
        let pace = Mutex::new(Limiter::new(vec![PACE], MOST_KNOWN));
        let (slack, stripe) = (SlackDoor::default(), StripeDoor::default());
        Self { keys: keys.into_iter().collect(), grouping, slack, stripe, pace, began: Instant::now() }
    }

    /// The same with what opens it to Slack.
    pub fn with_slack(self, slack: SlackDoor) -> Self {
        Self { slack, ..self }
    }

    /// The same with what opens it to Stripe.
    pub fn with_stripe(self, stripe: StripeDoor) -> Self {
        Self { stripe, ..self }
    }

    /// The names of those that are open.
    pub fn open(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().filter(|(_, keys)| !keys.is_empty()).map(|(name, _)| *name)
    }

    /// What a delivery shows, before its body is read.
    pub(super) fn admit(&self, source: &Source, from: IpAddr, headers: &HeaderMap) -> Result<Claim, Problem> {
        self.pace(source.name, from)?;
        let Some(keys) = self.keys.get(source.name).filter(|keys| !keys.is_empty()) else {
            tracing::warn!(
                source = source.name,
                "a delivery was refused: its receiver has no secret in the configuration"
            );
            return Err(Problem::unproven(source.proof));
        };
        keys.claim(source.proof, headers).map_err(|Unproven| Problem::unproven(source.proof))
    }

    /// Whether one more delivery from an address is taken.
    pub(super) fn pace(&self, receiver: &'static str, from: IpAddr) -> Result<(), Problem> {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.take((receiver, from), self.began.elapsed()).map_err(|too_many| Problem::too_often(too_many.retry_after))
    }

    /// Whether the body is the one that was signed.
    pub(super) fn verify(&self, source: &Source, claim: &Claim, body: &[u8]) -> Result<(), Problem> {
        let verified = self.keys.get(source.name).map_or(Err(Unproven), |keys| keys.verify(source.proof, claim, body));
        verified.map_err(|Unproven| {
            tracing::warn!(source = source.name, "a delivery was refused: its signature is not the receiver's");
            Problem::unproven(source.proof)
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;
    use secrecy::SecretString;

    use super::*;

    fn status(problem: Problem) -> u16 {
        axum::response::IntoResponse::into_response(problem).status().as_u16()
    }

    #[test]
    fn a_token_opens_its_own_receiver_as_often_as_a_storm_needs() {
        let token = || Keys::new([SecretString::from("token".to_owned())]);
        let hooks = Hooks::new([("alertmanager", token()), ("github", Keys::default())], Grouping::default());
        assert_eq!(hooks.open().collect::<Vec<_>>(), ["alertmanager"]);
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, "Bearer token".parse().unwrap())]);
        let from = |last| IpAddr::from([127, 0, 0, last]);
        let admitted =
            |name, last| hooks.admit(Source::named(name).unwrap(), from(last), &headers).map(drop).map_err(status);
        assert_eq!(admitted("alertmanager", 1), Ok(()));
        for closed in ["github", "json"] {
            assert_eq!(admitted(closed, 1), Err(401), "{closed}");
        }
        let refused = (0..PACE.most).filter(|_| admitted("alertmanager", 2) == Err(429)).count();
        assert_eq!((refused, admitted("alertmanager", 2), admitted("alertmanager", 1)), (0, Err(429), Ok(())));
    }
}
