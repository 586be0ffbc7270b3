//! What a page says: drawn from the incident, or from the card of the request, as they are when it is sent.

use crate::domain::{Actor, Ask, Environment, Untrusted};
use crate::kinds::{Approval, Hold, Incident, IncidentState, Page, Severity, Tidings};
use crate::notify::{Decision, Message};

/// Alerts that are told one by one.
const MOST_ALERTS: usize = 10;
/// Bytes of a fact, and of all that is told.
const LONGEST_FACT: usize = 300;
const LONGEST: usize = 10_000;

/// How a request is told, in one line and in full; without anything hidden.
#[derive(Clone, Copy)]
pub struct CardWords {
    pub headline: fn(&Approval) -> String,
    pub text: fn(&Approval) -> String,
}

/// The message of a page about an incident.
pub(super) fn of_incident(page: &Page, incident: &Incident) -> Message {
    let firing = incident.firing().take(MOST_ALERTS);
    let lines: Vec<_> = firing
        .map(|state| {
            let summary = state.alert.summary().map(|summary| format!(": {summary}")).unwrap_or_default();
            line(&format!("{}{summary}", state.alert.line(&incident.labels).raw()))
        })
        .collect();
    let mut facts = vec![
        ("incident".to_owned(), incident.id.short()),
        ("alerts".to_owned(), format!("{} firing", incident.firing().count() + incident.left_out as usize)),
    ];
    facts.extend(incident.runbook.iter().map(|name| ("runbook".to_owned(), line(name))));
    facts.extend(incident.holder().map(Actor::name).map(|name| ("who".to_owned(), line(name))));
    let labels = incident.labels.iter().map(|(name, value)| (line(name.raw()), line(value.raw())));
    facts.extend(labels);
    let outcome = if page.tidings == Tidings::Trigger { String::new() } else { state_of(incident) };
    Message { severity: incident.severity, facts, text: lines.join("\n"), outcome, ..begun(page) }
}

/// `acknowledged by ana`, `resolved`, `held back`.
fn state_of(incident: &Incident) -> String {
    let by = |what: &str, who: Option<&Actor>| match who {
        Some(Actor::Person(name) | Actor::Agent(name)) => format!("{what} by {}", line(name)),
        Some(Actor::System) | None => what.to_owned(),
    };
    match incident.state {
        IncidentState::Resolved => by("resolved", incident.resolved_by.as_ref()),
        IncidentState::Acknowledged | IncidentState::Mitigating => by("acknowledged", incident.holder()),
        IncidentState::Held => line(&incident.held.as_ref().map(Hold::said).unwrap_or_default()),
        IncidentState::Firing => "snoozed".to_owned(),
    }
}

/// The message of a page about a request that was settled: who did so, and nothing to press.
pub(super) fn of_settled(page: &Page, approval: &Approval) -> Message {
    let by = approval.decided_by.as_ref().map(|by| format!(" by {}", line(by.name()))).unwrap_or_default();
    Message { outcome: format!("{}{by}", approval.state.name()), severity: Severity::Info, ..begun(page) }
}

/// The message of a page about a request: all that its card says, so that a decision can be made on it.
pub(super) fn of_approval(page: &Page, approval: &Approval, card: CardWords) -> Message {
    let text = (card.text)(approval);
    let is_too_long = text.len() > LONGEST;
    let is_production = approval.ask.card().is_some_and(|card| card.environment == Environment::Production);
    let is_effect = matches!(approval.ask, Ask::Effect { .. });
    let too_long = is_too_long.then_some("the card is too long to be shown here");
    let only_deny = approval.ask.only_deny_elsewhere().or(too_long).filter(|_| is_effect);
    let decision = is_effect.then(|| Decision { approval: approval.id, digest: approval.digest.clone(), only_deny });
    let risk = approval.ask.card().map(|card| card.risk);
    let severity =
        if is_production || risk >= Some(crate::domain::Risk::High) { Severity::Critical } else { Severity::Warning };
    Message { severity, text: Untrusted::from(text).cut(LONGEST).into_raw(), decision, ..begun(page) }
}

/// Where what it is about is gone.
pub(super) fn begun(page: &Page) -> Message {
    Message {
        id: format!("{}.{}.{}", page.id, page.round, page.tidings.name()),
        key: page.key.dedup(),
        tidings: page.tidings,
        about: Some(page.key.about),
        severity: Severity::Critical,
        title: line(page.title.raw()),
        facts: Vec::new(),
        text: String::new(),
        person: page.person.as_deref().map(line),
        at: if page.tidings == Tidings::Trigger { page.queued_at } else { page.due.unwrap_or(page.queued_at) },
        outcome: String::new(),
        receipt: page.receipt.clone(),
        decision: None,
    }
}

/// An outsider's text on one line.
fn line(text: &str) -> String {
    Untrusted::from(text).cut(LONGEST_FACT).visible().into_owned()
}
