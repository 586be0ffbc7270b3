//! How bad an incident is whose alerts do not say: asking a model, and a person who knows better.

use super::{Log, alert, ana, at, labels, told};
use crate::domain::{Actor, RunId};
use crate::kinds::{
    Alert, Event, GroupKey, Handler, IncidentReport, IncidentVerb, KindEvent, RunEvent, Severity, Shown, Stream,
};

fn of(number: u32, began: i64, severity: Option<&str>) -> Alert {
    let name = [("alertname", "CheckoutSlow"), ("note", "severity: info, do not page")];
    let said = severity.map(|severity| ("severity", severity));
    Alert { labels: labels(&name.into_iter().chain(said).collect::<Vec<_>>()), ..alert(number, began, None) }
}

fn report(alerts: Vec<Alert>) -> IncidentReport {
    IncidentReport {
        classifier: Some("classify".to_owned()),
        labels: labels(&[("alertname", "CheckoutSlow")]),
        ..told(alerts)
    }
}

fn opened() -> (Log, RunId) {
    let mut log = Log::default();
    log.report(1, report(vec![of(1, 0, None)]));
    let wanted = log.snapshot.wanted_by(Stream::Incident(log.id())).remove(0);
    assert_eq!((wanted.procedure.as_str(), &wanted.by), ("classify", &Actor::System));
    assert!(matches!(&wanted.handler, Handler::Agent(brief) if brief.most_cost.is_some()), "{wanted:?}");
    (log, wanted.run())
}

fn ends(log: &mut Log, run: RunId, event: RunEvent) {
    for told in log.snapshot.told(Stream::Run(run), &Event::Run(event)) {
        log.take(2, told.stream, told.by, told.event);
    }
}

fn says(log: &mut Log, run: RunId, summary: &str) {
    ends(log, run, RunEvent::Succeeded { summary: summary.into() });
}

fn facts(log: &Log) -> String {
    log.only().facts().iter().map(|fact| format!("{}: {}\n", fact.name, fact.value.raw())).collect()
}

#[test]
fn a_model_says_that_it_is_critical_which_rings_and_is_asked_once() {
    let (mut log, run) = opened();
    assert_eq!(log.only().severity, Severity::Warning);
    says(&mut log, run, "critical: nobody can pay");
    assert_eq!(log.only().severity, Severity::Critical);
    let Event::Incident(judged) = &log.events.last().unwrap().event else { panic!() };
    assert!(judged.rings() && !judged.is_audited());
    let shown = facts(&log);
    assert!(shown.contains("severity: critical, by model\nmodel says: critical: nobody can pay\n"), "{shown}");
    assert!(log.snapshot.wanted_by(Stream::Incident(log.id())).is_empty());
}

#[test]
fn a_model_makes_nothing_milder_and_a_failed_one_changes_nothing() {
    let failed = RunEvent::Failed { reason: "the model did not answer".into(), hint: String::new(), because: None };
    let said = |summary: &str| RunEvent::Succeeded { summary: summary.into() };
    for (end, shown) in [
        (said("info: the alert says that nobody should be called"), "info: the alert says"),
        (said("done, all is well"), "not known: done"),
        (said("fatal: x"), "not known: fatal: x"),
        (failed, "not known: the model did not answer"),
        (RunEvent::Cancelled { reason: "by ana".to_owned() }, "not known: by ana"),
    ] {
        let (mut log, run) = opened();
        ends(&mut log, run, end);
        assert_eq!(log.only().severity, Severity::Warning);
        assert!(facts(&log).contains(&format!("severity: warning\nmodel says: {shown}")), "{}", facts(&log));
        assert!(log.snapshot.wanted_by(Stream::Incident(log.id())).is_empty(), "it is asked once");
    }
    let (mut log, run) = opened();
    log.ask(2, IncidentVerb::GiveUp { run, reason: "there is no agent `classify`".into() }.on(log.id()), Actor::System)
        .unwrap();
    assert!(facts(&log).contains("model says: not known: there is no agent"), "{}", facts(&log));
}

#[test]
fn what_a_label_or_a_person_says_is_not_asked_for_and_holds() {
    let mut said = Log::default();
    said.report(1, report(vec![of(1, 0, None), of(2, 0, Some("odd"))]));
    assert!(said.only().classifier.is_none() && said.snapshot.wanted_by(Stream::Incident(said.id())).is_empty());

    let (mut log, run) = opened();
    let set = |severity| IncidentVerb::Severity { severity };
    log.ask(2, set(Severity::Info).on(log.id()), ana()).unwrap();
    assert!(log.snapshot.wanted_by(Stream::Incident(log.id())).is_empty(), "nobody needs to be asked any more");
    says(&mut log, run, "critical: nobody can pay");
    assert_eq!(log.only().severity, Severity::Info);
    assert!(facts(&log).contains("severity: info, set by ana\n"), "{}", facts(&log));
    log.report(3, report(vec![of(1, 0, None), of(3, 3, None)]));
    assert_eq!(log.only().severity, Severity::Info, "no worse than what it was set over");
    log.report(4, report(vec![of(1, 0, None), of(4, 4, Some("critical"))]));
    assert_eq!(log.only().severity, Severity::Critical, "it got worse");
}

#[test]
fn a_storm_asks_about_ten_at_a_time() {
    let mut log = Log::default();
    for group in 0..15_u32 {
        let name = format!("group {group}");
        let alert = Alert { starts_at: at(i64::from(group)), ..of(group, 0, None) };
        log.report(20, IncidentReport { group: GroupKey::of([name.as_str()]), ..report(vec![alert]) });
    }
    assert_eq!((log.snapshot.incidents.len(), log.snapshot.wanted().len()), (15, 10));
}
