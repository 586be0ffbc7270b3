//! What `verify` makes of one row after the other: gaps, broken links, versions out of turn, saved heads off the chain.
//!
//! Pure, the same for every store. Holds one number per stream in memory.

use std::collections::{BTreeMap, HashMap};

use super::chain::{Chain, Columns, Link, Place};
use super::pruning::{Left, Remains};
use crate::domain::Tenant;
use crate::kinds::Stream;
use crate::ports::{Head, VerifyReport};

/// After this many problems only their number is of interest.
const MOST_PROBLEMS: usize = 200;

/// A row's columns, as far as the chain needs them.
pub(super) struct Examined<'a> {
    pub stream: Stream,
    pub version: u64,
    pub at: i64,
    pub actor: &'a str,
    pub prev: Link,
    /// Its own hash, in stores that keep it beside the row.
    pub hash: Option<Link>,
    pub body: &'a str,
}

/// What came of it, and what the log has yet to tell of.
pub(super) struct Examination {
    pub report: VerifyReport,
    /// What each pruning left, by the number of the event that should tell of it.
    pub remains: BTreeMap<u64, Remains>,
}

/// What the examination has come to so far.
pub(super) struct Examiner {
    chain: Chain,
    /// The row taken last; its link is unknown when it could not be read.
    last: Place,
    last_is_sound: bool,
    events: u64,
    pruned: u64,
    /// What each pruning left, by the number of the event that should tell of it.
    remains: BTreeMap<u64, Remains>,
    versions: HashMap<Stream, u64>,
    problems: Vec<(u64, String)>,
    unlisted: usize,
}

impl Examiner {
    pub fn new(tenant: &Tenant) -> Self {
        Self {
            chain: Chain::after(tenant, Link::NONE),
            last: Place::default(),
            last_is_sound: true,
            events: 0,
            pruned: 0,
            remains: BTreeMap::new(),
            versions: HashMap::new(),
            problems: Vec::new(),
            unlisted: 0,
        }
    }

    pub fn note(&mut self, seq: u64, problem: String) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push((seq, problem));
        } else {
            self.unlisted += 1;
        }
    }

    /// `seq` of the row taken last.
    pub fn reached(&self) -> u64 {
        self.last.seq
    }

    /// The next row; the error says why it cannot be read.
    pub fn take(&mut self, seq: u64, row: Result<Examined<'_>, String>) {
        self.events += 1;
        match row {
            Ok(row) => self.follow(seq, &row),
            Err(why) => {
                self.note(seq, format!("event {seq} cannot be read: {why}"));
                self.last = Place { seq, link: Link::NONE };
                self.last_is_sound = false;
            }
        }
    }

    /// What is left of the next row, which the event `prune_seq` should tell of; the error says why it cannot be read.
    pub fn take_left(&mut self, seq: u64, prune_seq: u64, left: Result<Left, String>) {
        self.pruned += 1;
        match left {
            Ok(left) => {
                self.events += 1;
                self.place(seq, left.prev, left.stream, left.version);
                self.last = Place { seq, link: left.hash };
                self.last_is_sound = true;
                self.remains.entry(prune_seq).or_default().take(&left);
            }
            Err(why) => self.take(seq, Err(why)),
        }
    }

    /// What each pruning left.
    pub fn remains(&mut self) -> BTreeMap<u64, Remains> {
        std::mem::take(&mut self.remains)
    }

    fn follow(&mut self, seq: u64, row: &Examined<'_>) {
        self.place(seq, row.prev, row.stream, row.version);
        let columns =
            Columns { seq, stream: row.stream, version: row.version, at: row.at, actor: row.actor, body: row.body };
        self.last = Place { seq, link: self.chain.push(row.prev, &columns) };
        self.last_is_sound = true;
        if row.hash.is_some_and(|hash| hash != self.last.link) {
            self.note(seq, format!("event {seq} carries another SHA-256 than its own: one of the two was changed"));
        }
    }

    /// Whether the row stands where it should: after the one it names, and in its turn of the stream.
    fn place(&mut self, seq: u64, prev: Link, stream: Stream, version: u64) {
        let follows_directly = seq == self.last.seq + 1;
        match seq - self.last.seq {
            0 if seq > 0 => self.note(seq, format!("event {seq} is there twice")),
            0 | 1 => {}
            2 => self.note(seq - 1, format!("event {} is missing", seq - 1)),
            _ => self.note(self.last.seq + 1, format!("events {} to {} are missing", self.last.seq + 1, seq - 1)),
        }
        if follows_directly && self.last_is_sound && prev != self.last.link {
            self.note(seq - 1, broken_link(seq));
        }
        let last = self.versions.entry(stream).or_default();
        let expected = *last + 1;
        *last = version;
        if version != expected {
            self.note(seq, format!("event {seq} has version {version} of {stream}, where {expected} should follow"));
        }
    }

    /// A saved head whose place has just been reached or passed.
    pub fn compare(&mut self, saved: &Head) {
        let seq = saved.seq;
        // Nothing precedes the first event, and every log agrees on that.
        if seq == 0 {
            return;
        }
        if seq != self.last.seq {
            self.note(seq, format!("the head saved at event {seq} has no such event any more"));
        } else if self.last_is_sound && Link::from_hex(&saved.hash) != Some(self.last.link) {
            self.note(seq, format!("the log up to event {seq} is not the one whose head was saved there"));
        }
    }

    /// Where a row of its own names the end of the chain.
    pub fn check_head_row(&mut self, head: Place) {
        let end = self.last;
        if head.seq != end.seq {
            self.note(
                head.seq.min(end.seq) + 1,
                format!("the head row names event {}, the last one is event {}", head.seq, end.seq),
            );
        } else if self.last_is_sound && head.link != end.link {
            self.note(end.seq, format!("the head row carries another SHA-256 than that of event {}", end.seq));
        }
    }

    /// After the last row, with the saved heads that were not reached.
    pub fn finish<'a>(&mut self, unreached: impl Iterator<Item = &'a Head>) {
        let end = self.last.seq;
        for saved in unreached.filter(|saved| saved.seq > 0) {
            let seq = saved.seq;
            self.note(end + 1, format!("a head was saved at event {seq}, but the log ends at event {end}: it was cut"));
        }
    }

    pub fn report(mut self, head: Head, checked: Vec<Head>) -> VerifyReport {
        self.problems.sort_by_key(|(seq, _)| *seq);
        let mut problems: Vec<_> = self.problems.into_iter().map(|(_, problem)| problem).collect();
        if self.unlisted > 0 {
            problems.push(format!("and {} more", self.unlisted));
        }
        VerifyReport { events: self.events, pruned: self.pruned, head, checked, problems }
    }
}

fn broken_link(seq: u64) -> String {
    match seq {
        1 => "event 1 names a row before it, but it is the first".to_owned(),
        _ => format!("event {} is not the row that event {seq} follows: one of the two was changed or moved", seq - 1),
    }
}
