//! Deciding on incidents, and folding what was decided.

mod agents;
mod severities;
mod takes;

use serde_json::json;

use super::{RUN, agent_spec};
use crate::domain::{Actor, FailureKind, IncidentId, Rejection, RejectionKind, RunId, RunState, Timestamp};
use crate::engine::decide;
use crate::fold::Snapshot;
use crate::kinds::{
    Alert, Command, Envelope, Event, GroupKey, History, Incident, IncidentReport, IncidentState, IncidentVerb, Labels,
    RunEvent, Severity, Shown, Sight, Stream, Thing,
};

const START: &str = "2026-11-30T03:00:00Z";

pub(super) fn at(minutes: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + chrono::TimeDelta::minutes(minutes)
}

pub(super) fn ana() -> Actor {
    Actor::Person("ana".to_owned())
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::bounded(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

/// Alert number `number` of the group, that began and perhaps ended so many minutes after the start.
pub(super) fn alert(number: u32, began: i64, ended: Option<i64>) -> Alert {
    let svc = format!("svc{number}");
    Alert {
        fingerprint: format!("{number:016x}"),
        starts_at: at(began),
        ended_at: ended.map(at),
        labels: labels(&[("alertname", "HighErr"), ("severity", "critical"), ("svc", &svc)]),
        annotations: labels(&[("summary", "errors on \u{1b}[2J")]),
        url: "http://p/g".into(),
        source: "http://am:9093".into(),
        marks: Default::default(),
    }
}

pub(super) fn told(alerts: Vec<Alert>) -> IncidentReport {
    IncidentReport {
        group: GroupKey::of(["alertname", "HighErr"]),
        title: "HighErr".into(),
        labels: labels(&[("alertname", "HighErr"), ("severity", "critical")]),
        runbook: Some("disk-filling".to_owned()),
        agent: None,
        classifier: None,
        alerts,
        left_out: 0,
        sight: Sight::Told,
    }
}

pub(super) fn told_one() -> IncidentReport {
    told(vec![alert(1, 0, None)])
}

fn seen(minutes: i64, alerts: Vec<Alert>) -> IncidentReport {
    IncidentReport { sight: Sight::Seen { at: at(minutes), source: "http://am:9093".into() }, ..told(alerts) }
}

#[derive(Default)]
pub(super) struct Log {
    pub(super) snapshot: Snapshot,
    pub(super) events: Vec<Envelope>,
}

impl Log {
    /// Reports it, and answers with the names of the events that it led to.
    pub(super) fn report(&mut self, minutes: i64, report: IncidentReport) -> Vec<&'static str> {
        let first = report.alerts.iter().map(|alert| alert.starts_at).min().unwrap_or(at(0));
        let id = report.group.incident(first);
        let verb = IncidentVerb::Report { report: Box::new(report) };
        self.ask(minutes, verb.on(id), Actor::System).unwrap()
    }

    pub(super) fn ask(&mut self, minutes: i64, command: Command, by: Actor) -> Result<Vec<&'static str>, Rejection> {
        let decided = decide(&self.snapshot, command, &by, at(minutes))?;
        let names = decided.iter().map(|decided| decided.event.kind()).collect();
        for decided in decided {
            self.take(minutes, decided.stream, decided.by, decided.event);
        }
        Ok(names)
    }

    pub(super) fn take(&mut self, minutes: i64, stream: Stream, by: Actor, event: Event) {
        let (seq, version) = (self.snapshot.cursor + 1, self.snapshot.version(stream) + 1);
        let envelope = Envelope { seq, stream, version, at: at(minutes), by, event };
        self.snapshot.apply(&envelope);
        self.events.push(envelope);
    }

    pub(super) fn only(&self) -> &Incident {
        assert_eq!(self.snapshot.incidents.len(), 1);
        self.snapshot.incidents.values().next().unwrap()
    }

    pub(super) fn id(&self) -> IncidentId {
        self.only().id
    }
}

