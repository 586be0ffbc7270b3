//! Budgets hold back the next call of every agent, whichever process decides, and by no more than what is under way.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Desk, RUN, agent_spec, ana, procedure_spec, reply};
use crate::domain::{
    Actor, BudgetId, BudgetPeriod, BudgetScope, Budgets, ConfiguredBudget, FinishReason, Limits, ModelReply, OnFailure,
    OnceUsedUp, Rejection, RunId, RunSpec, Timestamp, Usd,
};
use crate::engine::decide;
use crate::fold::{Snapshot, Thread};
use crate::kinds::{
    BudgetSource, BudgetVerb, Command, Decided, Envelope, Event, Report, RowKind, RunEvent, RunVerb, Stream, Surface,
};

/// A person is asked in the same append.
pub(super) const PAUSED: [&str; 2] = ["approval.requested", "run.paused"];

pub(super) fn costing(cost: i64) -> ModelReply {
    ModelReply { cost: Some(Usd(cost)), finish: FinishReason::Stop, ..reply("thinking", &[]) }
}

pub(super) fn limited(spec: RunSpec, day: Option<i64>, month: Option<i64>, once_used_up: OnceUsedUp) -> RunSpec {
    let all = ConfiguredBudget { day: day.map(Usd), month: month.map(Usd), once_used_up };
    let budgets = Budgets { all, ..Budgets::default() };
    RunSpec { limits: Limits { budgets, cost: Usd(i64::MAX / 2), ..Limits::default() }, ..spec }
}

/// An agent whose first turn was answered at this cost.
pub(super) fn after_a_turn(spec: RunSpec, cost: i64) -> Desk {
    let mut desk = Desk::new();
    desk.by(ana(), RunVerb::Start { spec: Box::new(spec) }.on(RUN)).unwrap();
    desk.proceed(vec![]);
    desk.answer(costing(cost));
    desk
}

#[test]
fn a_budget_that_is_used_up_pauses_before_the_next_call_and_resuming_raises_it_once() {
    let budget = 2_000_000_000;
    let mut desk = after_a_turn(limited(agent_spec(), Some(budget), None, OnceUsedUp::Pause), budget);
    assert_eq!(desk.proceed(vec![]), PAUSED);
    let note = desk.run().note.raw().to_owned();
    assert_eq!(note, "budget of $2.00 for today is used up: $2.00 spent; resuming gives this run $5.00 more, once");
    assert!(desk.proceed(vec![]).is_empty(), "nothing goes on by itself");
    desk.by(ana(), RunVerb::Resume.on(RUN)).unwrap();
    assert!(desk.proceed(vec![]).contains(&"run.turn_started"));
    desk.answer(costing(4_999_999_999));
    assert_eq!(desk.proceed(vec![]), ["run.turn_started"]);
    desk.answer(costing(1));
    assert_eq!(desk.proceed(vec![]), PAUSED, "what it was given is used up too");
}

#[test]
fn a_budget_of_an_agent_or_a_person_counts_only_their_runs_and_is_named() {
    let of = |number: u128| RunId(Uuid::from_u128(number));
    let start = |desk: &mut Desk, number, agent: &str, by: &str| {
        let day = |nanos| ConfiguredBudget { day: Some(Usd(nanos)), ..ConfiguredBudget::default() };
        let budgets = Budgets {
            agents: [("dev".to_owned(), day(10))].into(),
            people: [("bo".to_owned(), day(5))].into(),
            ..Budgets::default()
        };
        let limits = Limits { budgets, cost: Usd(i64::MAX / 2), ..Limits::default() };
        let spec = RunSpec { agent: agent.to_owned(), limits, ..agent_spec() };
        let begin = RunVerb::Start { spec: Box::new(spec) }.on(of(number));
        desk.by(Actor::Person(by.to_owned()), begin).unwrap();
    };
    let mut desk = Desk::new();
    start(&mut desk, 1, "dev", "ana");
    start(&mut desk, 2, "ops", "bo");
    desk.snapshot.spend = [(desk.now.date_naive(), spent(&desk, &[(1, 9), (2, 9)]))].into();
    let gauges = desk.snapshot.gauges(desk.now);
    let told: Vec<_> = gauges.iter().map(|gauge| (gauge.scope.of(), gauge.spent.cost.0, gauge.is_used_up())).collect();
    assert_eq!(told, [(" of agent dev".to_owned(), 9, false), (" of bo".to_owned(), 9, true)]);
    assert!(!pauses(&desk, 1), "9 of 10 are spent, and what ops spent is not dev's");
    assert!(pauses(&desk, 2), "bo has spent 9 of 5");
    desk.snapshot.spend = [(desk.now.date_naive(), spent(&desk, &[(1, 10), (2, 4)]))].into();
    assert!(pauses(&desk, 1) && !pauses(&desk, 2));
    let kept = |number| desk.snapshot.runs[&of(number)].limits.budgets.clone();
    assert!(kept(1).people.is_empty() && kept(2).agents.is_empty(), "nobody else's budget is kept with a run");
}

