//! Readings of the subscription, one after the other.

use std::sync::atomic::AtomicU64;

use tokio::sync::Mutex;

/// Readings follow one another, and one that begins after several were asked for answers them all.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) begun: AtomicU64,
    /// The last one that ended well.
    pub(super) done: Mutex<u64>,
}