#[test]
fn a_group_of_alerts_opens_one_incident_however_often_it_is_told() {
    let mut log = Log::default();
    let report = told(vec![alert(1, 0, None), alert(2, 0, None)]);
    let opened = log.report(1, report.clone());
    assert_eq!(opened, ["incident.opened", "incident.alert_fired", "incident.alert_fired"]);
    assert_eq!(log.report(2, report), [""; 0], "the same again changes nothing");
    assert_eq!(log.report(3, told(vec![alert(2, 0, None), alert(3, 2, None)])), ["incident.alert_fired"]);
    let incident = log.only();
    assert_eq!((incident.state, incident.severity), (IncidentState::Firing, Severity::Critical));
    assert_eq!(incident.firing().count(), 3);
}

#[test]
fn it_is_resolved_when_the_last_of_its_alerts_has_cleared() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None), alert(2, 0, None)]));
    assert_eq!(log.report(5, told(vec![alert(1, 0, Some(4)), alert(2, 0, None)])), ["incident.alert_cleared"]);
    let last = log.report(6, told(vec![alert(1, 0, Some(4)), alert(2, 0, Some(6))]));
    assert_eq!(last, ["incident.alert_cleared", "incident.resolved"]);
    assert!(!log.only().is_open());
    let stale = log.report(7, told(vec![alert(1, 0, None), alert(2, 0, None)]));
    assert_eq!(stale, [""; 0], "what was sent before and arrives after opens nothing");
    assert_eq!(log.report(8, told(vec![alert(9, 0, Some(1))])), [""; 0], "what is over when it is told is no news");
}

#[test]
fn a_flap_opens_it_again_and_a_later_failure_is_another_incident() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None)]));
    log.ask(2, IncidentVerb::Acknowledge.on(log.id()), ana()).unwrap();
    log.report(5, told(vec![alert(1, 0, Some(5))]));
    let flap = log.report(10, told(vec![alert(1, 9, None)]));
    assert_eq!(flap, ["incident.reopened", "incident.alert_fired"]);
    assert_eq!((log.only().state, &log.only().acknowledged_by), (IncidentState::Firing, &None));
    log.report(12, told(vec![alert(1, 9, Some(12))]));
    assert_eq!(log.report(120, told(vec![alert(1, 119, None)]))[0], "incident.opened");
    assert_eq!(log.snapshot.incidents.len(), 2);
}

#[test]
fn what_a_person_resolved_stays_resolved_while_the_same_alerts_fire_on() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None)]));
    log.ask(2, IncidentVerb::Resolve.on(log.id()), ana()).unwrap();
    for minutes in [3, 300] {
        assert_eq!(log.report(minutes, told(vec![alert(1, 0, None)])), [""; 0]);
    }
    assert_eq!(log.ask(301, IncidentVerb::Reopen.on(log.id()), ana()).unwrap(), ["incident.reopened"]);
}

#[test]
fn what_is_gone_where_the_whole_group_was_looked_at_has_cleared() {
    let mut log = Log::default();
    log.report(1, seen(1, vec![alert(1, 0, None), alert(2, 0, None)]));
    assert_eq!(log.report(2, seen(2, vec![alert(2, 0, None)])), ["incident.alert_cleared"]);
    let other = Sight::Seen { at: at(3), source: "http://other:9093".into() };
    let theirs = Alert { source: "http://other:9093".into(), ..alert(3, 3, None) };
    let elsewhere = IncidentReport { sight: other, ..told(vec![theirs]) };
    assert_eq!(log.report(3, elsewhere), ["incident.alert_fired"], "one source says nothing of another's alerts");
    let restarted = seen(4, vec![]);
    let verb = IncidentVerb::Report { report: Box::new(restarted) };
    assert_eq!(log.ask(4, verb.on(log.id()), Actor::System).unwrap(), ["incident.alert_cleared"]);
    assert_eq!(log.report(5, seen(5, vec![alert(2, 0, None)])), ["incident.alert_fired"], "it is there after all");
}

