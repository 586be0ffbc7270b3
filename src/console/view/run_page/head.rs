//! The top of a run's page: goal, state, who and where, what it has used of its limits, and its plan.

use super::context::RunPageContext;
use crate::console::role::Role;
use crate::console::view::text::{Align, Row};
use crate::console::view::wrap::Line;
use crate::console::view::{format, run_list, words};
use crate::domain::{PlanStep, StepState};
use crate::fold::Thread;
use crate::kinds::Run;

/// Columns of the labels.
const LABEL: usize = 12;
/// Steps shown around the current one of a long plan.
const MOST_STEPS: usize = 10;

pub fn rows(context: &RunPageContext<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let run = context.run;
    let sign = words::run(run.state);
    let mut goal = Row::new();
    goal.push_untrusted(Role::Strong, &run.goal);
    let mut lead = Row::of(sign.role, format!("{} ", sign.glyph));
    lead.push_cell(sign.role, sign.word, LABEL - 2, Align::Left);
    Line::led(lead, goal).lay(context.width, &mut rows);
    facts(context, &mut rows);
    rows.push(Row::new());
    match context.thread {
        Some(thread) => plan(thread, context.width, &mut rows),
        None => rows.push(Row::of(Role::Dim, "Loading the history of this run…")),
    }
    rows
}

fn facts(context: &RunPageContext<'_>, rows: &mut Vec<Row>) {
    let run = context.run;
    let activity = words::activity(run);
    if !activity.is_empty() {
        fact("now", Row::of(Role::Text, activity), context.width, rows);
    }
    fact(worker(run), who(context), context.width, rows);
    if let Some(workspace) = &run.workspace {
        let mut row = Row::new();
        if let Some(branch) = &workspace.branch {
            row.push(Role::Code, branch.as_str());
            row.push(Role::Dim, " of ");
        }
        row.push(Role::Text, workspace.repository.as_deref().unwrap_or(&workspace.root));
        fact("workspace", row, context.width, rows);
        for what in &workspace.left_out {
            let mut row = Row::new();
            row.push_untrusted(Role::Warning, &what.as_str().into());
            fact("not there", row, context.width, rows);
        }
    }
    fact("used", used(run, context), context.width, rows);
}

/// The same in so many rows whatever it says, each cut: what stands beside a list, where the cursor moves fast.
pub fn glance(context: &RunPageContext<'_>) -> Vec<Row> {
    let run = context.run;
    let sign = words::run(run.state);
    let mut title = Row::of(sign.role, format!("{} ", sign.glyph));
    title.push_cell(sign.role, sign.word, LABEL - 2, Align::Left);
    title.append(run_list::name(run, Role::Strong).cut_middle(context.width.saturating_sub(LABEL)));
    let mut place = Row::new();
    if let Some(workspace) = &run.workspace {
        if let Some(branch) = workspace.branch.as_deref() {
            place.push(Role::Code, run_list::short_branch(branch));
            place.push(Role::Dim, " of ");
        }
        let repository = workspace.repository.as_deref().unwrap_or(&workspace.root);
        place.push(Role::Dim, repository.rsplit('/').next().unwrap_or(repository));
    }
    let mut next = Row::of(Role::Text, words::activity(run));
    if next.is_empty() {
        next.push_untrusted(Role::Text, &run.note);
    }
    let line = |label: &str, value: Row| {
        let mut row = Row::new();
        row.push_cell(Role::Dim, label, LABEL, Align::Left);
        row.append(value);
        row.cut(context.width)
    };
    let now = if run.state.is_final() { "came to" } else { "now" };
    let mut rows = vec![
        title,
        line(now, next),
        line(worker(run), who(context)),
        line("workspace", place),
        line("used", used(run, context)),
        Row::new(),
    ];
    if let Some(thread) = context.thread {
        plan(thread, context.width, &mut rows);
    }
    rows
}

fn worker(run: &Run) -> &'static str {
    if run.is_procedure { "procedure" } else { "agent" }
}

