//! One schedule out of a seed: several processes and people on one store, and everything that can go wrong around
//! them. After each step the log is audited; in the end all faults stop, and every run must come to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use morningai::domain::*;
use morningai::fold::{Snapshot, Thread};
use morningai::kinds::*;

use super::cast;
use super::process::{Flight, No, Process, World};
use super::store::LEASE;
use crate::support::audit::Audit;
use crate::support::dice::Dice;

const PROCESSES: usize = 3;
const STEPS: usize = 70;
/// More rounds without faults than any run needs.
const LAST_ROUNDS: usize = 60;
const HOUR: i64 = 3_600_000_000;

/// One thing that the scheduler let happen, by the number of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Begin(usize),
    Look(usize),
    Fly(usize),
    FlyTwice(usize),
    CatchUp(usize),
    Renew(usize),
    Decide(usize),
    Steer(usize),
    Expire(usize),
    Crash(usize),
    CutOff(usize),
    Stop(usize),
    Jump(usize),
    Pass,
    Drift,
}

pub struct Schedule {
    dice: Dice,
    pub world: World,
    processes: Vec<Process>,
    restarts: usize,
    audit: Audit,
    notes: Notes,
    runs: Vec<RunId>,
    pub steps: Vec<Step>,
}

/// What was wrong, how to see it again, and what had happened.
pub struct Failure {
    seed: u64,
    what: String,
    steps: Vec<Step>,
    events: Vec<Envelope>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        writeln!(f, "replay: MORNINGAI_SIM_SEED={} tests/run --test it sim:: -- --nocapture", self.seed)?;
        writeln!(f, "steps: {:?}", self.steps)?;
        for event in &self.events {
            let Envelope { seq, stream, version, at, by, event } = event;
            let mut body = serde_json::to_string(event).unwrap_or_default();
            body.truncate(300);
            writeln!(f, "{seq:>4} {at} {stream} v{version} by {by}: {body}")?;
        }
        Ok(())
    }
}

impl Schedule {
    /// The whole of it: faults, then none until everything has ended.
    pub fn play(seed: u64) -> Result<Self, Box<Failure>> {
        let mut schedule = Self::new(seed);
        let verdict = schedule.play_through();
        verdict.map_err(|what| {
            let events = schedule.world.store.events.clone();
            Box::new(Failure { seed, what, steps: schedule.steps.clone(), events })
        })?;
        Ok(schedule)
    }

    fn new(seed: u64) -> Self {
        let world = World::new(seed);
        let processes = (0..PROCESSES).map(|number| Process::start(format!("p{number}"), &world, 0)).collect();
        Self {
            dice: Dice::new(seed),
            world,
            processes,
            restarts: 0,
            audit: Audit::default(),
            notes: Notes::default(),
            runs: Vec::new(),
            steps: Vec::new(),
        }
    }

    fn play_through(&mut self) -> Result<(), String> {
        self.act(Step::Begin(0));
        for _ in 0..STEPS {
            let step = self.choose();
            self.act(step);
            self.check()?;
        }
        self.calm_down()?;
        self.check_the_end()
    }

    fn choose(&mut self) -> Step {
        let process = self.dice.below(PROCESSES);
        match self.dice.below(100) {
            0..2 if self.runs.len() < 3 => Step::Begin(process),
            0..20 => Step::Look(process),
            20..46 => Step::Fly(process),
            46..49 => Step::FlyTwice(process),
            49..55 => Step::CatchUp(process),
            55..62 => Step::Renew(process),
            62..74 => Step::Decide(process),
            74..77 => Step::Steer(process),
            77..79 => Step::Expire(process),
            79..84 => Step::Crash(process),
            84..87 => Step::CutOff(process),
            87..90 => Step::Stop(process),
            90..92 => Step::Jump(process),
            92..98 => Step::Pass,
            _ => Step::Drift,
        }
    }

    fn act(&mut self, step: Step) {
        self.steps.push(step);
        let is_stopped = |number: usize| self.processes[number].is_stopped;
        match step {
            Step::Pass => self.world.now += 1 + self.dice.throw() % (2 * LEASE),
            Step::Drift => self.world.version += 1,
            Step::Crash(number) => self.restart(number),
            Step::CutOff(number) => self.processes[number].is_cut_off ^= true,
            Step::Stop(number) => self.processes[number].is_stopped ^= true,
            Step::Jump(number) => self.processes[number].skew += *self.dice.pick(&[-HOUR, HOUR]),
            Step::Begin(number) => self.begin_a_run(number),
            Step::Look(number)
            | Step::Fly(number)
            | Step::FlyTwice(number)
            | Step::CatchUp(number)
            | Step::Renew(number)
            | Step::Decide(number)
            | Step::Steer(number)
            | Step::Expire(number)
                if is_stopped(number) => {}
            Step::Look(number) => {
                let run = *self.dice.pick(&self.runs);
                self.processes[number].look(&mut self.world, run, None);
            }
            Step::Fly(number) => self.fly(number, 1),
            Step::FlyTwice(number) => self.fly(number, 2),
            Step::CatchUp(number) if self.processes[number].is_cut_off => {}
            Step::CatchUp(number) => self.processes[number].catch_up(&self.world),
            Step::Renew(number) => self.processes[number].renew(&mut self.world),
            Step::Decide(number) => self.decide(number),
            Step::Steer(number) => self.steer(number),
            Step::Expire(number) => self.expire(number),
        }
    }

