//! A tool call: one line that says what it did and how it ended; unfolded, everything that is known of it.

use super::context::{RunPageContext, live_output};
use super::gutter::{GUTTER, gutter};
use crate::console::anchor::{Anchor, Fold};
use crate::console::intent::Intent;
use crate::console::role::Role;
use crate::console::view::text::{Align, Row, push_marked};
use crate::console::view::wrap::{Line, Wrap};
use crate::console::view::{card, diff, format, json, words};
use crate::domain::{ApprovalState, Authority, EffectCard, Output, Reversibility, ToolResult, Untrusted, visible_line};
use crate::fold::{CallEntry, CallStatus};
use crate::kinds::Approval;

/// Last lines of a running or failed call that are shown without unfolding.
const PREVIEW: usize = 4;
/// Most lines changed that are shown without unfolding.
const SMALL_CHANGE: usize = 12;
/// Tools that only say how far the plan is or that it is over, which the page says elsewhere.
const BOOKKEEPING: [&str; 2] = ["mark_step", "finish"];
/// Columns of the time it took.
const TOOK: usize = 9;

pub fn lay(call: &CallEntry, context: &RunPageContext<'_>, rows: &mut Vec<Row>) {
    if is_bookkeeping(call) {
        return;
    }
    let anchor = Anchor::Call(call.call.call);
    rows.push(line(call, context).anchored(anchor));
    match context.folds.of(anchor) {
        Fold::Closed => preview(call, context, rows),
        Fold::Open => details(call, context, rows),
    }
}

fn is_bookkeeping(call: &CallEntry) -> bool {
    let went_wrong = matches!(&call.status, CallStatus::Settled(result) if !result.succeeded());
    !went_wrong && BOOKKEEPING.contains(&call.call.tool.0.as_str())
}

fn line(call: &CallEntry, context: &RunPageContext<'_>) -> Row {
    let sign = words::call(&call.status);
    let mut left = gutter(call.started_at.unwrap_or(call.requested_at)).with(sign.role, format!("{} ", sign.glyph));
    left.push_cell(Role::Dim, call.call.call.to_string(), 4, Align::Left);
    match card_of(call, context) {
        Some(card) => left.append(card::effect_title(card)),
        None => left.push(Role::Tool, call.call.tool.to_string()),
    }
    // The outcome may be long; the action itself keeps at least half of the row.
    let room = context.width.saturating_sub(left.width() + TOOK + 1).max(context.width * 2 / 5);
    let mut right = outcome(call, context).cut(room);
    right.push_cell(Role::Dim, took(call, context), TOOK, Align::Right);
    Row::spread(left, right, context.width)
}

/// The card that ran, or the one a person is asked about.
fn card_of<'a>(call: &'a CallEntry, context: &RunPageContext<'a>) -> Option<&'a EffectCard> {
    let asked = || context.approval(call.approval?)?.ask.card();
    call.card.as_deref().or_else(asked)
}

fn outcome(call: &CallEntry, context: &RunPageContext<'_>) -> Row {
    let mut row = Row::new();
    let sign = words::call(&call.status);
    match &call.status {
        CallStatus::Settled(result) => {
            let role = if result.succeeded() { Role::Text } else { sign.role };
            if !result.succeeded() {
                row.push(role, format!("{} ", sign.word));
            }
            row.push_untrusted(role, &result.summary);
        }
        CallStatus::Parked | CallStatus::InDoubt => {
            // The run takes notice of a decision a moment later, and in a replay that ended with one never.
            let decided = call.approval.and_then(|id| context.approval(id)).filter(|asked| !asked.state.is_open());
            if let Some(decided) = decided {
                let sign = words::outcome(decided);
                return row.with(sign.role, sign.word);
            }
            row.push(sign.role, sign.word);
            row.push(Role::Dim, " · ");
            row.push(Role::Key, context.keymap.hint(Intent::Open));
        }
        CallStatus::Requested | CallStatus::Running => row.push(sign.role, sign.word),
    }
    row
}

fn took(call: &CallEntry, context: &RunPageContext<'_>) -> String {
    match (call.started_at, call.settled_at) {
        (Some(started), Some(settled)) => format::span(settled - started),
        (Some(started), None) => format::whole_span(context.now - started),
        (None, Some(_)) => String::new(),
        (None, None) => format::whole_span(context.now - call.requested_at),
    }
}

