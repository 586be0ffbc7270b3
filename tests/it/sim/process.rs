//! One process of the simulation: decides, appends, catches up, works on runs, exactly as `runtime` does, but one
//! small step at a time and with nothing of its own: time, ids and the store are handed in.

use std::collections::{BTreeMap, BTreeSet};

use morningai::domain::*;
use morningai::engine;
use morningai::engine::{Effect, Freshness, TakeUp, decide};
use morningai::fold::{Snapshot, Thread};
use morningai::kinds::*;

use super::cast;
use super::store::{Batch, LEASE, Refusal, Store, placed};

/// What processes share, and what the scheduler counts.
pub struct World {
    pub seed: u64,
    pub store: Store,
    /// True microseconds since the beginning.
    pub now: u64,
    /// Changes of it are drift.
    pub version: u64,
    ids: u128,
    /// How often each call's effect happened.
    pub happened: BTreeMap<(RunId, CallNo), u32>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        Self { seed, store: Store::default(), now: 0, version: 0, ids: 0, happened: BTreeMap::new() }
    }

    pub fn id(&mut self) -> uuid::Uuid {
        self.ids += 1;
        uuid::Uuid::from_u128(self.ids)
    }
}

pub struct Process {
    pub name: String,
    pub snapshot: Snapshot,
    pub workers: BTreeMap<RunId, Worker>,
    /// Microseconds its clock is ahead.
    pub skew: i64,
    pub is_cut_off: bool,
    pub is_stopped: bool,
}

pub struct Worker {
    token: u64,
    renewed: u64,
    pub flights: Vec<Flight>,
    is_cancelled: bool,
}

/// Something under way: nothing, some or all of it may have happened when its process is lost.
#[derive(Clone)]
pub enum Flight {
    Begin(Effect),
    FindOut(Effect),
    Doubt(Effect),
    Report(Box<Command>),
}

/// Why a decision did not come about.
#[derive(Debug)]
pub enum No {
    Rejected(Rejection),
    Refused(Refusal),
}

impl Process {
    /// Reads what the store has, as a start does.
    pub fn start(name: String, world: &World, skew: i64) -> Self {
        let mut snapshot = Snapshot { cursor: world.store.events.len() as u64, ..Snapshot::default() };
        for row in world.store.rows() {
            snapshot.load(&row).unwrap();
        }
        Self { name, snapshot, workers: BTreeMap::new(), skew, is_cut_off: false, is_stopped: false }
    }

    pub fn clock(&self, world: &World) -> Timestamp {
        let base = 1_790_000_000_000_000_i64;
        Timestamp::from_timestamp_micros(base + world.now as i64 + self.skew).unwrap()
    }

    pub fn catch_up(&mut self, world: &World) {
        for envelope in world.store.events.iter().skip(self.snapshot.cursor as usize) {
            self.snapshot.apply(envelope);
        }
    }

    /// Histories are open where somebody works, and read when first needed: then they may be newer than the rest.
    fn open_thread(&mut self, world: &World, run: RunId) {
        if self.snapshot.runs.contains_key(&run) && !self.snapshot.threads.contains_key(&run) {
            self.snapshot.threads.extend(Thread::of(&world.store.stream(run)).map(|thread| (run, thread)));
        }
    }

