//! The first screen of a card: what the decision turns on, one fact a row.

use super::{CardContext, change, edit, effect_title};
use crate::console::intent::Intent;
use crate::console::role::Role;
use crate::console::state::Extent;
use crate::console::view::diff::Counts;
use crate::console::view::text::Row;
use crate::console::view::wrap::{Line, Wrap, continued};
use crate::console::view::{format, words};
use crate::domain::{
    Ask, Authority, CardDigest, EffectCard, Environment, Payload, Repeat, Reversibility, Untrusted, Usd,
};
use crate::kinds::Run;

/// Columns of the labels.
const LABEL: usize = 13;
/// From this width on, facts stand in two columns.
const WIDE: usize = 120;
/// Targets named before the rest is only counted; all of them stand below.
const MOST_TARGETS: usize = 3;

/// A label and what it says.
struct Fact {
    label: &'static str,
    value: Row,
}

fn fact(label: &'static str, value: Row) -> Fact {
    Fact { label, value }
}

pub fn rows(context: &CardContext<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    match &context.approval.ask {
        Ask::Effect { card } => {
            banner(card, &mut rows);
            title(context, card, &mut rows);
            rows.push(Row::new());
            lay_facts(effect_facts(context, card), context.width, &mut rows);
        }
        Ask::InDoubt { card, attempt } => {
            banner(card, &mut rows);
            title(context, card, &mut rows);
            rows.push(Row::new());
            doubt(context, card, *attempt, &mut rows);
        }
        Ask::Question { .. } => {
            let sign = words::outcome(context.approval);
            rows.push(Row::of(sign.role, format!("{} ", sign.glyph)).with(Role::Strong, "question"));
            rows.push(Row::new());
            let mut facts = vec![asked_by(context)];
            facts.extend(status(context));
            facts.push(digest(context));
            lay_facts(facts, context.width, &mut rows);
        }
    }
    rows
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
    for (index, target) in card.targets.iter().take(MOST_TARGETS).enumerate() {
        let mut row = if index == 0 { left.clone() } else { Row::new() };
        row.pad_to(indent);
        row.push_visible(Role::Text, &target.quoted());
        Line { row, hang: continued(indent), wrap: Wrap::Anywhere }.lay(context.width, rows);
    }
    let more = card.targets.len().saturating_sub(MOST_TARGETS);
    if more > 0 {
        let mut row = Row::new();
        row.blank(indent);
        rows.push(row.with(Role::Dim, format!("and {more} more, all named below")));
    }
}

fn effect_facts(context: &CardContext<'_>, card: &EffectCard) -> Vec<Fact> {
    let approval = context.approval;
    let risk = words::risk(card.risk);
    let mark = if risk.glyph.trim().is_empty() { String::new() } else { format!("{} ", risk.glyph) };
    let mut rule = Row::new();
    rule.push_untrusted(Role::Strong, &approval.rule.as_str().into());
    rule.push(Role::Text, ": ");
    rule.push_untrusted(Role::Text, &approval.reason.as_str().into());
    let mut facts = vec![
        fact("environment", Row::of(words::environment(card.environment), card.environment.name())),
        fact("risk", Row::of(risk.role, format!("{mark}{}", risk.word))),
        fact("reversible", reversible(card)),
        fact("touches", touches(card)),
        fact("rule", rule),
        asked_by(context),
    ];
    facts.extend(change::summary(card).map(|size| fact("leaves", size)));
    facts.extend(approval.edit.as_ref().map(|edit| fact("changed by", edit::summary(edit))));
    facts.extend(card.notices().map(|notice| {
        let mut value = Row::new();
        value.push_untrusted(Role::Warning, &notice);
        fact("note", value)
    }));
    facts.push(cost(context));
    facts.extend(status(context));
    facts.push(fact("confined by", confinement(card)));
    facts.push(digest(context));
    if let (Some(name), true) = (approval.ask.type_to_approve(), approval.state.is_open()) {
        let value = Row::of(Role::Warning, "by typing its name: ").with(Role::Input, name);
        facts.push(fact("approve", value));
    }
    facts
}

