//! Where it happens and why it is asked for: what the decision turns on besides the action itself, one fact a row.

use super::CardContext;
use crate::console::role::Role;
use crate::console::state::Extent;
use crate::console::view::diff::Counts;
use crate::console::view::text::Row;
use crate::console::view::wrap::Line;
use crate::console::view::{format, run_list, words};
use crate::domain::{Ask, CardDigest, EffectCard, Payload, Reversibility, Timestamp, Usd};
use crate::kinds::{Approval, Run, ToFinish};

/// Columns of the labels.
const LABEL: usize = 13;

/// A label and what it says.
pub struct Fact {
    label: &'static str,
    value: Row,
}

pub fn fact(label: &'static str, value: Row) -> Fact {
    Fact { label, value }
}

/// Where and why, one fact a row.
pub fn rows(context: &CardContext<'_>) -> Vec<Row> {
    let mut rows = vec![Row::section("Where and why", Row::new(), context.width)];
    for fact in facts(context) {
        lay_fact(fact, context.width, &mut rows);
    }
    rows
}

fn facts(context: &CardContext<'_>) -> Vec<Fact> {
    let mut facts = match &context.approval.ask {
        Ask::Effect { card } => effect_facts(context, card),
        Ask::InDoubt { card, .. } => vec![
            fact("environment", Row::of(words::environment(card.environment), card.environment.name())),
            fact("reversible", reversible(card)),
            fact("touches", touches(card)),
            asked_by(context),
        ],
        Ask::Question { .. } => vec![asked_by(context)],
    };
    facts.extend(expires(context.approval, context.now));
    facts.push(digest(context));
    facts
}

fn effect_facts(context: &CardContext<'_>, card: &EffectCard) -> Vec<Fact> {
    let approval = context.approval;
    let mut rule = Row::new();
    rule.push_untrusted(Role::Strong, &approval.rule.as_str().into());
    rule.push(Role::Text, ": ");
    rule.push_untrusted(Role::Text, &approval.reason.as_str().into());
    let mut facts = vec![
        fact("environment", Row::of(words::environment(card.environment), card.environment.name())),
        fact("reversible", reversible(card)),
        fact("touches", touches(card)),
        fact("rule", rule),
        asked_by(context),
    ];
    facts.extend(card.notices().map(|notice| {
        let mut value = Row::new();
        value.push_untrusted(Role::Warning, &notice);
        fact("note", value)
    }));
    facts.push(cost(context));
    facts.extend(to_finish(context));
    facts.push(fact("confined by", confinement(card)));
    if let (Some(name), true) = (approval.ask.type_to_approve(), approval.state.is_open()) {
        let value = Row::of(Role::Warning, "by typing its name: ").with(Role::Input, name);
        facts.push(fact("approve", value));
    }
    facts
}

/// Whether and how it can be taken back.
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
            Row::of(Role::Bad, "unknown").with(Role::Text, ", it cannot be inspected; treat it as irreversible")
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
    let call = if approval.ask.budget().is_some() { String::new() } else { format!("call {} of ", approval.call) };
    row.push(Role::Dim, format!(" {}, {call}run ", format::ago_in_words(approval.requested_at, context.now)));
    row.push(Role::Text, approval.run.short());
    if let Some(run) = context.run().filter(|run| !run.is_procedure) {
        row.push(Role::Dim, ": ");
        row.append(run_list::name(run, Role::Text).cut_middle(60));
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
    fact("cost so far", row)
}

/// What it takes to finish the run: by runs like it, or else by its own steps.
fn to_finish(context: &CardContext<'_>) -> Option<Fact> {
    let run = context.run()?;
    let text = match ToFinish::of(&context.snapshot.spend, run, context.now.date_naive()) {
        Some(rest) => format::to_finish(&rest),
        None => format!("about {}, if each step left costs as much as those done", cost_by_steps(run)?.display()),
    };
    Some(fact("to finish", Row::of(Role::Text, text)))
}

/// What the steps left would cost if they cost as much as those done. `None` where nothing is known to go by.
fn cost_by_steps(run: &Run) -> Option<Usd> {
    let left = i64::from(run.steps.checked_sub(run.steps_done)?);
    let known = run.steps_done > 0 && left > 0 && run.unpriced_turns == 0 && run.cost > Usd::ZERO;
    known.then(|| Usd(run.cost.0.saturating_mul(left) / i64::from(run.steps_done)))
}

/// When it expires, while it waits.
fn expires(approval: &Approval, now: Timestamp) -> Option<Fact> {
    if !approval.state.is_open() {
        return None;
    }
    let Some(expires) = approval.expires_at else {
        return Some(fact("expires", Row::of(Role::Dim, "never; it waits until you decide")));
    };
    let row = match format::left(expires, now) {
        None => Row::of(Role::Bad, "now; it is expiring"),
        Some(left) => {
            let role = words::time_left(approval, now, 1).spans().first().map_or(Role::Text, |span| span.role());
            let at = format::moment(expires, now);
            Row::of(role, format!("in {left}")).with(Role::Dim, format!(", at {at}; if unanswered it expires"))
        }
    };
    Some(fact("expires", row))
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
        fact("digest", row.with(Role::Bad, "  does not match what is shown here"))
    }
}

fn computed(ask: &Ask) -> CardDigest {
    ask.digest()
}

pub fn lay_fact(fact: Fact, width: usize, rows: &mut Vec<Row>) {
    let mut lead = Row::new();
    lead.push_cell(Role::Dim, fact.label, LABEL, crate::console::view::text::Align::Left);
    Line::led(lead, fact.value).lay(width, rows);
}
