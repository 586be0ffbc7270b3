//! Everything live and recent, in memory; and the rows that the store keeps of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde_json::Value;

use super::thread::Thread;
use crate::domain::{Actor, ApprovalId, BudgetScope, CallNo, ModelReply, RunId, Spent, Timestamp};
use crate::kinds::{
    Approval, BudgetGauge, Command, DaySpend, Decided, Envelope, Event, IncidentEvent, Kept, Row, RowKey, RowKind, Run,
    Stamp, Stream, Table, Wanted, World, with_kinds,
};

macro_rules! define_snapshot {
    (kept { $($Kept:ident = $kept:literal, $table:ident, $tag:literal;)* } events { $($Bare:ident = $bare:literal, $bare_tag:literal;)* }) => {
        /// What is open and what ended lately of every kind, what recent days cost, and the threads that are open.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Snapshot {
            /// `seq` of the last event taken in; 0 for none.
            pub cursor: u64,
            $(pub $table: Table<$crate::kinds::$Kept>,)*
            pub spend: BTreeMap<NaiveDate, DaySpend>,
            /// Histories of the runs somebody works on or looks at.
            pub threads: BTreeMap<RunId, Thread>,
        }

        impl Snapshot {
            /// Version of a stream as far as its row reflects it; 0 for one that is not here.
            pub fn version(&self, stream: Stream) -> u64 {
                match stream {
                    $(Stream::$Kept(id) => self.$table.get(&id).map_or(0, Kept::version),)*
                    // Numbered by the store that keeps it.
                    $(Stream::$Bare(_) => 0,)*
                }
            }

            /// The rows that time alone asks something of, with when, and what they would ask of themselves.
            pub fn due(&self) -> impl Iterator<Item = (Timestamp, Command)> + '_ {
                std::iter::empty()$(.chain(self.$table.iter().filter_map(|(id, row)| {
                    Some((row.index().due?, Command::$Kept { id: *id, verb: row.when_due()? }))
                })))*
            }

            /// The runs that what is open wants, and that are not here.
            pub fn wanted(&self) -> Vec<Wanted> {
                let mut wanted = Vec::new();
                $(wanted.extend(self.$table.values().flat_map(|row| self.wants_of(row)));)*
                wanted
            }

            /// The same of one thing.
            pub fn wanted_by(&self, stream: Stream) -> Vec<Wanted> {
                match stream {
                    $(Stream::$Kept(id) => self.$table.get(&id).map(|row| self.wants_of(row)).unwrap_or_default(),)*
                    $(Stream::$Bare(_) => Vec::new(),)*
                }
            }

            /// What a thing asks of itself where a run that it wants cannot be started.
            pub fn when_unstarted(&self, wanted: &Wanted, reason: &str) -> Option<Command> {
                match wanted.of {
                    $(Stream::$Kept(id) => {
                        let verb = self.$table.get(&id)?.when_unstarted(wanted.run(), reason)?;
                        Some(Command::$Kept { id, verb })
                    })*
                    $(Stream::$Bare(_) => None,)*
                }
            }

            /// What those in memory remember of the end of something.
            pub fn told(&self, of: Stream, event: &Event) -> Vec<Decided> {
                let mut told = Vec::new();
                $(told.extend(self.$table.iter().filter_map(|(id, row)| {
                    Some(Decided::of::<$crate::kinds::$Kept>(*id, &Actor::System, row.told(self, of, event)?))
                }));)*
                told
            }

            /// Streams whose rows that of `stream` is decided with.
            pub fn waits_for(&self, stream: Stream) -> Vec<Stream> {
                match stream {
                    $(Stream::$Kept(id) => self.$table.get(&id).map(Kept::waits_for).unwrap_or_default(),)*
                    $(Stream::$Bare(_) => Vec::new(),)*
                }
            }

            /// What a stream is a part of.
            pub fn parent(&self, stream: Stream) -> Option<Stream> {
                match stream {
                    $(Stream::$Kept(id) => self.$table.get(&id)?.index().parent,)*
                    $(Stream::$Bare(_) => None,)*
                }
            }

            /// Takes an event into the row of its stream; whether that changed it.
            fn take_into_row(&mut self, envelope: &Envelope) -> bool {
                match envelope.stream {
                    $(Stream::$Kept(id) => {
                        let Event::$Kept(event) = &envelope.event else { return false };
                        take(&mut self.$table, id, event, envelope)
                    })*
                    $(Stream::$Bare(_) => false,)*
                }
            }

            fn row_of_stream(&self, stream: Stream, key: &RowKey) -> Option<Row> {
                match stream {
                    $(Stream::$Kept(id) => Row::of(key.clone(), self.$table.get(&id)?),)*
                    $(Stream::$Bare(_) => None,)*
                }
            }

            /// Takes in a stored row, replacing what is in memory under that key.
            pub fn load(&mut self, row: &Row) -> Result<(), serde_json::Error> {
                match row.key.kind {
                    $(RowKind::$Kept => {
                        let kept: $crate::kinds::$Kept = serde_json::from_str(&row.body)?;
                        self.$table.insert(kept.id(), kept);
                    })*
                    RowKind::Spend => {
                        if let Ok(day) = row.key.id.parse() {
                            self.spend.insert(day, serde_json::from_str(&row.body)?);
                        }
                    }
                }
                Ok(())
            }

            /// Takes in the rows of streams that `other` has.
            pub fn extend(&mut self, other: &Self) {
                $(self.$table.extend(other.$table.iter().map(|(id, kept)| (*id, kept.clone())));)*
            }

            /// Makes the row under `key` what it is in `other`.
            pub fn restore(&mut self, other: &Self, key: &RowKey) {
                match key.stream() {
                    $(Some(Stream::$Kept(id)) => put_back(&mut self.$table, &other.$table, id),)*
                    $(Some(Stream::$Bare(_)) => {})*
                    None => {
                        if let Ok(day) = key.id.parse() {
                            put_back(&mut self.spend, &other.spend, day);
                        }
                    }
                }
            }

            /// Drops what has ended and nobody needs, but for the newest of each kind.
            fn forget_but(&mut self, kept: usize) {
                let mut needed: BTreeSet<Stream> = self.threads.keys().copied().map(Stream::Run).collect();
                $(needed.extend(self.$table.values().flat_map(Kept::waits_for));)*
                $(for id in ended(&self.$table, kept) {
                    if !needed.contains(&Stream::$Kept(id)) {
                        self.$table.remove(&id);
                    }
                })*
            }
        }
    };
}

