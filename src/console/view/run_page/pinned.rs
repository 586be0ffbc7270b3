//! What stays above a run's page while it scrolls: its state and how long it has run, and what it does at this moment
//! with what it has used of its budget.

use super::context::RunPageContext;
use super::head;
use crate::console::role::Role;
use crate::console::view::text::Row;
use crate::console::view::{card, format, words};
use crate::domain::{RunState, Timestamp};
use crate::fold::Thread;
use crate::kinds::{CallStage, OpenCall, Run};

/// Columns from which the steps of the plan have room as well.
const ROOMY: usize = 100;

/// `● running 12m 04s`: beside the run's name, at the right edge.
pub fn state(run: &Run, now: Timestamp) -> Row {
    let sign = words::run(run.state);
    Row::of(sign.role, format!("{} {}", sign.glyph, sign.word))
        .with(Role::Dim, format!(" {} ", format::run_span(run, now)))
}

/// State, goal and what it does, for where nothing stays above the page and nothing turns.
pub fn told(context: &RunPageContext<'_>) -> Vec<Row> {
    let run = context.run;
    let mut title = state(run, context.now);
    title.push_untrusted(Role::Strong, &run.goal);
    let activity = words::activity(run);
    let now = (!activity.is_empty()).then(|| Row::of(Role::Dim, "now ").with(Role::Text, activity));
    std::iter::once(title).chain(now).collect()
}

/// ` ⠹ run cargo test  8s         2 of 3 steps · $0.41 of $5.00 ▰▱▱▱▱▱▱▱`
pub fn line(context: &RunPageContext<'_>) -> Row {
    let run = context.run;
    let mut right = Row::new();
    if run.steps > 0 && context.width >= ROOMY {
        right.push(Role::Dim, format!("{} of {} steps done", run.steps_done, run.steps));
        right.push(Role::Rule, if run.is_procedure { "" } else { " · " });
    }
    if !run.is_procedure {
        right.append(head::budget(run));
    }
    right.blank(1);
    let mut left = Row::new();
    left.blank(1);
    left.append(now(context));
    Row::spread(left, right, context.width)
}

/// What it does, for how long, and how fast; or why it does nothing.
fn now(context: &RunPageContext<'_>) -> Row {
    let run = context.run;
    if run.state.is_final() {
        let mut row = Row::of(Role::Dim, "came to: ");
        row.push_untrusted(Role::Text, &run.note);
        return row;
    }
    let mut row = Row::new();
    if run.is_busy() {
        row.push(Role::Running, format!("{} ", words::spinner(context.now)));
    }
    let started = run.open_calls.iter().rfind(|open| matches!(open.stage, CallStage::Started { .. }));
    match started.filter(|_| run.open_turn.is_none() && run.cancelling.is_none()) {
        Some(open) if run.state == RunState::Running => row.append(call(open, context)),
        _ => row.push(Role::Text, words::activity(run)),
    }
    if let Some(since) = since(context) {
        row.push(Role::Dim, format!("  {}", format::whole_span(context.now - since)));
    }
    let live = context.live.filter(|live| run.open_turn.as_ref().is_some_and(|open| open.turn == live.turn));
    if let Some(rate) = live.and_then(|live| live.tokens_per_second(context.now)) {
        row.push(Role::Dim, format!(" · about {rate} tokens/s"));
    }
    row
}

/// What runs, as it says itself; where its history is not here yet, the name of its tool.
fn call(open: &OpenCall, context: &RunPageContext<'_>) -> Row {
    let card = context.thread.and_then(|thread| thread.calls.get(&open.call)?.card.as_deref());
    let others = context.run.open_calls.len() > 1;
    match card.filter(|_| !others) {
        Some(card) => card::effect_title(card),
        None => Row::of(Role::Text, words::activity(context.run)),
    }
}

/// When what is under way began.
fn since(context: &RunPageContext<'_>) -> Option<Timestamp> {
    let of_turn = |thread: &Thread| Some(thread.turns.last()?.started_at);
    match (&context.run.open_turn, context.thread) {
        (Some(_), Some(thread)) => of_turn(thread),
        (_, _) => context.run.busy_since,
    }
}