#[test]
fn some_sources_tell_of_times_to_the_second_only() {
    let mut log = Log::default();
    let mut first = alert(1, 0, None);
    first.starts_at += chrono::TimeDelta::milliseconds(837);
    log.report(1, told(vec![first]));
    assert_eq!(log.report(2, told(vec![alert(1, 0, Some(0))])), ["incident.alert_cleared", "incident.resolved"]);
}

#[test]
fn more_alerts_than_are_kept_are_counted_and_keep_it_open() {
    let mut log = Log::default();
    let many = 10 + Incident::MOST_ALERTS as u32;
    let events = log.report(1, told((0..many).map(|number| alert(number, 0, None)).collect()));
    assert_eq!(events.len(), 1 + Incident::MOST_ALERTS + 1);
    assert_eq!((log.only().alerts.len(), log.only().left_out), (Incident::MOST_ALERTS, 10));
    let kept: Vec<_> = log.only().alerts.values().map(|state| state.alert.clone()).collect();
    let over = |alert: &Alert| Alert { ended_at: Some(at(2)), ..alert.clone() };
    let left = IncidentReport { left_out: 10, ..told(kept.iter().map(over).collect()) };
    assert!(!log.report(3, left).contains(&"incident.resolved"));
    let quiet = told(kept.iter().map(over).collect());
    assert_eq!(log.report(4, quiet), ["incident.alerts_left_out", "incident.resolved"]);
}

#[test]
fn alerts_that_have_cleared_take_no_room_from_those_that_fire() {
    let mut log = Log::default();
    let most = Incident::MOST_ALERTS as u32;
    let all = |ended: Option<i64>| (0..most).map(|number| alert(number, 0, ended)).collect::<Vec<_>>();
    log.report(1, told(all(None)));
    log.report(2, told(vec![alert(7, 0, Some(2))]));
    log.report(3, told(all(Some(3))));
    assert!(!log.only().is_open());
    let another = told(vec![alert(most, 4, None), alert(8, 4, None)]);
    let again = ["incident.reopened", "incident.alert_fired", "incident.alert_fired"];
    assert_eq!(log.report(4, another), again);
    let alerts = &log.only().alerts;
    assert_eq!((alerts.len(), log.only().firing().count(), log.only().left_out), (most as usize, 2, 0));
    assert!(!alerts.contains_key(&alert(7, 0, None).fingerprint), "the one that cleared first is forgotten");
}

#[test]
fn what_a_person_resolved_opens_again_when_more_fire_than_are_kept() {
    let mut log = Log::default();
    let most = Incident::MOST_ALERTS as u32;
    let first = |many: u32| told((0..many).map(|number| alert(number, 0, None)).collect());
    log.report(1, first(most));
    log.ask(2, IncidentVerb::Resolve.on(log.id()), ana()).unwrap();
    assert_eq!(log.report(3, first(most)), [""; 0]);
    assert_eq!(log.report(4, first(most + 1)), ["incident.reopened", "incident.alerts_left_out"]);
    assert_eq!(log.report(5, first(most + 1)), [""; 0]);
}

#[test]
fn people_take_it_up_once_and_only_while_it_is_open() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None)]));
    let id = log.id();
    let bo = || Actor::Person("bo".to_owned());
    log.ask(3, IncidentVerb::Acknowledge.on(id), ana()).unwrap();
    let second = log.ask(4, IncidentVerb::Acknowledge.on(id), bo()).unwrap_err();
    assert_eq!(
        (second.kind, second.message.ends_with("already acknowledged by ana")),
        (RejectionKind::AlreadySettled, true)
    );
    log.ask(5, IncidentVerb::Assign { to: "Bo".to_owned() }.on(id), ana()).unwrap();
    assert_eq!(log.only().holder(), Some(&bo()));
    assert!(log.ask(5, IncidentVerb::Assign { to: "b o".to_owned() }.on(id), ana()).is_err());
    assert!(log.ask(6, IncidentVerb::Note { text: " ".into() }.on(id), bo()).is_err());
    log.ask(6, IncidentVerb::Note { text: "the disk".into() }.on(id), bo()).unwrap();
    log.ask(7, IncidentVerb::Resolve.on(id), bo()).unwrap();
    for verb in [IncidentVerb::Acknowledge, IncidentVerb::Resolve, IncidentVerb::Runbook { name: None }] {
        assert_eq!(log.ask(8, verb.on(id), ana()).unwrap_err().kind, RejectionKind::AlreadySettled);
    }
    let stranger = IncidentVerb::Acknowledge.on(GroupKey::of(["x"]).incident(at(0)));
    assert_eq!(log.ask(8, stranger, ana()).unwrap_err().kind, RejectionKind::NotFound);
}