    /// Decides on what it knows; on a conflict reads on and decides again.
    pub fn commit(
        &mut self,
        world: &mut World,
        commands: &[(Command, Actor)],
        fence: Option<(RunId, u64)>,
    ) -> Result<Vec<Envelope>, No> {
        'again: loop {
            commands
                .iter()
                .filter_map(|(command, _)| needs_thread(command))
                .for_each(|run| self.open_thread(world, run));
            let at = self.clock(world);
            let after = self.snapshot.cursor;
            let mut events = Vec::new();
            let mut touched = BTreeSet::new();
            for (index, (command, by)) in commands.iter().enumerate() {
                let decided = match decide(&self.snapshot, command.clone(), by, at) {
                    Ok(decided) => decided,
                    Err(rejection) if index == 0 => return Err(No::Rejected(rejection)),
                    Err(_) => continue,
                };
                if events.is_empty() && !decided.is_empty() {
                    // Asked before anything is applied, so that nothing has to be taken back.
                    match self.would_append(world, fence) {
                        Ok(()) => {}
                        Err(Refusal::Conflict) => {
                            self.catch_up(world);
                            continue 'again;
                        }
                        Err(refusal) => return Err(No::Refused(refusal)),
                    }
                }
                for decided in decided {
                    let version = 1 + self.snapshot.version(decided.stream);
                    let envelope = placed(decided, self.snapshot.cursor + 1, version, at);
                    touched.extend(self.snapshot.apply(&envelope));
                    if fence.is_some() {
                        begin_thread(&mut self.snapshot, &envelope);
                    }
                    events.push(envelope);
                }
            }
            if !events.is_empty() {
                let batch = Batch { after, events: events.clone(), touched, snapshot: &self.snapshot, fence };
                assert_eq!(world.store.append(batch), Ok(()), "the store took it a moment ago");
            }
            return Ok(events);
        }
    }

    fn would_append(&self, world: &World, fence: Option<(RunId, u64)>) -> Result<(), Refusal> {
        match self.is_cut_off {
            true => Err(Refusal::Unreachable),
            false => world.store.would_append(self.snapshot.cursor, fence),
        }
    }

    /// Takes up a run if nobody else has it; `wish` is decided by its worker, or beside it when another process works.
    pub fn look(
        &mut self,
        world: &mut World,
        run: RunId,
        wish: Option<(Command, Actor)>,
    ) -> Option<Result<Vec<Envelope>, No>> {
        if !self.workers.contains_key(&run) && !self.claim(world, run) {
            return wish.map(|wish| self.commit(world, &[wish], None));
        }
        self.advance(world, run, wish)
    }

    fn claim(&mut self, world: &mut World, run: RunId) -> bool {
        if self.is_cut_off {
            return false;
        }
        let Some(token) = world.store.claim(run, &self.name, world.now) else { return false };
        let worker = Worker { token, renewed: world.now, flights: Vec::new(), is_cancelled: false };
        self.workers.insert(run, worker);
        if !self.snapshot.runs.get(&run).is_some_and(Run::is_busy) {
            return true;
        }
        let recover = Command::Report(Report::Recover { run, left: Default::default() });
        if self.commit(world, &[(recover, Actor::System)], Some((run, token))).is_err() {
            self.leave(world, run);
            return false;
        }
        let is_cancelled = self.snapshot.runs.get(&run).is_some_and(|run| run.cancelling.is_some());
        let left = engine::effects_left(&self.snapshot, run).into_iter().map(|(effect, how)| match how {
            TakeUp::Repeat => Flight::Begin(effect),
            TakeUp::Look => Flight::FindOut(effect),
            TakeUp::AskAPerson => Flight::Doubt(effect),
        });
        if let Some(worker) = self.workers.get_mut(&run) {
            worker.flights.extend(left);
            worker.is_cancelled = is_cancelled;
        }
        true
    }

    /// Commits a wish or an outcome, and what can come next; goes on while there is something to prepare.
    fn advance(
        &mut self,
        world: &mut World,
        run: RunId,
        mut wish: Option<(Command, Actor)>,
    ) -> Option<Result<Vec<Envelope>, No>> {
        let mut answer = None;
        loop {
            let token = self.workers.get(&run)?.token;
            let first = wish.take();
            let mut commands: Vec<_> = first.iter().cloned().collect();
            let was_open = self.snapshot.threads.contains_key(&run);
            let prepared = self.prepare(world, run);
            commands.push((Command::Report(Report::Proceed { run, prepared }), Actor::System));
            let outcome = self.commit(world, &commands, Some((run, token)));
            let (lost, progressed) = match &outcome {
                Ok(events) => {
                    self.begin(run, events);
                    (false, !events.is_empty() || !was_open)
                }
                Err(No::Refused(Refusal::Fenced)) => (true, false),
                Err(_) => (false, false),
            };
            if lost {
                // Only the right to perform is lost; a person's decision stands without it.
                self.forget(run);
                return first.map(|wish| self.commit(world, &[wish], None));
            }
            answer = first.map(|_| outcome).or(answer);
            if let Some(worker) = self.workers.get_mut(&run)
                && self.snapshot.runs.get(&run).is_some_and(|run| run.cancelling.is_some())
            {
                worker.is_cancelled = true;
            }
            if !progressed || engine::calls_to_prepare(&self.snapshot, run).is_empty() {
                if self.workers.get(&run).is_some_and(|worker| worker.flights.is_empty()) {
                    self.leave(world, run);
                }
                return answer;
            }
        }
    }

    fn prepare(&self, world: &mut World, run: RunId) -> Vec<PreparedCall> {
        let mut prepared = Vec::new();
        for call in engine::calls_to_prepare(&self.snapshot, run) {
            let preparation = cast::prepare(&call, world.version);
            let more = cast::only_reads(&preparation);
            prepared.push(PreparedCall { call: call.call, approval: ApprovalId(world.id()), preparation });
            if !more {
                break;
            }
        }
        prepared
    }

    fn begin(&mut self, run: RunId, events: &[Envelope]) {
        let effects = events.iter().flat_map(engine::effects_for).map(Flight::Begin);
        if let Some(worker) = self.workers.get_mut(&run) {
            worker.flights.extend(effects);
        }
    }

    fn forget(&mut self, run: RunId) -> Option<Worker> {
        self.snapshot.threads.remove(&run);
        self.workers.remove(&run)
    }

    fn leave(&mut self, world: &mut World, run: RunId) {
        if let Some(worker) = self.forget(run)
            && !self.is_cut_off
        {
            world.store.release(run, &self.name, worker.token);
        }
    }

    /// Whether the worker may still begin something.
    fn is_ours(&mut self, world: &mut World, run: RunId) -> Ours {
        let Some(worker) = self.workers.get_mut(&run) else { return Ours::Lost };
        if world.now - worker.renewed < LEASE {
            return Ours::Yes;
        }
        if self.is_cut_off {
            return Ours::Unknown;
        }
        match world.store.claim(run, &self.name, world.now) {
            Some(token) if token == worker.token => {
                worker.renewed = world.now;
                Ours::Yes
            }
            Some(token) => {
                world.store.release(run, &self.name, token);
                Ours::Lost
            }
            None => Ours::Lost,
        }
    }

    pub fn renew(&mut self, world: &mut World) {
        if self.is_cut_off {
            return;
        }
        let lost: Vec<_> = self
            .workers
            .iter_mut()
            .filter_map(|(run, worker)| match world.store.claim(*run, &self.name, world.now) {
                Some(token) if token == worker.token => {
                    worker.renewed = world.now;
                    None
                }
                found => {
                    found.into_iter().for_each(|token| world.store.release(*run, &self.name, token));
                    Some(*run)
                }
            })
            .collect();
        lost.iter().for_each(|run| drop(self.forget(*run)));
    }

    /// Carries one flight a step further.
    pub fn fly(&mut self, world: &mut World, run: RunId, flight: Flight) {
        let next = match &flight {
            Flight::Begin(effect) => match self.is_ours(world, run) {
                Ours::Yes => self.perform(world, run, effect),
                Ours::Unknown => Some(flight),
                Ours::Lost => {
                    self.forget(run);
                    return;
                }
            },
            Flight::FindOut(effect) => find_out(world, effect),
            Flight::Doubt(effect) => doubt(world, effect),
            Flight::Report(command) => {
                let token = self.workers.get(&run).map(|worker| worker.token);
                match self.advance(world, run, Some(((**command).clone(), Actor::System))) {
                    Some(Err(No::Refused(Refusal::Unreachable))) if token.is_some() => Some(flight),
                    _ => None,
                }
            }
        };
        match (next, self.workers.get_mut(&run)) {
            (Some(next), Some(worker)) => worker.flights.push(next),
            (None, Some(worker)) if worker.flights.is_empty() => self.leave(world, run),
            _ => {}
        }
    }

    fn perform(&mut self, world: &mut World, run: RunId, effect: &Effect) -> Option<Flight> {
        let is_cancelled = self.workers.get(&run).is_some_and(|worker| worker.is_cancelled);
        let command = match effect {
            Effect::CallModel { run, turn, attempt, .. } => {
                let outcome = Box::new(cast::reply(world.seed, *run, *turn, *attempt));
                Command::Report(Report::TurnFinished { run: *run, turn: *turn, attempt: *attempt, outcome })
            }
            Effect::Perform { run, call, attempt, .. } if is_cancelled => {
                let result = ToolResult::failure(FailureKind::Cancelled, "cancelled");
                Command::Report(Report::EffectFinished { run: *run, call: *call, attempt: *attempt, result })
            }
            Effect::Perform { run, call, attempt, card, freshness } => {
                let request = self.snapshot.threads.get(run)?.calls.get(call)?.call.clone();
                match (freshness, cast::prepare(&request, world.version)) {
                    (Freshness::Stale, CallPreparation::Judged { card: now, .. }) if now.digest() == card.digest() => {
                        happen(world, *run, *call, *attempt)
                    }
                    (Freshness::Stale, preparation) => {
                        let approval = ApprovalId(world.id());
                        let prepared = Box::new(PreparedCall { call: *call, approval, preparation });
                        Command::Report(Report::Drifted { run: *run, call: *call, attempt: *attempt, prepared })
                    }
                    (Freshness::JustPrepared, _) => happen(world, *run, *call, *attempt),
                }
            }
        };
        Some(Flight::Report(Box::new(command)))
    }
}

