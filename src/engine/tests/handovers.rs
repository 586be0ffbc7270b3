//! Writing handovers from what is in memory, and signing them.

use super::incidents::{Log, ana, at, told_one};
use crate::domain::{Actor, HandoverId, RejectionKind};
use crate::kinds::{Handover, HandoverVerb, IncidentVerb, Section, Shown};

fn ben() -> Actor {
    Actor::Person("ben".to_owned())
}

fn id(number: u128) -> HandoverId {
    HandoverId(uuid::Uuid::from_u128(number))
}

fn write(log: &mut Log, minutes: i64, number: u128) -> &Handover {
    let note = "watch the disk of db1".into();
    log.ask(minutes, HandoverVerb::Write { note }.on(id(number)), ana()).unwrap();
    &log.snapshot.handovers[&id(number)]
}

fn lines(handover: &Handover, section: Section) -> Vec<&str> {
    let of_section = handover.items.iter().filter(|item| item.section == section);
    of_section.map(|item| item.text.raw()).collect()
}

#[test]
fn it_tells_of_what_is_open_and_of_what_ended_since_the_last_one() {
    let mut log = Log::default();
    log.report(0, told_one());
    let incident = log.id();
    let first = write(&mut log, 10, 1);
    assert_eq!(lines(first, Section::Open), ["HighErr: critical, firing"]);
    assert_eq!(lines(first, Section::Cost), ["$0.00 in 0 runs"]);
    log.ask(20, IncidentVerb::Resolve.on(incident), ana()).unwrap();
    let second = write(&mut log, 30, 2);
    assert_eq!((second.since, lines(second, Section::Open).len()), (at(10), 0));
    assert_eq!(lines(second, Section::Resolved), ["HighErr"]);
    let third = write(&mut log, 40, 3);
    assert_eq!(lines(third, Section::Resolved), [""; 0], "the one before told of it");
}

#[test]
fn another_person_signs_it_once_and_without_it_lapses() {
    let mut log = Log::default();
    write(&mut log, 0, 1);
    let sign = |log: &mut Log, minutes, by| log.ask(minutes, HandoverVerb::Sign.on(id(1)), by);
    assert_eq!(sign(&mut log, 1, ana()).unwrap_err().kind, RejectionKind::Invalid);
    assert_eq!(sign(&mut log, 1, ben()).unwrap(), ["handover.signed"]);
    assert_eq!(sign(&mut log, 2, ben()).unwrap_err().kind, RejectionKind::AlreadySettled);
    write(&mut log, 5, 2);
    assert!(log.snapshot.handovers[&id(2)].needs_somebody());
    let (when, lapse) = log.snapshot.due().next().unwrap();
    assert_eq!(when, at(5 + 24 * 60));
    assert_eq!(log.ask(5 + 24 * 60, lapse, Actor::System).unwrap(), ["handover.lapsed"]);
    assert!(!log.snapshot.handovers[&id(2)].needs_somebody());
    assert!(log.ask(0, HandoverVerb::Write { note: " ".into() }.on(id(3)), ana()).is_err());
}