#[test]
fn its_runbook_is_a_run_that_it_wants_and_whose_end_it_remembers() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None)]));
    let id = log.id();
    let bad = log.ask(2, IncidentVerb::Runbook { name: Some("../../etc/x".to_owned()) }.on(id), ana());
    assert_eq!(bad.unwrap_err().kind, RejectionKind::Invalid);
    let started = log.ask(2, IncidentVerb::Runbook { name: None }.on(id), ana()).unwrap();
    assert_eq!(started, ["incident.acknowledged", "incident.runbook_started"]);
    assert_eq!(log.only().state, IncidentState::Mitigating);
    let wanted = log.snapshot.wanted_by(Stream::Incident(id));
    assert_eq!((wanted.len(), wanted[0].procedure.as_str()), (1, "disk-filling"));
    assert_eq!(wanted[0].by, ana(), "who asks for it starts it, and cannot approve what it asks for");
    assert_eq!(wanted[0].inputs["LABEL_svc"].raw(), "svc1");
    let run = wanted[0].run();
    assert_eq!(log.only().runs[0].run, run);
    assert!(log.ask(3, IncidentVerb::Runbook { name: None }.on(id), ana()).is_err(), "one at a time");
    let told = log.snapshot.told(Stream::Run(run), &Event::Run(RunEvent::Succeeded { summary: "3 of 3".into() }));
    assert_eq!(told.len(), 1);
    log.take(4, told[0].stream, Actor::System, told[0].event.clone());
    assert_eq!(log.only().state, IncidentState::Acknowledged);
    assert!(log.snapshot.wanted_by(Stream::Incident(id)).is_empty());
    let other = Stream::Run(RunId(uuid::Uuid::from_u128(1)));
    let other = log.snapshot.told(other, &Event::Run(RunEvent::Succeeded { summary: "".into() }));
    assert!(other.is_empty());
}

#[test]
fn a_runbook_that_cannot_be_started_has_failed_and_another_can_be() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None)]));
    let id = log.id();
    log.ask(2, IncidentVerb::Runbook { name: Some("nope".to_owned()) }.on(id), ana()).unwrap();
    let wanted = log.snapshot.wanted_by(Stream::Incident(id)).remove(0);
    let command = log.snapshot.when_unstarted(&wanted, "there is no procedure nope").unwrap();
    assert_eq!(log.ask(3, command.clone(), Actor::System).unwrap(), ["incident.run_ended"]);
    assert_eq!(log.ask(3, command, Actor::System).unwrap(), [""; 0]);
    assert_eq!((log.only().state, log.snapshot.wanted_by(Stream::Incident(id))), (IncidentState::Acknowledged, vec![]));
    log.ask(4, IncidentVerb::Runbook { name: None }.on(id), ana()).unwrap();
}

#[test]
fn only_a_run_that_there_is_is_linked_and_one_that_has_ended_is_not_under_way() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None)]));
    let link = IncidentVerb::Link { run: RUN }.on(log.id());
    assert_eq!(log.ask(2, link.clone(), ana()).unwrap_err().kind, RejectionKind::NotFound);
    log.take(2, Stream::Run(RUN), ana(), Event::Run(RunEvent::Started { spec: Box::new(agent_spec()) }));
    log.take(3, Stream::Run(RUN), ana(), Event::Run(RunEvent::Succeeded { summary: "mended".into() }));
    assert_eq!(link.names(), Some(Stream::Run(RUN)), "its row is read again where it was forgotten");
    assert_eq!(log.ask(4, link.clone(), ana()).unwrap(), ["incident.linked", "incident.run_ended"]);
    assert_eq!(log.only().runs[0].ended, Some(RunState::Succeeded));
    assert_eq!(log.ask(5, link, ana()).unwrap(), [""; 0]);
}

