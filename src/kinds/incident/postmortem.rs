//! The postmortem of an incident, in Markdown: what happened, what was tried, how long it took. Every statement names the
//! event in the log that it rests on.

use std::fmt::Write;

use chrono::TimeDelta;

use super::event::IncidentEvent;
use super::proposal::{Proposal, TOOL};
use super::row::Incident;
use crate::domain::{Actor, ApprovalId, ApprovalState, CallNo, RunId, RunState, Timestamp, Untrusted};
use crate::kinds::{ApprovalEvent, Document, Envelope, Event, History, KindEvent, RunEvent, Stamp, Stream};

pub(super) const POSTMORTEM: Document = Document {
    name: "postmortem",
    about: "Write its postmortem: what happened, what was tried, how long it took",
    write: postmortem,
    amend: Some("amend"),
};

/// How the line begins that says who edited it.
const EDITED: &str = "Edited by ";

fn postmortem(history: &History) -> Option<String> {
    let events = history.events(history.of);
    let incident = folded(history.of, events)?;
    if let Some(amended) = amended(events) {
        return Some(amended);
    }
    let change = incident.change.as_ref().map(|change| change.run);
    let runs = incident.runs.iter().map(|linked| linked.run).chain(change);
    let asked: Vec<_> = runs.flat_map(|run| asked(history, run)).collect();
    let mut text = format!("# Postmortem: {}\n\n", plain(&incident.title));
    summary(&incident, events, &asked, &mut text);
    text.push_str("\n## Timeline\n\n| UTC | who | what | event |\n|---|---|---|---|\n");
    events.iter().for_each(|envelope| line(envelope, &mut text));
    text.push_str("\n## What was tried\n\n");
    tried(&incident, history, &asked, &mut text);
    findings(&incident, history, &mut text);
    proposed(&asked, &mut text);
    text.push_str("\n## Open follow-ups\n\n");
    follow_ups(&incident, events, &mut text);
    Some(text)
}

/// The text that a person gave it last, and who that was.
fn amended(events: &[Envelope]) -> Option<String> {
    let last = events.iter().rev().find_map(|envelope| {
        let Event::Incident(IncidentEvent::Amended { text }) = &envelope.event else { return None };
        Some((envelope, text))
    });
    let (envelope, text) = last?;
    // The line that said who edited it before came along with the text.
    let text = text.raw().trim_end();
    let last = text.lines().last().unwrap_or_default();
    let says_who = last.starts_with(EDITED) && last.contains(" UTC (#") && last.ends_with(')');
    let text = if says_who { text.strip_suffix(last).unwrap_or(text) } else { text };
    let (by, at, seq) = (who(&envelope.by), instant(envelope.at), envelope.seq);
    Some(format!("{}\n\n{EDITED}{by}, {at} UTC (#{seq})\n", text.trim_end()))
}

fn folded(of: Stream, events: &[Envelope]) -> Option<Incident> {
    let Stream::Incident(id) = of else { return None };
    let mut incident: Option<Incident> = None;
    for envelope in events {
        let Event::Incident(event) = &envelope.event else { continue };
        let stamp = Stamp { version: envelope.version, at: envelope.at, by: &envelope.by };
        match &mut incident {
            None => incident = Incident::opened(id, event, &stamp),
            Some(incident) => incident.take_in(event, &stamp),
        }
    }
    incident
}

fn summary(incident: &Incident, events: &[Envelope], asked: &[Asked], text: &mut String) {
    let opened = events.first().map_or(0, |first| first.seq);
    let began = incident.opened_at;
    let mut say = |line: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "- {line}");
    };
    say(format!(
        "Incident `{}`, {}, now {}",
        incident.id,
        plain(&incident.severity_said().into()),
        incident.state.name()
    ));
    say(format!("Labels: {}", plain(&incident.labels.line())));
    say(format!("Opened {} (#{opened})", instant(began)));
    let first = |wanted: fn(&IncidentEvent) -> bool| events.iter().find(|envelope| is(envelope, wanted));
    match first(|event| matches!(event, IncidentEvent::Acknowledged {})) {
        Some(by) => say(format!("Acknowledged by {} after {} (#{})", who(&by.by), span(by.at - began), by.seq)),
        None => say("Never acknowledged".to_owned()),
    }
    let last = events.iter().rev().find(|envelope| is(envelope, |event| matches!(event, IncidentEvent::Resolved {})));
    match last.filter(|_| !incident.is_open()) {
        Some(end) => say(format!("Resolved after {} (#{})", span(end.at - began), end.seq)),
        None => say("Not resolved yet".to_owned()),
    }
    let reopened =
        events.iter().filter(|envelope| is(envelope, |event| matches!(event, IncidentEvent::Reopened { .. })));
    let reopened: Vec<_> = reopened.map(|envelope| format!("#{}", envelope.seq)).collect();
    if !reopened.is_empty() {
        let times = if reopened.len() == 1 { "time" } else { "times" };
        say(format!("Reopened {} {times} ({})", reopened.len(), reopened.join(", ")));
    }
    let waited = asked.iter().filter_map(|asked| Some(asked.end.as_ref()?.at - asked.at)).sum();
    let cards: Vec<_> = asked.iter().map(|asked| format!("#{}", asked.seq)).collect();
    if !cards.is_empty() {
        say(format!("Waited {} for approvals ({})", span(waited), cards.join(", ")));
    }
}