/// What must not wait for unfolding: who decided, the last words of what failed or still runs, and a small change.
fn preview(call: &CallEntry, context: &RunPageContext<'_>, rows: &mut Vec<Row>) {
    if let Some(row) = decision(call, context) {
        let mut indented = indent();
        indented.append(row);
        rows.push(indented.cut(context.width));
    }
    match &call.status {
        CallStatus::Settled(result) if !result.succeeded() => {
            let output = if result.output.tail.is_empty() { &result.output.head } else { &result.output.tail };
            last_lines(output, context.width, rows);
        }
        CallStatus::Settled(result) => {
            if let Some(change) = result.diff.as_ref().filter(|change| diff::Counts::of(change).lines() <= SMALL_CHANGE)
            {
                diff::lay_changes(change, &indent(), context.width, rows);
            }
        }
        CallStatus::Running => {
            if let Some(output) = live_output(context, call.call.call) {
                last_lines(output, context.width, rows);
            }
        }
        CallStatus::Requested | CallStatus::Parked | CallStatus::InDoubt => {}
    }
}

fn indent() -> Row {
    let mut row = Row::new();
    row.blank(GUTTER + 2);
    row
}

fn last_lines(text: &Untrusted, width: usize, rows: &mut Vec<Row>) {
    // Only the end is needed, and a running program may have printed much.
    let raw = text.raw();
    let from = raw.len().saturating_sub(4 * 1024);
    let from = (from..=raw.len()).find(|at| raw.is_char_boundary(*at)).unwrap_or(raw.len());
    let lines: Vec<_> = raw[from..].lines().filter(|line| !line.trim().is_empty()).collect();
    for line in &lines[lines.len().saturating_sub(PREVIEW)..] {
        let mut row = indent().with(Role::Rule, "│ ");
        row.push_visible(Role::Dim, &visible_line(line));
        rows.push(row.cut(width));
    }
}

/// `approved by ana: looks right`, where a person had a say.
fn decision(call: &CallEntry, context: &RunPageContext<'_>) -> Option<Row> {
    let approval = context.approval(call.approval?)?;
    if approval.state.is_open() {
        return waiting(approval, context);
    }
    let sign = words::outcome(approval);
    let mut row = Row::of(sign.role, sign.word);
    if let Some(by) = &approval.decided_by {
        row.push(Role::Dim, " by ");
        row.push_untrusted(words::actor(by), &by.name().into());
    }
    if let Some(at) = approval.decided_at {
        let waited = format::span(at - approval.requested_at);
        row.push(Role::Dim, format!(" after {waited}"));
    }
    if !approval.words.is_empty() {
        row.push(Role::Dim, ": ");
        row.push_untrusted(Role::Person, &approval.words);
    }
    Some(row)
}

fn waiting(approval: &Approval, context: &RunPageContext<'_>) -> Option<Row> {
    let mut row = Row::of(Role::Dim, "asked by rule ");
    row.push_untrusted(Role::Text, &approval.rule.as_str().into());
    if let Some(left) = approval.expires_at.and_then(|at| format::left(at, context.now)) {
        row.push(Role::Dim, format!(", expires in {left}"));
    }
    (approval.state == ApprovalState::Pending || approval.state == ApprovalState::InDoubt).then_some(row)
}

fn details(call: &CallEntry, context: &RunPageContext<'_>, rows: &mut Vec<Row>) {
    let width = context.width;
    if let Some(row) = decision(call, context) {
        fact("decision", row, width, rows);
    }
    fact("let by", authority(call), width, rows);
    if let Some(card) = card_of(call, context) {
        about(card, width, rows);
    }
    if call.attempts > 1 {
        fact("attempts", Row::of(Role::Warning, call.attempts.to_string()), width, rows);
    }
    if let Some(edit) = &call.edit {
        let mut row = Row::new();
        row.push_untrusted(words::actor(&edit.by), &edit.by.name().into());
        row.push(Role::Dim, ", from what was asked:");
        fact("changed by", row, width, rows);
        diff::lay(&edit.difference(), &indent().with(Role::Text, "  "), width, rows);
    }
    if call.call.args.as_object().is_none_or(|args| !args.is_empty()) {
        fact("arguments", Row::new(), width, rows);
        json::lay(&call.call.args, &indent().with(Role::Text, "  "), width, rows);
    }
    match &call.status {
        CallStatus::Settled(result) => result_rows(result, width, rows),
        CallStatus::Running => {
            if let Some(text) = live_output(context, call.call.call) {
                fact("output so far", Row::new(), width, rows);
                block(text, width, rows);
            }
        }
        CallStatus::Requested | CallStatus::Parked | CallStatus::InDoubt => {}
    }
}