#[test]
fn a_postmortem_names_the_event_that_each_statement_rests_on() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None), alert(2, 0, None)]));
    let id = log.id();
    log.ask(3, IncidentVerb::Acknowledge.on(id), ana()).unwrap();
    log.ask(4, IncidentVerb::Note { text: "TODO: *rotate* the | logs\n# now".into() }.on(id), ana()).unwrap();
    log.ask(5, IncidentVerb::Runbook { name: Some("look".to_owned()) }.on(id), ana()).unwrap();
    let run = log.only().runs[0].run;
    let failed = RunEvent::Failed { reason: "step 2: denied".into(), hint: String::new(), because: None };
    let ended = log.snapshot.told(Stream::Run(run), &Event::Run(failed)).remove(0);
    log.take(30, ended.stream, Actor::System, ended.event);
    log.report(65, told(vec![alert(1, 0, Some(64)), alert(2, 0, Some(64))]));
    let of = Stream::Incident(id);
    let history = History { of, streams: [(of, log.events.clone())].into() };
    let [document] = Incident::DOCUMENTS else { panic!("there is one") };
    let run = run.short();
    let written = (document.write)(&history).unwrap().replace(&run, "RUN").replace(&id.to_string(), "ID");
    insta::assert_snapshot!("postmortem", written);
    assert_eq!((document.write)(&History { of, streams: Default::default() }), None);
}

#[test]
fn the_row_is_what_the_log_says_and_reads_back_from_its_json() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None), alert(2, 0, Some(0))]));
    log.ask(2, IncidentVerb::Runbook { name: None }.on(log.id()), ana()).unwrap();
    log.report(3, told(vec![alert(1, 0, Some(3))]));
    let mut again = Snapshot::default();
    log.events.iter().for_each(|event| drop(again.apply(event)));
    assert_eq!(again, log.snapshot);
    let written = serde_json::to_value(log.only()).unwrap();
    assert_eq!(serde_json::from_value::<Incident>(written.clone()).unwrap(), *log.only());
    for (field, value) in [("state", json!("resolved")), ("severity", json!("critical"))] {
        assert_eq!(written[field], value);
    }
    for event in &log.events {
        let text = serde_json::to_string(&event.event).unwrap();
        assert_eq!(Event::decode(event.stream, &text).unwrap(), event.event, "{text}");
    }
    let thing = Thing::of(log.only());
    assert!(thing.facts.iter().any(|fact| fact.name == "timeline" && fact.value.raw().starts_with("opened")));
    assert!(!thing.is_open && thing.urgency == 0);
}

fn merge(log: &mut Log, minutes: i64, id: IncidentId, into: IncidentId) -> Result<Vec<&'static str>, Rejection> {
    log.ask(minutes, IncidentVerb::Merge { into }.on(id), ana())
}

pub(super) fn other(alerts: Vec<Alert>) -> IncidentReport {
    IncidentReport { group: GroupKey::of(["alertname", "Slow"]), title: "Slow".into(), ..told(alerts) }
}

