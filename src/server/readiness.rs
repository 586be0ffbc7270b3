//! Whether the store answered a moment ago.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::problem::Problem;

/// How long an answer of the store holds, so that asking costs it nothing.
const FRESH: Duration = Duration::from_secs(1);

/// What the store last answered.
#[derive(Default)]
pub(super) struct Readiness(Mutex<Option<(Instant, Result<(), Problem>)>>);

impl Readiness {
    /// What was answered lately; otherwise what `probe` finds.
    pub(super) async fn answer(&self, probe: impl Future<Output = Result<(), Problem>>) -> Result<(), Problem> {
        let mut last = self.0.lock().await;
        match &*last {
            Some((at, answer)) if at.elapsed() < FRESH => answer.clone(),
            _ => {
                let answer = probe.await;
                *last = Some((Instant::now(), answer.clone()));
                answer
            }
        }
    }
}
