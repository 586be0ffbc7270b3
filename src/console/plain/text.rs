//! Events, runs and cards as lines of text. Lines that only decorate are left out: they would be read aloud.

use crate::console::anchor::{Fold, Folds};
use crate::console::keymap::Keymap;
use crate::console::role::Role;
use crate::console::state::Extent;
use crate::console::view::card::{CardCache, CardContext};
use crate::console::view::run_page;
use crate::console::view::run_page::{PlanPlace, RunPageCache, RunPageContext};
use crate::console::view::text::{Row, Span};
use crate::console::view::{format, log_page};
use crate::domain::{Ask, RunId, Timestamp, Untrusted};
use crate::fold::Snapshot;
use crate::kinds::{Approval, Envelope, Event, Run, RunEvent, Stream};

/// Columns of what is laid out; terminals wrap what is longer themselves.
const WIDTH: usize = 100;

/// An event: a line, and what a model said below it.
pub fn event(envelope: &Envelope) -> Vec<String> {
    let (kind, _) = envelope.stream.parts();
    let kind = if matches!(envelope.stream, Stream::Approval(_)) { "request" } else { kind };
    let stream = format!("{kind} {}", envelope.stream.short());
    let at = format::clock(envelope.at);
    let what = log_page::summary(&envelope.event).text();
    let by = shown(envelope.by.name());
    let mut lines = vec![format!("{at} {} in {stream} by {by}: {what}", envelope.event.kind())];
    if let Event::Run(RunEvent::TurnFinished { reply, .. }) = &envelope.event {
        let said = reply.text.visible_lines().filter(|line| !line.trim().is_empty());
        lines.extend(said.map(|line| format!("  says: {line}")));
    }
    lines
}

/// A run on one line.
pub fn run(run: &Run) -> String {
    let goal = run.goal.visible();
    format!("run {} {} by {}, {}: {goal}", run.id.short(), run.state, shown(&run.agent), format::run_cost(run))
}

/// A card in full, and how to decide on it.
pub fn card(approval: &Approval, snapshot: &Snapshot, keymap: &Keymap, now: Timestamp) -> Vec<String> {
    let extent = Extent::Everything;
    let context = CardContext { approval, snapshot, keymap, now, width: WIDTH, extent, evidence: None, outcome: None };
    let mut cache = CardCache::default();
    let view = cache.view(&context);
    let id = approval.id.short();
    let mut lines = vec![format!("Request {id}, {}:", approval.state)];
    lines.extend(view.all().iter().enumerate().filter_map(|(place, row)| {
        let line = readable(row);
        // A line that is empty is part of what it stands in.
        (view.payload().contains(&place) || !line.is_empty()).then_some(line)
    }));
    if !approval.state.is_open() {
        return lines;
    }
    let digest = approval.digest.shown();
    lines.push(match &approval.ask {
        Ask::Effect { .. } => format!("To decide: approve {id} {digest}, deny {id} REASON, or edit {id} {digest} JSON"),
        Ask::Question { .. } => format!("To decide: answer {id} TEXT, or deny {id}"),
        Ask::InDoubt { .. } => format!("To decide: settle {id} happened, settle {id} retry, or settle {id} drop"),
    });
    lines
}

/// A run's page with everything unfolded.
pub fn run_page(run: RunId, snapshot: &Snapshot, keymap: &Keymap, now: Timestamp) -> Vec<String> {
    let Some(row) = snapshot.runs.get(&run) else { return Vec::new() };
    let thread = snapshot.threads.get(&run);
    let mut cache = RunPageCache::default();
    let folded = RunPageContext {
        run: row,
        thread,
        approvals: &snapshot.approvals,
        live: None,
        folds: &Folds::default(),
        keymap,
        now,
        width: WIDTH,
        plan: PlanPlace::Above,
        days: &snapshot.spend,
    };
    cache.update(&folded);
    let mut folds = Folds::default();
    for (anchor, _) in cache.stops() {
        folds.set(anchor, Fold::Open);
    }
    let unfolded = RunPageContext { folds: &folds, ..folded };
    cache.update(&unfolded);
    let rows = run_page::told(&unfolded).into_iter().chain(cache.all());
    rows.map(|row| readable(&row)).filter(|line| !line.is_empty()).collect()
}

/// A row without the lines drawn between sections.
fn readable(row: &Row) -> String {
    let is_drawn = |span: &&Span| span.role() == Role::Rule && span.text().chars().all(|c| c == '─');
    row.spans().iter().filter(|span| !is_drawn(span)).map(Span::text).collect::<String>().trim_end().to_owned()
}

/// Text from outside on one line.
pub fn shown(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}
