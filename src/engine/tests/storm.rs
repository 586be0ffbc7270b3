//! Storms of alerts: the right handful of incidents, and no more open than there is room for.

use super::incidents::{Log, alert, told};
use crate::domain::IncidentId;
use crate::fold::Snapshot;
use crate::kinds::{Alert, GroupKey, Incident, IncidentReport, IncidentState};

/// What source tells of group number `group`.
fn of_group(group: usize, alerts: Vec<Alert>) -> IncidentReport {
    let name = format!("Alert{group}");
    IncidentReport { group: GroupKey::of(["alertname", &name]), title: name.as_str().into(), ..told(alerts) }
}

fn overflow(log: &Log) -> &Incident {
    log.snapshot.incidents.values().find(|incident| incident.group == GroupKey::overflow()).unwrap()
}

/// The same log folded again from its beginning.
fn rebuilt(log: &Log) -> Snapshot {
    let mut snapshot = Snapshot::default();
    log.events.iter().for_each(|envelope| drop(snapshot.apply(envelope)));
    snapshot
}

#[test]
fn ten_thousand_alerts_are_the_handful_of_incidents_that_they_are_about() {
    let mut log = Log::default();
    for body in 0..100 {
        let alerts = (body * 100..(body + 1) * 100).map(|number| alert(number, 0, None)).collect();
        log.report(1, of_group(body as usize % 5, alerts));
    }
    assert_eq!(log.snapshot.incidents.len(), 5);
    for incident in log.snapshot.incidents.values() {
        assert_eq!((incident.firing().count(), incident.left_out), (Incident::MOST_ALERTS, 100));
    }
    assert_eq!(rebuilt(&log).incidents, log.snapshot.incidents);
}

#[test]
fn beyond_so_many_open_incidents_further_groups_are_listed_in_one() {
    const ROOM: usize = 2_000;
    let mut log = Log::default();
    let fires = |group: usize| of_group(group, vec![alert(group as u32, 0, None)]);
    let ends = |group: usize| of_group(group, vec![alert(group as u32, 0, Some(5))]);
    (0..ROOM + 300).for_each(|group| drop(log.report(1, fires(group))));
    assert_eq!(log.snapshot.incidents.len(), ROOM + 1);
    let listed = overflow(&log);
    assert!(listed.title.raw().starts_with("TooManyIncidents: 2000 are open"), "{:?}", listed.title);
    assert_eq!((listed.firing().count(), listed.left_out), (Incident::MOST_ALERTS, 1));
    assert_eq!(listed.alerts[fires(ROOM).group.digest()].alert.summary(), Some("Alert2000"));
    for group in [0, ROOM, ROOM + 299] {
        assert_eq!(log.report(2, fires(group)), [""; 0], "told again, nothing changes");
    }
    assert_eq!(log.report(6, ends(ROOM)), ["incident.alert_cleared"]);
    assert_eq!(log.report(6, ends(ROOM + 299)), [""; 0], "what ends without a place was never told");
    // Two incidents end, and with them two of the listed groups have room.
    [0, 1].into_iter().for_each(|group| drop(log.report(7, ends(group))));
    let own = log.report(8, fires(ROOM + 1));
    assert_eq!(own, ["incident.alert_cleared", "incident.opened", "incident.alert_fired"]);
    assert_eq!(rebuilt(&log).incidents, log.snapshot.incidents);
}

#[test]
fn the_list_is_over_when_there_is_room_for_all() {
    const ROOM: usize = 2_000;
    let mut log = Log::default();
    let fires = |group: usize| of_group(group, vec![alert(group as u32, 0, None)]);
    let ends = |group: usize| of_group(group, vec![alert(group as u32, 0, Some(5))]);
    (0..=ROOM).for_each(|group| drop(log.report(1, fires(group))));
    assert_eq!(overflow(&log).state, IncidentState::Firing);
    [0, 1].into_iter().for_each(|group| drop(log.report(6, ends(group))));
    let last = log.report(7, ends(ROOM));
    assert_eq!(last, ["incident.alert_cleared", "incident.resolved"]);
    let again: IncidentId = overflow(&log).id;
    assert_eq!(log.report(8, fires(ROOM + 1)), ["incident.opened", "incident.alert_fired"]);
    log.report(8, fires(ROOM + 2));
    assert_eq!(log.report(9, fires(ROOM + 3)), ["incident.reopened", "incident.alert_fired"]);
    assert_eq!(overflow(&log).id, again);
}
