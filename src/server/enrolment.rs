//! Second factors that were shown and not yet confirmed. In force is one only after its code was shown back, so that a
//! mistake with the authenticator locks nobody out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::AccountId;
use crate::ports::{SecretHash, TotpSecret};

/// How long one waits to be confirmed.
const LASTS: Duration = Duration::from_secs(10 * 60);
/// Most that wait; the oldest are forgotten.
const MOST: usize = 256;

#[derive(Default)]
pub(super) struct Enrolments(Mutex<HashMap<AccountId, Enrolment>>);

/// One that waits.
#[derive(Clone)]
pub(super) struct Enrolment {
    pub(super) totp: TotpSecret,
    pub(super) recovery: Vec<SecretHash>,
    since: Instant,
}

impl Enrolments {
    /// Keeps one; an earlier one of the same account is forgotten.
    pub(super) fn begin(&self, account: AccountId, totp: TotpSecret, recovery: Vec<SecretHash>) {
        let mut waiting = self.waiting();
        waiting.retain(|_, enrolment| enrolment.since.elapsed() < LASTS);
        let oldest = waiting.iter().min_by_key(|(_, enrolment)| enrolment.since).map(|(account, _)| *account);
        if let Some(oldest) = oldest.filter(|_| waiting.len() >= MOST) {
            waiting.remove(&oldest);
        }
        waiting.insert(account, Enrolment { totp, recovery, since: Instant::now() });
    }

    pub(super) fn of(&self, account: AccountId) -> Option<Enrolment> {
        self.waiting().get(&account).filter(|enrolment| enrolment.since.elapsed() < LASTS).cloned()
    }

    pub(super) fn forget(&self, account: AccountId) {
        self.waiting().remove(&account);
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<AccountId, Enrolment>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> TotpSecret {
        TotpSecret { secret: vec![byte; 20], last_step: 0 }
    }

    #[tokio::test(start_paused = true)]
    async fn one_waits_ten_minutes_and_the_latest_is_the_one_that_counts() {
        let (enrolments, ana) = (Enrolments::default(), AccountId(uuid::Uuid::from_u128(1)));
        enrolments.begin(ana, secret(1), Vec::new());
        enrolments.begin(ana, secret(2), Vec::new());
        tokio::time::advance(Duration::from_secs(599)).await;
        assert_eq!(enrolments.of(ana).unwrap().totp, secret(2));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(enrolments.of(ana).is_none());
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let enrolments = Enrolments::default();
        for account in 0..2 * MOST as u128 {
            enrolments.begin(AccountId(uuid::Uuid::from_u128(account)), secret(1), Vec::new());
        }
        assert_eq!(enrolments.waiting().len(), MOST);
    }
}
