//! The log screen: the events read so far, and whether a search chose them. Bounded.

use std::collections::VecDeque;

use super::pane::Pane;
use crate::kinds::Envelope;

/// A stretch of the log's end, or of what a search found in it; oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPane {
    pub pane: Pane,
    pub events: VecDeque<Envelope>,
    /// What is searched for; empty for everything.
    pub search: String,
    pub reading: Reading,
    /// `seq` of the event that is shown in full.
    pub whole: Option<u64>,
}

/// How far the log has been read back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// Nothing was read yet.
    #[default]
    Never,
    /// A page is on its way.
    Asked,
    /// There is more before the first event held.
    More,
    /// The first event held is the first there is.
    Complete,
}

impl Default for LogPane {
    fn default() -> Self {
        Self {
            pane: Pane::following(),
            events: VecDeque::new(),
            search: String::new(),
            reading: Reading::Never,
            whole: None,
        }
    }
}

impl LogPane {
    /// Events read at a time.
    pub const PAGE: u32 = 200;
    /// Most events held while following; a person reading back may hold more.
    pub const MOST: usize = 2_000;

    /// Begins again with another search.
    pub fn search_for(&mut self, text: String) {
        *self = Self { search: text, ..Self::default() };
    }

    /// A new event. A search keeps what it found: its page does not move under the reader.
    pub fn push(&mut self, envelope: &Envelope) {
        let is_next = self.events.back().is_none_or(|last| last.seq < envelope.seq);
        if self.reading == Reading::Never || !self.search.is_empty() || !is_next {
            return;
        }
        self.events.push_back(envelope.clone());
        if self.pane.hold == super::pane::Hold::End && self.events.len() > Self::MOST {
            self.events.pop_front();
            self.reading = Reading::More;
        }
    }

    /// A page of older events, newest first as the query answers.
    pub fn prepend(&mut self, rows: Vec<Envelope>, more: Reading) {
        let first = self.events.front().map_or(u64::MAX, |event| event.seq);
        rows.into_iter().filter(|event| event.seq < first).for_each(|event| self.events.push_front(event));
        self.reading = more;
    }

    /// `seq` to read back from.
    pub fn before(&self) -> u64 {
        self.events.front().map_or(u64::MAX, |event| event.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Actor, RunId};
    use crate::kinds::{Event, RunEvent, Stream};

    fn event(seq: u64) -> Envelope {
        Envelope {
            seq,
            stream: Stream::Run(RunId(uuid::Uuid::nil())),
            version: seq,
            at: chrono::DateTime::UNIX_EPOCH,
            by: Actor::System,
            event: Event::Run(RunEvent::Resumed {}),
        }
    }

    fn seqs(log: &LogPane) -> Vec<u64> {
        log.events.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn pages_and_news_join_without_gap_or_repeat() {
        let mut log = LogPane::default();
        log.push(&event(9));
        assert!(log.events.is_empty(), "nothing was read yet");
        log.reading = Reading::Asked;
        log.push(&event(10));
        log.prepend(vec![event(10), event(9), event(8)], Reading::More);
        log.push(&event(10));
        log.push(&event(11));
        assert_eq!(seqs(&log), [8, 9, 10, 11]);
        assert_eq!(log.before(), 8);
    }

    #[test]
    fn following_is_bounded() {
        let mut log = LogPane { reading: Reading::Complete, ..LogPane::default() };
        (1..=LogPane::MOST as u64 + 5).for_each(|seq| log.push(&event(seq)));
        assert_eq!((log.events.len(), log.before(), log.reading), (LogPane::MOST, 6, Reading::More));
    }

    #[test]
    fn a_search_does_not_move_under_the_reader() {
        let mut log = LogPane::default();
        log.search_for("deny".to_owned());
        log.reading = Reading::Complete;
        log.push(&event(1));
        assert!(log.events.is_empty());
    }
}