fn fact(label: &str, value: Row, width: usize, rows: &mut Vec<Row>) {
    let mut lead = indent();
    lead.push_cell(Role::Dim, label, 12, Align::Left);
    lead.blank(1);
    Line::led(lead, value).lay(width, rows);
}

fn authority(call: &CallEntry) -> Row {
    match &call.under {
        Some(Authority::Rule(rule)) => {
            let mut row = Row::of(Role::Dim, "rule ");
            row.push_untrusted(Role::Text, &rule.as_str().into());
            row
        }
        Some(Authority::Approval(id)) => Row::of(Role::Dim, "approval ").with(Role::Text, id.short()),
        None => Row::of(Role::Dim, "no one; it did not start"),
    }
}

fn about(card: &EffectCard, width: usize, rows: &mut Vec<Row>) {
    let mut row = Row::of(words::environment(card.environment), card.environment.name());
    let risk = words::risk(card.risk);
    row.push(Role::Dim, ", risk ");
    row.push(risk.role, risk.word);
    if !card.confinement.is_empty() {
        row.push(Role::Dim, ", confined by ");
        row.push_untrusted(Role::Text, &card.confinement.as_str().into());
    }
    fact("where", row, width, rows);
    if let Reversibility::Undo(how) = &card.reversible {
        let mut row = Row::new();
        row.push_untrusted(Role::Code, how);
        fact("undo", row, width, rows);
    }
    for target in card.targets.iter().skip(1) {
        let mut row = Row::new();
        row.push_untrusted(Role::Text, target);
        fact("also", row, width, rows);
    }
}

fn result_rows(result: &ToolResult, width: usize, rows: &mut Vec<Row>) {
    let mut summary = Row::new();
    summary.push_untrusted(if result.succeeded() { Role::Text } else { Role::Bad }, &result.summary);
    fact("result", summary, width, rows);
    if result.output.bytes > 0 || !result.output.head.is_empty() {
        output(&result.output, width, rows);
    }
    if let Some(text) = &result.diff {
        fact("changed", diff::Counts::of(text).row(), width, rows);
        diff::lay(text, &Row::of(Role::Text, "  "), width, rows);
    }
    if let Some(data) = &result.data {
        fact("findings", Row::new(), width, rows);
        json::lay(data, &indent().with(Role::Text, "  "), width, rows);
    }
}

/// Head and tail of an output, and how much is left out between them.
fn output(output: &Output, width: usize, rows: &mut Vec<Row>) {
    fact("output", Row::of(Role::Dim, format::bytes(output.bytes)), width, rows);
    block(&output.head, width, rows);
    let elided = output.elided();
    if elided > 0 {
        let mut row = indent().with(Role::Rule, "┆ ");
        row.push(Role::Warning, format!("… {} left out here", format::bytes(elided)));
        if let Some(blob) = &output.blob {
            let name = blob.0.get(..12).unwrap_or(&blob.0);
            row.push(Role::Dim, format!("; the full output is stored as {name}"));
        }
        rows.push(row.cut(width));
    }
    if !output.tail.is_empty() {
        block(&output.tail, width, rows);
    }
}

fn block(text: &Untrusted, width: usize, rows: &mut Vec<Row>) {
    let bar = indent().with(Role::Rule, "│ ");
    let raw = text.raw();
    let text = Untrusted::from(raw.strip_suffix('\n').unwrap_or(raw));
    for visible in text.visible_lines() {
        let mut row = bar.clone();
        push_marked(Role::Text, &visible, &mut |span| row.push_span(span));
        Line { row, hang: bar.clone(), wrap: Wrap::Anywhere }.lay(width, rows);
    }
}
