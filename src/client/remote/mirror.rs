//! What is known here of a server: its snapshot, folded on with every event heard, and how old that is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::target::Target;
use crate::fold::Snapshot;
use crate::ports::{Feed, FeedItem, Link, Status};
use crate::protocol::{Mark, Welcome};

/// Time between looks at the clock.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// Messages a listener may fall behind before it has to take the snapshot anew.
const FEED_DEPTH: usize = 8192;
/// Events after which what ended long ago is dropped from memory.
const FORGET_AFTER: usize = 512;

pub(super) struct Mirror {
    state: Mutex<State>,
    is_filled: watch::Sender<bool>,
    feed: broadcast::Sender<FeedItem>,
}

struct State {
    snapshot: Snapshot,
    mark: Option<Mark>,
    welcome: Option<Welcome>,
    line: Line,
    /// Others that look at the same thing.
    others: usize,
    store_down: Option<String>,
    /// Whether the store was said to be slow.
    is_slow: bool,
    since_forgetting: usize,
}

enum Line {
    /// Everything that had happened by `fresh` is here.
    Up {
        fresh: Instant,
        since: Instant,
    },
    Down {
        since: Instant,
        reason: String,
    },
    /// The server lets nobody in with what was shown.
    Ended {
        reason: String,
    },
}

/// An event was heard whose predecessor was not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gap;

impl Mirror {
    pub(super) fn new() -> Self {
        let line = Line::Down { since: Instant::now(), reason: "connecting".to_owned() };
        let state = State {
            snapshot: Snapshot::default(),
            mark: None,
            welcome: None,
            line,
            others: 0,
            store_down: None,
            is_slow: false,
            since_forgetting: 0,
        };
        Self { state: Mutex::new(state), is_filled: watch::Sender::new(false), feed: broadcast::channel(FEED_DEPTH).0 }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody listening is no error.
    fn tell(&self, item: FeedItem) {
        let _ = self.feed.send(item);
    }

    /// The snapshot, once there is one, and the feed from exactly there on.
    pub(super) async fn open(&self) -> (Snapshot, Feed) {
        // The sender is our own, so it is there.
        let _ = self.is_filled.subscribe().wait_for(|filled| *filled).await;
        let state = self.state();
        let feed = self.feed.subscribe();
        if let Some(reason) = &state.store_down {
            self.tell(FeedItem::StoreDown { reason: reason.clone() });
        }
        (state.snapshot.clone(), feed)
    }

    /// The last event known, to go on from.
    pub(super) fn mark(&self) -> Option<Mark> {
        self.state().mark
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.state().line, Line::Up { .. })
    }

    pub(super) fn person(&self) -> String {
        self.state().welcome.as_ref().map(|welcome| welcome.person.clone()).unwrap_or_default()
    }

    pub(super) fn status(&self, target: &Target) -> Status {
        let state = self.state();
        let welcome = state.welcome.as_ref();
        Status {
            source: format!("attached to {}", target.name()),
            model: welcome.and_then(|welcome| welcome.model.clone()),
            sandbox: welcome.map(|welcome| welcome.sandbox.clone()).unwrap_or_default(),
            sandbox_before: welcome.map(|welcome| welcome.sandbox_before.clone()).unwrap_or_default(),
            observe: welcome.map(|welcome| welcome.observe.clone()).unwrap_or_default(),
            link: state.line.link(),
            role: welcome.map(|welcome| welcome.role.clone()).unwrap_or_default(),
            others: state.others,
            rosters: welcome.map(|welcome| welcome.rosters.clone()).unwrap_or_default(),
            billing: welcome.and_then(|welcome| welcome.billing.as_deref().cloned()).map(Arc::new),
        }
    }

    pub(super) fn company(&self, others: usize) {
        self.state().others = others;
        self.tell(FeedItem::LinkChanged);
    }

    pub(super) fn welcome(&self, welcome: Welcome) {
        self.state().welcome = Some(welcome);
    }

    /// A whole new snapshot. Listeners begin anew.
    pub(super) fn replace(&self, snapshot: Snapshot, mark: Option<Mark>, fresh: Instant) {
        {
            let mut state = self.state();
            state.snapshot = snapshot;
            state.mark = mark;
            state.line = state.line.up(fresh);
            self.tell(FeedItem::Lost);
        }
        self.is_filled.send_replace(true);
    }

    /// The server says that what is here holds.
    pub(super) fn resumed(&self, fresh: Instant) {
        let mut state = self.state();
        state.line = state.line.up(fresh);
        self.tell(FeedItem::LinkChanged);
    }

    /// Takes in an item of the feed and passes it on; what is known already is left out.
    pub(super) fn take(&self, item: FeedItem) -> Result<(), Gap> {
        let mut state = self.state();
        match &item {
            FeedItem::Committed { envelope } => {
                let cursor = state.snapshot.cursor;
                if envelope.seq <= cursor {
                    return Ok(());
                }
                if envelope.seq > cursor + 1 {
                    return Err(Gap);
                }
                state.snapshot.apply(envelope);
                state.mark = Some(Mark::of(envelope));
                state.since_forgetting += 1;
                if state.since_forgetting >= FORGET_AFTER {
                    state.since_forgetting = 0;
                    state.snapshot.forget_old();
                }
            }
            FeedItem::StoreDown { reason } => state.store_down = Some(reason.clone()),
            FeedItem::StoreBack if state.store_down.take().is_none() => return Ok(()),
            FeedItem::StoreQuick if !std::mem::take(&mut state.is_slow) => return Ok(()),
            FeedItem::StoreSlow { .. } => state.is_slow = true,
            FeedItem::StoreBack
            | FeedItem::StoreQuick
            | FeedItem::Delta(_)
            | FeedItem::Lost
            | FeedItem::LinkChanged => {}
        }
        self.tell(item);
        Ok(())
    }

