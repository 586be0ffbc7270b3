//! How the probes stand: what the last look of each said, and the share of the time that it answered, out of the log.

use std::sync::Arc;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Serialize;

use super::probe::Probe;
use super::probe_board::{ProbeBoard, Sample};
use crate::domain::Timestamp;
use crate::kinds::{Incident, RowKind};
use crate::ports::{Answer, Client, ClientError, Query, RowFilter, RowPlace, RowQuery};

/// Incidents read at once, and pages of them at most, for the share of the last days.
const PAGE: u32 = 500;
const MOST_PAGES: usize = 40;

/// How a probe stands.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProbeReport {
    pub name: String,
    /// What it asks, without a password.
    pub url: String,
    pub state: ProbeState,
    pub checked_at: Option<Timestamp>,
    /// How long the last answer took; `None` where there was none.
    pub latency_ms: Option<u64>,
    /// Why there was none.
    pub problem: Option<String>,
    /// Share of the last 24 hours and of the last 30 days in which no incident of this probe was open, in percent.
    pub uptime_24h: f64,
    pub uptime_30d: f64,
}

/// Whether it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeState {
    Up,
    /// It missed, and not yet often enough for an incident.
    Failing,
    Down,
    /// Not probed yet by this process.
    Unknown,
}

impl ProbeState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Failing => "failing",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

/// Runs each probe once, at the same time.
pub async fn check_all(probes: &[Arc<Probe>], board: &ProbeBoard, now: Timestamp) {
    let check = async |probe: &Arc<Probe>| {
        let answer = probe.check().await;
        let misses = u32::from(answer.is_err());
        board.put(probe.name(), Sample::new(now, answer, misses));
    };
    futures::future::join_all(probes.iter().map(check)).await;
}

/// How all of them stand.
pub async fn probe_reports(
    probes: &[Arc<Probe>],
    board: &ProbeBoard,
    client: &dyn Client,
    now: Timestamp,
) -> Result<Vec<ProbeReport>, ClientError> {
    if probes.is_empty() {
        return Ok(Vec::new());
    }
    let incidents = incidents_since(client, now - TimeDelta::days(30)).await?;
    let report = |probe: &Arc<Probe>| {
        let group = probe.group();
        let own: Vec<_> = incidents.iter().filter(|incident| incident.group == group).collect();
        let is_open = own.iter().any(|incident| incident.is_open());
        let sample = board.get(probe.name());
        let state = match &sample {
            _ if is_open => ProbeState::Down,
            None => ProbeState::Unknown,
            Some(Sample { answer: Ok(_), .. }) => ProbeState::Up,
            Some(Sample { misses, .. }) if *misses >= probe.settings.misses => ProbeState::Down,
            Some(_) => ProbeState::Failing,
        };
        let answer = sample.as_ref().map(|sample| sample.answer.as_ref());
        ProbeReport {
            name: probe.name().to_owned(),
            url: probe.shown.clone(),
            state,
            checked_at: sample.as_ref().map(|sample| sample.at),
            latency_ms: answer.and_then(|answer| u64::try_from(answer.ok()?.as_millis()).ok()),
            problem: answer.and_then(|answer| answer.err().cloned()),
            uptime_24h: uptime(&own, now, TimeDelta::hours(24)),
            uptime_30d: uptime(&own, now, TimeDelta::days(30)),
        }
    };
    Ok(probes.iter().map(report).collect())
}

/// Share of the span before `now` in which none of these was open, in percent with two places.
fn uptime(own: &[&Incident], now: Timestamp, span: TimeDelta) -> f64 {
    let since = now - span;
    let down = |incident: &&Incident| {
        let began = incident.alerts.values().map(|state| state.alert.starts_at).min().unwrap_or(incident.opened_at);
        let (from, to) = (began.max(since), incident.resolved_at.unwrap_or(now).min(now));
        (to - from).max(TimeDelta::zero()).num_milliseconds()
    };
    let down: i64 = own.iter().map(down).sum();
    let share = 1.0 - down as f64 / span.num_milliseconds() as f64;
    (share.clamp(0.0, 1.0) * 10_000.0).round() / 100.0
}

/// Those that are open, and the others as far back as they began since then.
pub(super) async fn incidents_since(client: &dyn Client, since: Timestamp) -> Result<Vec<Incident>, ClientError> {
    let open = Query::Rows(RowQuery::whole(RowKind::Incident, RowFilter::Open));
    let mut found = client.query(open).await.and_then(Answer::rows::<Incident>)?.rows;
    let mut after: Option<RowPlace> = None;
    for _ in 0..MOST_PAGES {
        let query = Query::Rows(RowQuery::ended(RowKind::Incident, after.take(), PAGE));
        let page = client.query(query).await.and_then(Answer::rows::<Incident>)?;
        let oldest = page.rows.last().map(|incident| (incident.opened_at, RowPlace::of(incident)));
        found.extend(page.rows);
        match oldest {
            Some((opened_at, place)) if page.more && opened_at >= since => after = Some(place),
            _ => break,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Actor, IncidentId, Untrusted};
    use crate::kinds::{GroupKey, IncidentEvent, Kept, Labels, Stamp};

    #[test]
    fn uptime_is_the_share_of_the_span_without_an_open_incident() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let group = GroupKey::of(["probe"]);
        let incident = |from: i64, to: Option<i64>| {
            let stamp = |version, hours: i64| Stamp { version, at: now - TimeDelta::hours(hours), by: &Actor::System };
            let opened = IncidentEvent::Opened {
                group: group.clone(),
                title: Untrusted::default(),
                labels: Labels::default(),
                runbook: None,
                agent: None,
                classifier: None,
                part: Default::default(),
                is_held: false,
            };
            let mut incident = Incident::begin(IncidentId(uuid::Uuid::nil()), &opened, &stamp(1, from)).unwrap();
            if let Some(to) = to {
                incident.apply(&IncidentEvent::Resolved {}, &stamp(2, to));
            }
            incident
        };
        let (day, month) = (TimeDelta::hours(24), TimeDelta::days(30));
        assert_eq!(uptime(&[], now, day), 100.0);
        let (old, lately, open) = (incident(48, Some(36)), incident(30, Some(18)), incident(6, None));
        assert_eq!(uptime(&[&old, &lately], now, day), 75.0);
        assert_eq!(uptime(&[&old, &lately, &open], now, day), 50.0);
        assert_eq!(uptime(&[&old, &lately, &open], now, month), 95.83);
    }
}
