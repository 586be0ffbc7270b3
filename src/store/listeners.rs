//! Those who watch how far a log reaches. Commits of this process are announced to them; those of others are looked for
//! by a task of the store's, which lives only while somebody listens.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch::{Receiver, Sender};

/// Listeners, and whether anything looks for them.
#[derive(Debug)]
pub(super) struct Listeners {
    /// Last `seq` known to be committed by any process.
    head: Sender<u64>,
    is_looking: AtomicBool,
}

/// Whether the caller has to begin to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looking {
    Begins,
    GoesOn,
}

impl Listeners {
    pub fn new(seq: u64) -> Self {
        Self { head: Sender::new(seq), is_looking: AtomicBool::new(false) }
    }

    /// One more.
    pub fn add(&self) -> (Receiver<u64>, Looking) {
        let receiver = self.head.subscribe();
        let was_looking = self.is_looking.swap(true, Ordering::AcqRel);
        (receiver, if was_looking { Looking::GoesOn } else { Looking::Begins })
    }

    /// Nothing looks, after all.
    pub fn looking_failed(&self) {
        self.is_looking.store(false, Ordering::Release);
    }

    /// Tells them that the log reaches at least to `seq`.
    pub fn announce(&self, seq: u64) {
        self.head.send_if_modified(|known| {
            let moved = seq > *known;
            *known = seq.max(*known);
            moved
        });
    }

    /// Whether nobody listens any more, so that looking ends. A listener that comes at the same moment either finds it
    /// still under way, and is seen here, or begins anew.
    pub fn are_gone(&self) -> bool {
        if self.head.receiver_count() > 0 {
            return false;
        }
        self.is_looking.store(false, Ordering::Release);
        let nobody_came_back = self.head.receiver_count() == 0;
        nobody_came_back || self.is_looking.swap(true, Ordering::AcqRel)
    }

    #[cfg(test)]
    pub fn are_looked_for(&self) -> bool {
        self.is_looking.load(Ordering::Acquire)
    }
}
