//! What the parts of the runtime share: the adapters, two snapshots, and the queue of jobs for the writer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::parts::{Parts, Role, Tools};
use super::redact::{Redacted, Redactor};
use crate::domain::{Actor, IdempotencyKey, Rejection, RejectionKind};
use crate::fold::Snapshot;
use crate::kinds::{Command, Envelope};
use crate::ports::{Clock, Feed, FeedItem, Fence, Judge, Log, Model, Starter};

/// Messages a listener may fall behind before it has to take a fresh snapshot.
const FEED_DEPTH: usize = 8192;

pub(super) struct Core {
    pub(super) log: Arc<dyn Log>,
    pub(super) model: Arc<dyn Model>,
    pub(super) tools: Tools,
    pub(super) judge: Arc<dyn Judge>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) role: Role,
    pub(super) starter: Option<Arc<dyn Starter>>,
    pub(super) redactor: Redactor,
    /// Names this process in leases.
    pub(super) owner: String,
    pub(super) stopping: CancellationToken,
    /// Workers that are at work.
    working: AtomicUsize,
    /// Includes what is decided and not yet on disk; only decisions are made on it.
    staging: Mutex<Snapshot>,
    /// What is on disk; all that anybody is shown.
    committed: Mutex<Snapshot>,
    feed: broadcast::Sender<FeedItem>,
    pub(super) jobs: mpsc::UnboundedSender<Task>,
}

/// A worker that is at work, however it ends: held by its own task, for nobody else is sure to hear of its end.
pub(super) struct AtWork(Arc<Core>);

impl AtWork {
    pub(super) fn begins(core: &Arc<Core>) -> Self {
        core.working.fetch_add(1, Ordering::AcqRel);
        Self(core.clone())
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What came of something: its events, once they are on disk.
pub(super) type Committed = Result<Vec<Envelope>, Rejection>;

/// Somebody's command, and where its outcome is waited for. Boxed, for commands can be large.
pub(super) struct Wish {
    pub(super) command: Box<Command>,
    pub(super) by: Actor,
    /// Where it may arrive twice.
    pub(super) key: Option<IdempotencyKey>,
    pub(super) reply: oneshot::Sender<Committed>,
}

/// What waits for the writer.
pub(super) enum Task {
    Job(Job),
    /// Somebody appends by other means meanwhile: they are given what they drop once they have done so.
    Turn(oneshot::Sender<oneshot::Sender<()>>),
}

/// Commands that are decided one after another and committed together.
pub(super) struct Job {
    pub(super) commands: Redacted,
    /// Of the request that they carry out.
    pub(super) key: Option<IdempotencyKey>,
    pub(super) fence: Option<Fence>,
    pub(super) reply: oneshot::Sender<Committed>,
}

impl Core {
    pub(super) fn new(
        parts: Parts,
        snapshot: Snapshot,
        jobs: mpsc::UnboundedSender<Task>,
        stopping: CancellationToken,
    ) -> Self {
        let redactor = parts.redactor.knowing(parts.tools.keys().map(|name| name.0.clone()));
        Self {
            log: parts.log,
            model: parts.model,
            tools: parts.tools,
            judge: parts.judge,
            clock: parts.clock,
            role: parts.role,
            starter: parts.starter,
            redactor,
            owner: uuid::Uuid::new_v4().to_string(),
            stopping,
            working: AtomicUsize::new(0),
            staging: Mutex::new(snapshot.clone()),
            committed: Mutex::new(snapshot),
            feed: broadcast::channel(FEED_DEPTH).0,
            jobs,
        }
    }

    pub(super) fn staging(&self) -> MutexGuard<'_, Snapshot> {
        self.staging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn committed(&self) -> MutexGuard<'_, Snapshot> {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self) -> (Snapshot, Feed) {
        let committed = self.committed();
        (committed.clone(), self.feed.subscribe())
    }

    /// Copied only where somebody listens: an event can be large.
    pub(super) fn tell_committed(&self, envelope: &Envelope) {
        if self.feed.receiver_count() > 0 {
            self.tell(FeedItem::Committed { envelope: Box::new(envelope.clone()) });
        }
    }

    /// Nobody listening is no error.
    pub(super) fn tell(&self, item: FeedItem) {
        let _ = self.feed.send(item);
    }

    /// Whether a worker may still have something to save.
    pub(super) fn is_working(&self) -> bool {
        self.working.load(Ordering::Acquire) > 0
    }
}

pub(super) fn stopped() -> Rejection {
    Rejection::new(RejectionKind::NotSaved, "the program is ending; nothing was decided")
}