/// Who works on it, and who started it when.
fn who(context: &RunPageContext<'_>) -> Row {
    let run = context.run;
    let mut who = Row::new();
    who.push_untrusted(Role::Agent, &run.agent.as_str().into());
    who.push(Role::Dim, ", started by ");
    who.push_untrusted(words::actor(&run.started_by), &run.started_by.name().into());
    who.push(Role::Dim, format!(" {}", format::ago_in_words(run.started_at, context.now)));
    who.push(Role::Dim, format!(", run {}", run.id.short()));
    who
}

fn fact(label: &str, value: Row, width: usize, rows: &mut Vec<Row>) {
    let mut lead = Row::new();
    lead.push_cell(Role::Dim, label, LABEL, Align::Left);
    Line::led(lead, value).lay(width, rows);
}

/// What it has used, each with its limit; what is nearly used up stands out.
fn used(run: &Run, context: &RunPageContext<'_>) -> Row {
    let limits = &run.limits;
    let worked = format::worked(run, context.now);
    let seconds = u64::try_from(worked.num_seconds()).unwrap_or(0);
    let cost = (u64::try_from(run.cost.0).unwrap_or(0), u64::try_from(limits.cost.0).unwrap_or(0));
    let mut row = Row::new();
    let mut part = |text: String, limit: String, (used, most): (u64, u64), role: Role| {
        if !row.is_empty() {
            row.push(Role::Rule, " · ");
        }
        let is_scarce = most > 0 && used.saturating_mul(5) >= most.saturating_mul(4);
        row.push(if is_scarce { Role::Warning } else { role }, text);
        row.push(Role::Dim, format!(" of {limit}"));
    };
    let limit =
        format::whole_span(chrono::TimeDelta::seconds(i64::try_from(limits.seconds).unwrap_or(i64::MAX / 1_000)));
    part(format::whole_span(worked), limit, (seconds, limits.seconds), Role::Text);
    if !run.is_procedure {
        part(format::run_cost(run), limits.cost.display(), cost, Role::Money);
        part(
            run.turns.to_string(),
            format!("{} turns", limits.turns),
            (run.turns.into(), limits.turns.into()),
            Role::Text,
        );
        let tokens = format!("{} tokens", format::quantity(limits.tokens));
        part(format::quantity(run.tokens), tokens, (run.tokens, limits.tokens), Role::Text);
    }
    row
}

fn plan(thread: &Thread, width: usize, rows: &mut Vec<Row>) {
    let Some(plan) = thread.plan.as_ref().filter(|plan| !plan.steps.is_empty()) else { return };
    let state = |step: &PlanStep| thread.step_states.get(&step.step).copied().unwrap_or_default();
    let done = plan.steps.iter().filter(|step| matches!(state(step), StepState::Done | StepState::Skipped)).count();
    let note = Row::of(Role::Dim, format!("{done} of {} done", plan.steps.len()));
    rows.push(Row::section("Plan", note, width));
    let current = plan.steps.iter().position(|step| !matches!(state(step), StepState::Done | StepState::Skipped));
    let last = plan.steps.len().saturating_sub(MOST_STEPS);
    let from = current.unwrap_or(plan.steps.len()).saturating_sub(3).min(last);
    if from > 0 {
        rows.push(Row::of(Role::Dim, format!("  … {} earlier", format::count(from, "step", "steps"))));
    }
    for step in plan.steps.iter().skip(from).take(MOST_STEPS) {
        rows.push(plan_step(step, state(step), width));
    }
    let after = plan.steps.len().saturating_sub(from + MOST_STEPS);
    if after > 0 {
        rows.push(Row::of(Role::Dim, format!("  … {} after these", format::count(after, "step", "steps"))));
    }
    rows.push(Row::new());
}

fn plan_step(step: &PlanStep, state: StepState, width: usize) -> Row {
    let sign = words::step(state);
    let mut left = Row::of(sign.role, format!("{} ", sign.glyph));
    left.push_cell(Role::Dim, step.step.to_string(), 3, Align::Left);
    let role = match state {
        StepState::Running => Role::Strong,
        StepState::Done | StepState::Skipped => Role::Dim,
        StepState::Pending | StepState::Failed => Role::Text,
    };
    left.push_untrusted(role, &step.action);
    if width >= 110 && !step.success.is_empty() {
        left.push(Role::Dim, ", until ");
        left.push_untrusted(Role::Dim, &step.success);
    }
    Row::spread(left, Row::of(sign.role, sign.word), width)
}
