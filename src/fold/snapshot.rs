//! Everything live and recent, in memory; and the rows that the store keeps of it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::Deserialize;
use serde::Serialize;

use super::approval::Approval;
use super::run::Run;
use super::spend::DaySpend;
use super::thread::Thread;
use crate::domain::ApprovalEvent;
use crate::domain::ApprovalId;
use crate::domain::Envelope;
use crate::domain::ErasedEvent;
use crate::domain::Event;
use crate::domain::RunEvent;
use crate::domain::RunId;
use crate::domain::Spent;
use crate::domain::Stream;
use crate::domain::Timestamp;

/// Open runs and requests, the recent ones that ended, what recent days cost, and the threads that are open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// `seq` of the last event taken in; 0 for none.
    pub cursor: u64,
    pub runs: BTreeMap<RunId, Run>,
    pub approvals: BTreeMap<ApprovalId, Approval>,
    pub spend: BTreeMap<NaiveDate, DaySpend>,
    /// Histories of the runs somebody works on or looks at.
    pub threads: BTreeMap<RunId, Thread>,
}

/// A projection's row kinds; the store keeps one table for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    Run,
    Approval,
    Spend,
}

impl RowKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Approval => "approval",
            Self::Spend => "spend",
        }
    }
}

/// Which row: its kind and its id as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    pub kind: RowKind,
    pub id: String,
}

/// A row as stored. `is_open` and `sort` are what it is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub key: RowKey,
    /// Whether it still needs somebody or something.
    pub is_open: bool,
    /// Newest first: when it began, for a day its date.
    pub sort: Timestamp,
    /// JSON of `Run`, `Approval` or `DaySpend`.
    pub body: String,
}

impl Snapshot {
    /// Ended runs and settled requests kept in memory, of each.
    pub const RECENT: usize = 200;

    /// Takes in the next event and says which rows it changed. An event at or before the cursor changes nothing.
    pub fn apply(&mut self, envelope: &Envelope) -> BTreeSet<RowKey> {
        if envelope.seq != 0 && envelope.seq <= self.cursor {
            return BTreeSet::new();
        }
        self.cursor = self.cursor.max(envelope.seq);
        match (&envelope.event, envelope.stream) {
            (Event::Run(event), Stream::Run(id)) => self.apply_run(id, event, envelope),
            (Event::Approval(event), Stream::Approval(id)) => self.apply_approval(id, event, envelope),
            // Accounts have rows of their own, which the store keeps beside the secrets that no event may hold.
            (Event::Access(_), _) => BTreeSet::new(),
            (Event::Erased(event), _) => self.apply_erased(event, envelope),
            (Event::Run(_), Stream::Approval(_) | Stream::Account(_))
            | (Event::Approval(_), Stream::Run(_) | Stream::Account(_)) => BTreeSet::new(),
        }
    }

    fn apply_run(&mut self, id: RunId, event: &RunEvent, envelope: &Envelope) -> BTreeSet<RowKey> {
        let mut touched = BTreeSet::from([RowKey { kind: RowKind::Run, id: id.to_string() }]);
        // A row read from the store may already reflect the event.
        let known = self.runs.get(&id).map_or(0, |run| run.version);
        if envelope.version <= known {
            return BTreeSet::new();
        }
        if let RunEvent::Started { spec } = event {
            self.runs.insert(id, Run::started(id, spec, &envelope.by, envelope.at));
        }
        if let Some(run) = self.runs.get_mut(&id) {
            run.apply(event, envelope.version, envelope.at);
        }
        if let RunEvent::TurnFinished { reply, .. } = event {
            let day = envelope.at.date_naive();
            self.spend.entry(day).or_default().add(reply);
            touched.insert(RowKey { kind: RowKind::Spend, id: day.to_string() });
        }
        if let Some(thread) = self.threads.get_mut(&id) {
            thread.apply(envelope);
        }
        touched
    }

    fn apply_approval(&mut self, id: ApprovalId, event: &ApprovalEvent, envelope: &Envelope) -> BTreeSet<RowKey> {
        // A row read from the store may already reflect the event.
        let known = self.approvals.get(&id).map_or(0, |approval| approval.version);
        if envelope.version <= known {
            return BTreeSet::new();
        }
        if let Some(requested) = Approval::requested(id, event, &envelope.by, envelope.at) {
            self.approvals.insert(id, requested);
        } else if let Some(approval) = self.approvals.get_mut(&id) {
            approval.apply(event, envelope.version, &envelope.by, envelope.at);
        }
        BTreeSet::from([RowKey { kind: RowKind::Approval, id: id.to_string() }])
    }

