//! The top of a card: what would be done, how bad it is, and how long it can wait; or what was decided, and what came
//! of it.

use super::why::{Fact, fact, lay_fact};
use super::{CardContext, change, edit, effect_title};
use crate::console::intent::Intent;
use crate::console::role::Role;
use crate::console::state::Outcome;
use crate::console::view::text::Row;
use crate::console::view::wrap::{Line, Wrap, continued};
use crate::console::view::{format, words};
use crate::domain::{
    ApprovalState, Ask, Authority, EffectCard, Environment, FailureKind, Repeat, Reversibility, Untrusted,
};
use crate::fold::CallStatus;

/// Targets named before the rest is only counted; all of them stand below.
const MOST_TARGETS: usize = 3;
/// Signs of the bar of the time left.
const BAR: usize = 7;

pub fn rows(context: &CardContext<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let sign = words::outcome(context.approval);
    match &context.approval.ask {
        Ask::Effect { card } | Ask::InDoubt { card, .. } => {
            banner(card, &mut rows);
            title(context, card, &mut rows);
        }
        Ask::Question { .. } => {
            rows.push(Row::of(sign.role, format!("{} ", sign.glyph)).with(Role::Strong, "question"));
        }
    }
    Line::new(verdict(context)).lay(context.width, &mut rows);
    if !context.approval.state.is_open() {
        decided(context, &mut rows);
    }
    if let Ask::InDoubt { card, attempt } = &context.approval.ask {
        rows.push(Row::new());
        doubt(context, card, *attempt).into_iter().for_each(|fact| lay_fact(fact, context.width, &mut rows));
    }
    rows
}

/// `! high · production · irreversible · +4 −2 in 2 files · ▰▰▰▰▱▱▱ 17m left`
fn verdict(context: &CardContext<'_>) -> Row {
    let approval = context.approval;
    let mut parts = Vec::new();
    if let Some(card) = approval.ask.card() {
        let risk = words::risk(card.risk);
        parts.push(Row::of(risk.role, format!("{} {}", risk.glyph, risk.word).trim_start()));
        parts.push(Row::of(words::environment(card.environment), card.environment.name()));
        parts.push(match &card.reversible {
            Reversibility::NothingToUndo => Row::of(Role::Good, "nothing to undo"),
            Reversibility::Undo(_) => Row::of(Role::Good, "reversible"),
            Reversibility::Irreversible => Row::of(Role::Bad, "irreversible"),
            Reversibility::Unknown => Row::of(Role::Bad, "cannot be inspected"),
        });
        parts.extend(change::summary(card));
        parts.extend(change::surprise(approval));
        parts.extend(approval.edit.as_ref().map(|edit| edit::summary(edit)));
    }
    if approval.state.is_open() {
        parts.push(words::time_left(approval, context.now, BAR));
    }
    let mut row = Row::new();
    for part in parts {
        if !row.is_empty() {
            row.push(Role::Rule, " · ");
        }
        row.append(part);
    }
    row
}

/// What was decided, by whom and in which words, and the outcome.
fn decided(context: &CardContext<'_>, rows: &mut Vec<Row>) {
    let approval = context.approval;
    let sign = words::outcome(approval);
    let mut row = Row::of(sign.role, format!("{} {}", sign.glyph, sign.word));
    if let (Some(by), Some(at)) = (&approval.decided_by, approval.decided_at) {
        row.push(Role::Dim, " by ");
        row.push_untrusted(words::actor(by), &by.name().into());
        let ago = format::ago_in_words(at, context.now);
        row.push(Role::Dim, format!(" {ago}, at {}", format::moment(at, context.now)));
    }
    if !approval.words.is_empty() {
        row.push(Role::Dim, ": ");
        row.push_untrusted(Role::Person, &approval.words);
    }
    Line::new(row).lay(context.width, rows);
    if approval.state == ApprovalState::Approved
        && let Some(row) = outcome(context)
    {
        Line::new(row).lay(context.width, rows);
    }
}

