//! A log in memory that keeps the port's promises: all of a batch or nothing, conflicts, fences, leases by its own
//! clock. Also remembers what every effect did to the world, which no log can know.

use std::collections::{BTreeMap, BTreeSet};

use morningai::domain::*;
use morningai::fold::Snapshot;
use morningai::kinds::Decided;
use morningai::kinds::*;
use sha2::{Digest, Sha256};

/// Microseconds that a lease lasts.
pub const LEASE: u64 = 3_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Conflict,
    Fenced,
    /// The process cannot reach the store.
    Unreachable,
}

#[derive(Default)]
pub struct Store {
    pub events: Vec<Envelope>,
    /// The projection rows, kept unfolded as long as nobody reads them: writing JSON is most of what a step costs.
    rows: Snapshot,
    leases: BTreeMap<RunId, Held>,
}

struct Held {
    owner: String,
    token: u64,
    until: u64,
}

/// What one process wants appended, and the rows that go with it, as they are in `snapshot`.
pub struct Batch<'a> {
    pub after: u64,
    pub events: Vec<Envelope>,
    pub touched: BTreeSet<RowKey>,
    pub snapshot: &'a Snapshot,
    pub fence: Option<(RunId, u64)>,
}

impl Store {
    pub fn append(&mut self, batch: Batch<'_>) -> Result<(), Refusal> {
        self.would_append(batch.after, batch.fence)?;
        self.events.extend(batch.events);
        batch.touched.iter().for_each(|key| self.put_row(key, batch.snapshot));
        Ok(())
    }

    fn put_row(&mut self, key: &RowKey, from: &Snapshot) {
        match key.kind {
            RowKind::Run => {
                let id = key.id.parse().unwrap();
                self.rows.runs.insert(id, from.runs[&id].clone());
            }
            RowKind::Approval => {
                let id = key.id.parse().unwrap();
                self.rows.approvals.insert(id, from.approvals[&id].clone());
            }
            RowKind::Incident => {
                let id = key.id.parse().unwrap();
                self.rows.incidents.insert(id, from.incidents[&id].clone());
            }
            RowKind::Page => {
                let id = key.id.parse().unwrap();
                self.rows.pages.insert(id, from.pages[&id].clone());
            }
            RowKind::Handover | RowKind::Maintenance | RowKind::Budget | RowKind::Subscription => {
                unreachable!("nothing here hands over, is maintained, has a budget or is paid for")
            }
            RowKind::Spend => {
                let day = key.id.parse().unwrap();
                self.rows.spend.insert(day, from.spend[&day].clone());
            }
        }
    }

    /// All rows, as stored.
    pub fn rows(&self) -> Vec<Row> {
        let key = |kind, id: String| RowKey { kind, id };
        let runs = self.rows.runs.keys().map(|id| key(RowKind::Run, id.to_string()));
        let approvals = self.rows.approvals.keys().map(|id| key(RowKind::Approval, id.to_string()));
        let days = self.rows.spend.keys().map(|day| key(RowKind::Spend, day.to_string()));
        let incidents = self.rows.incidents.keys().map(|id| key(RowKind::Incident, id.to_string()));
        runs.chain(approvals).chain(incidents).chain(days).map(|key| self.rows.row(&key).unwrap()).collect()
    }

    pub fn would_append(&self, after: u64, fence: Option<(RunId, u64)>) -> Result<(), Refusal> {
        if after != self.events.len() as u64 {
            return Err(Refusal::Conflict);
        }
        let holds = |(run, token): (RunId, u64)| {
            self.leases.get(&run).is_some_and(|held| held.token == token && !held.owner.is_empty())
        };
        if fence.is_none_or(holds) { Ok(()) } else { Err(Refusal::Fenced) }
    }

    /// The token, or `None` while somebody else's lease lasts.
    pub fn claim(&mut self, run: RunId, owner: &str, now: u64) -> Option<u64> {
        let until = now + LEASE;
        let held = self.leases.entry(run).or_insert(Held { owner: String::new(), token: 0, until: 0 });
        if held.owner != owner {
            if !held.owner.is_empty() && held.until > now {
                return None;
            }
            held.token += 1;
            owner.clone_into(&mut held.owner);
        }
        held.until = until;
        Some(held.token)
    }

    pub fn release(&mut self, run: RunId, owner: &str, token: u64) {
        if let Some(held) = self.leases.get_mut(&run).filter(|held| held.owner == owner && held.token == token) {
            held.owner.clear();
        }
    }

    pub fn stream(&self, run: RunId) -> Vec<Envelope> {
        self.events.iter().filter(|envelope| envelope.stream == Stream::Run(run)).cloned().collect()
    }

    /// SHA-256 over the whole log, as JSON.
    pub fn head(&self) -> String {
        let mut hash = Sha256::new();
        for envelope in &self.events {
            hash.update(serde_json::to_vec(envelope).unwrap());
        }
        hex::encode(hash.finalize())
    }
}

/// The place in its stream and in the log that a decision would get.
pub fn placed(decided: Decided, seq: u64, version: u64, at: Timestamp) -> Envelope {
    Envelope { seq, stream: decided.stream, version, at, by: decided.by, event: decided.event }
}