enum Ours {
    Yes,
    Lost,
    /// The store does not answer: nothing begins without its word.
    Unknown,
}

fn happen(world: &mut World, run: RunId, call: CallNo, attempt: u32) -> Command {
    *world.happened.entry((run, call)).or_default() += 1;
    let result = match (run.0.as_u128() as u32 + call.0) % 5 {
        0 => ToolResult::failure(FailureKind::Failed, "it did not work"),
        _ => ToolResult::success("did it", Output::text("output")),
    };
    Command::Report(Report::EffectFinished { run, call, attempt, result })
}

fn find_out(world: &mut World, effect: &Effect) -> Option<Flight> {
    let Effect::Perform { run, call, attempt, .. } = *effect else { return Some(Flight::Begin(effect.clone())) };
    if !world.happened.contains_key(&(run, call)) {
        return Some(Flight::Begin(effect.clone()));
    }
    let result = ToolResult::success("found it done", Output::default());
    Some(Flight::Report(Box::new(Command::Report(Report::EffectFinished { run, call, attempt, result }))))
}

fn doubt(world: &mut World, effect: &Effect) -> Option<Flight> {
    let Effect::Perform { run, call, attempt, .. } = *effect else { return None };
    Some(Flight::Report(Box::new(Command::Report(Report::Doubt {
        run,
        call,
        attempt,
        approval: ApprovalId(world.id()),
        why: Untrusted::default(),
    }))))
}

/// Which history a command is decided on.
fn needs_thread(command: &Command) -> Option<RunId> {
    match command {
        Command::Report(Report::Proceed { run, .. })
        | Command::Report(Report::TurnFinished { run, .. })
        | Command::Report(Report::EffectFinished { run, .. })
        | Command::Report(Report::Drifted { run, .. })
        | Command::Report(Report::Doubt { run, .. })
        | Command::Report(Report::Recover { run, .. }) => Some(*run),
        _ => None,
    }
}

fn begin_thread(snapshot: &mut Snapshot, envelope: &Envelope) {
    if let (Stream::Run(id), Event::Run(RunEvent::Started { .. })) = (envelope.stream, &envelope.event) {
        snapshot.threads.extend(Thread::of(std::slice::from_ref(envelope)).map(|thread| (id, thread)));
    }
}
