//! A model turn: what it was for, what it took, and what the agent said.

use super::context::RunPageContext;
use super::gutter::gutter;
use crate::console::anchor::{Anchor, Fold};
use crate::console::role::Role;
use crate::console::view::markdown::Highlighting;
use crate::console::view::text::Row;
use crate::console::view::wrap::Line;
use crate::console::view::{format, markdown};
use crate::domain::{FinishReason, ModelFailure, ModelFailureKind, ModelReply, PurposeOfTurn};
use crate::fold::{Thread, TurnEntry, TurnStatus};

/// Turns are numbered in the order they began.
pub fn find(thread: &Thread, turn: u32) -> Option<&TurnEntry> {
    let at = thread.turns.binary_search_by_key(&turn, |entry| entry.turn).ok()?;
    thread.turns.get(at)
}

pub fn lay(turn: &TurnEntry, context: &RunPageContext<'_>, rows: &mut Vec<Row>) {
    let anchor = Anchor::Turn(turn.turn);
    let fold = context.folds.of(anchor);
    if !matches!(&turn.status, TurnStatus::Answered(reply) if reply.text.is_empty()) {
        rows.push(Row::new());
    }
    rows.push(title(turn, fold, context).anchored(anchor));
    match &turn.status {
        // What streams in stands at the end of the page.
        TurnStatus::Open => {}
        TurnStatus::Answered(_) if wrote_the_plan(turn) => {
            rows.push(Row::of(Role::Dim, "  wrote the plan").cut(context.width));
        }
        TurnStatus::Answered(reply) => answered(reply, fold, context, rows),
        TurnStatus::Failed(failure) => failed(failure, context, rows),
    }
}

/// Its text is JSON, which the page shows as a plan.
fn wrote_the_plan(turn: &TurnEntry) -> bool {
    let TurnStatus::Answered(reply) = &turn.status else { return false };
    turn.purpose == PurposeOfTurn::Plan && reply.text.raw().trim_start().starts_with('{')
}

fn title(turn: &TurnEntry, fold: Fold, context: &RunPageContext<'_>) -> Row {
    let mut left = gutter(turn.started_at);
    match &turn.status {
        TurnStatus::Open => left.push(Role::Running, "● "),
        TurnStatus::Answered(_) => left.push(Role::Agent, "┃ "),
        TurnStatus::Failed(failure) if failure.kind == ModelFailureKind::Cancelled => left.push(Role::Dim, "– "),
        TurnStatus::Failed(_) => left.push(Role::Bad, "✗ "),
    }
    left.push_untrusted(Role::Agent, &context.run.agent.as_str().into());
    let purpose = match turn.purpose {
        PurposeOfTurn::Plan => " plans",
        PurposeOfTurn::Act => "",
    };
    left.push(Role::Text, purpose);
    left.push(Role::Dim, format!("  turn {}", turn.turn));
    if turn.attempt > 1 {
        left.push(Role::Warning, format!(", attempt {}", turn.attempt));
    }
    if let (Fold::Closed, TurnStatus::Answered(reply), false) = (fold, &turn.status, wrote_the_plan(turn)) {
        left.push(Role::Dim, "  ");
        let first = reply.text.raw().lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        left.push_untrusted(Role::Dim, &first.into());
    }
    Row::spread(left, measures(turn, context), context.width)
}

/// Time, tokens, price and model, as many as the screen has room for.
fn measures(turn: &TurnEntry, context: &RunPageContext<'_>) -> Row {
    let mut row = Row::new();
    if let TurnStatus::Answered(reply) = &turn.status {
        if context.width >= 100 {
            row.push(Role::Dim, reply.model.as_str());
            row.push(Role::Text, "  ");
        }
        if let Some(usage) = reply.usage {
            let text = format!("{} in {} out", format::quantity(usage.input), format::quantity(usage.output));
            row.push(Role::Dim, text);
            row.push(Role::Text, "  ");
        }
        row.push(Role::Money, reply.cost.map_or("price unknown".to_owned(), |cost| cost.display()));
        row.push(Role::Text, "  ");
    }
    let length = match turn.ended_at {
        Some(ended) => format::span(ended - turn.started_at),
        None => format::whole_span(context.now - turn.started_at),
    };
    row.push_cell(Role::Dim, length, 7, crate::console::view::text::Align::Right);
    row
}

fn answered(reply: &ModelReply, fold: Fold, context: &RunPageContext<'_>, rows: &mut Vec<Row>) {
    if fold == Fold::Open && !reply.text.is_empty() {
        markdown::lay(&reply.text, Highlighting::Syntax, &Row::of(Role::Text, "  "), context.width, rows);
    }
    if let Some(refusal) = &reply.refusal {
        let mut text = Row::of(Role::Warning, "refused: ");
        text.push_untrusted(Role::Agent, refusal);
        Line::led(Row::of(Role::Text, "  "), text).lay(context.width, rows);
    }
    let warning = match reply.finish {
        FinishReason::Stop | FinishReason::ToolCalls => return,
        FinishReason::Length => "! cut at the output limit; the answer may be incomplete",
        FinishReason::Filtered => "! stopped by the provider's filter",
    };
    rows.push(Row::of(Role::Text, "  ").with(Role::Warning, warning).cut(context.width));
}

fn failed(failure: &ModelFailure, context: &RunPageContext<'_>, rows: &mut Vec<Row>) {
    // Somebody wanted it so.
    let role = if failure.kind == ModelFailureKind::Cancelled { Role::Dim } else { Role::Bad };
    let mut text = Row::new();
    text.push_untrusted(role, &failure.message);
    Line::led(Row::of(Role::Text, "  "), text).lay(context.width, rows);
    if !failure.hint.is_empty() {
        Line::led(Row::of(Role::Dim, "  next: "), Row::of(Role::Text, failure.hint.as_str())).lay(context.width, rows);
    }
}
