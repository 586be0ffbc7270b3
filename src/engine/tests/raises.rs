//! What people are asked when a budget pauses a run, and that no answer, crash or retry lets a run pass what it may
//! spend by more than the calls under way.

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

use super::budgets::{Fleet, PAUSED, after_a_turn, costing, limited, setting};
use super::{Desk, RUN, agent_spec, ana};
use crate::domain::{
    Actor, ApprovalId, ApprovalState, BudgetId, BudgetPeriod, BudgetScope, ModelFailure, ModelFailureKind, OnceUsedUp,
    RunId, RunState, Usd,
};
use crate::fold::Snapshot;
use crate::kinds::{ApprovalVerb, BudgetRaises, Command, Report, RunVerb};

const BUDGET: i64 = 2_000_000_000;

/// A run that a budget has just paused.
fn paused() -> (Desk, ApprovalId) {
    let mut desk = after_a_turn(limited(agent_spec(), Some(BUDGET), None, OnceUsedUp::Pause), BUDGET + 1);
    assert_eq!(desk.proceed(vec![]), PAUSED);
    let asked = desk.snapshot.open_approvals().map(|approval| approval.id).collect::<Vec<_>>();
    assert_eq!(asked.len(), 1);
    (desk, asked[0])
}

fn answer(id: ApprovalId, text: &str) -> Command {
    ApprovalVerb::Answer { text: text.into() }.on(id)
}

#[test]
fn a_person_is_asked_once_and_what_they_answer_is_done_with_the_answer() {
    let (desk, asked) = paused();
    let card = &desk.snapshot.approvals[&asked];
    let text = card.ask.what();
    assert!(text.starts_with("budget of $2.00 for today is used up: $2.00 spent.\n"), "{text}");
    assert!(text.contains("raise once: this run can spend $5.00 more today"), "{text}");
    assert!(text.contains("the budget for each day becomes $7.01"), "{text}");
    assert_eq!((card.run, card.digest.clone()), (RUN, card.ask.digest()));
    assert_eq!(desk.run().awaited().collect::<Vec<_>>(), [asked]);

    for (words, events, state) in [
        ("raise once", &["approval.answered", "run.resumed"][..], RunState::Planning),
        ("2", &["approval.answered", "budget.set", "run.resumed"], RunState::Planning),
        (" Stop ", &["approval.answered", "run.cancel_requested", "run.cancelled"], RunState::Cancelled),
    ] {
        let (mut desk, asked) = paused();
        assert_eq!(desk.by(ana(), answer(asked, words)).unwrap(), events, "{words}");
        assert_eq!((desk.state(), desk.snapshot.approvals[&asked].state), (state, ApprovalState::Approved), "{words}");
        assert_eq!(desk.run().awaited().count(), 0, "{words}");
        let again = desk.by(ana(), answer(asked, "raise once")).unwrap_err();
        assert!(again.message.contains("already approved"), "{again:?}");
        if state == RunState::Planning {
            assert!(desk.proceed(vec![]).contains(&"run.turn_started"), "{words}");
        }
        let id = BudgetId::of(&BudgetScope::All, BudgetPeriod::Day);
        let amount = desk.snapshot.budgets.get(&id).map(|budget| budget.amount_usd);
        assert_eq!(amount, (words == "2").then_some(Usd(7_010_000_000)), "{words}");
    }
}

#[test]
fn no_answer_that_is_none_of_the_choices_and_none_of_an_agent_counts() {
    let (mut desk, asked) = paused();
    let unclear = desk.by(ana(), answer(asked, "why not")).unwrap_err();
    assert!(unclear.hint.contains("raise once, raise for good, stop"), "{unclear:?}");
    desk.by(Actor::Agent("dev".to_owned()), answer(asked, "raise once")).unwrap_err();
    assert_eq!(desk.by(ana(), ApprovalVerb::Deny { reason: "".into() }.on(asked)).unwrap(), ["approval.denied"]);
    assert!(desk.proceed(vec![]).is_empty(), "it stays paused");
    assert_eq!(desk.state(), RunState::Paused);
    assert_eq!(desk.by(ana(), RunVerb::Resume.on(RUN)).unwrap(), ["run.resumed"]);
}

#[test]
fn the_request_is_withdrawn_when_the_run_is_resumed_or_cancelled_without_it() {
    let (mut desk, asked) = paused();
    assert_eq!(desk.by(ana(), RunVerb::Resume.on(RUN)).unwrap(), ["approval.withdrawn", "run.resumed"]);
    assert_eq!(desk.snapshot.approvals[&asked].state, ApprovalState::Withdrawn);
    assert_eq!(desk.proceed(vec![]).last(), Some(&"run.turn_started"));
    desk.answer(costing(5_000_000_000));
    assert_eq!(desk.proceed(vec![]), PAUSED, "what it was given is used up: a person is asked again");
    let open: Vec<_> = desk.snapshot.open_approvals().map(|approval| approval.id).collect();
    assert!(open.len() == 1 && open[0] != asked, "{open:?}");
    let cancelled = desk.by(ana(), RunVerb::Cancel { reason: String::new() }.on(RUN)).unwrap();
    assert_eq!(cancelled, ["run.cancel_requested", "approval.withdrawn", "run.cancelled"]);
}