macro_rules! implement_world {
    (kept { $($Kept:ident = $kept:literal, $table:ident, $tag:literal;)* } events { $($bare:tt)* }) => {
        impl World for Snapshot {
            $(fn $table(&self) -> &Table<$crate::kinds::$Kept> {
                &self.$table
            })*

            fn runs_since(&self, day: NaiveDate) -> u64 {
                self.spend.range(day..).map(|(_, spend)| spend.runs).sum()
            }

            fn arguments(&self, run: RunId, call: CallNo) -> Option<&Value> {
                Some(&self.threads.get(&run)?.calls.get(&call)?.call.args)
            }
        }
    };
}

with_kinds!(define_snapshot);
with_kinds!(implement_world);

fn take<K: Kept>(table: &mut Table<K>, id: K::Id, event: &K::Event, envelope: &Envelope) -> bool {
    let stamp = Stamp { version: envelope.version, at: envelope.at, by: &envelope.by };
    // A row read from the store may already reflect the event.
    if envelope.version <= table.get(&id).map_or(0, Kept::version) {
        return false;
    }
    if let Some(begun) = K::begin(id, event, &stamp) {
        table.insert(id, begun);
    } else if let Some(kept) = table.get_mut(&id) {
        kept.apply(event, &stamp);
    }
    true
}

fn put_back<I: Ord + Copy, T: Clone>(table: &mut BTreeMap<I, T>, other: &BTreeMap<I, T>, id: I) {
    match other.get(&id) {
        Some(row) => table.insert(id, row.clone()),
        None => table.remove(&id),
    };
}

