//! Where streaming text goes on its way to the feed: gathered, and told at most sixty times a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;

use super::core::Core;
use crate::domain::{BlobId, CallNo, Held, RunId};
use crate::ports::{Delta, DeltaKind, DeltaSink, FeedItem, OutputSink};

/// Time between tellings.
const BEAT: Duration = Duration::from_millis(16);
/// Most bytes told at once; a faster producer is cut in the middle, for the whole goes to the store anyway.
const MOST_BYTES: usize = 64 * 1024;

/// Gathers one stream of one run. Dropping it tells what is left.
pub(super) struct Gatherer {
    me: Weak<Self>,
    runtime: Handle,
    /// Whether something tells what gathers; most calls produce nothing on the way.
    is_beating: AtomicBool,
    core: Arc<Core>,
    run: RunId,
    kind: DeltaKind,
    text: Mutex<Gathered>,
}

/// What was taken in and is not yet told.
#[derive(Default)]
struct Gathered {
    held: Held,
    clean: Vec<u8>,
}

impl Gatherer {
    pub(super) fn of_turn(core: Arc<Core>, run: RunId, turn: u32) -> Arc<Self> {
        Self::new(core, run, DeltaKind::Token { turn })
    }

    pub(super) fn of_call(core: Arc<Core>, run: RunId, call: CallNo) -> Arc<Self> {
        Self::new(core, run, DeltaKind::Output { call })
    }

    fn new(core: Arc<Core>, run: RunId, kind: DeltaKind) -> Arc<Self> {
        let runtime = Handle::current();
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            runtime,
            is_beating: AtomicBool::new(false),
            core,
            run,
            kind,
            text: Mutex::default(),
        })
    }

    /// Tells what gathers, for as long as anybody holds the gatherer.
    fn beat(&self) {
        if self.is_beating.swap(true, Ordering::AcqRel) {
            return;
        }
        let weak = self.me.clone();
        self.runtime.spawn(async move {
            let mut beat = tokio::time::interval(BEAT);
            beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                beat.tick().await;
                match weak.upgrade() {
                    Some(gatherer) => gatherer.tell(),
                    None => return,
                }
            }
        });
    }

    fn gather(&self, bytes: &[u8]) {
        self.beat();
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let clean = self.core.redactor.push(&mut text.held, bytes);
        let room = MOST_BYTES.saturating_sub(text.clean.len());
        text.clean.extend_from_slice(&clean[..clean.len().min(room)]);
    }

    /// Nothing more belongs to what was gathered.
    fn tell_the_rest(&self) {
        {
            let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
            let rest = self.core.redactor.finish(&mut text.held);
            text.clean.extend(rest);
        }
        self.tell();
    }

    /// Tells whole characters; the beginning of one waits for its end.
    fn tell(&self) {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = whole_characters(&text.clean);
        if whole == 0 {
            return;
        }
        let rest = text.clean.split_off(whole);
        let told = std::mem::replace(&mut text.clean, rest);
        let text = String::from_utf8_lossy(&told).into_owned();
        self.core.tell(FeedItem::Delta(Delta { run: self.run, kind: self.kind, text: text.into() }));
    }
}

impl Drop for Gatherer {
    fn drop(&mut self) {
        self.tell_the_rest();
    }
}

impl DeltaSink for Gatherer {
    fn token(&self, text: &str) {
        self.gather(text.as_bytes());
    }

    fn notice(&self, text: &str) {
        let DeltaKind::Token { turn } = self.kind else { return };
        // What was said before it is told before it.
        self.tell_the_rest();
        let mut text = text.to_owned();
        self.core.redactor.sentence(&mut text);
        let delta = Delta { run: self.run, kind: DeltaKind::Notice { turn }, text: text.into() };
        self.core.tell(FeedItem::Delta(delta));
    }
}

#[async_trait]
impl OutputSink for Gatherer {
    fn chunk(&self, bytes: &[u8]) {
        self.gather(bytes);
    }

    async fn store(&self, content: &[u8]) -> Option<BlobId> {
        match self.core.log.put_output(self.run, &self.core.redactor.bytes(content)).await {
            Ok(blob) => Some(blob),
            Err(error) => {
                tracing::warn!(%error, "a long output was not stored");
                None
            }
        }
    }
}

/// How many leading bytes do not end in the middle of a character.
fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(error) if error.error_len().is_none() && bytes.len() - error.valid_up_to() < 4 => error.valid_up_to(),
        Err(_) => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::whole_characters;

    #[test]
    fn half_a_character_waits() {
        let euro = "€".as_bytes();
        assert_eq!(whole_characters(&euro[..2]), 0);
        assert_eq!(whole_characters(euro), 3);
        assert_eq!(whole_characters(&[b'a', 0xff, b'b']), 3);
    }
}