/// `✓ pushed ca2054e`, or why not; from what was heard of it or, where the run was read, from its history.
fn outcome(context: &CardContext<'_>) -> Option<Row> {
    let entry = || context.thread()?.calls.get(&context.approval.call);
    let settled = |failure: Option<FailureKind>, summary: &Untrusted| {
        let sign = failure.map_or(words::DONE, words::failure);
        let mut row = Row::of(sign.role, format!("{} {}: ", sign.glyph, sign.word));
        row.push_untrusted(Role::Strong, summary);
        row
    };
    let running = || Row::of(Role::Running, "● running");
    match (context.outcome, entry().map(|entry| &entry.status)) {
        (Some(Outcome::Settled { summary, failure }), _) => Some(settled(*failure, summary)),
        (_, Some(CallStatus::Settled(result))) => Some(settled(result.failure, &result.summary)),
        (Some(Outcome::Running), _) | (_, Some(CallStatus::Running)) => Some(running()),
        (None, _) => None,
    }
}

fn banner(card: &EffectCard, rows: &mut Vec<Row>) {
    if card.environment == Environment::Production {
        let text = " PRODUCTION   this changes what customers use";
        rows.push(Row::of(Role::Banner, text).filled(Role::Banner));
    }
}

fn title(context: &CardContext<'_>, card: &EffectCard, rows: &mut Vec<Row>) {
    let sign = words::outcome(context.approval);
    let mut left = Row::of(sign.role, format!("{} ", sign.glyph));
    if card.targets.len() <= 1 {
        let hang = continued(left.width() + card.verb.chars().count() + 1);
        left.append(effect_title(card));
        return Line { row: left, hang, wrap: Wrap::Anywhere }.lay(context.width, rows);
    }
    let indent = left.width() + card.verb.chars().count() + 1;
    left.push(Role::Strong, card.verb.as_str());
    left.blank(1);
    let named = format::named(card.targets.len(), MOST_TARGETS);
    for (index, target) in card.targets.iter().take(named).enumerate() {
        let mut row = if index == 0 { left.clone() } else { Row::new() };
        row.pad_to(indent);
        row.push_visible(Role::Text, &target.quoted());
        Line { row, hang: continued(indent), wrap: Wrap::Anywhere }.lay(context.width, rows);
    }
    let more = card.targets.len() - named;
    if more > 0 {
        let mut row = Row::new();
        row.blank(indent);
        rows.push(row.with(Role::Dim, format!("and {more} more, all named below")));
    }
}

fn doubt(context: &CardContext<'_>, card: &EffectCard, attempt: u32) -> Vec<Fact> {
    let entry = context.thread().and_then(|thread| thread.calls.get(&context.approval.call));
    let started = entry.and_then(|entry| entry.started_at).unwrap_or(context.approval.requested_at);
    let mut began = Row::of(Role::Text, format::ago_in_words(started, context.now));
    began.push(Role::Dim, format!(", at {}, attempt {attempt}", format::moment(started, context.now)));
    match entry.and_then(|entry| entry.under.as_ref()) {
        Some(Authority::Rule(rule)) => {
            began.push(Role::Dim, ", under rule ");
            began.push_untrusted(Role::Text, &rule.as_str().into());
        }
        Some(Authority::Approval(id)) => {
            let by = context.snapshot.approvals.get(id).and_then(|approval| approval.decided_by.as_ref());
            began.push(Role::Dim, ", approved by ");
            began.push_untrusted(Role::Person, &Untrusted::from(by.map_or("a person", |by| by.name())));
        }
        None => {}
    }
    let why = match card.repeat {
        Repeat::Once => "it may or may not have happened: no outcome was recorded, and only a person can check",
        Repeat::Checkable => "it may or may not have happened: no outcome was recorded, and checking was inconclusive",
        Repeat::Repeatable => "it may or may not have happened: no outcome was recorded",
    };
    let mut facts = vec![fact("started", began), fact("unknown", Row::of(Role::Warning, why))];
    if context.approval.state.is_open() {
        facts.extend(ways(context));
    }
    facts
}

/// The three ways to settle an unknown outcome, with their keys.
fn ways(context: &CardContext<'_>) -> Vec<Fact> {
    let way = |label, intent: Intent| {
        let row = Row::of(Role::Key, context.keymap.hint(intent)).with(Role::Text, format!("  {}", intent.doc()));
        fact(label, row)
    };
    vec![way("settle it", Intent::SettleHappened), way("", Intent::SettleRetry), way("", Intent::SettleGiveUp)]
}
