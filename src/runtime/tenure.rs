//! The right to work on one run: taken, renewed in the background for as long as it is wanted, and given back.
//!
//! Decides nothing. An append shows the fence; an effect begins only after `Right::is_ours` said so, because the
//! process may have been stopped between the commit of an intent and the effect, and somebody else gone on meanwhile.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::core::Core;
use crate::domain::{RunId, Timestamp};
use crate::ports::{Fence, Lease};

/// How long a lease lasts. A lost worker's run is taken up after this and one sweep, well within the five seconds in
/// which people must learn of an outcome that nobody knows.
pub(super) const LEASE: Duration = Duration::from_secs(3);
/// How often it is renewed: two renewals may fail before it runs out.
const RENEW: Duration = Duration::from_secs(1);
/// Pause before a store that did not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// A lease that is being renewed. Dropping it lets the lease run out.
pub(super) struct Tenure {
    right: Arc<Right>,
    renewing: JoinHandle<()>,
}

/// What is asked before an effect begins.
pub(super) struct Right {
    core: Arc<Core>,
    lease: Mutex<Lease>,
    token: u64,
    renewed: Mutex<Moment>,
    lost: CancellationToken,
}

/// A time on two clocks: one stands still while the computer sleeps, the other may be set by anybody. Only where both
/// say that little time went by, little time went by.
#[derive(Clone, Copy)]
struct Moment {
    ticked: Instant,
    told: Timestamp,
}

impl Moment {
    fn now(core: &Core) -> Self {
        Self { ticked: Instant::now(), told: core.clock.now() }
    }

    fn is_within(self, duration: Duration, now: Self) -> bool {
        let told = (now.told - self.told).to_std().unwrap_or(Duration::MAX);
        now.ticked.duration_since(self.ticked) < duration && told < duration
    }
}

impl Tenure {
    /// `None` while somebody else works on the run, or when the store does not answer.
    pub(super) async fn take(core: &Arc<Core>, run: RunId) -> Option<Self> {
        let asked = Moment::now(core);
        let lease = match core.log.claim(run, &core.owner, LEASE).await {
            Ok(lease) => lease?,
            Err(error) => {
                tracing::warn!(%error, %run, "could not claim the run");
                return None;
            }
        };
        let right = Arc::new(Right {
            core: core.clone(),
            token: lease.token,
            lease: Mutex::new(lease),
            renewed: Mutex::new(asked),
            lost: CancellationToken::new(),
        });
        let renewing = tokio::spawn(renew_again_and_again(right.clone()));
        Some(Self { right, renewing })
    }

    pub(super) fn right(&self) -> &Arc<Right> {
        &self.right
    }

    pub(super) fn fence(&self) -> Fence {
        let run = self.right.held().run;
        Fence { run, token: self.right.token }
    }

    /// Ends when another worker goes on with the run.
    pub(super) async fn lost(&self) {
        self.right.lost.cancelled().await;
    }

    pub(super) async fn give_back(mut self) {
        // A renewal under way must not come after the release.
        self.renewing.abort();
        let _ = (&mut self.renewing).await;
        let lease = self.right.held();
        if let Err(error) = self.right.core.log.release(&lease).await {
            tracing::debug!(%error, run = %lease.run, "could not release the lease; it will run out");
        }
    }
}

impl Drop for Tenure {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl Right {
    /// Whether the run is still ours, as of this moment. Waits for a store that does not answer: without its word
    /// nothing may begin.
    pub(super) async fn is_ours(&self) -> bool {
        loop {
            if self.lost.is_cancelled() {
                return false;
            }
            let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
            if renewed.is_within(LEASE, Moment::now(&self.core)) {
                return true;
            }
            self.renew().await;
            if self.core.stopping.is_cancelled() {
                return false;
            }
        }
    }

    /// The same, asked of the store in any case.
    pub(super) async fn is_ours_in_the_store(&self) -> bool {
        self.renew().await;
        !self.lost.is_cancelled()
    }

    fn held(&self) -> Lease {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A store that takes no writes renews nothing, but takes nothing away either: the next append shows the fence.
    async fn renew(&self) {
        let asked = Moment::now(&self.core);
        let run = self.held().run;
        match self.core.log.claim(run, &self.core.owner, LEASE).await {
            Ok(Some(lease)) if lease.token == self.token => {
                *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = asked;
            }
            Ok(found) => {
                tracing::warn!(%run, "lost the lease; another worker goes on");
                // The other one may have given the run back already: then it has just become ours anew, to no use.
                if let Some(lease) = found {
                    *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = lease;
                }
                self.lost.cancel();
            }
            Err(error) => {
                tracing::debug!(%error, %run, "could not renew the lease");
                tokio::time::sleep(ASK_AGAIN).await;
            }
        }
    }
}

/// Beside the worker, which may be busy with a long dry run or a slow store.
async fn renew_again_and_again(right: Arc<Right>) {
    while !right.lost.is_cancelled() {
        tokio::time::sleep(RENEW).await;
        right.renew().await;
    }
}
