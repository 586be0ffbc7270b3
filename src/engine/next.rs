//! What a run does next, once nothing in it is open.

use super::record::{in_approval, in_run};
use super::{Decided, alias, procedure};
use crate::domain::{
    Actor, ApprovalId, Ask, BudgetAnswer, BudgetOffer, BudgetPeriod, BudgetScope, CallNo, LimitKind, ModelReply,
    OnceUsedUp, OverBudget, Plan, PlanStep, PurposeOfTurn, StepNo, StepPart, Timestamp, ToolCall, ToolName, Untrusted,
};
use crate::fold::{CallEntry, Snapshot, Thread, TurnStatus};
use crate::kinds::{ApprovalEvent, BudgetRaises, InForce, Period, Run, RunEvent};

/// Turns in a row without a tool call before the run is given up.
const MOST_IDLE_TURNS: usize = 3;
/// Times in a row that the same call may come to the same result.
const MOST_REPETITIONS: usize = 4;

/// The calls a reply asks for, numbered on from the run's last and of the tools it means.
pub fn calls_of(snapshot: &Snapshot, run: &Run, reply: &ModelReply) -> Vec<ToolCall> {
    let tools = snapshot.threads.get(&run.id).map(|thread| thread.spec.tools.as_slice()).unwrap_or_default();
    (run.calls + 1..)
        .zip(&reply.calls)
        .map(|(number, requested)| ToolCall {
            call: CallNo(number),
            provider_id: requested.provider_id.clone(),
            tool: alias::meant(&requested.tool, tools),
            args: requested.args.clone(),
            step: None,
            part: StepPart::Act,
        })
        .collect()
}

/// The next turn, the next call, or the end. Only for a run with nothing open.
pub(super) fn next(snapshot: &Snapshot, run: &Run, thread: &Thread, now: Timestamp) -> Vec<Decided> {
    if let Some(limit) = limit_reached(run, now) {
        return vec![in_run(run.id, &Actor::System, RunEvent::LimitReached { limit })];
    }
    if run.is_procedure {
        return procedure::next(run, thread);
    }
    match over_budget(snapshot, run, now) {
        Some(pause) => pause,
        None => next_for_agent(run, thread),
    }
}

/// The pause of an agent's run by a budget that is used up: of all runs together, of its agent's, or of those that the
/// same person started; and the request by which people are asked what is to be done. What is under way elsewhere is
/// not in the sums yet, so they can pass the budget by that much and no more.
fn over_budget(snapshot: &Snapshot, run: &Run, now: Timestamp) -> Option<Vec<Decided>> {
    let today = now.date_naive();
    let scopes = BudgetScope::of_run(&run.agent, &run.started_by);
    let mut each = scopes.flat_map(|scope| BudgetPeriod::ALL.map(|period| (scope.clone(), period)));
    each.find_map(|(scope, period)| {
        let configured = run.limits.budgets.of_scope(&scope);
        let holds = InForce::of(&snapshot.budgets, configured, &scope, period)?;
        if holds.once_used_up == OnceUsedUp::Warn {
            return None;
        }
        let budget = run.budget_raises.over(holds.amount, (&scope, period), today);
        let spending = Period::of(period, today).spent_by(&snapshot.spend, &scope);
        let spent = spending.cost;
        let least = if spending.unpriced > 0 { "at least " } else { "" };
        let used_up = format!(
            "budget of {} for {}{} is used up: {least}{} spent",
            budget.display(),
            period.now(),
            scope.of(),
            spent.display(),
        );
        (spent >= budget).then(|| {
            let id = ApprovalId::of_pause(run.id, run.version + 1, now);
            let over = OverBudget { scope, period, spent, asked: Some(id) };
            let asked = ask_to_raise(run, (&over, id), &used_up);
            let reason = format!("{used_up}; resuming gives this run {} more, once", BudgetRaises::more().display());
            vec![asked, in_run(run.id, &Actor::System, RunEvent::Paused { reason, over: Some(over) })]
        })
    })
}

/// The request by which people are asked to raise a budget. It waits as long as the run is paused.
fn ask_to_raise(run: &Run, (over, id): (&OverBudget, ApprovalId), reason: &str) -> Decided {
    let more = BudgetRaises::more();
    let raised = (over.spent + more).up_to_cent();
    let (now, period, of) = (over.period.now(), over.period.name(), over.scope.of());
    let text = format!(
        "{reason}.\n\
         raise once: this run can spend {more} more {now}, and nothing else changes.\n\
         raise for good: the budget for each {period}{of} becomes {raised}, and the run goes on; this takes the right to \
         set budgets.\n\
         stop: the run is cancelled.",
        more = more.display(),
        raised = raised.display(),
    );
    let offer = BudgetOffer { scope: over.scope.clone(), period: over.period, raised };
    let ask = Ask::Question {
        text: text.into(),
        choices: BudgetAnswer::ALL.map(|answer| answer.name().into()).to_vec(),
        budget: Some(Box::new(offer)),
    };
    let requested = ApprovalEvent::Requested {
        run: run.id,
        call: CallNo(0),
        tool: ToolName("budget".to_owned()),
        digest: ask.digest(),
        ask: Box::new(ask),
        rule: "budget".to_owned(),
        reason: "A budget paused the run.".to_owned(),
        rationale: Untrusted::default(),
        not_mentioned: Vec::new(),
        expires_at: None,
        edit: None,
    };
    in_approval(id, &Actor::System, requested)
}

