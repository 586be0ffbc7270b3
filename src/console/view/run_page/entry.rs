//! One line of a run's history, whatever it is about: the place where its rows are decided on.

use super::context::RunPageContext;
use super::gutter::{GUTTER, gutter};
use super::{call, turn};
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::console::view::markdown::Highlighting;
use crate::console::view::text::Row;
use crate::console::view::wrap::{Line, Wrap, untrusted_lines};
use crate::console::view::{format, markdown, words};
use crate::domain::{Actor, ApprovalState, RunState};
use crate::fold::{Thread, TimelineEntry, TimelineItem};
use crate::kinds::Run;

pub fn rows(place: usize, entry: &TimelineEntry, thread: &Thread, context: &RunPageContext<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let anchor = Anchor::Entry(place);
    match &entry.item {
        TimelineItem::Started => {
            rows.push(Row::section(
                "History",
                Row::of(Role::Dim, format!("times in {}", format::zone(context.now))),
                context.width,
            ));
            let at = entry.at.format("%Y-%m-%d").to_string();
            rows.push(note(entry, "●", Role::Dim, format!("started on {at}"), context).anchored(anchor));
        }
        TimelineItem::PlanAdopted => {
            let steps = thread.plan.as_ref().map_or(0, |plan| plan.steps.len());
            let text = format!("adopted a plan of {}", format::count(steps, "step", "steps"));
            rows.push(note(entry, "✓", Role::Good, text, context).anchored(anchor));
        }
        TimelineItem::Turn(number) => {
            if let Some(turn) = turn::find(thread, *number) {
                turn::lay(turn, context, &mut rows);
            }
        }
        TimelineItem::Call(number) => {
            if let Some(call) = thread.calls.get(number) {
                call::lay(call, context, &mut rows);
            }
        }
        TimelineItem::Paused(why) => {
            rows.push(note(entry, "‖", Role::Warning, format!("paused: {why}"), context).anchored(anchor));
        }
        TimelineItem::Resumed => {
            rows.push(note(entry, "●", Role::Running, "goes on".to_owned(), context).anchored(anchor))
        }
        TimelineItem::Recovered(left) => {
            let text = "resumed after its last worker was lost".to_owned();
            rows.push(note(entry, "●", Role::Warning, text, context).anchored(anchor));
            if !left.is_empty() {
                let mut lead = Row::new();
                lead.blank(GUTTER + 2);
                untrusted_lines(&lead, Role::Warning, left, Wrap::Words, context.width, &mut rows);
            }
        }
        TimelineItem::CancelRequested(why) => {
            let text = format!("to be stopped: {why}");
            rows.push(note(entry, "–", Role::Warning, text, context).anchored(anchor));
        }
        TimelineItem::Ended => receipt(anchor, entry, context, &mut rows),
    }
    rows
}

/// `02:47:10  ● started on 2026-11-24   by ana`.
fn note(entry: &TimelineEntry, glyph: &str, role: Role, text: String, context: &RunPageContext<'_>) -> Row {
    let left = gutter(entry.at).with(role, format!("{glyph} ")).with(Role::Text, text);
    let mut right = Row::new();
    if entry.by != Actor::System {
        right.push(Role::Dim, "by ");
        right.push_untrusted(words::actor(&entry.by), &entry.by.name().into());
    }
    Row::spread(left, right, context.width)
}

/// How it ended: the outcome, what it took, who decided what on the way.
fn receipt(anchor: Anchor, entry: &TimelineEntry, context: &RunPageContext<'_>, rows: &mut Vec<Row>) {
    let run = context.run;
    let sign = words::run(run.state);
    rows.push(Row::new());
    let title = match run.state {
        RunState::Succeeded => "Succeeded",
        RunState::Failed => "Failed",
        RunState::Cancelled => "Cancelled",
        RunState::Planning | RunState::Running | RunState::Waiting | RunState::Paused | RunState::InDoubt => "Ended",
    };
    let mut when = Row::of(Role::Dim, format::clock(entry.at));
    if entry.by != Actor::System {
        when.push(Role::Dim, " by ");
        when.push_untrusted(words::actor(&entry.by), &entry.by.name().into());
    }
    rows.push(Row::section(format!("{} {title}", sign.glyph), when, context.width).anchored(anchor));
    if !run.note.is_empty() {
        markdown::lay(&run.note, Highlighting::Plain, &Row::of(sign.role, "▏ "), context.width, rows);
    }
    if !run.hint.is_empty() {
        let lead = Row::of(Role::Dim, "  next: ");
        Line::led(lead, Row::of(Role::Text, run.hint.as_str())).lay(context.width, rows);
    }
    Line::led(Row::of(Role::Dim, "  took: "), took(run, context)).lay(context.width, rows);
}

fn took(run: &Run, context: &RunPageContext<'_>) -> Row {
    let mut row = Row::of(Role::Text, format::run_span(run, context.now));
    row.push(Role::Dim, format!(", of it {} at work", format::whole_span(format::worked(run, context.now))));
    row.push(Role::Rule, " · ");
    row.push(Role::Text, format::count(run.calls as usize, "call", "calls"));
    if run.turns > 0 {
        row.push(Role::Rule, " · ");
        row.push(Role::Text, format::count(run.turns as usize, "turn", "turns"));
        row.push(Role::Rule, " · ");
        row.push(Role::Money, format::named_run_cost(run));
    }
    let decided = |wanted: fn(ApprovalState) -> bool| {
        context.approvals.values().filter(|approval| approval.run == run.id && wanted(approval.state)).count()
    };
    let approved = decided(|state| state == ApprovalState::Approved);
    let edited = decided(|state| state == ApprovalState::Edited);
    let denied = decided(|state| matches!(state, ApprovalState::Denied | ApprovalState::Expired));
    for (number, word) in [(edited, "edited"), (approved, "approved"), (denied, "not approved")] {
        if number > 0 {
            row.push(Role::Rule, " · ");
            row.push(Role::Text, format!("{number} {word}"));
        }
    }
    row
}