#[test]
fn what_is_merged_goes_on_in_the_incident_that_stays() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None)]));
    let stays = log.id();
    log.report(2, other(vec![alert(1, 1, None), alert(2, 1, None)]));
    let merged = *log.snapshot.incidents.keys().find(|id| **id != stays).unwrap();
    assert_eq!(merge(&mut log, 3, merged, merged).unwrap_err().kind, RejectionKind::Invalid);
    let events = merge(&mut log, 3, merged, stays).unwrap();
    let fired = "incident.alert_fired";
    assert_eq!(events, ["incident.absorbed", fired, fired, "incident.merged"]);
    assert_eq!(log.snapshot.incidents[&merged].merged_into, Some(stays));
    assert_eq!(
        log.snapshot.incidents[&stays].firing().count(),
        3,
        "alerts of two groups may have the same fingerprint"
    );
    assert!(log.ask(3, IncidentVerb::Reopen.on(merged), ana()).unwrap_err().message.contains("merged into"));

    // What its group is told of later is told where it went.
    assert_eq!(log.report(4, other(vec![alert(1, 1, None), alert(2, 1, None)])), [""; 0]);
    assert_eq!(log.report(5, other(vec![alert(1, 1, Some(5)), alert(3, 4, None)])), ["incident.alert_cleared", fired]);
    assert_eq!(log.report(6, told(vec![alert(1, 0, Some(6))])), ["incident.alert_cleared"]);
    let last = log.report(7, other(vec![alert(2, 1, Some(7)), alert(3, 4, Some(7))]));
    assert_eq!(last, ["incident.alert_cleared", "incident.alert_cleared", "incident.resolved"]);
    assert_eq!(log.report(9, other(vec![alert(2, 8, None)])), ["incident.reopened", fired]);
    assert_eq!(log.snapshot.incidents.len(), 2);
}

#[test]
fn alerts_that_were_split_off_are_told_there_and_can_be_merged_back() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None), alert(2, 0, None), alert(3, 0, None)]));
    let whole = log.id();
    let split =
        |log: &mut Log, label: &str| log.ask(2, IncidentVerb::Split { label: label.to_owned() }.on(whole), ana());
    for wrong in ["svc", "svc=nothing", "alertname=HighErr"] {
        assert_eq!(split(&mut log, wrong).unwrap_err().kind, RejectionKind::Invalid, "{wrong}");
    }
    let events = split(&mut log, "svc=svc2").unwrap();
    let expected = ["incident.split", "incident.opened", "incident.alert_fired", "incident.acknowledged"];
    assert_eq!(events, expected);
    let part = *log.snapshot.incidents.keys().find(|id| **id != whole).unwrap();
    let firing = |log: &Log, id| log.snapshot.incidents[&id].firing().count();
    assert_eq!((firing(&log, whole), firing(&log, part)), (2, 1));

    let all = |two: Option<i64>| vec![alert(1, 0, None), alert(2, 0, two), alert(3, 0, None)];
    assert_eq!(log.report(3, told(all(None))), [""; 0]);
    assert_eq!(log.report(4, seen(4, vec![alert(1, 0, None), alert(2, 0, None)])), ["incident.alert_cleared"]);
    assert_eq!(log.report(5, told(all(Some(5)))), ["incident.alert_cleared", "incident.resolved"]);
    assert!(!log.snapshot.incidents[&part].is_open() && log.snapshot.incidents[&whole].is_open());
    assert_eq!(log.report(6, told(vec![alert(2, 6, None)])), ["incident.reopened", "incident.alert_fired"]);

    merge(&mut log, 7, part, whole).unwrap();
    assert_eq!((firing(&log, whole), log.snapshot.incidents[&whole].also.len()), (2, 0));
    assert_eq!(log.report(8, told(vec![alert(2, 6, None)])), [""; 0]);
}

