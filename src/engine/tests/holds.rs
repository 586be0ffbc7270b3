//! Incidents that are held back: by maintenance, and by others that fire.

use super::incidents::{Log, alert, ana, at, told};
use crate::domain::{Actor, IncidentId, MaintenanceId, Matching, RejectionKind};
use crate::fold::Snapshot;
use crate::kinds::{
    Alert, Declared, GroupKey, Incident, IncidentReport, IncidentState, IncidentVerb, Maintenance, MaintenanceOrder,
    MaintenanceVerb, Marks, Shown, Side, Takes,
};

fn window(number: u128) -> MaintenanceId {
    MaintenanceId(uuid::Uuid::from_u128(number))
}

fn start(log: &mut Log, minutes: i64, labels: &str, length: &str) -> Vec<&'static str> {
    let verb = MaintenanceVerb::Start { labels: labels.into(), length: length.into(), name: None, from: None };
    log.ask(minutes, verb.on(window(1)), ana()).unwrap()
}

/// A group of its own with these alerts.
fn group(name: &str, alerts: Vec<Alert>) -> IncidentReport {
    IncidentReport { group: GroupKey::of(["alertname", name]), title: name.into(), ..told(alerts) }
}

fn of<'a>(log: &'a Log, name: &str) -> &'a Incident {
    let group = GroupKey::of(["alertname", name]);
    log.snapshot.incidents.values().rev().find(|incident| incident.group == group).unwrap()
}

fn rang(log: &Log) -> Vec<(IncidentId, &'static str)> {
    let rings = log.events.iter().filter(|envelope| envelope.event.rings());
    rings.map(|envelope| (envelope.stream.parts().1.into(), envelope.event.kind())).collect()
}

fn pass(log: &mut Log, minutes: i64) -> Vec<&'static str> {
    log.ask(minutes, MaintenanceVerb::Pass.on(window(1)), Actor::System).unwrap()
}

fn rebuilt(log: &Log) -> Snapshot {
    let mut snapshot = Snapshot::default();
    log.events.iter().for_each(|envelope| drop(snapshot.apply(envelope)));
    snapshot
}

#[test]
fn what_fires_under_maintenance_is_listed_and_rings_when_the_window_ends_and_it_fires_on() {
    let mut log = Log::default();
    assert_eq!(start(&mut log, 0, "svc=svc1", "30m"), ["maintenance.planned", "maintenance.began"]);
    let opened = log.report(1, told(vec![alert(1, 1, None)]));
    assert_eq!(opened, ["incident.opened", "incident.alert_fired", "incident.held"]);
    assert_eq!((log.only().state, log.only().needs_somebody()), (IncidentState::Held, false));
    assert_eq!(log.only().cells()[1].raw(), "maintenance: maintenance · HighErr");
    assert_eq!(rang(&log), []);
    assert_eq!(pass(&mut log, 29), [""; 0]);
    assert_eq!(pass(&mut log, 30), ["maintenance.ended", "incident.released"]);
    assert_eq!(rang(&log), [(log.id(), "incident.released")]);
    assert_eq!((log.only().state, log.only().called_at), (IncidentState::Firing, Some(at(30))));
    assert_eq!(rebuilt(&log), log.snapshot);
}

#[test]
fn what_clears_during_maintenance_never_rings() {
    let mut log = Log::default();
    start(&mut log, 0, "alertname=HighErr", "1h");
    log.report(1, told(vec![alert(1, 1, None), alert(2, 1, None)]));
    log.report(5, told(vec![alert(1, 1, Some(4)), alert(2, 1, Some(5))]));
    assert_eq!(log.report(9, told(vec![alert(1, 8, None)]))[0], "incident.reopened");
    assert_eq!((log.only().state, log.only().acknowledged_at), (IncidentState::Held, None));
    log.report(12, told(vec![alert(1, 8, Some(11))]));
    assert_eq!(pass(&mut log, 60), ["maintenance.ended"]);
    assert_eq!(rang(&log), []);
}

#[test]
fn one_alert_outside_the_window_rings_for_all_of_the_incident() {
    let mut log = Log::default();
    start(&mut log, 0, "svc=svc1", "1h");
    log.report(1, told(vec![alert(1, 1, None)]));
    let another = log.report(2, told(vec![alert(1, 1, None), alert(2, 2, None)]));
    assert_eq!(another, ["incident.alert_fired", "incident.released"]);
    assert_eq!(log.report(3, told(vec![alert(2, 2, Some(3))])), ["incident.alert_cleared", "incident.held"]);
    let end = log.ask(4, MaintenanceVerb::End.on(window(1)), ana()).unwrap();
    assert_eq!(end, ["maintenance.ended", "incident.released"]);
    assert_eq!(rang(&log).len(), 2);
}