/// A day on which calls of these runs cost so much.
fn spent(desk: &Desk, costs: &[(u128, i64)]) -> crate::kinds::DaySpend {
    let mut day = crate::kinds::DaySpend::default();
    for (number, cost) in costs {
        day.add(&costing(*cost), desk.now, desk.snapshot.runs.get(&RunId(Uuid::from_u128(*number))));
    }
    day
}

/// Whether a run's next event is its pause by a budget.
fn pauses(desk: &Desk, number: u128) -> bool {
    let run = RunId(Uuid::from_u128(number));
    let mut snapshot = desk.snapshot.clone();
    let started: Vec<_> = desk.log.iter().filter(|envelope| envelope.stream == Stream::Run(run)).cloned().collect();
    snapshot.threads.extend(Thread::of(&started).map(|thread| (run, thread)));
    let proceed = Command::Report(Report::Proceed { run, prepared: Vec::new() });
    let events = decide(&snapshot, proceed, &Actor::System, desk.now).unwrap();
    let is_pause = |decided: &Decided| matches!(decided.event, Event::Run(RunEvent::Paused { over: Some(_), .. }));
    events.iter().any(is_pause)
}

#[test]
fn the_next_day_has_a_budget_of_its_own_and_nothing_that_was_given_before() {
    let mut desk = after_a_turn(limited(agent_spec(), Some(10), None, OnceUsedUp::Pause), 10);
    assert_eq!(desk.proceed(vec![]), PAUSED);
    desk.wait(24 * 3_600);
    desk.by(ana(), RunVerb::Resume.on(RUN)).unwrap();
    assert!(desk.proceed(vec![]).contains(&"run.turn_started"));
    desk.answer(costing(10));
    assert_eq!(desk.proceed(vec![]), PAUSED, "yesterday's raise is no part of today's budget");
}

#[test]
fn a_month_is_not_over_with_the_day() {
    let mut desk = after_a_turn(limited(agent_spec(), None, Some(10), OnceUsedUp::Pause), 9);
    desk.wait(24 * 3_600);
    assert!(desk.proceed(vec![]).contains(&"run.turn_started"));
    desk.answer(costing(1));
    assert_eq!(desk.proceed(vec![]), PAUSED);
    assert!(desk.run().note.raw().contains("for this month is used up"), "{:?}", desk.run().note);
}

#[test]
fn a_soft_budget_stops_nothing_and_a_procedure_calls_no_model() {
    let mut desk = after_a_turn(limited(agent_spec(), Some(10), Some(10), OnceUsedUp::Warn), 50);
    assert!(desk.proceed(vec![]).contains(&"run.turn_started"));
    let mut desk = Desk::new();
    let spec = limited(procedure_spec(OnFailure::Stop), Some(0), None, OnceUsedUp::Pause);
    desk.by(ana(), RunVerb::Start { spec: Box::new(spec) }.on(RUN)).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.calls_requested"]);
}

fn surface() -> Surface {
    Surface::of_kind(RowKind::Budget).unwrap()
}

/// The command that sets a budget, as a command line, a form or a script makes it.
pub(super) fn setting(given: Value) -> Command {
    let given = given.as_object().unwrap().clone();
    surface().command(Uuid::nil(), surface().verb("set").unwrap(), given).unwrap()
}

