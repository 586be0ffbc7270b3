//! Listens to the orchestrator once, and writes what it says once, in batches that all consoles share.
//!
//! Memory is bounded: so many batches of so many bytes are kept, and a console that is further behind reads the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::Message;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;
use tokio_util::sync::CancellationToken;

use crate::ports::{Client, Feed, FeedItem};
use crate::protocol;
use crate::protocol::Packed;

/// Time between batches: what a person sees as at once, and few enough that many consoles cost little.
const GATHER: Duration = Duration::from_millis(50);
/// Bytes after which a batch is full.
const FULL: usize = 64 * 1024;
/// Batches kept for consoles that are a little behind: 25 s of a quiet server's, and of a busy one's at most 32 MB.
const KEPT: usize = 512;
/// Time before a source that cannot be opened is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Some items of the feed, as the messages that carry them.
#[derive(Debug)]
pub(in crate::server) struct Batch {
    /// The last event before it, and the last one in it.
    pub(super) after: u64,
    pub(super) upto: u64,
    pub(super) whole: Message,
    /// The same without deltas, for a console that is behind; `None` when there is nothing else in it.
    pub(super) events: Option<Message>,
}

/// Where the hub is.
#[derive(Clone, Debug, Default)]
struct Position {
    upto: u64,
    store: Store,
}

/// What is known of the store that is no event: a new listener is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    down: Option<String>,
    slow: Option<u64>,
}

impl Store {
    fn take_in(&mut self, item: &FeedItem) {
        match item {
            FeedItem::StoreDown { reason } => self.down = Some(reason.clone()),
            FeedItem::StoreBack => self.down = None,
            FeedItem::StoreSlow { milliseconds } => self.slow = Some(*milliseconds),
            FeedItem::StoreQuick => self.slow = None,
            FeedItem::Committed { .. } | FeedItem::Delta(_) | FeedItem::Lost | FeedItem::LinkChanged => {}
        }
    }

    /// How it is now, as the feed would have said it.
    pub(super) fn items(self) -> Vec<FeedItem> {
        let down = self.down.map_or(FeedItem::StoreBack, |reason| FeedItem::StoreDown { reason });
        let slow = self.slow.map_or(FeedItem::StoreQuick, |milliseconds| FeedItem::StoreSlow { milliseconds });
        vec![down, slow]
    }
}

pub(in crate::server) struct Hub {
    client: Arc<dyn Client>,
    position: Mutex<Position>,
    batches: broadcast::Sender<Arc<Batch>>,
}

/// What a console that begins to listen gets.
pub(super) struct Listening {
    pub(super) batches: broadcast::Receiver<Arc<Batch>>,
    /// The last event that is in no batch to come.
    pub(super) upto: u64,
    pub(super) store: Store,
}

impl Hub {
    pub(in crate::server) fn new(client: Arc<dyn Client>) -> Arc<Self> {
        Arc::new(Self { client, position: Mutex::default(), batches: broadcast::channel(KEPT).0 })
    }

    pub(super) fn listen(&self) -> Listening {
        let position = self.position();
        let batches = self.batches.subscribe();
        Listening { batches, upto: position.upto, store: position.store.clone() }
    }

    fn position(&self) -> MutexGuard<'_, Position> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the source. From then on it is known here where the log stands.
    pub(in crate::server) async fn begin(&self) -> Option<Feed> {
        match self.client.open().await {
            Ok((snapshot, feed)) => {
                self.begin_at(snapshot.cursor);
                Some(feed)
            }
            Err(error) => {
                tracing::warn!(%error, "the feed cannot be opened");
                None
            }
        }
    }

    /// Listens to the feed that was opened, and opens it again when some of it was missed.
    pub(in crate::server) async fn run(self: Arc<Self>, mut feed: Option<Feed>, stopping: CancellationToken) {
        loop {
            let heard = async {
                match feed.take() {
                    Some(feed) => self.hear(feed).await,
                    None => tokio::time::sleep(AGAIN).await,
                }
                self.begin().await
            };
            tokio::select! {
                opened = heard => feed = opened,
                () = stopping.cancelled() => return,
            }
        }
    }

    /// Whatever came before `cursor` and was not told is in the log; consoles see the gap and read it there.
    fn begin_at(&self, cursor: u64) {
        let mut position = self.position();
        position.upto = cursor;
        self.send(Batch { after: cursor, upto: cursor, whole: packed(message("")), events: None });
    }