#[test]
fn a_window_that_begins_later_holds_what_already_fires_and_somebody_who_is_on_it_hears_nothing_at_its_end() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 1, None)]));
    log.ask(2, IncidentVerb::Acknowledge.on(log.id()), ana()).unwrap();
    let began = start(&mut log, 3, "svc=svc1", "10m");
    assert_eq!(began, ["maintenance.planned", "maintenance.began", "incident.held"]);
    pass(&mut log, 13);
    assert_eq!(rang(&log), [(log.id(), "incident.opened")]);
    assert_eq!(log.only().state, IncidentState::Acknowledged);
}

#[test]
fn a_window_of_the_configuration_begins_once_and_only_while_somebody_has_it() {
    let mut log = Log::default();
    let matching = Matching::read("svc=svc1").unwrap();
    let order = MaintenanceOrder { name: "backup".into(), matching, from: at(10), until: at(20) };
    let id = order.id();
    let plan = |log: &mut Log, minutes| {
        log.ask(minutes, MaintenanceVerb::Plan { order: Box::new(order.clone()) }.on(id), Actor::System).unwrap()
    };
    assert_eq!(plan(&mut log, 1), ["maintenance.planned"]);
    assert_eq!(plan(&mut log, 2), [""; 0]);
    let pass = |log: &mut Log, minutes| log.ask(minutes, MaintenanceVerb::Pass.on(id), Actor::System).unwrap();
    assert_eq!(pass(&mut log, 11), [""; 0], "it may have been taken out of the configuration");
    log.report(12, told(vec![alert(1, 12, None)]));
    assert_eq!(rang(&log).len(), 1);
    assert_eq!(plan(&mut log, 13), ["maintenance.began", "incident.held"]);
    log.ask(14, MaintenanceVerb::End.on(id), ana()).unwrap();
    assert_eq!(plan(&mut log, 15), [""; 0], "what a person ended stays over");
    assert_eq!(log.ask(16, MaintenanceVerb::End.on(id), ana()).unwrap_err().kind, RejectionKind::AlreadySettled);
}

#[test]
fn a_window_takes_exactly_the_verbs_that_would_not_be_refused_and_says_what_it_cannot_read() {
    let mut log = Log::default();
    start(&mut log, 0, "svc=svc1", "1h");
    let people: Vec<_> =
        MaintenanceVerb::ALL.iter().filter(|verb| verb.is_for_people()).map(|verb| verb.name).collect();
    assert_eq!(people, ["start", "end"]);
    let taken = |log: &Log| log.snapshot.maintenance[&window(1)].takes("end") == Takes::Anything;
    assert!(taken(&log));
    log.ask(1, MaintenanceVerb::End.on(window(1)), ana()).unwrap();
    assert!(!taken(&log));
    for (labels, length, from) in [
        ("svc1", "1h", None),
        ("", "1h", None),
        ("svc=svc1", "8d", None),
        ("svc=svc1", "soon", None),
        ("svc=svc1", "1h", Some("tomorrow")),
        ("svc=svc1", "1h", Some("2026-11-30T01:00:00Z")),
        ("svc=svc1", "1h", Some("2030-11-30T01:00:00Z")),
    ] {
        let (labels, length, from) = (labels.to_owned(), length.to_owned(), from.map(str::to_owned));
        let verb = MaintenanceVerb::Start { labels, length, name: None, from };
        assert_eq!(log.ask(2, verb.on(window(2)), ana()).unwrap_err().kind, RejectionKind::Invalid);
    }
    let later = Some("2026-11-30T04:00:00+00:00".to_owned());
    let verb = MaintenanceVerb::Start { labels: "svc=x".into(), length: "1h".into(), name: None, from: later };
    assert_eq!(log.ask(2, verb.on(window(3)), ana()).unwrap(), ["maintenance.planned"]);
    let due: Vec<_> = log.snapshot.due().collect();
    assert_eq!(due, [(at(60), MaintenanceVerb::Pass.on(window(3)))]);
    assert_eq!(log.ask(60, due[0].1.clone(), Actor::System).unwrap(), ["maintenance.began"]);
    let _: &Maintenance = &log.snapshot.maintenance[&window(3)];
}

/// An alert that is on this side of rule `rule`.
fn marked(number: u32, began: i64, ended: Option<i64>, sides: &[(&str, Side)]) -> Alert {
    let mut marks = Marks::default();
    sides.iter().for_each(|(rule, side)| marks.add([*rule], *side));
    Alert { marks, ..alert(number, began, ended) }
}

fn source(began: i64, ended: Option<i64>) -> IncidentReport {
    group("NodeDown", vec![marked(1, began, ended, &[("node", Side::Source)])])
}

