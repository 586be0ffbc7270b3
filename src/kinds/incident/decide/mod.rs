//! What is asked of an incident leads to, by people here and by sources of alerts in `report`.

mod hold;
mod join;
mod overflow;
mod report;
mod snooze;

use super::event::IncidentEvent;
use super::judging::judged;
use super::labels::short;
use super::proposal::proposals;
use super::row::Incident;
use super::severity::Severity;
use crate::domain::{AccountName, Actor, IncidentId, Rejection, RejectionKind, RunId, RunState, Untrusted};
use crate::kinds::{Decided, World, find_run};

pub(in crate::kinds) use hold::with_holds;
pub(super) use join::{merge, split};
pub(super) use report::report;
pub(super) use snooze::{silence, snooze, wake};

/// Bytes of a note.
const LONGEST_NOTE: usize = 8 * 1024;

/// Bytes of an edited postmortem.
const LONGEST_POSTMORTEM: usize = 256 * 1024;

pub(super) fn acknowledge(world: &dyn World, id: IncidentId, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    let incident = find_open(world, id)?;
    if let Some(first) = &incident.acknowledged_by {
        return Err(settled(id, &format!("already acknowledged by {}", visible(first.name()))));
    }
    Ok(in_incident(id, by, [IncidentEvent::Acknowledged {}]))
}

pub(super) fn assign(world: &dyn World, id: IncidentId, to: &str, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    let incident = find_open(world, id)?;
    let name = AccountName::parse(to).map_err(|wrong| Rejection::new(RejectionKind::Invalid, wrong))?;
    let to = Actor::Person(name.as_str().to_owned());
    if incident.assigned_to.as_ref() == Some(&to) {
        return Ok(Vec::new());
    }
    Ok(in_incident(id, by, [IncidentEvent::Assigned { to }]))
}

pub(super) fn set_severity(
    world: &dyn World,
    id: IncidentId,
    severity: Severity,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let incident = find_open(world, id)?;
    if incident.severity == severity && incident.severity_set.is_some() {
        return Ok(Vec::new());
    }
    Ok(in_incident(id, by, [IncidentEvent::SeveritySet { severity }]))
}

pub(super) fn note(world: &dyn World, id: IncidentId, text: Untrusted, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    find(world, id)?;
    if text.raw().trim().is_empty() {
        return Err(Rejection::new(RejectionKind::Invalid, "a note needs words").hint("say what you saw or did"));
    }
    Ok(in_incident(id, by, [IncidentEvent::Noted { text: text.cut(LONGEST_NOTE) }]))
}

pub(super) fn amend(world: &dyn World, id: IncidentId, text: Untrusted, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    find(world, id)?;
    let invalid = |message: &str| Rejection::new(RejectionKind::Invalid, message);
    if text.raw().trim().is_empty() {
        return Err(invalid("a postmortem needs words").hint("write what happened"));
    }
    if text.raw().len() > LONGEST_POSTMORTEM {
        return Err(invalid("the postmortem is longer than 256 KB").hint("link to what is long instead"));
    }
    Ok(in_incident(id, by, [IncidentEvent::Amended { text }]))
}