fn set(desk: &mut Desk, given: Value) -> Result<Vec<&'static str>, Rejection> {
    desk.by(ana(), setting(given))
}

#[test]
fn a_budget_that_somebody_sets_holds_at_once_and_once_it_is_removed_the_configuration_does() {
    let mut desk = after_a_turn(limited(agent_spec(), Some(10), None, OnceUsedUp::Pause), 10);
    assert_eq!(set(&mut desk, json!({"amount": "0.01"})).unwrap(), ["budget.set"], "higher than the configured one");
    let turns = desk.proceed(vec![]);
    assert!(turns.contains(&"run.turn_started"), "{turns:?}");
    desk.answer(costing(10));
    assert!(set(&mut desk, json!({"amount": "0.01"})).unwrap().is_empty(), "nothing is changed by it");
    assert_eq!(set(&mut desk, json!({"amount": "0.01", "soft": true})).unwrap(), ["budget.set"]);
    let gauges = desk.snapshot.gauges(desk.now);
    let [gauge] = gauges.as_slice() else { panic!("{gauges:?}") };
    assert_eq!((gauge.budget, gauge.once_used_up, gauge.spent.cost), (Usd(10_000_000), OnceUsedUp::Warn, Usd(20)));
    assert_eq!(gauge.source, BudgetSource::By(ana()));
    let id = BudgetId::of(&BudgetScope::All, BudgetPeriod::Day);
    assert_eq!(desk.by(ana(), BudgetVerb::Remove.on(id)).unwrap(), ["budget.removed"]);
    assert_eq!(desk.proceed(vec![]), PAUSED, "the run's own 10 hold again");
    assert_eq!(desk.snapshot.gauges(desk.now)[0].source, BudgetSource::Configuration);
    let again = desk.by(ana(), BudgetVerb::Remove.on(id)).unwrap_err();
    assert!(again.message.contains("nobody set budget"), "{again:?}");
    assert_eq!(set(&mut desk, json!({"amount": "1"})).unwrap(), ["budget.set"], "it is set again in the same stream");
    assert_eq!(desk.snapshot.budgets[&id].version, 4);
}

#[test]
fn a_budget_is_for_one_agent_or_person_and_holds_for_a_run_that_knew_of_none() {
    for (scope, is_paused) in [
        (json!({"agent": "dev"}), true),
        (json!({"person": "ana", "period": "month"}), true),
        (json!({"agent": "ops"}), false),
        (json!({"person": "bo"}), false),
        (json!({"agent": "dev", "soft": true}), false),
    ] {
        let mut desk = after_a_turn(limited(agent_spec(), None, None, OnceUsedUp::Pause), 10_000_000);
        let mut given = scope.clone();
        given["amount"] = "0.01".into();
        set(&mut desk, given).unwrap();
        assert_eq!(desk.proceed(vec![]) == PAUSED, is_paused, "{scope}");
    }
}

#[test]
fn what_cannot_be_a_budget_is_refused_and_says_what_can() {
    let mut desk = Desk::new();
    let long = "9".repeat(400);
    for amount in ["0", "-5", "0.0000000001", "1e400", "1000000000.01", "99999999999999999999", "NaN", "$5", "", &long]
    {
        let refused = set(&mut desk, json!({"amount": amount})).unwrap_err();
        assert!(refused.hint.contains("more than 0 and at most a billion"), "{amount}: {refused:?}");
        assert!(refused.message.len() < 300, "{amount}");
    }
    let both = set(&mut desk, json!({"amount": "5", "agent": "dev", "person": "ana"})).unwrap_err();
    assert!(both.message.contains("not for both"), "{both:?}");
    for name in ["", " ", "a\u{1b}[2J", &"x".repeat(101)] {
        let refused = set(&mut desk, json!({"amount": "5", "agent": name})).unwrap_err();
        assert!(refused.message.contains("is no name") && !refused.message.contains('\u{1b}'), "{refused:?}");
    }
    let other = BudgetId::of(&BudgetScope::All, BudgetPeriod::Month);
    let Command::Budget { verb, .. } = setting(json!({"amount": "5"})) else { panic!("a budget's") };
    let refused = desk.by(ana(), verb.on(other)).unwrap_err();
    assert!(refused.message.contains("id follows from what it is for"), "{refused:?}");
    assert!(desk.snapshot.budgets.is_empty());
}

