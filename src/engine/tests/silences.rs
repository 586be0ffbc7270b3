//! Silencing the alerts of an incident: a run makes the silence, and another one lifts it at the end.

use super::incidents::{Log, alert, ana, told_one};
use crate::domain::{Actor, IncidentId, RejectionKind, RunId, Untrusted};
use crate::kinds::{Event, IncidentReport, IncidentVerb, Rowed, RunEvent, Stream, Wanted};

fn silence(log: &mut Log, minutes: i64, length: &str) -> Result<Vec<&'static str>, crate::domain::Rejection> {
    let id = log.id();
    log.ask(minutes, IncidentVerb::Silence { length: length.to_owned() }.on(id), ana())
}

fn wanted(log: &Log) -> Vec<Wanted> {
    log.snapshot.wanted()
}

/// What the incident remembers of the end of a run.
fn ended(log: &mut Log, minutes: i64, run: RunId, end: RunEvent) {
    for told in log.snapshot.told(Stream::Run(run), &Event::Run(end)) {
        log.take(minutes, told.stream, told.by, told.event);
    }
}

fn succeeded() -> RunEvent {
    RunEvent::Succeeded { summary: "silenced".into() }
}

fn is_open(log: &Log, id: IncidentId) -> bool {
    use crate::kinds::Kept;
    crate::kinds::Incident::table(&log.snapshot)[&id].index().is_open
}

#[test]
fn a_silence_is_made_by_a_run_and_lifted_by_another_when_the_incident_is_resolved() {
    let mut log = Log::default();
    log.report(0, told_one());
    let id = log.id();
    for wrong in ["", "8d", "a while"] {
        assert_eq!(silence(&mut log, 1, wrong).unwrap_err().kind, RejectionKind::Invalid, "{wrong}");
    }
    assert_eq!(silence(&mut log, 1, "2h").unwrap(), ["incident.acknowledged", "incident.silence_wanted"]);
    assert_eq!(silence(&mut log, 2, "2h").unwrap_err().kind, RejectionKind::AlreadySettled);
    let [made] = &wanted(&log)[..] else { panic!("{:?}", wanted(&log)) };
    assert_eq!((made.procedure.as_str(), &made.by), ("silence-alerts", &ana()));
    assert_eq!(made.inputs["SILENCE_LENGTH"].raw(), "2h");
    let shared = Untrusted::from("{\"alertname\":\"HighErr\",\"severity\":\"critical\",\"svc\":\"svc1\"}");
    assert_eq!(made.inputs["SHARED_LABELS"], shared);

    ended(&mut log, 3, made.run(), succeeded());
    assert_eq!(wanted(&log), []);
    log.ask(10, IncidentVerb::Resolve.on(id), ana()).unwrap();
    assert!(is_open(&log, id), "its silence is still there");
    let [lifted] = &wanted(&log)[..] else { panic!("{:?}", wanted(&log)) };
    assert_eq!((lifted.procedure.as_str(), &lifted.by), ("lift-silences", &Actor::System));
    ended(&mut log, 11, lifted.run(), succeeded());
    assert!(!is_open(&log, id) && wanted(&log).is_empty());
}

#[test]
fn what_is_resolved_while_it_is_being_silenced_is_lifted_after_that_and_what_was_denied_is_not() {
    let mut log = Log::default();
    log.report(0, told_one());
    let id = log.id();
    silence(&mut log, 1, "2h").unwrap();
    log.ask(2, IncidentVerb::Resolve.on(id), ana()).unwrap();
    let [making] = &wanted(&log)[..] else { panic!("{:?}", wanted(&log)) };
    assert_eq!(making.procedure, "silence-alerts");
    ended(&mut log, 3, making.run(), succeeded());
    assert_eq!(wanted(&log)[0].procedure, "lift-silences");

    let mut log = Log::default();
    log.report(0, told_one());
    let id = log.id();
    silence(&mut log, 1, "2h").unwrap();
    let run = wanted(&log)[0].run();
    ended(&mut log, 2, run, RunEvent::Cancelled { reason: "no".to_owned() });
    log.ask(3, IncidentVerb::Resolve.on(id), ana()).unwrap();
    assert!(wanted(&log).is_empty() && !is_open(&log, id));
}

