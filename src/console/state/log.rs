//! The log screen: the events read so far, whether a search chose them, and how a person arranged them. Bounded.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::narrowing::Narrowing;
use super::pane::{Hold, Pane};
use crate::domain::{ApprovalId, RunId};
use crate::kinds::{ApprovalEvent, Envelope, Event, Stream};

/// A stretch of the log's end, or of what a search found in it; oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPane {
    pub pane: Pane,
    pub events: VecDeque<Envelope>,
    /// What is searched for; empty for everything.
    pub search: String,
    /// What was searched for to find `events`: another text than `search` while an answer is on its way.
    found_for: String,
    pub reading: Reading,
    pub narrowing: Narrowing,
    pub grouping: Grouping,
    /// Groups of which only the heading is shown.
    pub folded: BTreeSet<Stream>,
    /// `seq` of the event that is shown in full.
    pub whole: Option<u64>,
    /// What it reads back for, page after page.
    pub looking: Looking,
    /// Pages read back by itself since the last key that asked for it.
    pages: u32,
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

/// In which order events stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// The events of a run under its name; the run that did something last stands last.
    #[default]
    ByRun,
    ByTime,
}

/// What more of the log is read for, without a key for each page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Looking {
    /// Enough to fill the screen.
    #[default]
    ForRows,
    /// An error before this `seq`.
    ForErrorBefore(u64),
}

/// Events that stand together.
#[derive(Clone, Debug, PartialEq)]
pub struct LogGroup<'a> {
    /// What they are about; `None` for events in the order of time.
    pub stream: Option<Stream>,
    /// Oldest first.
    pub events: Vec<&'a Envelope>,
}

impl Default for LogPane {
    fn default() -> Self {
        Self {
            pane: Pane::following(),
            events: VecDeque::new(),
            search: String::new(),
            found_for: String::new(),
            reading: Reading::Never,
            narrowing: Narrowing::default(),
            grouping: Grouping::default(),
            folded: BTreeSet::new(),
            whole: None,
            looking: Looking::default(),
            pages: 0,
        }
    }
}

impl LogPane {
    /// Events read at a time,
    pub const PAGE: u32 = 200;
    /// and while looking for some of them.
    pub const PAGE_LOOKING: u32 = 500;
    /// Pages read back by itself before a key is wanted again: 10,000 events.
    const MOST_PAGES: u32 = 20;
    /// Most events held while following; a person reading back may hold more.
    pub const MOST: usize = 2_000;

    /// Begins again at the end of the log; how it is arranged stays.
    pub fn reread(&mut self) {
        let old = std::mem::take(self);
        let Self { search, narrowing, grouping, folded, .. } = old;
        *self = Self { found_for: search.clone(), search, narrowing, grouping, folded, ..Self::default() };
    }

    /// Looks for another text. What was found before stays until the answer comes; an empty text needs none.
    pub fn search_for(&mut self, text: String) {
        self.search = text;
        if self.search.is_empty() {
            self.reread();
        }
    }

    /// A new event. A search keeps what it found: its page does not move under the reader.
    pub fn push(&mut self, envelope: &Envelope) {
        let is_next = self.events.back().is_none_or(|last| last.seq < envelope.seq);
        let is_search = !self.search.is_empty() || !self.found_for.is_empty();
        if self.reading == Reading::Never || is_search || !is_next {
            return;
        }
        self.events.push_back(envelope.clone());
        if self.pane.hold == Hold::End && self.events.len() > Self::MOST {
            self.events.pop_front();
            self.reading = Reading::More;
        }
    }

    /// A page of older events, newest first as the query answers; of what another search found, in their place.
    pub fn prepend(&mut self, rows: Vec<Envelope>, more: Reading) {
        if self.found_for != self.search {
            self.events.clear();
            self.found_for.clone_from(&self.search);
        }
        let first = self.events.front().map_or(u64::MAX, |event| event.seq);
        rows.into_iter().filter(|event| event.seq < first).for_each(|event| self.events.push_front(event));
        self.reading = more;
    }

    /// `seq` to read back from.
    pub fn before(&self) -> u64 {
        match self.found_for == self.search {
            true => self.events.front().map_or(u64::MAX, |event| event.seq),
            false => u64::MAX,
        }
    }