/// Who starts a runbook, or an agent, is on it.
pub(super) fn runbook(
    world: &dyn World,
    id: IncidentId,
    name: Option<String>,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let incident = find_open(world, id)?;
    let Some(runbook) = name.or_else(|| incident.handler().map(str::to_owned)) else {
        let message = format!("no runbook matches incident {}, and no agent is there to handle it", id.short());
        return Err(Rejection::new(RejectionKind::Invalid, message).hint(format!(
            "name a runbook: `morningai incidents runbook {} --name NAME`; or configure a model, and name an agent",
            id.short()
        )));
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if runbook.is_empty() || !runbook.bytes().all(is_name) {
        let message = format!("{} is not the name of a runbook or an agent", visible(&runbook));
        return Err(Rejection::new(RejectionKind::Invalid, message).hint("`morningai agents` lists them"));
    }
    if let Some(open) = incident.mitigation() {
        return Err(settled(id, &format!("already being mitigated by run {}", open.run.short())));
    }
    let acknowledged = incident.acknowledged_at.is_none().then_some(IncidentEvent::Acknowledged {});
    Ok(in_incident(id, by, acknowledged.into_iter().chain([IncidentEvent::RunbookStarted { runbook }])))
}

/// A runbook that cannot be started has failed, and another one can be.
pub(super) fn give_up(world: &dyn World, id: IncidentId, run: RunId, reason: &Untrusted, by: &Actor) -> Vec<Decided> {
    let Some(incident) = world.incidents().get(&id) else { return Vec::new() };
    if incident.is_judged_by(run) {
        return in_incident(id, by, [judged(run, RunState::Failed, reason.raw())]);
    }
    if !incident.waits_for_run(run) {
        return Vec::new();
    }
    in_incident(
        id,
        by,
        [IncidentEvent::RunEnded {
            run,
            state: RunState::Failed,
            summary: short(reason.raw()),
            escalates: false,
            proposed: Vec::new(),
            helped: false,
        }],
    )
}

/// A run that has ended already tells of its end no more.
pub(super) fn link(world: &dyn World, id: IncidentId, run: RunId, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    let incident = find(world, id)?;
    if incident.runs.iter().any(|linked| linked.run == run) {
        return Ok(Vec::new());
    }
    let row = find_run(world, run)?;
    let (state, summary) = (row.state, short(row.note.raw()));
    let proposed = proposals(world, run);
    let ended = IncidentEvent::RunEnded { run, state, summary, escalates: false, proposed, helped: false };
    let ended = state.is_final().then_some(ended);
    let mut decided = in_incident(id, by, [IncidentEvent::Linked { run }]);
    decided.extend(in_incident(id, &Actor::System, ended));
    Ok(decided)
}

pub(super) fn resolve(world: &dyn World, id: IncidentId, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    let helped = find_open(world, id)?.helped();
    let mut decided = in_incident(id, by, [IncidentEvent::Resolved {}]);
    let wanted = helped.map(|runbook| IncidentEvent::RunbookChangeWanted { runbook });
    decided.extend(in_incident(id, &Actor::System, wanted));
    Ok(decided)
}

pub(super) fn reopen(world: &dyn World, id: IncidentId, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    let incident = find(world, id)?;
    if incident.is_open() {
        return Err(settled(id, "not resolved"));
    }
    if let Some(into) = incident.merged_into {
        let hint = format!("split its alerts off there: `morningai incidents split {} NAME=VALUE`", into.short());
        return Err(settled(id, &format!("merged into {}", into.short())).hint(hint));
    }
    Ok(in_incident(id, by, [IncidentEvent::Reopened { is_flapping: false, is_held: false }]))
}

fn in_incident(id: IncidentId, by: &Actor, events: impl IntoIterator<Item = IncidentEvent>) -> Vec<Decided> {
    events.into_iter().map(|event| Decided::of::<Incident>(id, by, event)).collect()
}

fn find(world: &dyn World, id: IncidentId) -> Result<&Incident, Rejection> {
    world.incidents().get(&id).ok_or_else(|| {
        Rejection::new(RejectionKind::NotFound, format!("no incident has the id {id}"))
            .hint("`morningai incidents` lists them")
    })
}

fn find_open(world: &dyn World, id: IncidentId) -> Result<&Incident, Rejection> {
    let found = find(world, id)?;
    if found.is_open() { Ok(found) } else { Err(settled(id, "already resolved").hint("reopen it first")) }
}

fn settled(id: IncidentId, what: &str) -> Rejection {
    Rejection::new(RejectionKind::AlreadySettled, format!("incident {} is {what}", id.short()))
}

fn visible(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}
