//! Notices commits of other processes: a notification that may get lost, and a look at the log behind it.
//!
//! A notification within each commit would make all commits of the database wait for one lock. So a process sends one
//! for all it committed within some milliseconds, outside of any append. It carries nothing: who hears it looks.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::watch::Receiver;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout};

use super::ask::{How, answered};
use super::store::Store;
use crate::store::listeners::Looking;

/// Time over which commits share a notification.
const GATHER: Duration = Duration::from_millis(15);

/// Looks without being told: a lost notification is made good within a second.
const LOOK_WHILE_LISTENING: Duration = Duration::from_millis(500);

/// The same while nothing would tell, on a standby or without a connection to listen on.
const LOOK_ALONE: Duration = Duration::from_millis(100);

/// Pause before another try to listen.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);

/// Tells other processes, soon, that the log moved.
pub(super) fn tell_others(store: &Arc<Store>) {
    if store.watcher.is_telling.swap(true, Ordering::AcqRel) {
        return;
    }
    let store = Arc::downgrade(store);
    tokio::spawn(async move {
        tokio::time::sleep(GATHER).await;
        let Some(store) = store.upgrade() else { return };
        store.watcher.is_telling.store(false, Ordering::Release);
        // Nothing waits for the disk here, and should it fail, the others look by themselves.
        let question = || {
            sqlx::query("SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, '')")
                .bind(store.watcher.channel.clone())
        };
        if let Err(error) = store.ask(How::Calling, "notify others at", question).await {
            tracing::debug!(%error, "others will notice a little later");
        }
    });
}

/// A receiver, and a running task that feeds it.
pub(super) fn subscribe(store: &Arc<Store>) -> Receiver<u64> {
    let (receiver, looking) = store.listeners.add();
    if looking == Looking::Begins {
        tokio::spawn(run(Arc::downgrade(store)));
    }
    receiver
}

async fn run(store: Weak<Store>) {
    let mut listener: Option<PgListener> = None;
    // Beside the looking, which must not wait for a host that does not answer.
    let mut attempt = JoinSet::new();
    let mut listen_at = Instant::now();
    loop {
        {
            // The store went away, or was closed: nobody will commit through it nor wait for it.
            let Some(store) = store.upgrade() else { return };
            if store.readers.is_closed() || store.listeners.are_gone() {
                return;
            }
            // Also finds out which host answers now.
            look(&store).await;
            if listener.is_none() && attempt.is_empty() && Instant::now() >= listen_at {
                listen_at = Instant::now() + LISTEN_AGAIN;
                let options = store.readers.connector().options();
                attempt.spawn(listen(options, store.watcher.channel.clone()));
            }
        }
        let Some(ear) = &mut listener else {
            if let Ok(Some(Ok(found))) = timeout(LOOK_ALONE, joined(&mut attempt)).await {
                listener = found;
            }
            continue;
        };
        // Silence and a notification both lead to a look; a lost connection to a new one.
        if let Ok(Err(_) | Ok(None)) = timeout(LOOK_WHILE_LISTENING, ear.try_recv()).await {
            listener = None;
        }
    }
}

/// The end of the attempt; never, while there is none.
async fn joined<T: 'static>(attempt: &mut JoinSet<T>) -> Option<Result<T, JoinError>> {
    match attempt.is_empty() {
        true => std::future::pending().await,
        false => attempt.join_next().await,
    }
}

async fn listen(options: Option<PgConnectOptions>, channel: String) -> Option<PgListener> {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(LISTEN_AGAIN).connect_lazy_with(options?);
    let listening = async {
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        listener.ignore_pool_close_event(true);
        listener.listen(&channel).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    match answered(LISTEN_AGAIN, listening).await {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::debug!(%error, "cannot listen for notifications; looking more often instead");
            None
        }
    }
}

async fn look(store: &Store) {
    match store.read_end().await {
        Ok(end) => store.listeners.announce(end.seq),
        Err(error) => tracing::debug!(%error, "cannot look for new events"),
    }
}
