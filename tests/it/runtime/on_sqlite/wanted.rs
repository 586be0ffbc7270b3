//! A run that is wanted, and a process that cannot prepare it: another one can, and only after a while nobody could.

use std::sync::Arc;

use async_trait::async_trait;
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::runtime::Role;
use tokio::sync::Semaphore;

use super::desk::*;

/// Prepares every run, or none, and counts how often it was asked.
struct Preparing {
    spec: Option<RunSpec>,
    asked: Semaphore,
}

impl Preparing {
    fn new(spec: Option<RunSpec>) -> Arc<Self> {
        Arc::new(Self { spec, asked: Semaphore::new(0) })
    }
}

#[async_trait]
impl Starter for Preparing {
    async fn prepare(&self, _: Order) -> Result<RunSpec, ClientError> {
        self.asked.add_permits(1);
        let message = "no model is configured".to_owned();
        self.spec.clone().ok_or(ClientError { message, hint: String::new() })
    }

    async fn discard(&self, _: &RunSpec) {}
}

/// An incident that wants a run of its runbook.
async fn wanting(desk: &Desk) -> IncidentId {
    let group = GroupKey::of(["Down"]);
    let labels = Labels::bounded([("alertname".to_owned(), "Down".to_owned())]);
    let alert = Alert {
        fingerprint: "a".to_owned(),
        starts_at: chrono::Utc::now(),
        ended_at: None,
        labels: labels.clone(),
        annotations: Labels::default(),
        url: Untrusted::default(),
        source: Untrusted::default(),
        marks: Default::default(),
    };
    let incident = group.incident(alert.starts_at);
    let report = IncidentReport {
        group,
        title: "Down".into(),
        labels,
        runbook: Some("look".to_owned()),
        classifier: None,
        agent: None,
        alerts: vec![alert],
        left_out: 0,
        sight: Sight::Told,
    };
    let told = IncidentVerb::Report { report: Box::new(report) }.on(incident);
    desk.runtime.submit(told, Actor::System).await.unwrap();
    desk.runtime.submit(IncidentVerb::Runbook { name: None }.on(incident), ana()).await.unwrap();
    incident
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_cannot_prepare_is_left_to_another_for_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let (unable, able) = (Preparing::new(None), Preparing::new(Some(procedure(&["finish"]))));
    let first = Desk::starting(Desk::open(&path).await, unable.clone(), Role::Worker, Arc::default()).await;
    let incident = wanting(&first).await;
    unable.asked.acquire().await.unwrap().forget();
    let second = Desk::starting(Desk::open(&path).await, able, Role::Worker, Arc::default()).await;
    let begun = second.until("the run of the other process", |snapshot| !snapshot.runs.is_empty()).await;
    assert!(begun.incidents[&incident].runs[0].ended.is_none_or(|ended| ended != RunState::Failed));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_process_could_prepare_in_that_time_has_failed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let clerk = Desk::start(Desk::open(&path).await, &[], Vec::new(), Role::Clerk).await;
    let incident = wanting(&clerk).await;
    let clock = Arc::new(SkewedClock::default());
    *clock.0.lock().unwrap() = chrono::TimeDelta::seconds(61);
    let late = Desk::starting(Desk::open(&path).await, Preparing::new(None), Role::Worker, clock).await;
    let failed = |snapshot: &morningai::fold::Snapshot| {
        snapshot.incidents.get(&incident).is_some_and(|row| row.runs[0].ended == Some(RunState::Failed))
    };
    late.until("that it has failed", failed).await;
}
