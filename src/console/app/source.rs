//! The source of events: opening it, hearing it, and beginning anew when something was missed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::TryRecvError;

use super::pace::Wanted;
use super::{App, Flow, Heard, Surface, Wake};
use crate::console::state::Source;
use crate::console::update;
use crate::console::update::Request;
use crate::domain::RunId;
use crate::fold::Snapshot;
use crate::kinds::{Envelope, Stream};
use crate::ports::{ClientError, Feed, FeedItem};

/// Most items heard between two looks at the keyboard.
const PORTION: usize = 256;
/// Events after which what ended long ago is dropped from memory.
const FORGET_AFTER: usize = 512;
/// How long a source that does not answer is left alone before the next try.
const RETRY: Duration = Duration::from_secs(2);

impl<S: Surface> App<S> {
    /// Asks for a snapshot and the feed that goes on from it.
    pub(super) fn open_source(&mut self, after: Duration) {
        self.feed = None;
        self.outstanding += 1;
        let client = Arc::clone(&self.client);
        let sender = self.sender.clone();
        tokio::spawn(async move {
            if !after.is_zero() {
                tokio::time::sleep(after).await;
            }
            let result = client.open().await.map(Box::new);
            // A console that has ended wants no answer.
            let _ = sender.send(Wake::Opened(result));
        });
    }

    pub(super) fn opened(&mut self, result: Result<Box<(Snapshot, Feed)>, ClientError>) -> io::Result<Flow> {
        self.want(Wanted::Answer);
        match result {
            Ok(opened) => {
                let (snapshot, feed) = *opened;
                self.snapshot = snapshot;
                self.feed = Some(feed);
                self.reading.clear();
                let mut requests = update::reopened(&mut self.state);
                if let Some(run) = self.only_run().filter(|run| self.snapshot.runs.contains_key(run)) {
                    requests.extend(update::watch(&mut self.state, run));
                }
                self.perform_all(requests)
            }
            Err(error) => {
                self.state.source = Source::Lost(format!("{} {}", error.message, error.hint).trim().to_owned());
                self.open_source(RETRY);
                Ok(Flow::GoOn)
            }
        }
    }

    pub(super) fn hear(&mut self, heard: Heard) -> io::Result<Flow> {
        self.want(Wanted::News);
        match heard {
            Heard::Item(item) => self.hear_item(item),
            Heard::Missed => {
                self.open_source(Duration::ZERO);
                Ok(Flow::GoOn)
            }
            Heard::Ended => {
                // A replay's feed ends with the recording; a live one ends with its source.
                if self.transport.is_none() {
                    self.state.source = Source::Lost("the source has ended the feed".to_owned());
                    self.open_source(RETRY);
                } else {
                    self.feed = None;
                }
                Ok(Flow::GoOn)
            }
        }
    }

    /// Hears what is there already, a portion of it.
    pub(super) fn hear_more(&mut self) {
        for _ in 0..PORTION {
            let Some(feed) = self.feed.as_mut() else { return };
            let heard = match feed.try_recv() {
                Ok(item) => Heard::Item(item),
                Err(TryRecvError::Lagged(_)) => Heard::Missed,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            };
            // Only `perform` can fail, and what a feed requests (a bell, reading a run) writes no frame.
            let _ = self.hear(heard);
        }
    }

    fn hear_item(&mut self, item: FeedItem) -> io::Result<Flow> {
        match item {
            FeedItem::Committed { envelope } => self.hear_event(&envelope),
            FeedItem::Delta(delta) => {
                let now = self.now();
                self.state.hear(&delta, now);
                Ok(Flow::GoOn)
            }
            FeedItem::Lost => {
                self.open_source(Duration::ZERO);
                Ok(Flow::GoOn)
            }
            FeedItem::StoreDown { reason } => {
                self.state.store_down = Some(reason);
                Ok(Flow::GoOn)
            }
            FeedItem::StoreBack => {
                self.state.store_down = None;
                Ok(Flow::GoOn)
            }
            FeedItem::StoreSlow { milliseconds } => match self.state.failing.slow(milliseconds, self.now()) {
                true => self.perform_all(vec![Request::Bell]),
                false => Ok(Flow::GoOn),
            },
            FeedItem::StoreQuick => {
                self.state.failing.quick();
                Ok(Flow::GoOn)
            }
            // The status is asked for with every frame, and hearing anything wants one.
            FeedItem::LinkChanged => Ok(Flow::GoOn),
        }
    }

    fn hear_event(&mut self, envelope: &Envelope) -> io::Result<Flow> {
        self.snapshot.apply(envelope);
        if let Stream::Run(run) = envelope.stream
            && let Some(waiting) = self.reading.get_mut(&run)
        {
            waiting.push(envelope.clone());
        }
        self.forget_now_and_then();
        let mut requests = update::heard(&mut self.state, &self.snapshot, envelope);
        if let (Stream::Run(run), 1) = (envelope.stream, envelope.version)
            && self.only_run() == Some(run)
        {
            requests.extend(update::watch(&mut self.state, run));
        }
        self.perform_all(requests)
    }

    /// The run of a replay that has no other.
    fn only_run(&self) -> Option<RunId> {
        self.replay.as_ref().and_then(|moment| moment.only_run)
    }

    /// Lists that were read on keep what they have until they are read anew.
    fn forget_now_and_then(&mut self) {
        use crate::console::state::Reading;
        self.heard_since_forgetting += 1;
        let untouched = self.state.runs.reading == Reading::Never && self.state.approvals.reading == Reading::Never;
        if self.heard_since_forgetting >= FORGET_AFTER && untouched {
            self.heard_since_forgetting = 0;
            self.snapshot.forget_old();
        }
    }
}