#[test]
fn a_budget_that_was_raised_or_made_soft_meanwhile_is_not_lowered_by_an_answer() {
    for meanwhile in [json!({"amount": "100"}), json!({"amount": "1", "soft": true})] {
        let (mut desk, asked) = paused();
        desk.by(ana(), setting(meanwhile)).unwrap();
        let events = desk.by(ana(), answer(asked, "raise for good")).unwrap();
        assert_eq!(events, ["approval.answered", "run.resumed"]);
    }
}

/// Random numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What runs may spend, counted here by itself.
struct Allowed {
    budget: i64,
    given: BTreeMap<RunId, i64>,
    spent_at_pause: BTreeMap<RunId, i64>,
}

impl Allowed {
    fn of(&self, run: RunId) -> i64 {
        self.budget.max(self.given.get(&run).copied().unwrap_or(0))
    }

    fn most(&self) -> i64 {
        self.given.values().copied().chain([self.budget]).max().unwrap_or(0)
    }

    fn take(&mut self, run: RunId, kinds: &[&str], spent: i64) {
        if kinds.contains(&"run.paused") {
            self.spent_at_pause.insert(run, spent);
        }
        let raised = self.spent_at_pause.get(&run).map_or(0, |spent| spent + BudgetRaises::more().0);
        if kinds.contains(&"budget.set") {
            self.budget = Usd(raised).up_to_cent().0;
        }
        if kinds.contains(&"run.resumed") {
            self.given.insert(run, raised);
        }
    }
}

/// The next thing that happens to a run, as far as a process knows it.
fn something(snapshot: &Snapshot, run: RunId, price: i64, dice: &mut Dice) -> (Command, Actor) {
    let row = snapshot.runs.get(&run);
    let asked = snapshot.open_approvals().find(|approval| approval.run == run).map(|approval| approval.id);
    if let Some(asked) = asked {
        let command = match dice.roll(8) {
            0 => answer(asked, "raise for good"),
            1 | 2 => answer(asked, "raise once"),
            3 => RunVerb::Resume.on(run),
            4 => ApprovalVerb::Deny { reason: "".into() }.on(asked),
            _ => Command::Report(Report::Proceed { run, prepared: Vec::new() }),
        };
        return (command, ana());
    }
    let report = match row.and_then(|row| row.open_turn.clone()) {
        Some(open) if dice.roll(10) == 0 => {
            let kind = ModelFailureKind::Timeout;
            let failed = ModelFailure { kind, message: "busy".into(), hint: String::new() };
            let outcome = Box::new(Err(failed));
            Report::TurnFinished { run, turn: open.turn, attempt: open.attempt, outcome }
        }
        Some(open) => {
            let outcome = Box::new(Ok(costing(price)));
            Report::TurnFinished { run, turn: open.turn, attempt: open.attempt, outcome }
        }
        None => Report::Proceed { run, prepared: Vec::new() },
    };
    (Command::Report(report), Actor::System)
}

#[test]
fn a_thousand_schedules_of_spending_crashes_raises_and_retries_pass_no_budget_by_more_than_the_calls_under_way() {
    let (price, runs) = (600_000_000, 5_u64);
    let (mut used_up, mut raised, mut crashes) = (0, 0, 0);
    for seed in 0..1_000_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let now = "2026-11-24T03:00:00Z".parse().unwrap();
        let mut fleet = Fleet { log: Vec::new(), processes: vec![Snapshot::default(), Snapshot::default()], now };
        let id = |number: u64| RunId(Uuid::from_u128(1 + u128::from(number)));
        for number in 0..runs {
            let spec = limited(agent_spec(), Some(BUDGET), None, OnceUsedUp::Pause);
            fleet.submit(0, &RunVerb::Start { spec: Box::new(spec) }.on(id(number)), &ana());
        }
        let mut allowed = Allowed { budget: BUDGET, given: BTreeMap::new(), spent_at_pause: BTreeMap::new() };
        for _ in 0..80 {
            let (process, run) = (dice.roll(2) as usize, id(dice.roll(runs)));
            if dice.roll(20) == 0 {
                // The process dies, and what takes its place knows what the log says.
                fleet.processes[process] = Snapshot::default();
                fleet.catch_up(process);
                crashes += 1;
            }
            let (command, by) = something(&fleet.processes[process], run, price, &mut dice);
            let before = fleet.spent();
            let kinds = fleet.submit(process, &command, &by);
            if kinds.contains(&"run.turn_started") {
                assert!(
                    before < allowed.of(run),
                    "seed {seed}: a call began with {before} of {} spent",
                    allowed.of(run)
                );
            }
            allowed.take(run, &kinds, fleet.spent());
            used_up += u32::from(kinds.contains(&"run.paused"));
            raised += u32::from(kinds.contains(&"budget.set"));
        }
        let most = allowed.most() + runs as i64 * price;
        assert!(fleet.spent() < most, "seed {seed}: {} spent of at most {most}", fleet.spent());
    }
    assert!(used_up > 1_000 && raised > 100 && crashes > 1_000, "{used_up} pauses, {raised} raises, {crashes} crashes");
}