    fn begin_a_run(&mut self, number: usize) {
        let run = RunId(self.world.id());
        let spec = Box::new(cast::spec(&mut self.dice));
        let start = (RunVerb::Start { spec }.on(run), ana());
        if let Some(Ok(_)) = self.processes[number].look(&mut self.world, run, Some(start)) {
            self.runs.push(run);
        }
    }

    /// Whatever the process had in memory is gone, with all that was under way; the next one begins with the log.
    fn restart(&mut self, number: usize) {
        self.restarts += 1;
        let name = format!("p{number}.{}", self.restarts);
        let skew = self.processes[number].skew;
        self.processes[number] = Process::start(name, &self.world, skew);
    }

    /// Any flight of any worker: outcomes come in any order, late, and sometimes twice.
    fn fly(&mut self, number: usize, times: usize) {
        let process = &mut self.processes[number];
        let busy: Vec<_> =
            process.workers.iter().filter(|(_, worker)| !worker.flights.is_empty()).map(|(run, _)| *run).collect();
        if busy.is_empty() {
            return;
        }
        let run = *self.dice.pick(&busy);
        let Some(worker) = process.workers.get_mut(&run) else { return };
        let flight = worker.flights.swap_remove(self.dice.below(worker.flights.len()));
        // Only an outcome can come twice; an effect is begun by one task.
        if times > 1 && matches!(flight, Flight::Report(_)) {
            worker.flights.push(flight.clone());
        }
        process.fly(&mut self.world, run, flight);
    }

    /// A person decides on what this process shows, which may be long decided elsewhere.
    fn decide(&mut self, number: usize) {
        let shown: Vec<_> = self.processes[number].snapshot.approvals.values().cloned().collect();
        if shown.is_empty() {
            return;
        }
        let approval = self.dice.pick(&shown).clone();
        let command = match self.dice.below(8) {
            0 => ApprovalVerb::Deny { reason: "no".into() }.on(approval.id),
            1 => ApprovalVerb::Approve { digest: "00000000".to_owned() }.on(approval.id),
            2 => ApprovalVerb::Answer { text: "this one".into() }.on(approval.id),
            3 => self.changed(&approval),
            _ => self.sensible(&approval),
        };
        self.submit(number, approval.run, command);
    }

    /// Other arguments, each time others; now and then for a card that nobody has seen.
    fn changed(&mut self, approval: &Approval) -> Command {
        let digest = if self.dice.once_in(8) { "00000000".to_owned() } else { approval.digest.0.clone() };
        let args = serde_json::json!({ "changed": self.dice.below(1_000_000) });
        ApprovalVerb::Edit { digest, args }.on(approval.id)
    }