    /// Hears the feed until it has been missed in part, or ends.
    async fn hear(&self, mut feed: Feed) {
        while let Ok(first) = feed.recv().await
            && self.pass_on(first, &mut feed) == Heard::All
        {
            tokio::time::sleep(GATHER).await;
        }
    }

    /// Publishes an item and all that wait behind it, a batch at a time.
    fn pass_on(&self, first: FeedItem, feed: &mut Feed) -> Heard {
        let mut batch = Gathered::default();
        let mut next = Ok(first);
        loop {
            match next {
                Ok(FeedItem::Lost) | Err(TryRecvError::Lagged(_) | TryRecvError::Closed) => {
                    self.publish(batch);
                    return Heard::NotAll;
                }
                Err(TryRecvError::Empty) => {
                    self.publish(batch);
                    return Heard::All;
                }
                Ok(item) => self.take_in(item, &mut batch),
            }
            if batch.bytes >= FULL {
                self.publish(std::mem::take(&mut batch));
            }
            next = feed.try_recv();
        }
    }

    /// Takes note of an item and, where somebody listens, writes it.
    fn take_in(&self, item: FeedItem, batch: &mut Gathered) {
        match &item {
            FeedItem::Committed { envelope } => {
                batch.first.get_or_insert(envelope.seq);
                batch.last = Some(envelope.seq);
            }
            FeedItem::StoreDown { .. }
            | FeedItem::StoreBack
            | FeedItem::StoreSlow { .. }
            | FeedItem::StoreQuick
            | FeedItem::Delta(_) => self.position().store.take_in(&item),
            // What the server's own source says of itself is no news of the log.
            FeedItem::LinkChanged | FeedItem::Lost => return,
        }
        if self.batches.receiver_count() > 0 {
            let json = serde_json::to_string(&item).unwrap_or_default();
            batch.bytes += json.len();
            batch.items.push(Written { json, is_delta: matches!(item, FeedItem::Delta(_)) });
        }
    }

    fn publish(&self, batch: Gathered) {
        let Gathered { items, first, last, .. } = batch;
        if items.is_empty() && last.is_none() {
            return;
        }
        let has_deltas = items.iter().any(|item| item.is_delta);
        let has_others = items.iter().any(|item| !item.is_delta);
        let whole = packed(message(&joined(items.iter())));
        let events = match (has_others, has_deltas) {
            (false, _) => None,
            (true, false) => Some(whole.clone()),
            (true, true) => Some(packed(message(&joined(items.iter().filter(|item| !item.is_delta))))),
        };
        let mut position = self.position();
        let after = first.map_or(position.upto, |first| first - 1).max(position.upto);
        let upto = last.unwrap_or(after).max(after);
        position.upto = upto;
        self.send(Batch { after, upto, whole, events });
    }

    /// Nobody listening is no error. Called with the position held, so that none falls between.
    fn send(&self, batch: Batch) {
        let _ = self.batches.send(Arc::new(batch));
    }
}

/// Whether everything on the feed was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    All,
    NotAll,
}

/// A batch that grows.
#[derive(Default)]
struct Gathered {
    items: Vec<Written>,
    bytes: usize,
    /// The first and the last event in it.
    first: Option<u64>,
    last: Option<u64>,
}

struct Written {
    json: String,
    is_delta: bool,
}

fn joined<'a>(items: impl Iterator<Item = &'a Written>) -> String {
    let mut text = String::new();
    for item in items.filter(|item| !item.json.is_empty()) {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&item.json);
    }
    text
}

/// `FromServer::Items`, around items that are JSON already.
pub(super) fn message(items: &str) -> String {
    format!("{{\"say\":\"items\",\"items\":[{items}]}}")
}