fn is(envelope: &Envelope, wanted: fn(&IncidentEvent) -> bool) -> bool {
    matches!(&envelope.event, Event::Incident(event) if wanted(event))
}

fn line(envelope: &Envelope, text: &mut String) {
    let Event::Incident(event) = &envelope.event else { return };
    let name = event.name().trim_start_matches("incident.").replace('_', " ");
    let remark = plain(&event.remark());
    let what = if remark.is_empty() { name } else { format!("{name}: {remark}") };
    let (at, by, seq) = (instant(envelope.at), who(&envelope.by), envelope.seq);
    let _ = writeln!(text, "| {at} | {by} | {what} | #{seq} |");
}

/// A request to a person that a run made.
struct Asked {
    run: RunId,
    seq: u64,
    at: Timestamp,
    what: String,
    /// The runbook, where it proposes one, and how writing it ended.
    runbook: Option<String>,
    written: Option<(u64, String)>,
    end: Option<Ended>,
}

struct Ended {
    seq: u64,
    at: Timestamp,
    how: String,
}

fn asked(history: &History, run: RunId) -> Vec<Asked> {
    let requests = history.events(Stream::Run(run)).iter().filter_map(|envelope| {
        let Event::Run(event) = &envelope.event else { return None };
        event.asks()
    });
    requests.filter_map(|approval| request(history, run, approval)).collect()
}

fn request(history: &History, run: RunId, approval: ApprovalId) -> Option<Asked> {
    let events = history.events(Stream::Approval(approval));
    let first = events.first()?;
    let Event::Approval(ApprovalEvent::Requested { ask, tool, call, .. }) = &first.event else { return None };
    let what = plain(&ask.what().into());
    let end = events.get(1).map(|end| {
        let how = end.event.kind().trim_start_matches("approval.");
        Ended { seq: end.seq, at: end.at, how: format!("{how} by {}", who(&end.by)) }
    });
    let runbook = ask.card().filter(|_| tool.0 == TOOL).and_then(|card| card.facts.get("runbook")?.as_str());
    let runbook = runbook.map(|name| plain(&name.into()));
    let written = runbook.as_ref().and_then(|_| settled(history, run, *call));
    Some(Asked { run, seq: first.seq, at: first.at, what, runbook, written, end })
}

/// How a call ended.
fn settled(history: &History, run: RunId, wanted: CallNo) -> Option<(u64, String)> {
    history.events(Stream::Run(run)).iter().rev().find_map(|envelope| {
        let Event::Run(RunEvent::CallSettled { call, result, .. }) = &envelope.event else { return None };
        (*call == wanted).then(|| (envelope.seq, plain(&result.summary)))
    })
}

/// What runs proposed that a runbook lacked, and the answers.
fn proposed(asked: &[Asked], text: &mut String) {
    let mut lines = asked.iter().filter_map(|asked| Some((asked, asked.runbook.as_ref()?))).peekable();
    if lines.peek().is_some() {
        text.push_str("\n## Proposed runbooks\n\n");
    }
    for (asked, runbook) in lines {
        let end = match &asked.end {
            Some(end) => format!("{} after {} (#{})", end.how, span(end.at - asked.at), end.seq),
            None => "still waits".to_owned(),
        };
        let written = asked.written.as_ref().map(|(seq, said)| format!("; {said} (#{seq})")).unwrap_or_default();
        let _ = writeln!(text, "- {runbook}, by run `{}` (#{}): {end}{written}", asked.run.short(), asked.seq);
    }
}

fn tried(incident: &Incident, history: &History, asked: &[Asked], text: &mut String) {
    let events = history.events(history.of);
    if incident.runs.is_empty() {
        text.push_str("Nothing was run.\n");
    }
    for linked in &incident.runs {
        let began = events.iter().find(|envelope| envelope.version == linked.since).map_or(0, |envelope| envelope.seq);
        let kind = if agent(history, linked.run).is_some() { "Agent" } else { "Runbook" };
        let name = linked.runbook.as_deref().map_or("A run".to_owned(), |name| format!("{kind} {name}"));
        let _ = writeln!(text, "- {name}, run `{}` (#{began}){}", linked.run.short(), outcome(events, linked.run));
        for card in asked.iter().filter(|asked| asked.run == linked.run) {
            let end = match &card.end {
                Some(end) => format!("{} after {} (#{})", end.how, span(end.at - card.at), end.seq),
                None => "still waits".to_owned(),
            };
            let _ = writeln!(text, "  - asked to {} (#{}): {end}", card.what, card.seq);
        }
    }
}