    /// Events that are not narrowed away, oldest first.
    pub fn shown(&self) -> impl DoubleEndedIterator<Item = &Envelope> {
        self.events.iter().filter(|event| self.narrowing.shows(event))
    }

    /// The events shown, as they stand together. `run_of` knows requests whose beginning was not read.
    pub fn groups(&self, run_of: impl Fn(ApprovalId) -> Option<RunId>) -> Vec<LogGroup<'_>> {
        if self.grouping == Grouping::ByTime {
            return vec![LogGroup { stream: None, events: self.shown().collect() }];
        }
        let asked = self.events.iter().filter_map(|envelope| {
            let Event::Approval(ApprovalEvent::Requested { run, .. }) = &envelope.event else { return None };
            let Stream::Approval(id) = envelope.stream else { return None };
            Some((id, *run))
        });
        let asked: BTreeMap<_, _> = asked.collect();
        let group_of = |stream| {
            let Stream::Approval(id) = stream else { return stream };
            asked.get(&id).copied().or_else(|| run_of(id)).map_or(stream, Stream::Run)
        };
        let mut groups: Vec<LogGroup<'_>> = Vec::new();
        let mut places = BTreeMap::new();
        for event in self.shown().rev() {
            let stream = group_of(event.stream);
            let place = *places.entry(stream).or_insert_with(|| {
                groups.push(LogGroup { stream: Some(stream), events: Vec::new() });
                groups.len() - 1
            });
            groups[place].events.push(event);
        }
        groups.iter_mut().for_each(|group| group.events.reverse());
        groups.reverse();
        groups
    }

    /// A key asks for more than is there: it may be read back again.
    pub fn look(&mut self, looking: Looking) {
        self.looking = looking;
        self.pages = 0;
    }

    /// Takes one more page to be read by itself, where something is still looked for and there is more.
    pub fn looks_on(&mut self) -> bool {
        let is_enough = match self.looking {
            Looking::ForErrorBefore(seq) => {
                self.shown().any(|event| event.seq < seq && super::narrowing::is_error(event))
            }
            Looking::ForRows if self.narrowing.is_any() => self.shown().count() >= self.pane.laid.height.max(1),
            Looking::ForRows => true,
        };
        let goes_on = !is_enough && self.reading == Reading::More && self.pages < Self::MOST_PAGES;
        self.pages += u32::from(goes_on);
        goes_on
    }

    /// Events to read at once: more where a page may hold none of those that are looked for.
    pub fn page(&self) -> u32 {
        match (self.narrowing.is_any(), self.looking) {
            (false, Looking::ForRows) => Self::PAGE,
            _ => Self::PAGE_LOOKING,
        }
    }
}

impl LogGroup<'_> {
    pub fn errors(&self) -> usize {
        self.events.iter().filter(|event| super::narrowing::is_error(event)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Actor;
    use crate::kinds::RunEvent;

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

    #[test]
    fn what_a_search_finds_takes_the_place_of_what_stood_there_and_all_comes_back() {
        let mut log = LogPane { reading: Reading::Complete, ..LogPane::default() };
        (1..=5).for_each(|seq| log.push(&event(seq)));
        log.search_for("deny".to_owned());
        assert_eq!((seqs(&log), log.before()), (vec![1, 2, 3, 4, 5], u64::MAX), "it stays until the answer comes");
        log.prepend(vec![event(4), event(2)], Reading::Complete);
        assert_eq!(seqs(&log), [2, 4]);
        log.search_for(String::new());
        log.reading = Reading::Asked;
        log.push(&event(6));
        log.prepend(vec![event(6), event(5)], Reading::More);
        assert_eq!(seqs(&log), [5, 6]);
    }

    #[test]
    fn looking_ends_with_a_full_screen_the_beginning_or_enough_pages() {
        let mut log = LogPane { reading: Reading::More, ..LogPane::default() };
        assert!(!log.looks_on(), "nothing is narrowed");
        log.narrowing.next_level();
        log.narrowing.next_level();
        log.pane.laid.height = 2;
        assert_eq!((0..100).filter(|_| log.looks_on()).count(), LogPane::MOST_PAGES as usize);
        log.look(Looking::ForRows);
        assert!(log.looks_on(), "another key looks on");
        log.reading = Reading::Complete;
        assert!(!log.looks_on());
    }
}