/// The first limit that is used up.
fn limit_reached(run: &Run, now: Timestamp) -> Option<LimitKind> {
    let running = run.busy_since.map_or(0, |since| (now - since).num_milliseconds().max(0) as u64);
    let checks = [
        (LimitKind::Turns, run.turns >= run.limits.turns),
        (LimitKind::Tokens, run.tokens >= run.limits.tokens),
        (LimitKind::Cost, run.cost >= run.limits.cost),
        (LimitKind::Time, (run.worked_milliseconds + running) / 1000 >= run.limits.seconds),
        (LimitKind::Output, run.output_bytes >= run.limits.output_bytes),
    ];
    checks.into_iter().find(|(_, reached)| *reached).map(|(limit, _)| limit)
}

fn next_for_agent(run: &Run, thread: &Thread) -> Vec<Decided> {
    let agent = Actor::Agent(run.agent.clone());
    let turn = |number: u32, attempt: u32, purpose| {
        in_run(run.id, &agent, RunEvent::TurnStarted { turn: number, attempt, purpose })
    };
    // With a single tool there is nothing to plan.
    let first = if thread.spec.tools.len() == 1 { PurposeOfTurn::Act } else { PurposeOfTurn::Plan };
    let Some(last) = thread.turns.last() else { return vec![turn(1, 1, first)] };
    match &last.status {
        TurnStatus::Open => Vec::new(),
        TurnStatus::Failed(_) => vec![turn(last.turn, last.attempt + 1, last.purpose)],
        TurnStatus::Answered(reply) if last.purpose == PurposeOfTurn::Plan && thread.plan.is_none() => {
            let plan = plan_of(reply, &thread.spec.goal);
            vec![in_run(run.id, &agent, RunEvent::PlanAdopted { plan }), turn(last.turn + 1, 1, PurposeOfTurn::Act)]
        }
        TurnStatus::Answered(_) => match stuck(thread) {
            Some(Stuck::Idle) => {
                let reason = format!("the agent made no tool call in {MOST_IDLE_TURNS} turns and did not finish");
                let hint = "try a more capable model; `morningai doctor` says which `calls` suits the one you have";
                vec![in_run(
                    run.id,
                    &Actor::System,
                    RunEvent::Failed { reason: reason.into(), hint: hint.to_owned(), because: None },
                )]
            }
            Some(Stuck::Repeating(tool)) if !already_paused_for_it(thread) => {
                let reason = format!("{tool} was called {MOST_REPETITIONS} times with the same result");
                vec![in_run(run.id, &Actor::System, RunEvent::Paused { reason, over: None })]
            }
            Some(Stuck::Repeating(_)) | None => vec![turn(last.turn + 1, 1, PurposeOfTurn::Act)],
        },
    }
}

/// Why a run gets nowhere.
enum Stuck {
    Idle,
    Repeating(ToolName),
}

fn stuck(thread: &Thread) -> Option<Stuck> {
    let acting = thread.turns.iter().rev().filter(|turn| turn.purpose == PurposeOfTurn::Act);
    let idle = acting.take_while(|turn| match &turn.status {
        TurnStatus::Answered(reply) => reply.calls.is_empty(),
        TurnStatus::Open | TurnStatus::Failed(_) => false,
    });
    if idle.take(MOST_IDLE_TURNS).count() == MOST_IDLE_TURNS {
        return Some(Stuck::Idle);
    }
    let last: Vec<_> = thread.calls.values().rev().take(MOST_REPETITIONS).collect();
    let first = last.first().filter(|_| last.len() == MOST_REPETITIONS)?;
    let same = |entry: &&CallEntry| {
        entry.call.tool == first.call.tool && entry.call.args == first.call.args && entry.status == first.status
    };
    last.iter().all(same).then(|| Stuck::Repeating(first.call.tool.clone()))
}

/// A person who resumed it wants to see it try once more.
fn already_paused_for_it(thread: &Thread) -> bool {
    let last_call = thread.calls.values().next_back().map(|entry| entry.requested_at);
    let resumed = thread.timeline.iter().rev().find(|line| line.item == crate::fold::TimelineItem::Resumed);
    resumed.zip(last_call).is_some_and(|(line, requested)| line.at >= requested)
}

/// The plan a model wrote; when it is none, one step that is the goal itself.
fn plan_of(reply: &ModelReply, goal: &Untrusted) -> Plan {
    let text = reply.text.raw();
    let json = text.find('{').zip(text.rfind('}')).and_then(|(from, to)| text.get(from..=to)).unwrap_or_default();
    let written = serde_json::from_str::<WrittenPlan>(json).map(WrittenPlan::numbered);
    match written {
        Ok(plan) if plan.problem().is_none() => plan,
        _ => Plan {
            steps: vec![PlanStep {
                step: StepNo(1),
                action: goal.clone(),
                tool: None,
                success: Untrusted::default(),
                fallback: Untrusted::default(),
                after: Vec::new(),
            }],
        },
    }
}

/// A plan as a model writes it: steps without numbers, dependencies by place.
#[derive(serde::Deserialize)]
struct WrittenPlan {
    steps: Vec<WrittenStep>,
}

#[derive(serde::Deserialize)]
struct WrittenStep {
    action: Untrusted,
    #[serde(default)]
    tool: Option<String>,
    #[serde(default)]
    success: Untrusted,
    #[serde(default)]
    fallback: Untrusted,
    #[serde(default)]
    after: Vec<u32>,
}

impl WrittenPlan {
    fn numbered(self) -> Plan {
        let number = |(index, step): (usize, WrittenStep)| PlanStep {
            step: StepNo(index as u32 + 1),
            action: step.action,
            tool: step.tool.filter(|tool| !tool.is_empty()),
            success: step.success,
            fallback: step.fallback,
            after: step.after.into_iter().map(StepNo).collect(),
        };
        Plan { steps: self.steps.into_iter().enumerate().map(number).collect() }
    }
}
