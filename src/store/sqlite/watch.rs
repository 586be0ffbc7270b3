//! Notices commits of other processes: a glance at the write-ahead log ten times a second, a query when it moved.
//!
//! A glance is one `stat`, a few microseconds, on a thread of its own: waking the program's workers for each would cost
//! an idle console several times that. The thread lives only while somebody listens. Our own commits are announced by
//! `append` at once.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, thread};

use tokio::runtime::Handle;
use tokio::sync::watch::Receiver;

use super::store::{Store, Watcher};
use crate::store::listeners::Looking;

/// Leaves 50 ms of the 150 ms that the port promises for waking up and asking.
const GLANCE: Duration = Duration::from_millis(100);

/// Asks even when nothing seems to have moved, for file systems whose times cannot be trusted.
const ASK_AT_LEAST: Duration = Duration::from_secs(2);

/// It calls nothing deep.
const STACK: usize = 128 * 1024;

impl Watcher {
    /// Time and length of the write-ahead log; `None` when there is none.
    fn glance(&self) -> Option<(SystemTime, u64)> {
        let found = fs::metadata(&self.wal).ok()?;
        Some((found.modified().ok()?, found.len()))
    }
}

/// A receiver, and a running thread that feeds it.
pub(super) fn subscribe(store: &Arc<Store>) -> Receiver<u64> {
    let (receiver, looking) = store.listeners.add();
    if looking == Looking::Begins {
        let (watched, runtime) = (Arc::downgrade(store), Handle::current());
        let thread = thread::Builder::new().name("store-watch".to_owned()).stack_size(STACK);
        if let Err(error) = thread.spawn(move || run(&watched, &runtime)) {
            store.listeners.looking_failed();
            tracing::error!(%error, "commits of other processes will not be noticed");
        }
    }
    receiver
}

fn run(store: &Weak<Store>, runtime: &Handle) {
    // The drop of the last hold on a store needs it.
    let _entered = runtime.enter();
    let mut seen = None;
    let mut ask_again = true;
    let mut asked = Instant::now();
    loop {
        thread::sleep(GLANCE);
        // The store went away, or was closed: nobody will commit through it nor wait for it.
        let Some(store) = Weak::upgrade(store) else { return };
        if store.readers.is_closed() || store.listeners.are_gone() {
            return;
        }
        let now = store.watcher.glance();
        let moved = now != seen;
        seen = now;
        if moved || ask_again || asked.elapsed() >= ASK_AT_LEAST {
            runtime.spawn(ask(store));
            asked = Instant::now();
        }
        // File times are coarse: a second commit within the same tick of the clock looks like the first one.
        ask_again = moved;
    }
}

async fn ask(store: Arc<Store>) {
    match store.place().await {
        Ok(place) => store.listeners.announce(place.seq),
        Err(error) => tracing::debug!(%error, "cannot look for new events"),
    }
}
