//! This program's own troubles, looked at like any other source: runs that failed or paused by themselves, requests that
//! expire soon, and what is wrong with the machine. What is not there any more is over.
//!
//! A run that was started for an incident is told there, and is no trouble of its own: nothing goes round in a circle.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;

use super::group::{Grouping, Told};
use super::groups::Groups;
use super::look::{Failed, Look};
use super::poll::Poller;
use super::trouble::OwnAlert;
use crate::domain::{RunId, RunState, Timestamp, Untrusted};
use crate::kinds::{Approval, Event, Incident, RowKind, Rowed, Run, RunEvent, Severity, Stream};
use crate::ports::{Answer, Client, ClientError, Query, RowFilter, RowQuery};

/// What alerts of its own state are told by: other alerts of this program, of probes say, are not looked for here.
const SOURCE: &str = "morningai itself";
/// Time between two looks.
const EVERY: Duration = Duration::from_secs(15);
/// How long a run that failed is told.
const FAILED_LATELY: TimeDelta = TimeDelta::hours(1);
/// A request is told this long before it expires, or from the half of its time on, whichever is later.
const EXPIRES_SOON: TimeDelta = TimeDelta::minutes(10);
/// What ended lately that is looked at.
const RECENT: u32 = 100;

/// What is wrong with the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineTrouble {
    /// The name of its alert.
    pub name: &'static str,
    pub severity: Severity,
    /// What tells it from others of the same name.
    pub about: Vec<(&'static str, String)>,
    pub summary: String,
}

/// The machine under this program.
#[async_trait]
pub trait Machine: Send + Sync {
    async fn troubles(&self) -> Vec<MachineTrouble>;
}

/// What looks at this program.
struct Own {
    machine: Arc<dyn Machine>,
}

impl Poller {
    /// Of this program itself.
    pub fn of_own_troubles(machine: Arc<dyn Machine>, grouping: Grouping) -> Self {
        Self::of(Own { machine }, grouping)
    }
}

#[async_trait]
impl Look for Own {
    fn name(&self) -> &str {
        SOURCE
    }

    fn silent(&self) -> &'static str {
        "OwnTroublesUnknown"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    async fn look(&self, client: &dyn Client, at: Timestamp) -> Result<Groups, Failed> {
        let mut troubles = runs(client, at).await.map_err(Failed::Store)?;
        let open = RowQuery::whole(RowKind::Approval, RowFilter::Open);
        troubles.extend(
            rows::<Approval>(client, open)
                .await
                .map_err(Failed::Store)?
                .iter()
                .filter_map(|approval| expiring(approval, at)),
        );
        troubles.extend(self.machine.troubles().await.into_iter().map(|trouble| of_machine(trouble, at)));
        let mut groups = Groups::default();
        troubles.into_iter().for_each(|(alert, told)| groups.add(alert.group(vec![told])));
        Ok(groups)
    }
}

async fn rows<K: Rowed>(client: &dyn Client, query: RowQuery) -> Result<Vec<K>, ClientError> {
    Ok(client.query(Query::Rows(query)).await.and_then(Answer::rows::<K>)?.rows)
}

async fn runs(client: &dyn Client, at: Timestamp) -> Result<Vec<(OwnAlert, Told)>, ClientError> {
    let ended = |kind| RowQuery::ended(kind, None, RECENT);
    let open = |kind| RowQuery::whole(kind, RowFilter::Open);
    let mut all = rows::<Run>(client, open(RowKind::Run)).await?;
    all.extend(rows::<Run>(client, ended(RowKind::Run)).await?);
    all.retain(|run| trouble_of(run, at).is_some());
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let mut incidents = rows::<Incident>(client, open(RowKind::Incident)).await?;
    incidents.extend(rows::<Incident>(client, ended(RowKind::Incident)).await?);
    let told_there: BTreeSet<RunId> =
        incidents.iter().flat_map(|incident| &incident.runs).map(|linked| linked.run).collect();
    let mut troubles = Vec::new();
    for run in all.iter().filter(|run| !told_there.contains(&run.id)) {
        let name = match trouble_of(run, at) {
            Some(PAUSED) if lacks_model(client, run).await? => "ModelUnavailable",
            Some(name) => name,
            None => continue,
        };
        troubles.push(of_run(name, run));
    }
    Ok(troubles)
}