    /// Counts what calls cost that were pruned; only for whoever folds the whole log, since stored days have it already.
    pub fn count_pruned(&mut self, spent: &[Spent]) -> BTreeSet<RowKey> {
        let count = |spent: &Spent| {
            self.spend.entry(spent.day).or_default().add_spent(spent);
            RowKey { kind: RowKind::Spend, id: spent.day.to_string() }
        };
        spent.iter().map(count).collect()
    }

    /// Of what was erased, only what it cost is left.
    fn apply_erased(&mut self, event: &ErasedEvent, envelope: &Envelope) -> BTreeSet<RowKey> {
        let ErasedEvent::Erased { spent: Some(spent), .. } = event else { return BTreeSet::new() };
        let day = envelope.at.date_naive();
        self.spend.entry(day).or_default().add(spent);
        BTreeSet::from([RowKey { kind: RowKind::Spend, id: day.to_string() }])
    }

    /// The row to store for a key that `apply` returned; `None` when it is not in memory.
    pub fn row(&self, key: &RowKey) -> Option<Row> {
        let (is_open, sort, body) = match key.kind {
            RowKind::Run => {
                let run = self.runs.get(&key.id.parse().ok()?)?;
                (!run.state.is_final(), run.started_at, serde_json::to_string(run).ok()?)
            }
            RowKind::Approval => {
                let approval = self.approvals.get(&key.id.parse().ok()?)?;
                (approval.state.is_open(), approval.requested_at, serde_json::to_string(approval).ok()?)
            }
            RowKind::Spend => {
                let day: NaiveDate = key.id.parse().ok()?;
                let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc();
                (false, midnight, serde_json::to_string(self.spend.get(&day)?).ok()?)
            }
        };
        Some(Row { key: key.clone(), is_open, sort, body })
    }

    /// Takes in a stored row, replacing what is in memory under that key.
    pub fn load(&mut self, row: &Row) -> Result<(), serde_json::Error> {
        match row.key.kind {
            RowKind::Run => {
                let run: Run = serde_json::from_str(&row.body)?;
                self.runs.insert(run.id, run);
            }
            RowKind::Approval => {
                let approval: Approval = serde_json::from_str(&row.body)?;
                self.approvals.insert(approval.id, approval);
            }
            RowKind::Spend => {
                if let Ok(day) = row.key.id.parse() {
                    self.spend.insert(day, serde_json::from_str(&row.body)?);
                }
            }
        }
        Ok(())
    }

    /// Requests that want a person, oldest first.
    pub fn open_approvals(&self) -> impl Iterator<Item = &Approval> {
        self.approvals.values().filter(|approval| approval.state.is_open())
    }

    /// The request by which a call is asked for as somebody changed it in `edited`.
    pub fn asked_instead_of(&self, edited: ApprovalId) -> Option<&Approval> {
        self.approvals.values().find(|approval| approval.edit.as_ref().is_some_and(|edit| edit.request == edited))
    }

    /// Runs, newest first.
    pub fn runs_newest_first(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().rev()
    }

    /// Drops the oldest of what has ended, so that memory does not grow with history.
    pub fn forget_old(&mut self) {
        self.forget_but(Self::RECENT);
    }

    /// Drops all that has ended and nobody works on, since the store may hold it no more.
    pub fn forget_ended(&mut self) {
        self.forget_but(0);
    }

    /// Drops what has ended, but for the newest of each kind.
    fn forget_but(&mut self, kept: usize) {
        let ended: Vec<_> = self.runs.values().filter(|run| run.state.is_final()).map(|run| run.id).collect();
        for id in ended.iter().take(ended.len().saturating_sub(kept)) {
            if !self.threads.contains_key(id) {
                self.runs.remove(id);
            }
        }
        let settled: Vec<_> =
            self.approvals.values().filter(|approval| !approval.state.is_open()).map(|approval| approval.id).collect();
        for id in settled.iter().take(settled.len().saturating_sub(kept)) {
            let awaited = self.approvals.get(id).is_some_and(|approval| {
                self.runs.get(&approval.run).is_some_and(|run| run.awaited().any(|wanted| wanted == *id))
            });
            if !awaited {
                self.approvals.remove(id);
            }
        }
    }
}
