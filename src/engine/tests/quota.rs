//! A plan's runs: counted once each, whoever reads the log when, and admitted up to the limit exactly.

use uuid::Uuid;

use super::{Desk, agent_spec, ana, procedure_spec};
use crate::domain::{Actor, Limits, OnFailure, Quota, RejectionKind, RunId, RunSpec, SubjectId, Timestamp};
use crate::engine::decide;
use crate::fold::Snapshot;
use crate::kinds::{Command, Envelope, ErasedEvent, Event, RowKind, RunVerb};

fn limited(spec: RunSpec, runs: u64) -> RunSpec {
    let quota = Quota {
        plan: "Free".to_owned(),
        runs,
        from: "2026-11-01".parse().unwrap(),
        resets: "2026-12-01T00:00:00Z".parse().unwrap(),
        hint: "Starter has 100 runs a month".to_owned(),
    };
    RunSpec { limits: Limits { quota: Some(quota), ..Limits::default() }, ..spec }
}

fn start(number: u128, spec: RunSpec) -> Command {
    RunVerb::Start { spec: Box::new(spec) }.on(RunId(Uuid::from_u128(number)))
}

#[test]
fn runs_of_agents_and_procedures_count_once_each_and_the_next_is_refused_with_what_to_do() {
    let mut desk = Desk::new();
    desk.by(ana(), start(1, limited(agent_spec(), 2))).unwrap();
    desk.by(Actor::System, start(2, limited(procedure_spec(OnFailure::Stop), 2))).unwrap();
    assert!(desk.by(ana(), start(1, limited(agent_spec(), 2))).unwrap().is_empty(), "asked again, it starts nothing");
    let refused = desk.by(ana(), start(3, limited(agent_spec(), 2))).unwrap_err();
    assert_eq!(refused.kind, RejectionKind::NotAllowed);
    let said = "the plan Free includes 2 runs a month, and 2 have begun; more can start from 2026-12-01 00:00 UTC on";
    assert_eq!((refused.message.as_str(), refused.hint.as_str()), (said, "Starter has 100 runs a month"));
    desk.by(ana(), start(4, agent_spec())).unwrap();
}

#[test]
fn a_run_that_was_prepared_in_one_month_and_starts_in_the_next_counts_in_the_next() {
    let mut desk = Desk::new();
    desk.by(ana(), start(1, limited(agent_spec(), 1))).unwrap();
    desk.wait(6 * 24 * 3600 + 21 * 3600 - 1);
    assert!(desk.by(ana(), start(2, limited(agent_spec(), 1))).is_err());
    desk.wait(1);
    assert_eq!(desk.now.to_rfc3339(), "2026-12-01T00:00:00+00:00");
    desk.by(ana(), start(2, limited(agent_spec(), 1))).unwrap();
    assert!(desk.by(ana(), start(3, limited(agent_spec(), 1))).is_err());
}

/// Four processes that each know the log up to some event: a conflict makes one read on and decide again.
#[test]
fn two_hundred_starts_from_four_processes_admit_exactly_the_limit() {
    let at: Timestamp = "2026-11-24T03:00:00Z".parse().unwrap();
    let mut log: Vec<Envelope> = Vec::new();
    let mut processes: Vec<Snapshot> = (0..4).map(|_| Snapshot::default()).collect();
    let mut admitted = 0;
    for number in 0..200_u128 {
        let snapshot = &mut processes[(number * 7 % 4) as usize];
        let command = start(1 + number, limited(agent_spec(), 17));
        let outcome = loop {
            let Ok(events) = decide(snapshot, command.clone(), &ana(), at) else { break None };
            if snapshot.cursor == log.len() as u64 {
                break Some(events);
            }
            log[snapshot.cursor as usize..].iter().for_each(|envelope| drop(snapshot.apply(envelope)));
        };
        for decided in outcome.into_iter().flatten() {
            admitted += u64::from(decided.event.begins_run());
            let (seq, version) = (log.len() as u64 + 1, snapshot.version(decided.stream) + 1);
            let envelope = Envelope { seq, stream: decided.stream, version, at, by: decided.by, event: decided.event };
            snapshot.apply(&envelope);
            log.push(envelope);
        }
    }
    assert_eq!(admitted, 17);
}

/// What the start of a process is like while others write: its rows are newer than its cursor.
#[test]
fn a_row_that_is_newer_than_the_cursor_loses_no_run_from_the_count() {
    let mut desk = Desk::new();
    desk.by(ana(), start(1, agent_spec())).unwrap();
    let mut late = Snapshot { runs: desk.snapshot.runs.clone(), ..Snapshot::default() };
    for envelope in desk.log.iter().chain(&desk.log) {
        late.apply(envelope);
    }
    assert_eq!(late.spend, desk.snapshot.spend);
    assert_eq!(late.spend.values().map(|day| day.runs).sum::<u64>(), 1);
}

#[test]
fn an_erased_run_still_counts_and_pruned_ones_are_counted_from_what_is_left_of_them() {
    let mut desk = Desk::new();
    desk.by(ana(), start(1, agent_spec())).unwrap();
    let subject = SubjectId(Uuid::nil());
    let erased = desk.log.iter().map(|envelope| {
        let was = envelope.event.kind().to_owned();
        Envelope { event: Event::Erased(ErasedEvent::Erased { was, subject, spent: None }), ..envelope.clone() }
    });
    let mut snapshot = Snapshot::default();
    for envelope in erased.collect::<Vec<_>>() {
        snapshot.apply(&envelope);
    }
    assert_eq!(snapshot.spend, desk.snapshot.spend);
    let began = desk.snapshot.spend.iter().map(|(day, spend)| (*day, spend.runs)).collect();
    let mut rebuilt = Snapshot::default();
    let touched = rebuilt.count_pruned_runs(&began);
    assert!(touched.iter().all(|key| key.kind == RowKind::Spend) && touched.len() == 1);
    assert_eq!(rebuilt.spend, desk.snapshot.spend);
}