fn reversible(card: &EffectCard) -> Row {
    match &card.reversible {
        Reversibility::NothingToUndo => Row::of(Role::Good, "nothing changes, so there is nothing to undo"),
        Reversibility::Undo(how) => {
            let mut row = Row::of(Role::Good, "yes").with(Role::Dim, ", by ");
            row.push_untrusted(Role::Code, how);
            row
        }
        Reversibility::Irreversible => Row::of(Role::Bad, "no").with(Role::Text, ", it cannot be taken back"),
        Reversibility::Unknown => {
            Row::of(Role::Bad, "unknown").with(Role::Text, ", it cannot be inspected; take it for irreversible")
        }
    }
}

/// How much is touched, counted from what will run.
fn touches(card: &EffectCard) -> Row {
    let targets = format::count(card.targets.len(), "target", "targets");
    match &card.payload {
        Payload::Exec { argv, .. } => {
            let arguments = format::count(argv.len().saturating_sub(1), "argument", "arguments");
            Row::of(Role::Text, format!("{targets}; one program with {arguments}{}", counted_facts(card)))
        }
        Payload::Patch { diff, before, .. } => {
            let kind = if before.is_empty() { "one new file, " } else { "one file, " };
            let mut row = Row::of(Role::Text, kind);
            row.append(Counts { files: 0, ..Counts::of(diff) }.row());
            row.with(Role::Dim, " lines")
        }
        Payload::Delete { paths } => {
            Row::of(Role::Warning, format!("{} cease to exist", format::count(paths.len(), "path", "paths")))
        }
        Payload::Arguments { .. } => Row::of(Role::Text, format!("{targets}{}", counted_facts(card))),
    }
}

/// Numbers among the facts that count something: `; 2 commits`.
fn counted_facts(card: &EffectCard) -> String {
    let counted = |(name, one): (&str, &str)| {
        let number = usize::try_from(card.facts.get(name)?.as_u64()?).ok()?;
        Some(format!("; {}", format::count(number, one, name)))
    };
    [("commits", "commit"), ("files", "file"), ("hosts", "host")].into_iter().filter_map(counted).collect()
}

fn asked_by(context: &CardContext<'_>) -> Fact {
    let approval = context.approval;
    let mut row = Row::new();
    row.push_untrusted(words::actor(&approval.requested_by), &approval.requested_by.name().into());
    row.push(
        Role::Dim,
        format!(" {}, call {} of run ", format::ago_in_words(approval.requested_at, context.now), approval.call),
    );
    row.push(Role::Text, approval.run.short());
    if let Some(run) = context.run() {
        row.push(Role::Dim, ": ");
        let mut goal = Row::new();
        goal.push_untrusted(Role::Text, &run.goal);
        row.append(goal.cut(60));
    }
    fact("asked by", row)
}

fn cost(context: &CardContext<'_>) -> Fact {
    let Some(run) = context.run() else { return fact("cost so far", Row::of(Role::Dim, "unknown")) };
    let mut row = Row::of(Role::Money, format::run_cost(run));
    row.push(Role::Dim, format!(" of at most {}", run.limits.cost.display()));
    if run.steps > 0 {
        row.push(Role::Dim, format!("; {} of {} steps done", run.steps_done, run.steps));
    }
    if let Some(rest) = cost_to_finish(run) {
        row.push(Role::Dim, format!(", about {} to finish", rest.display()));
    }
    fact("cost so far", row)
}

/// What the steps left would cost if they cost as much as those done. `None` where nothing is known to go by.
fn cost_to_finish(run: &Run) -> Option<Usd> {
    let left = i64::from(run.steps.checked_sub(run.steps_done)?);
    let known = run.steps_done > 0 && left > 0 && run.unpriced_turns == 0 && run.cost > Usd::ZERO;
    known.then(|| Usd(run.cost.0.saturating_mul(left) / i64::from(run.steps_done)))
}