    fn sensible(&mut self, approval: &Approval) -> Command {
        let approval_id = approval.id;
        match &approval.ask {
            Ask::Effect { .. } => ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval_id),
            Ask::Question { .. } => ApprovalVerb::Answer { text: "this one".into() }.on(approval_id),
            Ask::InDoubt { .. } => {
                let settlement = *self.dice.pick(&[Settlement::Happened, Settlement::Retry, Settlement::GiveUp]);
                ApprovalVerb::Settle { settlement, note: "looked".into() }.on(approval_id)
            }
        }
    }

    fn steer(&mut self, number: usize) {
        let run = *self.dice.pick(&self.runs);
        let command = match self.dice.below(5) {
            0 => RunVerb::Cancel { reason: "enough".to_owned() }.on(run),
            1 | 2 => RunVerb::Pause.on(run),
            _ => RunVerb::Resume.on(run),
        };
        self.submit(number, run, command);
    }

    fn submit(&mut self, number: usize, run: RunId, command: Command) {
        let before = self.world.store.events.len();
        let approval = command.approval();
        let answer = self.processes[number].look(&mut self.world, run, Some((command, ana())));
        match answer {
            Some(Ok(events)) => assert!(
                events.iter().all(|event| self.world.store.events.get(event.seq as usize - 1) == Some(event)),
                "acknowledged and not in the log"
            ),
            Some(Err(No::Refused(_))) | None => {}
            Some(Err(No::Rejected(rejection))) => {
                let by_ana = self.world.store.events[before..].iter().any(|event| event.by == ana());
                assert!(!by_ana, "rejected and in the log");
                let shown = approval.and_then(|id| self.processes[number].snapshot.approvals.get(&id));
                let is_settled = shown.is_some_and(|approval| !approval.state.is_open());
                let told = rejection.kind == RejectionKind::AlreadySettled;
                assert!(told || !is_settled, "settled, and not told so: {rejection:?}");
            }
        }
    }

    fn expire(&mut self, number: usize) {
        let process = &mut self.processes[number];
        let now = process.clock(&self.world);
        let due = |approval: &&Approval| approval.expires_at.is_some_and(|expires| expires <= now);
        let due: Vec<_> = process.snapshot.open_approvals().filter(due).map(|approval| approval.id).collect();
        for approval in due {
            let _ = process.commit(&mut self.world, &[(ApprovalVerb::Expire.on(approval), Actor::System)], None);
        }
    }

    fn check(&mut self) -> Result<(), String> {
        while let Some(envelope) = self.world.store.events.get(self.audit.seq as usize) {
            self.audit.take(envelope)?;
            self.notes.take(envelope);
        }
        for (call, times) in &self.world.happened {
            let allowed = 1 + self.notes.retries.get(call).copied().unwrap_or(0);
            if self.notes.once.contains(call) && *times > allowed {
                return Err(format!("{call:?} happened {times} times, {allowed} at most were wanted"));
            }
        }
        Ok(())
    }

    /// No more faults: people answer, time passes, and everything must come to its end.
    fn calm_down(&mut self) -> Result<(), String> {
        for process in &mut self.processes {
            (process.is_cut_off, process.is_stopped) = (false, false);
        }
        for round in 0..LAST_ROUNDS {
            self.world.now += LEASE + 1;
            let number = round % PROCESSES;
            self.processes[number].catch_up(&self.world);
            self.expire(number);
            for run in self.runs.clone() {
                self.processes[number].look(&mut self.world, run, None);
            }
            while self.processes[number].workers.values().any(|worker| !worker.flights.is_empty()) {
                self.fly(number, 1);
            }
            self.check()?;
            self.answer_everything(number);
            self.check()?;
            if self.runs.iter().all(|run| self.audit.is_over(*run)) {
                return Ok(());
            }
        }
        let open: Vec<_> = self.processes[0].snapshot.runs.values().filter(|run| !run.state.is_final()).collect();
        Err(format!("never ends: {open:#?}"))
    }

    fn answer_everything(&mut self, number: usize) {
        let open: Vec<_> = self.processes[number].snapshot.open_approvals().cloned().collect();
        for approval in open {
            let command = self.sensible(&approval);
            self.submit(number, approval.run, command);
        }
        let snapshot = &self.processes[number].snapshot;
        let paused: Vec<_> =
            snapshot.runs.values().filter(|run| run.state == RunState::Paused).map(|run| run.id).collect();
        for run in paused {
            self.submit(number, run, RunVerb::Resume.on(run));
        }
    }

    /// What was folded along the way is what the log says, for everybody.
    fn check_the_end(&mut self) -> Result<(), String> {
        let mut folded = Snapshot::default();
        let mut touched = BTreeSet::new();
        for envelope in &self.world.store.events {
            touched.extend(folded.apply(envelope));
        }
        let rows: Vec<_> = touched.iter().filter_map(|key| folded.row(key)).collect();
        if rows != self.world.store.rows() {
            return Err("the rows stored are not those that the log adds up to".to_owned());
        }
        for process in &mut self.processes {
            process.catch_up(&self.world);
            let stream = |run: &RunId| Thread::of(&self.world.store.stream(*run)).map(|thread| (*run, thread));
            folded.threads = process.snapshot.threads.keys().filter_map(stream).collect();
            if process.snapshot != folded {
                return Err(format!("{} sees something else than the log says", process.name));
            }
        }
        match self.audit.started().next() {
            Some((run, call)) => Err(format!("call {call} of {run} was begun and never ended")),
            None => Ok(()),
        }
    }
}

/// What the log says about how often an effect may happen.
#[derive(Default)]
struct Notes {
    /// What each request is about, and how often a person asked for another attempt at a call.
    asked: BTreeMap<ApprovalId, (RunId, CallNo)>,
    retries: BTreeMap<(RunId, CallNo), u32>,
    /// Calls whose effect must not happen again unless a person says so.
    once: BTreeSet<(RunId, CallNo)>,
}

impl Notes {
    fn take(&mut self, envelope: &Envelope) {
        match (&envelope.event, envelope.stream) {
            (Event::Approval(ApprovalEvent::Requested { run, call, .. }), Stream::Approval(id)) => {
                self.asked.insert(id, (*run, *call));
            }
            (Event::Approval(ApprovalEvent::Settled { settlement: Settlement::Retry, .. }), Stream::Approval(id)) => {
                *self.retries.entry(self.asked[&id]).or_default() += 1;
            }
            (Event::Run(RunEvent::EffectStarted { call, repeat, .. }), Stream::Run(run))
                if *repeat != Repeat::Repeatable =>
            {
                self.once.insert((run, *call));
            }
            _ => {}
        }
    }
}

fn ana() -> Actor {
    Actor::Person("ana".to_owned())
}