fn target(began: i64, ended: Option<i64>) -> IncidentReport {
    group("HighErr", vec![marked(2, began, ended, &[("node", Side::Target)])])
}

#[test]
fn while_its_source_fires_a_target_is_listed_and_rings_when_that_ends() {
    for is_source_first in [true, false] {
        let mut log = Log::default();
        if is_source_first {
            log.report(1, source(1, None));
            let opened = log.report(2, target(2, None));
            assert_eq!(opened, ["incident.opened", "incident.alert_fired", "incident.held"]);
        } else {
            log.report(1, target(1, None));
            assert_eq!(log.report(2, source(2, None)), ["incident.opened", "incident.alert_fired", "incident.held"]);
        }
        let by = of(&log, "NodeDown").id.short();
        assert_eq!(of(&log, "HighErr").cells()[1].raw(), format!("inhibited by {by} · HighErr"));
        assert_eq!(of(&log, "HighErr").state, IncidentState::Held);
        assert_eq!(of(&log, "NodeDown").state, IncidentState::Firing);
        let began = of(&log, "NodeDown").alerts.values().next().unwrap().alert.starts_at;
        let minutes = (began - at(0)).num_minutes();
        let over = log.report(9, source(minutes, Some(9)));
        assert_eq!(over, ["incident.alert_cleared", "incident.resolved", "incident.released"]);
        assert_eq!(rang(&log).last(), Some(&(of(&log, "HighErr").id, "incident.released")));
        assert_eq!(rang(&log).len(), if is_source_first { 2 } else { 3 });
        assert_eq!(rebuilt(&log), log.snapshot);
    }
}

#[test]
fn a_target_that_is_over_before_its_source_never_rings() {
    let mut log = Log::default();
    log.report(1, source(1, None));
    log.report(2, target(2, None));
    log.report(3, target(2, Some(3)));
    log.report(4, source(1, Some(4)));
    assert_eq!(rang(&log), [(of(&log, "NodeDown").id, "incident.opened")]);
}

#[test]
fn a_source_that_a_person_resolves_or_merges_is_followed() {
    let mut log = Log::default();
    log.report(1, source(1, None));
    log.report(2, target(2, None));
    log.report(3, group("Other", vec![alert(9, 3, None)]));
    let (down, other) = (of(&log, "NodeDown").id, of(&log, "Other").id);
    log.ask(4, IncidentVerb::Merge { into: other }.on(down), ana()).unwrap();
    let said = of(&log, "HighErr").cells()[1].raw().to_owned();
    assert_eq!(said, format!("inhibited by {} · HighErr", other.short()));
    let resolved = log.ask(5, IncidentVerb::Resolve.on(other), ana()).unwrap();
    assert_eq!(resolved, ["incident.resolved", "incident.released"]);
}

#[test]
fn of_two_that_inhibit_each_other_the_first_goes_on_to_ring() {
    let mut log = Log::default();
    let first = [("a", Side::Source), ("b", Side::Target)];
    let second = [("a", Side::Target), ("b", Side::Source)];
    log.report(1, group("First", vec![marked(1, 1, None, &first)]));
    log.report(2, group("Second", vec![marked(2, 2, None, &second)]));
    assert_eq!((of(&log, "First").state, of(&log, "Second").state), (IncidentState::Firing, IncidentState::Held));
    let both = [("c", Side::Both)];
    log.report(3, group("Third", vec![marked(3, 3, None, &both)]));
    log.report(4, group("Fourth", vec![marked(4, 4, None, &both)]));
    let states = ["Third", "Fourth"].map(|name| of(&log, name).state);
    assert_eq!(states, [IncidentState::Firing; 2], "what is on both sides is not inhibited by its like");
    log.report(5, group("Fifth", vec![marked(5, 5, None, &[("c", Side::Target)])]));
    assert_eq!(of(&log, "Fifth").state, IncidentState::Held);
}

#[test]
fn a_snooze_that_ends_while_it_is_held_back_calls_nobody_until_it_is_released() {
    let mut log = Log::default();
    log.report(1, target(1, None));
    log.ask(2, IncidentVerb::Snooze { length: "10m".to_owned() }.on(log.id()), ana()).unwrap();
    log.report(3, source(3, None));
    assert_eq!(log.snapshot.due().count(), 0);
    let wake = IncidentVerb::Wake.on(of(&log, "HighErr").id);
    assert_eq!(log.ask(12, wake.clone(), Actor::System).unwrap(), [""; 0]);
    let over = log.report(20, source(3, Some(20)));
    assert_eq!(over, ["incident.alert_cleared", "incident.resolved", "incident.released"]);
    assert!(!log.events.last().unwrap().event.rings());
    assert_eq!(log.ask(20, wake, Actor::System).unwrap(), ["incident.woke"]);
    assert!(of(&log, "HighErr").needs_somebody());
}
