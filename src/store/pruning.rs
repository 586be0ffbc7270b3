//! What pruning removes, and what it leaves so that the chain can still be verified. Pure, the same for every store.
//!
//! It goes in portions of whole runs, each in a transaction of its own with the event that tells of it. So others can
//! write in between, and one that is killed leaves nothing but portions that are done and told, and those that are not.
//!
//! Of a pruned event stay its place, the hash of the row before it and its own; body and actor are gone. An event in
//! the log, `access.log_pruned`, says how many were removed, from which to which, and the SHA-256 over what was left of
//! them: one line each, in the order of `seq`, line feed included and without blanks,
//!
//! ```text
//! [<seq>,"<stream>",<version>,<at>,"<prev>","<hash>"]
//! ```
//!
//! So a pruned stretch is as hard to forge as the event that tells of it, and a row that is removed by hand, or moved
//! among the pruned ones, is one that no event tells of.

use sha2::{Digest, Sha256};

use super::chain::Link;
use crate::kinds::{AccessEvent, Event, Stream};
use crate::ports::{LogError, LogErrorKind, Pruning};

/// An output may be stored again, and not named yet, by whoever works on a run; so they are removed only while nobody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputsPruned {
    Removed(u64),
    LeftForTheNextTime,
}

/// What is left of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub seq: u64,
    pub stream: Stream,
    pub version: u64,
    /// Microseconds since 1970 UTC.
    pub at: i64,
    pub prev: Link,
    pub hash: Link,
}

/// What one pruning left, row by row.
#[derive(Clone, Debug, Default)]
pub(super) struct Remains {
    hasher: Sha256,
    events: u64,
    first: u64,
    last: u64,
    /// The time of the latest, in microseconds.
    latest: i64,
}

impl Remains {
    /// The next row, in the order of `seq`.
    pub fn take(&mut self, left: &Left) {
        let Left { seq, stream, version, at, prev, hash } = left;
        self.hasher.update(format!("[{seq},\"{stream}\",{version},{at},\"{prev}\",\"{hash}\"]\n"));
        if self.events == 0 {
            (self.first, self.latest) = (*seq, *at);
        }
        self.events += 1;
        self.last = *seq;
        self.latest = self.latest.max(*at);
    }

    pub fn digest(&self) -> String {
        hex::encode(self.hasher.clone().finalize())
    }

    /// The event that tells of it; `Conflict` when these are not the events that were looked at.
    pub fn event(&self, pruning: &Pruning) -> Result<AccessEvent, LogError> {
        if self.events != pruning.events {
            return Err(changed(pruning, self.events));
        }
        Ok(AccessEvent::LogPruned {
            ended_before: pruning.ended_before,
            events: self.events,
            first: self.first,
            last: self.last,
            digest: self.digest(),
            spent: pruning.spent.clone(),
            began: pruning.began.clone(),
        })
    }

    /// `Conflict` when the log would be told something else of them.
    pub fn check(&self, pruning: &Pruning, told: &Event) -> Result<(), LogError> {
        match Event::Account(self.event(pruning)?) == *told {
            true => Ok(()),
            false => Err(changed(pruning, self.events)),
        }
    }

    /// What is wrong with these remains, given the event at `prune_seq`, where there is one.
    pub fn problem(&self, prune_seq: u64, told: Option<&Event>) -> Option<String> {
        let (first, last) = (self.first, self.last);
        let Some(Event::Account(AccessEvent::LogPruned {
            ended_before, events, first: from, last: to, digest, ..
        })) = told
        else {
            return Some(format!(
                "events from {first} to {last} were removed, and event {prune_seq} does not tell of it"
            ));
        };
        if (*events, *from, *to) != (self.events, first, last) || *digest != self.digest() {
            return Some(format!(
                "what is left of events from {from} to {to} is not what event {prune_seq} left there: somebody changed it"
            ));
        }
        (self.latest >= ended_before.timestamp_micros())
            .then(|| format!("event {prune_seq} removed events that are younger than it says"))
    }
}

/// Somebody appended to what is to be removed, so it has to be looked at again.
pub(super) fn changed(pruning: &Pruning, events: u64) -> LogError {
    LogError::new(
        LogErrorKind::Conflict,
        format!("what was to be pruned had {} events, and has {events} now", pruning.events),
        "repeat it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Actor, RunId, Timestamp};

    #[test]
    fn remains_are_told_by_the_digest_of_their_lines() {
        let stream = Stream::Run(RunId(uuid::Uuid::from_u128(7)));
        let mut remains = Remains::default();
        let left = Left { seq: 3, stream, version: 1, at: 5, prev: Link::NONE, hash: Link::of("x") };
        remains.take(&left);
        let line = format!("[3,\"{stream}\",1,5,\"\",\"{}\"]\n", Link::of("x"));
        assert_eq!(remains.digest(), Link::of(&line).to_string());

        let pruning = Pruning {
            ended_before: Timestamp::from_timestamp_micros(6).unwrap(),
            streams: vec![stream],
            events: 1,
            spent: Vec::new(),
            began: Default::default(),
            at: Timestamp::from_timestamp_micros(7).unwrap(),
            by: Actor::System,
        };
        let told = Event::Account(remains.event(&pruning).unwrap());
        assert_eq!(remains.event(&Pruning { events: 2, ..pruning.clone() }).unwrap_err().kind, LogErrorKind::Conflict);
        assert_eq!(remains.problem(10, Some(&told)), None);
        assert!(remains.problem(10, None).unwrap().contains("event 10 does not tell of it"));
        let mut more = remains.clone();
        more.take(&Left { seq: 4, ..left });
        assert!(more.problem(10, Some(&told)).unwrap().contains("somebody changed it"));
        let early = Pruning { ended_before: Timestamp::from_timestamp_micros(5).unwrap(), ..pruning };
        let younger = Event::Account(remains.event(&early).unwrap());
        assert!(remains.problem(10, Some(&younger)).unwrap().contains("younger"));
    }
}