#[test]
fn a_snoozed_incident_calls_nobody_until_its_time_is_over_or_it_gets_worse() {
    let mut log = Log::default();
    let mild = |number| Alert {
        labels: labels(&[("alertname", "HighErr"), ("severity", "warning")]),
        ..alert(number, 0, None)
    };
    let report = told(vec![mild(1)]);
    log.report(1, IncidentReport { labels: labels(&[("severity", "warning")]), ..report });
    let snooze = |log: &mut Log, length: &str| {
        let id = log.id();
        log.ask(2, IncidentVerb::Snooze { length: length.to_owned() }.on(id), ana())
    };
    for wrong in ["", "0m", "8d", "soon"] {
        assert_eq!(snooze(&mut log, wrong).unwrap_err().kind, RejectionKind::Invalid, "{wrong}");
    }
    snooze(&mut log, "30m").unwrap();
    assert!(!log.only().needs_somebody());
    let due: Vec<_> = log.snapshot.due().collect();
    let [(when, command)] = &due[..] else { panic!("{due:?}") };
    assert_eq!((*when, log.ask(31, command.clone(), Actor::System).unwrap()), (at(32), vec![]));
    assert_eq!(log.ask(32, command.clone(), Actor::System).unwrap(), ["incident.woke"]);
    assert!(log.only().needs_somebody());
    snooze(&mut log, "30m").unwrap();
    log.report(33, told(vec![mild(1), mild(2)]));
    assert!(!log.only().needs_somebody(), "one more of the same is no news");
    log.report(34, told(vec![mild(1), mild(2), alert(3, 0, None)]));
    assert!(log.only().needs_somebody(), "a critical one is");
}

#[test]
fn an_incident_that_flaps_stays_with_who_has_it_and_does_not_ring() {
    let mut log = Log::default();
    log.report(0, told(vec![alert(1, 0, None)]));
    let id = log.id();
    for turn in 1..=3 {
        log.ask(turn * 4, IncidentVerb::Acknowledge.on(id), ana()).unwrap();
        log.report(turn * 4 + 1, told(vec![alert(1, turn * 4 - 4, Some(turn * 4))]));
        log.report(turn * 4 + 2, told(vec![alert(1, turn * 4, None)]));
        let rang = log.events.iter().rev().find(|envelope| envelope.event.kind() == "incident.reopened").unwrap();
        assert_eq!(rang.event.rings(), turn < 3, "turn {turn}");
        assert_eq!(log.only().state == IncidentState::Firing, turn < 3, "turn {turn}");
    }
}

#[test]
fn a_postmortem_that_was_edited_is_the_one_that_is_written() {
    let mut log = Log::default();
    log.report(0, told(vec![alert(1, 0, None)]));
    let id = log.id();
    let amend = IncidentVerb::Amend { text: "# What happened\n\nA disk was full.".into() };
    log.ask(5, amend.on(id), ana()).unwrap();
    let history = History { of: Stream::Incident(id), streams: [(Stream::Incident(id), log.events.clone())].into() };
    let document = Incident::DOCUMENTS[0];
    let text = (document.write)(&history).unwrap();
    assert_eq!(text, "# What happened\n\nA disk was full.\n\nEdited by ana, 2026-11-30 03:05:00 UTC (#3)\n");
    // Edited again, who did so is said once.
    log.ask(6, IncidentVerb::Amend { text: text.into() }.on(id), ana()).unwrap();
    let history = History { of: Stream::Incident(id), streams: [(Stream::Incident(id), log.events.clone())].into() };
    assert_eq!((document.write)(&history).unwrap().matches("Edited by").count(), 1);
}

#[test]
fn a_runbook_that_fails_by_itself_calls_somebody_anew_and_one_that_was_denied_does_not() {
    for (because, calls) in [(FailureKind::Failed, true), (FailureKind::Expired, true), (FailureKind::Denied, false)] {
        let mut log = Log::default();
        log.report(1, told(vec![alert(1, 0, None)]));
        let id = log.id();
        log.ask(3, IncidentVerb::Acknowledge.on(id), ana()).unwrap();
        log.ask(5, IncidentVerb::Runbook { name: Some("look".to_owned()) }.on(id), ana()).unwrap();
        let run = log.only().runs[0].run;
        let failed = RunEvent::Failed { reason: "step 2".into(), hint: String::new(), because: Some(because) };
        let ended = log.snapshot.told(Stream::Run(run), &Event::Run(failed)).remove(0);
        log.take(30, ended.stream, Actor::System, ended.event);
        assert_eq!(
            (log.only().called_at.is_some(), log.only().acknowledged_at.is_none()),
            (calls, calls),
            "{because:?}"
        );
    }
}
