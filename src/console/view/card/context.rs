//! How it came to this card, and what was decided about its like before.

use super::{CardContext, remark, title};
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::console::state::Loading;
use crate::console::view::text::{Align, Row};
use crate::console::view::wrap::Line;
use crate::console::view::{format, words};
use crate::domain::{Ask, EffectClass};
use crate::fold::{CallEntry, CallStatus};
use crate::kinds::Approval;

/// Calls shown as evidence.
const MOST_CALLS: usize = 12;
/// Earlier decisions shown.
const MOST_DECISIONS: usize = 6;

pub fn lay(context: &CardContext<'_>, rows: &mut Vec<Row>) {
    evidence(context, rows);
    decisions(context, rows);
    identity(context, rows);
}

fn evidence(context: &CardContext<'_>, rows: &mut Vec<Row>) {
    rows.push(Row::new());
    let width = context.width;
    let Some(thread) = context.thread() else {
        rows.push(Row::section("How it came to this", Row::new(), width));
        return match context.evidence {
            Some(Loading::Asked | Loading::Ready) => remark("Loading the history of the run…", width, rows),
            Some(Loading::Failed(reason)) => {
                remark(&format!("The history of the run cannot be read: {reason}"), width, rows)
            }
            None => remark("The history of the run is not here.", width, rows),
        };
    };
    let earlier: Vec<_> = thread.calls.values().filter(|entry| entry.call.call < context.approval.call).collect();
    let outside = earlier.iter().filter(|entry| is_outside(entry)).count();
    // An agent that an alert started has read the alert's text before anything else.
    let is_told = thread.spec.procedure.is_empty() && !thread.spec.inputs.is_empty();
    let note = match outside {
        0 if is_told => Row::of(Role::Warning, "it began with the text of an alert, from outside"),
        0 => Row::of(Role::Dim, "nothing was read from outside this machine"),
        some => Row::of(
            Role::Warning,
            match is_told {
                true => format!("{} from outside, and an alert's text", format::count(some, "call read", "calls read")),
                false => format!("{} from outside this machine", format::count(some, "call read", "calls read")),
            },
        ),
    };
    rows.push(Row::section("How it came to this", note, width));
    if earlier.is_empty() {
        return remark("This is the first call of the run.", width, rows);
    }
    let skipped = earlier.len() - format::named(earlier.len(), MOST_CALLS);
    if skipped > 0 {
        remark(&format!("{} before these", format::count(skipped, "call", "calls")), width, rows);
    }
    earlier.into_iter().skip(skipped).for_each(|entry| rows.push(call(entry, width)));
}

/// Text from beyond this machine is where instructions to an agent are planted.
fn is_outside(entry: &CallEntry) -> bool {
    entry.card.as_ref().is_some_and(|card| card.class == EffectClass::External)
}

fn call(entry: &CallEntry, width: usize) -> Row {
    let sign = words::call(&entry.status);
    let mut left = Row::of(sign.role, format!("{} ", sign.glyph));
    left.push_cell(Role::Dim, entry.call.call.to_string(), 5, Align::Left);
    match &entry.card {
        Some(card) => left.append(super::effect_title(card)),
        None => left.push(Role::Tool, entry.call.tool.to_string()),
    }
    let mut right = Row::new();
    if let CallStatus::Settled(result) = &entry.status {
        right.push_untrusted(Role::Dim, &result.summary);
    }
    if is_outside(entry) {
        right.push(Role::Warning, " from outside");
    }
    Row::spread(left, right.cut(width / 2), width)
}

fn decisions(context: &CardContext<'_>, rows: &mut Vec<Row>) {
    let mut alike: Vec<_> = context
        .snapshot
        .approvals
        .values()
        .filter(|other| other.id != context.approval.id && !other.state.is_open())
        .filter_map(|other| likeness(&context.approval.ask, other).map(|likeness| (likeness, other)))
        .collect();
    rows.push(Row::new());
    rows.push(Row::section("Decided before", Row::new(), context.width));
    if alike.is_empty() {
        return remark("No recent decisions on anything like this.", context.width, rows);
    }
    alike.sort_by_key(|(likeness, other)| (*likeness, std::cmp::Reverse(other.decided_at)));
    for (_, other) in alike.into_iter().take(MOST_DECISIONS) {
        let sign = words::outcome(other);
        let mut left = Row::of(sign.role, format!("{} {}", sign.glyph, sign.word)).with(Role::Text, "  ");
        left.append(title(&other.ask));
        if !other.words.is_empty() {
            left.push(Role::Dim, ": ");
            left.push_untrusted(Role::Person, &other.words);
        }
        let mut right = Row::new();
        if let (Some(by), Some(at)) = (&other.decided_by, other.decided_at) {
            right.push_untrusted(words::actor(by), &by.name().into());
            right.push(Role::Dim, format!(" {}", format::ago_in_words(at, context.now)));
        }
        rows.push(Row::spread(left, right, context.width).anchored(Anchor::Approval(other.id)));
    }
}

/// How alike two requests are: the same action (0), the same tool on the same target (1), the same tool (2).
fn likeness(ask: &Ask, other: &Approval) -> Option<u8> {
    let (card, other) = (ask.card()?, other.ask.card()?);
    if card.tool != other.tool || card.verb != other.verb {
        return None;
    }
    Some(if card.payload == other.payload {
        0
    } else if card.targets == other.targets {
        1
    } else {
        2
    })
}

fn identity(context: &CardContext<'_>, rows: &mut Vec<Row>) {
    rows.push(Row::new());
    rows.push(Row::section("Ids", Row::new(), context.width));
    let mut line = |label: &str, value: String| {
        let mut lead = Row::new();
        lead.push_cell(Role::Dim, label, 13, Align::Left);
        Line::led(lead, Row::of(Role::Code, value)).lay(context.width, rows);
    };
    line("approval", context.approval.id.to_string());
    line("run", context.approval.run.to_string());
    line("asked at", format::instant(context.approval.requested_at));
    if let Some(workspace) = context.run().and_then(|run| run.workspace.as_ref()) {
        line("workspace", workspace.root.clone());
    }
}
