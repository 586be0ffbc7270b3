//! Writing a handover from what is in memory: everything that is open, and what ended lately.

use chrono::TimeDelta;

use super::event::{HandoverEvent, HandoverItem, Section};
use crate::domain::{Rejection, RejectionKind, RunState, Timestamp, Untrusted, Usd};
use crate::kinds::{Incident, Run, Stream, World};

/// Bytes of a note, and of what a line says.
const LONGEST_NOTE: usize = 8 * 1024;
const LONGEST_LINE: usize = 200;

/// Lines of one section; of more, their number is told.
const MOST_LINES: usize = 50;

/// How far back the first handover tells.
const FIRST: TimeDelta = TimeDelta::hours(12);

pub(super) fn written(world: &dyn World, note: Untrusted, now: Timestamp) -> Result<HandoverEvent, Rejection> {
    if note.raw().trim().is_empty() {
        return Err(Rejection::new(RejectionKind::Invalid, "a handover needs a note")
            .hint("say what the next person should know, or that it was quiet"));
    }
    let last = world.handovers().values().map(|handover| handover.written_at).max();
    let since = last.unwrap_or(now - FIRST);
    let mut items = open(world);
    items.extend(waiting(world));
    items.extend(running(world));
    items.extend(resolved(world, since));
    items.extend(failed(world, since));
    items.push(cost(world, since));
    Ok(HandoverEvent::Written { since, note: note.cut(LONGEST_NOTE), items })
}

fn open(world: &dyn World) -> Vec<HandoverItem> {
    let mut open: Vec<&Incident> = world.incidents().values().filter(|incident| incident.is_open()).collect();
    open.sort_by_key(|incident| std::cmp::Reverse((incident.severity, incident.opened_at)));
    let line = |incident: &Incident| {
        let snoozed = if incident.snoozed_until.is_some() { ", snoozed" } else { "" };
        let state = format!("{}, {}{snoozed}", incident.severity.name(), incident.state.name());
        (format!("{}: {state}", incident.title.raw()), Stream::Incident(incident.id))
    };
    section(Section::Open, open.into_iter().map(line).collect())
}

fn waiting(world: &dyn World) -> Vec<HandoverItem> {
    let open = world.approvals().values().filter(|approval| approval.state.is_open());
    let line = |approval: &crate::kinds::Approval| (approval.ask.what(), Stream::Approval(approval.id));
    section(Section::Waiting, open.map(line).collect())
}

fn running(world: &dyn World) -> Vec<HandoverItem> {
    let live = world.runs().values().filter(|run| !run.state.is_final());
    let line = |run: &Run| (format!("{}: {}", run.goal.raw(), run.state), Stream::Run(run.id));
    section(Section::Running, live.map(line).collect())
}

fn resolved(world: &dyn World, since: Timestamp) -> Vec<HandoverItem> {
    let ended = world.incidents().values().filter(|incident| incident.resolved_at.is_some_and(|at| at >= since));
    let ended = ended.filter(|incident| incident.merged_into.is_none());
    let line = |incident: &Incident| (incident.title.raw().to_owned(), Stream::Incident(incident.id));
    section(Section::Resolved, ended.map(line).collect())
}

fn failed(world: &dyn World, since: Timestamp) -> Vec<HandoverItem> {
    let ended = world.runs().values().filter(|run| run.ended_at.is_some_and(|at| at >= since));
    let ended = ended.filter(|run| run.state != RunState::Succeeded);
    let line = |run: &Run| (format!("{}: {}, {}", run.goal.raw(), run.state, run.note.raw()), Stream::Run(run.id));
    section(Section::Failed, ended.map(line).collect())
}

/// Of runs in which something happened since, all that they cost.
fn cost(world: &dyn World, since: Timestamp) -> HandoverItem {
    let runs: Vec<_> = world.runs().values().filter(|run| run.updated_at >= since).collect();
    let sum: Usd = runs.iter().map(|run| run.cost).sum();
    let least = if runs.iter().any(|run| run.unpriced_turns > 0) { "at least " } else { "" };
    let many = if runs.len() == 1 { "1 run".to_owned() } else { format!("{} runs", runs.len()) };
    HandoverItem { section: Section::Cost, text: format!("{least}{} in {many}", sum.display()).into(), of: None }
}

fn section(section: Section, lines: Vec<(String, Stream)>) -> Vec<HandoverItem> {
    let more = lines.len().saturating_sub(MOST_LINES);
    let item = |(text, of): (String, Stream)| {
        let text = Untrusted::from(text.lines().next().unwrap_or_default()).cut(LONGEST_LINE);
        HandoverItem { section, text, of: Some(of) }
    };
    let mut items: Vec<_> = lines.into_iter().take(MOST_LINES).map(item).collect();
    if more > 0 {
        items.push(HandoverItem { section, text: format!("and {more} more").into(), of: None });
    }
    items
}