const PAUSED: &str = "RunPaused";

/// The name of a run's trouble, if it has one.
fn trouble_of(run: &Run, at: Timestamp) -> Option<&'static str> {
    let note = run.note.raw();
    match run.state {
        RunState::Failed if run.ended_at.is_some_and(|ended| at - ended <= FAILED_LATELY) => Some("RunFailed"),
        RunState::Paused if note.starts_with("reached its limit on ") => Some("RunLimitReached"),
        // That a person paused it is no trouble.
        RunState::Paused if !note.starts_with("paused by ") => Some(PAUSED),
        _ => None,
    }
}

/// Whether the last thing before the pause was that no model answered.
async fn lacks_model(client: &dyn Client, run: &Run) -> Result<bool, ClientError> {
    let query = Query::Stream { stream: Stream::Run(run.id), after: run.version.saturating_sub(2), limit: 2 };
    let last = client.query(query).await.and_then(Answer::events)?.rows;
    Ok(last.iter().any(|envelope| matches!(&envelope.event, Event::Run(RunEvent::TurnFailed { .. }))))
}

fn of_run(name: &'static str, run: &Run) -> (OwnAlert, Told) {
    let about = if name == "ModelUnavailable" { Vec::new() } else { vec![("agent", run.agent.clone())] };
    let alert = OwnAlert { name, severity: Severity::Warning.name().to_owned(), about };
    let summary = format!("run {}: {}", run.id.short(), run.note.raw());
    let told = alert.told(&summary, run.ended_at.unwrap_or(run.updated_at), None);
    (alert, Told { fingerprint: run.id.0.simple().to_string(), ..told })
}

fn expiring(approval: &Approval, at: Timestamp) -> Option<(OwnAlert, Told)> {
    let expires_at = approval.expires_at?;
    let soon = EXPIRES_SOON.min((expires_at - approval.requested_at) / 2);
    if expires_at - at > soon {
        return None;
    }
    let alert = OwnAlert { name: "ApprovalExpiring", severity: Severity::Warning.name().to_owned(), about: Vec::new() };
    let time = expires_at.format("%H:%M:%S UTC");
    let summary = format!("{} waits for a decision until {time}", Untrusted::from(approval.tool.0.as_str()).visible());
    let told = alert.told(&summary, expires_at - soon, None);
    Some((alert, Told { fingerprint: approval.id.0.simple().to_string(), ..told }))
}

fn of_machine(trouble: MachineTrouble, at: Timestamp) -> (OwnAlert, Told) {
    let MachineTrouble { name, severity, about, summary } = trouble;
    let alert = OwnAlert { name, severity: severity.name().to_owned(), about };
    let told = alert.told(&summary, at, None);
    (alert, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_of_the_machine_is_an_alert_of_this_program() {
        let trouble = MachineTrouble {
            name: "DiskNearlyFull",
            severity: Severity::Warning,
            about: vec![("directory", "/data".to_owned())],
            summary: "12 MB are left".to_owned(),
        };
        let (alert, told) = of_machine(trouble, Timestamp::default());
        let group = alert.group(vec![told]);
        let Some(crate::kinds::Command::Incident { verb: crate::kinds::IncidentVerb::Report { report }, .. }) =
            group.command(SOURCE, crate::kinds::Sight::Told, &Default::default())
        else {
            panic!("it is a report")
        };
        assert_eq!(report.title.raw(), "DiskNearlyFull: 12 MB are left");
        assert_eq!(
            report.labels.line().raw(),
            "alertname=DiskNearlyFull directory=/data severity=warning source=morningai"
        );
    }
}