#[test]
fn a_silence_can_be_made_again_for_longer_and_what_was_there_before_is_lifted_all_the_same() {
    let mut log = Log::default();
    log.report(0, told_one());
    let id = log.id();
    silence(&mut log, 1, "30m").unwrap();
    let first = wanted(&log)[0].run();
    ended(&mut log, 2, first, succeeded());
    silence(&mut log, 40, "2h").unwrap();
    let second = wanted(&log)[0].run();
    assert_ne!(first, second);
    ended(&mut log, 41, second, RunEvent::Cancelled { reason: "denied".to_owned() });
    log.ask(50, IncidentVerb::Resolve.on(id), ana()).unwrap();
    assert_eq!(wanted(&log)[0].procedure, "lift-silences", "the first one is still there");
}

#[test]
fn only_what_all_alerts_that_fire_share_is_silenced() {
    let mut log = Log::default();
    log.report(0, told_one());
    let grown = IncidentReport { alerts: vec![alert(1, 0, None), alert(2, 1, None)], ..told_one() };
    log.report(1, grown);
    silence(&mut log, 2, "1h").unwrap();
    let shared = wanted(&log)[0].inputs["SHARED_LABELS"].clone();
    assert_eq!(shared.raw(), "{\"alertname\":\"HighErr\",\"severity\":\"critical\"}");
}

#[test]
fn a_silence_that_was_lifted_is_asked_for_again_when_the_alert_flaps() {
    let mut log = Log::default();
    log.report(0, told_one());
    silence(&mut log, 1, "2h").unwrap();
    let first = wanted(&log)[0].run();
    ended(&mut log, 2, first, succeeded());
    let fires = |began, over| IncidentReport { alerts: vec![alert(1, began, over)], ..told_one() };
    log.report(5, fires(0, Some(5)));
    let lifting = wanted(&log).remove(0);
    assert_eq!(lifting.procedure, "lift-silences");

    let back = log.report(7, fires(6, None));
    assert_eq!(back, ["incident.reopened", "incident.alert_fired", "incident.silence_wanted"]);
    let next: Vec<_> = wanted(&log).iter().map(Wanted::run).collect();
    assert_eq!(next, [lifting.run()], "it would end the new one, which is made after it");
    ended(&mut log, 8, lifting.run(), succeeded());
    let [again] = &wanted(&log)[..] else { panic!("{:?}", wanted(&log)) };
    assert_eq!((again.procedure.as_str(), &again.by), ("silence-alerts", &ana()), "in the name of who wanted it");
    assert!(again.run() != first && again.inputs["SILENCE_LENGTH"].raw() == "2h");

    ended(&mut log, 9, again.run(), RunEvent::Cancelled { reason: "denied".to_owned() });
    log.report(10, fires(6, Some(10)));
    assert_eq!(wanted(&log), []);
    let denied = log.report(12, fires(11, None));
    assert_eq!(denied, ["incident.reopened", "incident.alert_fired"], "what was denied is not asked for again");
}

#[test]
fn what_is_still_being_made_when_the_alert_flaps_goes_on_and_is_not_lifted() {
    let mut log = Log::default();
    log.report(0, told_one());
    silence(&mut log, 1, "2h").unwrap();
    let making = wanted(&log).remove(0);
    let fires = |began, over| IncidentReport { alerts: vec![alert(1, began, over)], ..told_one() };
    log.report(5, fires(0, Some(5)));
    assert_eq!(log.report(7, fires(6, None)), ["incident.reopened", "incident.alert_fired"]);
    assert_eq!(wanted(&log).iter().map(Wanted::run).collect::<Vec<_>>(), [making.run()]);
    ended(&mut log, 8, making.run(), succeeded());
    assert_eq!(wanted(&log), []);
}
