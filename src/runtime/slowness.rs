//! Whether the store is slow: said when several commits in a row took long, and taken back by a quick one or by quiet.

use std::time::Duration;

use tokio::time::Instant;

use crate::ports::FeedItem;

/// From when on a person waits for a decision to be saved, and notices.
const LONG: Duration = Duration::from_millis(500);
/// Slow commits in a row before it is said: one alone may be a checkpoint.
const SEVERAL: u32 = 3;
/// Without a commit for so long, nobody waits for the store.
const QUIET: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Slowness {
    slow_in_a_row: u32,
    /// When the last slow commit was told of; `None` while nothing is said.
    told: Option<Instant>,
}

impl Slowness {
    /// A commit took this long. What is to be told of it, if anything.
    pub(super) fn took(&mut self, length: Duration) -> Option<FeedItem> {
        if length < LONG {
            self.slow_in_a_row = 0;
            return self.told.take().map(|_| FeedItem::StoreQuick);
        }
        self.slow_in_a_row += 1;
        (self.slow_in_a_row >= SEVERAL).then(|| {
            self.told = Some(Instant::now());
            FeedItem::StoreSlow { milliseconds: u64::try_from(length.as_millis()).unwrap_or(u64::MAX) }
        })
    }

    /// Waits until it is quiet after what was told; for ever while nothing is said.
    pub(super) async fn passes(&self) {
        match self.told {
            Some(told) => tokio::time::sleep_until(told + QUIET).await,
            None => std::future::pending().await,
        }
    }

    /// It is quiet: nothing slows anybody down.
    pub(super) fn is_over(&mut self) -> FeedItem {
        *self = Self::default();
        FeedItem::StoreQuick
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn several_slow_commits_are_told_of_and_one_quick_one_takes_that_back() {
        let mut slowness = Slowness::default();
        let (slow, quick) = (Duration::from_millis(1_200), Duration::from_millis(3));
        assert_eq!([slow, slow, quick, slow, slow].map(|length| slowness.took(length)), [const { None }; 5]);
        let told = FeedItem::StoreSlow { milliseconds: 1_200 };
        assert_eq!((slowness.took(slow), slowness.took(slow)), (Some(told.clone()), Some(told)));
        assert_eq!((slowness.took(quick), slowness.took(quick)), (Some(FeedItem::StoreQuick), None));
    }

    #[tokio::test(start_paused = true)]
    async fn it_passes_when_nothing_is_saved_for_a_while() {
        let mut slowness = Slowness::default();
        let waits = |slowness: &Slowness| futures::FutureExt::now_or_never(slowness.passes()).is_none();
        assert!(waits(&slowness));
        (0..3).for_each(|_| drop(slowness.took(LONG)));
        assert!(waits(&slowness));
        tokio::time::advance(QUIET).await;
        slowness.passes().await;
        assert_eq!(slowness.is_over(), FeedItem::StoreQuick);
        assert!(waits(&slowness));
    }
}
