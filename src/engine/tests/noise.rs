//! The noise report: what rang, what nobody acted on, and what was kept from ringing.

use serde_json::Value;

use super::incidents::{Log, alert, ana, at, told};
use crate::kinds::{GroupKey, Incident, IncidentReport, IncidentVerb, Labels, MaintenanceVerb, Shown};

fn of(name: &str, began: i64, ended: Option<i64>) -> IncidentReport {
    let mut one = alert(1, began, ended);
    one.labels = Labels::bounded([("alertname".to_owned(), name.to_owned())]);
    let labels = one.labels.clone();
    IncidentReport { group: GroupKey::of([name]), title: name.into(), labels, ..told(vec![one]) }
}

fn counted(log: &Log, since: i64) -> Vec<Value> {
    let survey = Incident::SURVEYS[0];
    let mut tally = (survey.begin)();
    log.events.iter().rev().filter(|event| event.at >= at(since)).for_each(|event| tally.count(event));
    for stream in tally.unknown() {
        tally.learn(log.events.iter().find(|event| event.stream == stream).unwrap());
    }
    let lines = tally.lines();
    assert!(lines.iter().all(|line| line.cells.len() == survey.columns.len()));
    lines.into_iter().map(|line| line.json).collect()
}

fn find(lines: &[Value], alert: &str) -> Value {
    lines.iter().find(|line| line["alert"] == alert).unwrap_or_else(|| panic!("{alert}: {lines:?}")).clone()
}

#[test]
fn what_rang_and_what_did_not_is_counted_by_alert() {
    let mut log = Log::default();
    // Rings twice, flaps once, and nobody does anything.
    for turn in 0..4 {
        log.report(turn * 5, of("Flapper", turn * 5, None));
        log.report(turn * 5 + 2, of("Flapper", turn * 5, Some(turn * 5 + 2)));
    }
    log.report(30, of("Handled", 30, None));
    let id = *log.snapshot.incidents.iter().find(|(_, incident)| incident.title.raw() == "Handled").unwrap().0;
    log.ask(31, IncidentVerb::Snooze { length: "1h".to_owned() }.on(id), ana()).unwrap();
    log.ask(31, IncidentVerb::Silence { length: "1h".to_owned() }.on(id), ana()).unwrap();
    let more = told(vec![alert(7, 32, None)]);
    log.report(32, IncidentReport { group: GroupKey::of(["Handled"]), ..more });
    let (labels, length) = ("alertname=Planned".to_owned(), "1h".to_owned());
    let start = MaintenanceVerb::Start { labels, length, name: None, from: None };
    log.ask(40, start.on(uuid::Uuid::from_u128(1).into()), ana()).unwrap();
    log.report(41, of("Planned", 41, None));

    let lines = counted(&log, 0);
    assert_eq!(lines[0]["alert"], "Flapper", "the noisiest first");
    let flapper = find(&lines, "Flapper");
    assert_eq!([&flapper["rang"], &flapper["nobody_acted"], &flapper["flapping"]], [3, 3, 1]);
    let handled = find(&lines, "Handled");
    assert_eq!([&handled["rang"], &handled["nobody_acted"], &handled["repeats"]], [1, 0, 1]);
    assert_eq!([&handled["snoozed"], &handled["silenced"]], [1, 1]);
    let planned = find(&lines, "Planned");
    assert_eq!([&planned["rang"], &planned["maintenance"], &planned["incidents"]], [0, 1, 1]);

    let later = counted(&log, 32);
    let handled = find(&later, "Handled");
    assert_eq!([&handled["rang"], &handled["repeats"]], [0, 1], "its name is known from before");
}