/// The agent of a run; `None` where it followed a runbook.
fn agent(history: &History, run: RunId) -> Option<&str> {
    let started = history.events(Stream::Run(run)).first()?;
    let Event::Run(RunEvent::Started { spec }) = &started.event else { return None };
    spec.procedure.is_empty().then_some(spec.agent.as_str())
}

/// What agents say that they found, at their ends: in their words, and marked as theirs.
fn findings(incident: &Incident, history: &History, text: &mut String) {
    for linked in &incident.runs {
        let Some(agent) = agent(history, linked.run) else { continue };
        let ended = history.events(Stream::Run(linked.run)).iter().rev().find_map(|envelope| {
            let Event::Run(RunEvent::Succeeded { summary: said } | RunEvent::Failed { reason: said, .. }) =
                &envelope.event
            else {
                return None;
            };
            Some((envelope.seq, said))
        });
        let Some((seq, said)) = ended else { continue };
        let agent = plain(&agent.into());
        let _ = writeln!(
            text,
            "\n## Findings of the agent {agent}\n\nWritten by the agent; nobody has checked it (#{seq}).\n"
        );
        for line in said.raw().lines() {
            let _ = writeln!(text, "> {}", plain(&line.into()));
        }
    }
}

fn outcome(events: &[Envelope], wanted: RunId) -> String {
    let ended = events.iter().rev().find_map(|envelope| {
        let Event::Incident(IncidentEvent::RunEnded { run, state, summary, .. }) = &envelope.event else { return None };
        (*run == wanted).then(|| format!(": {state}, {} (#{})", plain(summary), envelope.seq))
    });
    ended.unwrap_or_else(|| ": under way".to_owned())
}

/// What somebody noted as left to do, what failed, and what nothing was there for.
fn follow_ups(incident: &Incident, events: &[Envelope], text: &mut String) {
    let before = text.len();
    let is_written = |one: &Proposal| one.state == ApprovalState::Approved;
    let has_runbook = incident.proposals.iter().any(is_written);
    for envelope in events {
        let Event::Incident(event) = &envelope.event else { continue };
        if has_runbook && matches!(event, IncidentEvent::Opened { .. }) {
            continue;
        }
        if let Some(left) = left_to_do(event) {
            let _ = writeln!(text, "- {left} (#{})", envelope.seq);
        }
    }
    let firing = incident.firing().count();
    if firing > 0 {
        let last = events.last().map_or(0, |last| last.seq);
        let still = if firing == 1 { "1 alert still fires".to_owned() } else { format!("{firing} alerts still fire") };
        let _ = writeln!(text, "- {still} (as of #{last})");
    }
    if text.len() == before {
        text.push_str("None. Notes that begin with TODO are listed here.\n");
    }
}

fn left_to_do(event: &IncidentEvent) -> Option<String> {
    match event {
        IncidentEvent::Noted { text } => {
            let is_left = text.raw().trim_start().to_ascii_lowercase().starts_with("todo");
            is_left.then(|| plain(text))
        }
        IncidentEvent::RunEnded { state: RunState::Succeeded, .. } => None,
        IncidentEvent::RunEnded { run, state, .. } => Some(format!("Run `{}` {state}: find out why", run.short())),
        IncidentEvent::Opened { runbook: None, .. } => Some("No runbook matched these alerts: write one".to_owned()),
        IncidentEvent::Opened { .. }
        | IncidentEvent::AlertFired { .. }
        | IncidentEvent::AlertCleared { .. }
        | IncidentEvent::AlertsLeftOut { .. }
        | IncidentEvent::Acknowledged {}
        | IncidentEvent::Assigned { .. }
        | IncidentEvent::SeverityJudged { .. }
        | IncidentEvent::SeveritySet { .. }
        | IncidentEvent::RunbookChangeWanted { .. }
        | IncidentEvent::RunbookStarted { .. }
        | IncidentEvent::Linked { .. }
        | IncidentEvent::Absorbed { .. }
        | IncidentEvent::Merged { .. }
        | IncidentEvent::Amended { .. }
        | IncidentEvent::SilenceWanted { .. }
        | IncidentEvent::Split { .. }
        | IncidentEvent::Snoozed { .. }
        | IncidentEvent::Woke {}
        | IncidentEvent::Held { .. }
        | IncidentEvent::Released { .. }
        | IncidentEvent::Resolved {}
        | IncidentEvent::Reopened { .. } => None,
    }
}

fn who(actor: &Actor) -> String {
    plain(&actor.name().into())
}

fn instant(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2 h 3 min`, `3 min 5 s`, `5 s`.
fn span(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// An outsider's text within Markdown: all that it shows, and nothing that it means there.
fn plain(text: &Untrusted) -> String {
    let mut plain = String::new();
    for character in text.visible().chars() {
        if "\\`*[]<>|#".contains(character) {
            plain.push('\\');
        }
        plain.push(character);
    }
    plain
}