/// A message as it goes onto the WebSocket.
pub(super) fn packed(text: String) -> Message {
    match protocol::pack(text) {
        Packed::Text(text) => Message::Text(text.into()),
        Packed::Binary(bytes) => Message::Binary(bytes.into()),
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::domain::{Actor, Rejection, RunId};
    use crate::fold::Snapshot;
    use crate::kinds::{Command, Envelope, RunEvent, Stream};
    use crate::ports::{Answer, ClientError, Delta, DeltaKind, Query, Status};
    use crate::protocol::FromServer;

    const RUN: RunId = RunId(uuid::Uuid::nil());

    /// A source that says what the test says.
    struct Source {
        cursor: Mutex<u64>,
        feed: broadcast::Sender<FeedItem>,
    }

    #[async_trait]
    impl Client for Source {
        async fn open(&self) -> Result<(Snapshot, Feed), ClientError> {
            let cursor = *self.cursor.lock().unwrap();
            Ok((Snapshot { cursor, ..Snapshot::default() }, self.feed.subscribe()))
        }

        async fn query(&self, _query: Query) -> Result<Answer, ClientError> {
            unreachable!("a hub asks nothing")
        }

        async fn submit(&self, _command: Command, _by: Actor) -> Result<Vec<Envelope>, Rejection> {
            unreachable!("a hub decides nothing")
        }

        fn status(&self) -> Status {
            Status::default()
        }
    }

    fn event(seq: u64) -> FeedItem {
        let at = "2026-11-24T03:00:00Z".parse().unwrap();
        let event = crate::kinds::Event::Run(RunEvent::Recovered { lost: false, left: Default::default() });
        let envelope = Envelope { seq, stream: Stream::Run(RUN), version: seq, at, by: Actor::System, event };
        FeedItem::Committed { envelope: Box::new(envelope) }
    }

    fn word() -> FeedItem {
        FeedItem::Delta(Delta { run: RUN, kind: DeltaKind::Token { turn: 1 }, text: "word".into() })
    }

    fn items(message: &Message) -> Vec<FeedItem> {
        match serde_json::from_str(message.to_text().unwrap()).unwrap() {
            FromServer::Items { items } => items,
            other => panic!("{other:?}"),
        }
    }

    async fn hub(depth: usize) -> (Arc<Source>, Arc<Hub>, CancellationToken) {
        let source = Arc::new(Source { cursor: Mutex::new(3), feed: broadcast::channel(depth).0 });
        let hub = Hub::new(source.clone());
        let feed = hub.begin().await;
        let stopping = CancellationToken::new();
        tokio::spawn(hub.clone().run(feed, stopping.clone()));
        (source, hub, stopping)
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_together_is_one_batch_and_deltas_can_be_left_out() {
        let (source, hub, stopping) = hub(64).await;
        let mut listening = hub.listen();
        assert_eq!(listening.upto, 3);
        for item in [word(), event(4), FeedItem::StoreDown { reason: "full".to_owned() }, word(), event(5)] {
            source.feed.send(item).unwrap();
        }
        let batch = listening.batches.recv().await.unwrap();
        assert_eq!((batch.after, batch.upto, items(&batch.whole).len()), (3, 5, 5));
        let kept = items(batch.events.as_ref().unwrap());
        assert_eq!(kept, [event(4), FeedItem::StoreDown { reason: "full".to_owned() }, event(5)]);
        let store = hub.listen().store.items();
        assert!(store.contains(&FeedItem::StoreDown { reason: "full".to_owned() }), "who comes later is told too");
        source.feed.send(word()).unwrap();
        let batch = listening.batches.recv().await.unwrap();
        assert_eq!((batch.after, batch.upto, &batch.events), (5, 5, &None));
        stopping.cancel();
    }

    #[tokio::test(start_paused = true)]
    async fn a_gap_is_seen_by_who_listens_and_nobody_listening_is_no_gap() {
        let (source, hub, stopping) = hub(2).await;
        source.feed.send(event(4)).unwrap();
        tokio::time::sleep(GATHER * 2).await;
        let mut listening = hub.listen();
        assert_eq!(listening.upto, 4);
        // More than the source keeps for a slow listener: the hub begins anew.
        *source.cursor.lock().unwrap() = 9;
        (5..=9).for_each(|seq| drop(source.feed.send(event(seq))));
        let batch = listening.batches.recv().await.unwrap();
        assert_eq!((batch.after, batch.upto, items(&batch.whole)), (9, 9, Vec::new()));
        stopping.cancel();
    }

    #[test]
    fn a_message_of_written_items_is_one_of_the_protocol() {
        let given = [FeedItem::StoreBack, FeedItem::StoreDown { reason: "full".to_owned() }];
        let written: Vec<_> =
            given.iter().map(|item| Written { json: serde_json::to_string(item).unwrap(), is_delta: false }).collect();
        assert_eq!(items(&packed(message(&joined(written.iter())))), given);
    }
}