    /// Everything that had happened by then is here.
    pub(super) fn is_fresh_as_of(&self, fresh: Instant) {
        let mut state = self.state();
        let was_stale = state.line.link().is_stale();
        if let Line::Up { fresh: known, .. } = &mut state.line {
            *known = fresh.max(*known);
        }
        if was_stale {
            self.tell(FeedItem::LinkChanged);
        }
    }

    /// Says so, once it has become notable how old everything is.
    pub(super) fn look_at_age(&self) {
        let age = match self.state().line.link() {
            Link::Up { behind, .. } => behind,
            Link::Direct | Link::Down { .. } | Link::Ended { .. } => return,
        };
        if age >= Link::NOTABLE && age < Link::NOTABLE + 2 * LOOK {
            self.tell(FeedItem::LinkChanged);
        }
    }

    pub(super) fn down(&self, reason: String) {
        let mut state = self.state();
        let since = match &state.line {
            Line::Down { since, .. } => *since,
            Line::Up { .. } | Line::Ended { .. } => Instant::now(),
        };
        state.line = Line::Down { since, reason };
        state.others = 0;
        self.tell(FeedItem::LinkChanged);
    }

    pub(super) fn ended(&self, reason: String) {
        self.state().line = Line::Ended { reason };
        self.tell(FeedItem::LinkChanged);
    }

    /// Why it is over, once it is.
    pub(super) fn end(&self) -> Option<String> {
        match &self.state().line {
            Line::Ended { reason } => Some(reason.clone()),
            Line::Up { .. } | Line::Down { .. } => None,
        }
    }
}

impl Line {
    /// Up, since when it came up.
    fn up(&self, fresh: Instant) -> Self {
        let since = match self {
            Self::Up { since, .. } => *since,
            Self::Down { .. } | Self::Ended { .. } => Instant::now(),
        };
        Self::Up { fresh, since }
    }

    fn link(&self) -> Link {
        match self {
            Self::Up { fresh, since } => Link::Up { behind: fresh.elapsed(), age: since.elapsed() },
            Self::Ended { reason } => Link::Ended { reason: reason.clone() },
            Self::Down { since, reason } => Link::Down { since: since.elapsed(), reason: reason.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Actor, RunId};
    use crate::kinds::{Envelope, RunEvent, Stream};

    fn event(seq: u64) -> FeedItem {
        let envelope = Envelope {
            seq,
            stream: Stream::Run(RunId(uuid::Uuid::nil())),
            version: seq,
            at: "2026-11-24T03:00:00Z".parse().unwrap(),
            by: Actor::System,
            event: crate::kinds::Event::Run(RunEvent::Recovered { lost: false, left: Default::default() }),
        };
        FeedItem::Committed { envelope: Box::new(envelope) }
    }

    #[tokio::test]
    async fn events_are_passed_on_once_and_a_gap_is_noticed() {
        let mirror = Mirror::new();
        mirror.replace(Snapshot { cursor: 3, ..Snapshot::default() }, None, Instant::now());
        let (snapshot, mut feed) = mirror.open().await;
        assert_eq!(snapshot.cursor, 3);
        for (seq, taken) in [(2, Ok(())), (4, Ok(())), (4, Ok(())), (6, Err(Gap)), (5, Ok(()))] {
            assert_eq!(mirror.take(event(seq)), taken, "{seq}");
        }
        let cursor = mirror.state().snapshot.cursor;
        assert_eq!((cursor, mirror.mark().map(|mark| mark.seq)), (5, Some(5)));
        assert_eq!((feed.try_recv(), feed.try_recv()), (Ok(event(4)), Ok(event(5))));
        assert!(feed.is_empty());
    }

    #[tokio::test]
    async fn who_opens_late_hears_that_the_store_is_down() {
        let mirror = Mirror::new();
        mirror.replace(Snapshot::default(), None, Instant::now());
        mirror.take(FeedItem::StoreDown { reason: "full".to_owned() }).unwrap();
        let (_, mut feed) = mirror.open().await;
        assert_eq!(feed.try_recv(), Ok(FeedItem::StoreDown { reason: "full".to_owned() }));
        mirror.take(FeedItem::StoreBack).unwrap();
        mirror.take(FeedItem::StoreBack).unwrap();
        assert_eq!(feed.try_recv(), Ok(FeedItem::StoreBack));
        assert!(feed.is_empty(), "it comes back once");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_shown_grows_old_and_a_lost_line_says_since_when() {
        let mirror = Mirror::new();
        let target = Target::parse("localhost", Default::default()).unwrap();
        mirror.replace(Snapshot::default(), None, Instant::now());
        tokio::time::advance(Link::NOTABLE).await;
        assert_eq!(mirror.status(&target).link, Link::Up { behind: Link::NOTABLE, age: Link::NOTABLE });
        mirror.is_fresh_as_of(Instant::now());
        assert!(!mirror.status(&target).link.is_stale());
        mirror.down("cut".to_owned());
        tokio::time::advance(Link::NOTABLE).await;
        mirror.down("refused".to_owned());
        let link = Link::Down { since: Link::NOTABLE, reason: "refused".to_owned() };
        assert_eq!(mirror.status(&target).link, link, "since it was cut, for the newest reason");
        assert!(!mirror.is_up());
    }
}
