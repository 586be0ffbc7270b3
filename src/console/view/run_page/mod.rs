//! One run: what it is and has used, its plan, everything it did in order, and what it does now. Two lines of that stay
//! while the rest scrolls.
//!
//! A long run has thousands of entries, and a busy one is drawn sixty times a second. So the rows of an entry that
//! can no longer change are kept; only what is open, the head and the live text are laid out for each frame, and
//! only the rows on the screen are handed out.

mod call;
mod context;
mod entry;
mod gutter;
mod head;
mod live;
mod pinned;
mod plan;
mod turn;

use std::ops::Range;

use super::text::Row;
use crate::console::anchor::{Anchor, Fold, Folds};
use crate::domain::RunId;
use crate::fold::{CallStatus, Thread, TimelineItem, TurnStatus};

pub use context::{PlanPlace, RunPageContext};
pub use head::{glance, rail};
use live::LiveText;
pub use pinned::{line as pinned, state as pinned_state, told};

/// What an entry's rows depend on besides the width; equal keys mean equal rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// It will not change any more but by folding.
    Settled(Fold),
    /// It may look different in the next frame.
    Open,
}

#[derive(Clone, Debug)]
struct Entry {
    key: Key,
    rows: Vec<Row>,
    /// Its anchor, and on which of its rows that is.
    stop: Option<(Anchor, usize)>,
}

impl Entry {
    fn new(key: Key, rows: Vec<Row>) -> Self {
        // An entry has one anchor, on its first row or behind the blank one before it.
        let stop = rows.iter().take(2).enumerate().find_map(|(at, row)| Some((row.anchor?, at)));
        Self { key, rows, stop }
    }
}

/// The last layout of a page, from which the next one is made.
#[derive(Clone, Debug, Default)]
pub struct RunPageCache {
    layout: Option<(RunId, usize)>,
    /// Version of the thread and of the folds that `entries` reflect.
    versions: (u64, u64),
    head: Vec<Row>,
    entries: Vec<Entry>,
    /// Row at which each entry begins, and one more for the end.
    starts: Vec<usize>,
    live: LiveText,
    tail: Vec<Row>,
    /// Entries laid out by the last `update`: the work a frame costs.
    pub laid_out: usize,
}

impl RunPageCache {
    /// Brings the layout up to date. Costs what changed since the last time, not what ever happened.
    pub fn update(&mut self, context: &RunPageContext<'_>) {
        let layout = Some((context.run.id, context.width));
        if self.layout != layout {
            *self = Self { layout, ..Self::default() };
        }
        self.head = head::rows(context);
        self.laid_out = 0;
        match context.thread {
            Some(thread) => self.update_entries(context, thread),
            None => self.entries.clear(),
        }
        self.tail = self.live.rows(context);
        self.place();
    }

    fn update_entries(&mut self, context: &RunPageContext<'_>, thread: &Thread) {
        // A replay may go back to before something settled.
        let (thread_before, folds_before) = self.versions;
        let goes_on = thread_before <= thread.version && folds_before == context.folds.version;
        self.versions = (thread.version, context.folds.version);
        self.entries.truncate(thread.timeline.len());
        for (place, item) in thread.timeline.iter().enumerate() {
            let known = self.entries.get(place).map(|entry| entry.key);
            if goes_on && matches!(known, Some(Key::Settled(_))) {
                continue;
            }
            let key = key_of(place, &item.item, thread, context.folds);
            if known == Some(key) && key != Key::Open {
                continue;
            }
            let rows = entry::rows(place, item, thread, context);
            self.laid_out += 1;
            match self.entries.get_mut(place) {
                Some(entry) => *entry = Entry::new(key, rows),
                None => self.entries.push(Entry::new(key, rows)),
            }
        }
    }

    fn place(&mut self) {
        let mut at = self.head.len();
        self.starts.clear();
        for entry in &self.entries {
            self.starts.push(at);
            at += entry.rows.len();
        }
        self.starts.push(at);
    }

    /// Rows of the whole page.
    pub fn height(&self) -> usize {
        self.starts.last().copied().unwrap_or(self.head.len()) + self.tail.len()
    }

    /// Each anchor with its first row, from top to bottom.
    pub fn stops(&self) -> Vec<(Anchor, usize)> {
        let mut stops: Vec<(Anchor, usize)> = Vec::with_capacity(self.entries.len() + 1);
        stops.extend(self.head.iter().enumerate().filter_map(|(at, row)| Some((row.anchor?, at))));
        let entries = self.entries.iter().zip(&self.starts);
        stops.extend(entries.filter_map(|(entry, start)| entry.stop.map(|(anchor, at)| (anchor, start + at))));
        stops
    }

    /// The rows of a stretch of the page.
    pub fn rows(&self, range: Range<usize>) -> Vec<Row> {
        let mut rows = Vec::with_capacity(range.len());
        push_part(&self.head, 0, &range, &mut rows);
        let first = self.starts.partition_point(|start| *start <= range.start).saturating_sub(1);
        for (entry, start) in self.entries.iter().zip(&self.starts).skip(first) {
            if *start >= range.end {
                break;
            }
            push_part(&entry.rows, *start, &range, &mut rows);
        }
        let end = self.starts.last().copied().unwrap_or(self.head.len());
        push_part(&self.tail, end, &range, &mut rows);
        rows
    }

    /// The end of what it did, at most `room` rows of it.
    pub fn end(&self, room: usize) -> Vec<Row> {
        self.rows(self.height().saturating_sub(room).max(self.head.len())..self.height())
    }

    /// Everything, for copying and for tests.
    pub fn all(&self) -> Vec<Row> {
        self.rows(0..self.height())
    }
}

/// The part of `block`, which begins at row `start`, that lies in `range`.
fn push_part(block: &[Row], start: usize, range: &Range<usize>, rows: &mut Vec<Row>) {
    let from = range.start.saturating_sub(start);
    let to = range.end.saturating_sub(start).min(block.len());
    if let Some(part) = block.get(from..to) {
        rows.extend(part.iter().cloned());
    }
}

fn key_of(place: usize, item: &TimelineItem, thread: &Thread, folds: &Folds) -> Key {
    match item {
        TimelineItem::Turn(turn) => match turn::find(thread, *turn) {
            Some(entry) if entry.status != TurnStatus::Open => Key::Settled(folds.of(Anchor::Turn(*turn))),
            _ => Key::Open,
        },
        TimelineItem::Call(call) => match thread.calls.get(call).map(|entry| &entry.status) {
            Some(CallStatus::Settled(_)) => Key::Settled(folds.of(Anchor::Call(*call))),
            _ => Key::Open,
        },
        TimelineItem::Started
        | TimelineItem::PlanAdopted
        | TimelineItem::Paused(_)
        | TimelineItem::Resumed
        | TimelineItem::Recovered(_)
        | TimelineItem::CancelRequested(_)
        | TimelineItem::Ended => Key::Settled(folds.of(Anchor::Entry(place))),
    }
}

#[cfg(test)]
mod tests;