/// When it expires, or what came of it.
fn status(context: &CardContext<'_>) -> Vec<Fact> {
    let approval = context.approval;
    if !approval.state.is_open() {
        let sign = words::outcome(approval);
        let mut row = Row::of(sign.role, format!("{} {}", sign.glyph, sign.word));
        if let (Some(by), Some(at)) = (&approval.decided_by, approval.decided_at) {
            row.push(Role::Dim, " by ");
            row.push_untrusted(words::actor(by), &by.name().into());
            row.push(
                Role::Dim,
                format!(" {}, at {}", format::ago_in_words(at, context.now), format::moment(at, context.now)),
            );
        }
        let mut facts = vec![fact("state", row)];
        if !approval.words.is_empty() {
            let mut words = Row::new();
            words.push_untrusted(Role::Person, &approval.words);
            facts.push(fact("in words", words));
        }
        return facts;
    }
    let Some(expires) = approval.expires_at else {
        return vec![fact("expires", Row::of(Role::Dim, "never; it waits for you"))];
    };
    let row = match format::left(expires, context.now) {
        None => Row::of(Role::Bad, "now; it is being refused"),
        Some(left) => {
            let minutes = (expires - context.now).num_minutes();
            let role = match minutes {
                ..2 => Role::Bad,
                2..10 => Role::Warning,
                _ => Role::Text,
            };
            let at = format::moment(expires, context.now);
            Row::of(role, format!("in {left}")).with(Role::Dim, format!(", at {at}; unanswered it is refused"))
        }
    };
    vec![fact("expires", row)]
}

fn confinement(card: &EffectCard) -> Row {
    match (&card.payload, card.confinement.as_str()) {
        (Payload::Exec { .. }, "") => Row::of(Role::Warning, "nothing: it runs outside the sandbox"),
        (_, "") => Row::of(Role::Dim, "no program is started"),
        (_, rung) => {
            let mut row = Row::new();
            row.push_untrusted(Role::Text, &rung.into());
            row
        }
    }
}

fn digest(context: &CardContext<'_>) -> Fact {
    let digest = &context.approval.digest;
    let row = match context.extent {
        Extent::Card => Row::of(Role::Code, digest.shown()),
        Extent::Everything => Row::of(Role::Code, digest.0.as_str()),
    };
    // What a decision would name must be what stands here; a record that says otherwise is not to be trusted.
    if *digest == computed(&context.approval.ask) {
        fact("digest", row)
    } else {
        fact("digest", row.with(Role::Bad, "  does not match what stands here"))
    }
}

fn computed(ask: &Ask) -> CardDigest {
    ask.digest()
}

fn doubt(context: &CardContext<'_>, card: &EffectCard, attempt: u32, rows: &mut Vec<Row>) {
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
        Repeat::Once => "it may or may not have happened: no outcome was recorded, and nobody but you can look",
        Repeat::Checkable => "it may or may not have happened: no outcome was recorded, and looking gave no answer",
        Repeat::Repeatable => "it may or may not have happened: no outcome was recorded",
    };
    let mut facts = vec![
        fact("started", began),
        fact("unknown", Row::of(Role::Warning, why)),
        fact("environment", Row::of(words::environment(card.environment), card.environment.name())),
        fact("reversible", reversible(card)),
        fact("touches", touches(card)),
        asked_by(context),
    ];
    facts.extend(change::summary(card).map(|size| fact("leaves", size)));
    facts.extend(status(context));
    facts.push(digest(context));
    if context.approval.state.is_open() {
        facts.extend(ways(context));
    }
    lay_facts(facts, context.width, rows);
}

/// The three ways to settle an unknown outcome, with their keys.
fn ways(context: &CardContext<'_>) -> Vec<Fact> {
    let way = |label, intent: Intent| {
        let row = Row::of(Role::Key, context.keymap.hint(intent)).with(Role::Text, format!("  {}", intent.doc()));
        fact(label, row)
    };
    vec![way("settle it", Intent::SettleHappened), way("", Intent::SettleRetry), way("", Intent::SettleGiveUp)]
}

fn lay_facts(facts: Vec<Fact>, width: usize, rows: &mut Vec<Row>) {
    if width < WIDE {
        facts.into_iter().for_each(|fact| lay_fact(fact, width, rows));
        return;
    }
    let gap = 3;
    let column = (width - gap) / 2;
    let half = facts.len().div_ceil(2);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (index, fact) in facts.into_iter().enumerate() {
        lay_fact(fact, column, if index < half { &mut left } else { &mut right });
    }
    let height = left.len().max(right.len());
    left.resize(height, Row::new());
    right.resize(height, Row::new());
    for (mut row, other) in left.into_iter().zip(right) {
        if !other.is_empty() {
            row.pad_to(column + gap);
            row.append(other);
        }
        rows.push(row);
    }
}

fn lay_fact(fact: Fact, width: usize, rows: &mut Vec<Row>) {
    let mut lead = Row::new();
    lead.push_cell(Role::Dim, fact.label, LABEL, crate::console::view::text::Align::Left);
    Line::led(lead, fact.value).lay(width, rows);
}