/// What has ended, the oldest first, without the newest `kept`.
fn ended<K: Kept>(table: &Table<K>, kept: usize) -> Vec<K::Id> {
    let mut ended: Vec<_> = table.iter().filter(|(_, row)| !row.index().is_open).map(|(id, _)| *id).collect();
    ended.truncate(ended.len().saturating_sub(kept));
    ended
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
        let mut touched = BTreeSet::new();
        let is_erased = matches!(envelope.event, Event::Erased(_));
        let is_taken = !is_erased && self.take_into_row(envelope);
        // A row may be newer than the cursor and have it already; the sums of days are exactly as old as the cursor.
        if is_taken || is_erased || envelope.seq != 0 {
            touched.extend(envelope.event.spent().map(|reply| self.spend(envelope, reply)));
            touched.extend(envelope.event.begins_run().then(|| self.count_run(envelope)));
            touched.extend(self.count_end(envelope));
            touched.extend(self.count_resolved(envelope));
        }
        if is_taken {
            touched.extend(envelope.stream.row());
            if let Stream::Run(run) = envelope.stream
                && let Some(thread) = self.threads.get_mut(&run)
            {
                thread.apply(envelope);
            }
        }
        touched
    }

    fn wants_of<K: Kept>(&self, row: &K) -> Vec<Wanted> {
        let mut wanted = row.wants();
        wanted.retain(|wanted| row.index().is_open && !self.runs.contains_key(&wanted.run()));
        wanted
    }

    /// The run that a stream is of, or belongs to.
    pub fn run_of(&self, stream: Stream) -> Option<RunId> {
        stream.run().or_else(|| self.parent(stream)?.run())
    }

    fn spend(&mut self, envelope: &Envelope, reply: &ModelReply) -> RowKey {
        let day = envelope.at.date_naive();
        let run = envelope.stream.run().and_then(|run| self.runs.get(&run));
        self.spend.entry(day).or_default().add(reply, envelope.at, run);
        RowKey { kind: RowKind::Spend, id: day.to_string() }
    }

    fn count_run(&mut self, envelope: &Envelope) -> RowKey {
        let day = envelope.at.date_naive();
        self.spend.entry(day).or_default().runs += 1;
        RowKey { kind: RowKind::Spend, id: day.to_string() }
    }

    fn count_end(&mut self, envelope: &Envelope) -> Option<RowKey> {
        let Stream::Run(run) = envelope.stream else { return None };
        let run = self.runs.get(&run).filter(|_| envelope.event.ends())?;
        let day = envelope.at.date_naive();
        let spend = self.spend.entry(day).or_default();
        spend.add_end(run);
        if self.incidents.values().any(|incident| incident.runs.iter().any(|linked| linked.run == run.id)) {
            spend.incidents.add(run);
        }
        Some(RowKey { kind: RowKind::Spend, id: day.to_string() })
    }

    fn count_resolved(&mut self, envelope: &Envelope) -> Option<RowKey> {
        let Event::Incident(IncidentEvent::Resolved {}) = envelope.event else { return None };
        let day = envelope.at.date_naive();
        self.spend.entry(day).or_default().incidents.resolved += 1;
        Some(RowKey { kind: RowKind::Spend, id: day.to_string() })
    }

    /// Counts runs that were pruned; only for a fold of the whole log.
    pub fn count_pruned_runs(&mut self, began: &BTreeMap<NaiveDate, u64>) -> BTreeSet<RowKey> {
        let count = |(day, runs): (&NaiveDate, &u64)| {
            self.spend.entry(*day).or_default().runs += runs;
            RowKey { kind: RowKind::Spend, id: day.to_string() }
        };
        began.iter().map(count).collect()
    }

    /// Counts what calls cost that were pruned; only for a fold of the whole log, since stored days have it already.
    pub fn count_pruned(&mut self, spent: &[Spent]) -> BTreeSet<RowKey> {
        let count = |spent: &Spent| {
            self.spend.entry(spent.day).or_default().add_spent(spent);
            RowKey { kind: RowKind::Spend, id: spent.day.to_string() }
        };
        spent.iter().map(count).collect()
    }

    /// The row to store for a key that `apply` returned; `None` when it is not in memory.
    pub fn row(&self, key: &RowKey) -> Option<Row> {
        if let Some(stream) = key.stream() {
            return self.row_of_stream(stream, key);
        }
        let day: NaiveDate = key.id.parse().ok()?;
        let body = serde_json::to_string(self.spend.get(&day)?).ok()?;
        Some(Row::new(key.clone(), &DaySpend::index(day), body))
    }

    /// Requests that want a person, oldest first.
    pub fn open_approvals(&self) -> impl Iterator<Item = &Approval> {
        self.approvals.values().filter(|approval| approval.state.is_open())
    }

    /// The request by which a call is asked for as somebody changed it in `edited`.
    pub fn asked_instead_of(&self, edited: ApprovalId) -> Option<&Approval> {
        self.approvals.values().find(|approval| approval.edit.as_ref().is_some_and(|edit| edit.request == edited))
    }

    /// How far the budgets are used, each as the run was started under it that it held for last.
    pub fn budgets(&self, now: Timestamp) -> Vec<BudgetGauge> {
        if self.runs.values().all(|run| run.limits.budgets.is_none()) {
            return Vec::new();
        }
        let mut newest: BTreeMap<BudgetScope, &Run> = BTreeMap::new();
        for run in self.runs.values() {
            for scope in BudgetScope::of_run(&run.agent, &run.started_by) {
                let last = newest.entry(scope).or_insert(run);
                if (last.started_at, last.id) < (run.started_at, run.id) {
                    *last = run;
                }
            }
        }
        let gauges = |(scope, run): (&BudgetScope, &&Run)| {
            BudgetGauge::of_scope(&run.limits.budgets, scope, &self.spend, now.date_naive())
        };
        newest.iter().flat_map(gauges).collect()
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
}
