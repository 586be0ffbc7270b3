//! What can be asked of an incident in each of its states, as it says itself and as it is decided.

use super::super::{RUN, agent_spec};
use super::{Log, alert, ana, at, other, told};
use crate::domain::{Actor, RunState};
use crate::engine::decide;
use crate::kinds::{Declared, Envelope, Event, IncidentReport, IncidentVerb, RunEvent, Severity, Shown, Stream, Takes};

/// What is offered must be possible, and what is possible must be offered.
#[test]
fn an_incident_takes_exactly_the_verbs_that_would_not_be_refused() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None), alert(2, 0, None)]));
    let id = log.id();
    log.report(1, other(vec![alert(3, 0, None)]));
    let into = *log.snapshot.incidents.keys().find(|known| **known != id).unwrap();
    log.take(1, Stream::Run(RUN), ana(), Event::Run(RunEvent::Started { spec: Box::new(agent_spec()) }));
    let verbs = [
        IncidentVerb::Acknowledge,
        IncidentVerb::Assign { to: "bo".to_owned() },
        IncidentVerb::Note { text: "it is the backup".into() },
        IncidentVerb::Severity { severity: Severity::Critical },
        IncidentVerb::Runbook { name: None },
        IncidentVerb::Link { run: RUN },
        IncidentVerb::Merge { into },
        IncidentVerb::Split { label: "svc=svc1".to_owned() },
        IncidentVerb::Snooze { length: "30m".to_owned() },
        IncidentVerb::Silence { length: "30m".to_owned() },
        IncidentVerb::Amend { text: "A disk was full.".into() },
        IncidentVerb::Resolve,
        IncidentVerb::Reopen,
    ];
    let people = IncidentVerb::ALL.iter().filter(|verb| verb.is_for_people());
    assert_eq!(people.map(|verb| verb.name).collect::<Vec<_>>(), verbs.each_ref().map(Declared::name));
    let agrees = |log: &Log| {
        let incident = &log.snapshot.incidents[&id];
        for verb in &verbs {
            let possible = decide(&log.snapshot, verb.clone().on(id), &ana(), at(9)).is_ok();
            let taken = incident.takes(verb.name()) == Takes::Anything;
            assert_eq!(possible, taken, "{} while {:?}", verb.name(), incident.state);
        }
    };
    agrees(&log);
    for verb in [IncidentVerb::Acknowledge, IncidentVerb::Runbook { name: None }, IncidentVerb::Resolve] {
        log.ask(2, verb.on(id), ana()).unwrap();
        agrees(&log);
    }
    log.ask(3, IncidentVerb::Reopen.on(id), ana()).unwrap();
    log.report(4, told(vec![alert(1, 0, Some(3))]));
    agrees(&log);

    let mut unmatched = Log::default();
    unmatched.report(1, IncidentReport { runbook: None, ..told(vec![alert(1, 0, None)]) });
    assert_eq!(unmatched.only().takes("runbook"), Takes::Words);
    let named = IncidentVerb::Runbook { name: Some("slow-queries".to_owned()) }.on(unmatched.id());
    unmatched.ask(2, named, ana()).unwrap();
    assert_eq!(unmatched.only().takes("runbook"), Takes::Nothing);
}

/// Ids of runs that it wants begin with the time of what they follow from, and a replay moves all times.
#[test]
fn a_replay_at_another_time_knows_the_run_that_ended() {
    let mut log = Log::default();
    log.report(1, told(vec![alert(1, 0, None)]));
    let id = log.id();
    log.ask(2, IncidentVerb::Runbook { name: None }.on(id), ana()).unwrap();
    let run = log.snapshot.wanted_by(Stream::Incident(id))[0].run();
    let ended = Event::Run(RunEvent::Succeeded { summary: "3 of 3".into() });
    let told = log.snapshot.told(Stream::Run(run), &ended).remove(0);
    log.take(4, told.stream, Actor::System, told.event);
    let mut replay = Log::default();
    for envelope in &log.events {
        replay.snapshot.apply(&Envelope { at: envelope.at + chrono::TimeDelta::hours(9), ..envelope.clone() });
    }
    assert_eq!((replay.only().runs[0].run, replay.only().runs[0].ended), (run, Some(RunState::Succeeded)));
}