/// One log, and processes that each know it up to some event.
pub(super) struct Fleet {
    pub(super) log: Vec<Envelope>,
    pub(super) processes: Vec<Snapshot>,
    pub(super) now: Timestamp,
}

impl Fleet {
    pub(super) fn catch_up(&mut self, process: usize) {
        let snapshot = &mut self.processes[process];
        for envelope in &self.log[snapshot.cursor as usize..] {
            snapshot.apply(envelope);
            if let (Stream::Run(run), Event::Run(RunEvent::Started { .. })) = (envelope.stream, &envelope.event) {
                snapshot.threads.insert(run, Thread::of(std::slice::from_ref(envelope)).unwrap());
            }
        }
    }

    /// As the writer does: decided on what the process knows, refused by the log where that is not all, and then decided
    /// on all of it.
    pub(super) fn submit(&mut self, process: usize, command: &Command, by: &Actor) -> Vec<&'static str> {
        loop {
            let snapshot = &self.processes[process];
            let decided = decide(snapshot, command.clone(), by, self.now);
            if snapshot.cursor < self.log.len() as u64 {
                self.catch_up(process);
                continue;
            }
            let mut kinds = Vec::new();
            for decided in decided.unwrap_or_default() {
                let (seq, stream) = (self.log.len() as u64 + 1, decided.stream);
                let version = 1 + self.processes[process].version(stream);
                kinds.push(decided.event.kind());
                self.log.push(Envelope { seq, stream, version, at: self.now, by: decided.by, event: decided.event });
                self.catch_up(process);
            }
            return kinds;
        }
    }

    pub(super) fn spent(&self) -> i64 {
        let cost = |envelope: &Envelope| envelope.event.spent().and_then(|reply| reply.cost).map_or(0, |cost| cost.0);
        self.log.iter().map(cost).sum()
    }
}

#[test]
fn two_processes_pass_a_budget_by_no_more_than_the_calls_under_way() {
    let (budget, price, runs) = (1_000, 70, 6_u128);
    let mut used_up = 0;
    for seed in 0..200_u64 {
        let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut roll = |sides: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice % sides
        };
        let now = "2026-11-24T03:00:00Z".parse().unwrap();
        let mut fleet = Fleet { log: Vec::new(), processes: vec![Snapshot::default(), Snapshot::default()], now };
        let id = |number: u64| RunId(Uuid::from_u128(1 + u128::from(number) % runs));
        for number in 0..runs as u64 {
            let spec = limited(agent_spec(), Some(budget), None, OnceUsedUp::Pause);
            fleet.submit(roll(2) as usize, &RunVerb::Start { spec: Box::new(spec) }.on(id(number)), &ana());
        }
        let mut in_flight_at_the_end = None;
        for _ in 0..400 {
            let (process, run) = (roll(2) as usize, id(roll(runs as u64)));
            let open = fleet.processes[process].runs.get(&run).and_then(|run| run.open_turn.clone());
            let command = match open {
                Some(open) => Command::Report(Report::TurnFinished {
                    run,
                    turn: open.turn,
                    attempt: open.attempt,
                    outcome: Box::new(Ok(costing(price))),
                }),
                None => Command::Report(Report::Proceed { run, prepared: Vec::new() }),
            };
            let before = fleet.spent();
            let kinds = fleet.submit(process, &command, &Actor::System);
            if kinds.contains(&"run.turn_started") {
                assert!(before < budget, "seed {seed}: a call began after {before} of {budget} were spent");
            }
            if fleet.spent() >= budget && in_flight_at_the_end.is_none() {
                let last = fleet.processes[process].runs.values().filter(|run| run.open_turn.is_some()).count();
                in_flight_at_the_end = Some(last as i64);
            }
        }
        if let Some(in_flight) = in_flight_at_the_end {
            used_up += 1;
            assert!(fleet.spent() < budget + (1 + in_flight) * price, "seed {seed}: {} spent", fleet.spent());
        }
    }
    assert!(used_up > 100, "only {used_up} schedules came to the end of the budget");
}
