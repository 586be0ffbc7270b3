//! Asks an Alertmanager every few seconds what fires, for those whom it cannot call.
//!
//! One that does not answer is an incident itself: told once, and over when it answers again.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use reqwest::{Client as Http, Url};
use tokio_util::sync::CancellationToken;

use super::alertmanager::{commands, read_groups};
use super::group::{Grouping, LARGEST_BODY};
use crate::domain::{Actor, Timestamp, Untrusted};
use crate::kinds::{Alert, Command, GroupKey, Incident, IncidentReport, IncidentVerb, Labels, RowKind, Sight};
use crate::ports::{Answer, Client, ClientError, Clock, Query, RowFilter, RowQuery};

/// Time between two questions.
const EVERY: Duration = Duration::from_secs(5);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Questions without an answer before somebody is told.
const MISSES: u32 = 3;

/// An Alertmanager that is asked.
pub struct Poller {
    http: Http,
    question: Url,
    /// What people call it: without a password in it.
    name: String,
    grouping: Grouping,
}

/// An address that nothing can be asked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the address of an Alertmanager")]
pub struct BadAddress(pub String);

impl BadAddress {
    pub const HINT: &str = "write it as its own web page has it: http://localhost:9093";
}

impl Poller {
    pub fn new(address: &str, grouping: Grouping) -> Result<Self, BadAddress> {
        let bad = || BadAddress(address.to_owned());
        let mut question = Url::parse(address.trim()).map_err(|_| bad())?;
        if !matches!(question.scheme(), "http" | "https") || question.host_str().is_none() {
            return Err(bad());
        }
        let mut shown = question.clone();
        shown.set_username("").and_then(|()| shown.set_password(None)).map_err(|()| bad())?;
        question.path_segments_mut().map_err(|()| bad())?.pop_if_empty().extend(["api", "v2", "alerts", "groups"]);
        // Whoever makes the first client of this process; the others find it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Http::builder()
            .user_agent(concat!("morningai/", env!("CARGO_PKG_VERSION")))
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none());
        let is_here = matches!(question.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let http = if is_here { http.no_proxy() } else { http };
        let name = shown.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http: http.build().map_err(|_| bad())?, question, name, grouping })
    }

    /// Asks until `stopping`, and submits what follows from the answers.
    pub async fn run(self, client: Arc<dyn Client>, clock: Arc<dyn Clock>, stopping: CancellationToken) {
        let mut trouble = Trouble::default();
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
            let at = clock.now();
            let asked = stopping.run_until_cancelled(self.ask(client.as_ref(), at)).await;
            let (told, commands) = match asked {
                None => return,
                Some(Ok(commands)) => (trouble.over(&self.name, at), commands),
                Some(Err(Failed::Source(reason))) => (trouble.missed(&self.name, reason, at), Vec::new()),
                // The store's own trouble is told by others.
                Some(Err(Failed::Store(error))) => {
                    tracing::debug!(error = error.message, "open incidents cannot be read");
                    continue;
                }
            };
            if let Some(told) = told
                && self.save(client.as_ref(), told).await == Saved::Yes
            {
                trouble.is_saved = true;
            }
            for command in commands {
                self.save(client.as_ref(), command).await;
            }
        }
    }

    async fn save(&self, client: &dyn Client, command: Command) -> Saved {
        match client.submit(command, Actor::System).await {
            Ok(_) => Saved::Yes,
            Err(rejection) => {
                tracing::warn!(%rejection, source = self.name, "what an Alertmanager tells was not saved");
                Saved::No
            }
        }
    }

    async fn ask(&self, client: &dyn Client, at: Timestamp) -> Result<Vec<Command>, Failed> {
        let body = self.fetch().await.map_err(Failed::Source)?;
        let groups = read_groups(&body, &self.grouping.by).map_err(|error| Failed::Source(error.message))?;
        let query = Query::Rows(RowQuery::whole(RowKind::Incident, RowFilter::Open));
        let open = client.query(query).await.and_then(Answer::rows::<Incident>).map_err(Failed::Store)?;
        Ok(commands(groups, &open.rows, (&self.name, at), &self.grouping))
    }

    async fn fetch(&self) -> Result<Vec<u8>, String> {
        let answer = self.http.get(self.question.clone()).send().await.map_err(|error| reason(&error))?;
        if !answer.status().is_success() {
            return Err(format!("it answers with status {}", answer.status().as_u16()));
        }
        let mut body = Vec::new();
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.next().await {
            body.extend_from_slice(&piece.map_err(|error| reason(&error))?);
            if body.len() > LARGEST_BODY {
                return Err(format!("its answer is larger than {} MB", LARGEST_BODY / 1024 / 1024));
            }
        }
        Ok(body)
    }
}

/// Why nothing was learned.
enum Failed {
    Source(String),
    Store(ClientError),
}

/// In few words; the address is known.
fn reason(error: &reqwest::Error) -> String {
    match (error.is_timeout(), error.is_connect()) {
        (true, _) => format!("it did not answer within {} s", PATIENCE.as_secs()),
        (false, true) => "it cannot be reached".to_owned(),
        (false, false) => "its answer was cut short".to_owned(),
    }
}

/// Whether what was learned is in the log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Saved {
    Yes,
    No,
}

/// How long a source has not answered.
#[derive(Default)]
struct Trouble {
    misses: u32,
    since: Option<Timestamp>,
    /// Whether the log has been told how it stands, also where an earlier process had told of trouble.
    is_saved: bool,
}

impl Trouble {
    /// One more; told from the last that is borne on, until that is saved.
    fn missed(&mut self, source: &str, reason: String, at: Timestamp) -> Option<Command> {
        let since = *self.since.get_or_insert(at);
        self.misses = self.misses.saturating_add(1);
        if self.misses == 1 {
            self.is_saved = false;
            tracing::warn!(source, reason, "an Alertmanager tells nothing");
        }
        (self.misses >= MISSES && !self.is_saved).then(|| told(source, Some(reason), since, None))
    }

    /// It answers: what was told of it is over; told until that is saved.
    fn over(&mut self, source: &str, at: Timestamp) -> Option<Command> {
        if std::mem::take(&mut self.misses) > 0 {
            (self.since, self.is_saved) = (None, false);
        }
        (!self.is_saved).then(|| told(source, None, at, Some(at)))
    }
}

fn told(source: &str, reason: Option<String>, starts_at: Timestamp, ended_at: Option<Timestamp>) -> Command {
    const NAME: &str = "AlertmanagerSilent";
    let reason = reason.unwrap_or_default();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let labels = Labels::bounded([pair("alertname", NAME), pair("severity", "warning"), pair("instance", source)]);
    let group = GroupKey::of([NAME, source]);
    let alert = Alert {
        fingerprint: "0".to_owned(),
        starts_at,
        ended_at,
        labels: labels.clone(),
        annotations: Labels::bounded([pair("summary", &reason)]),
        url: Untrusted::default(),
        source: Untrusted::from("morningai"),
    };
    let id = group.incident(starts_at);
    let report = IncidentReport {
        group,
        title: format!("No alerts arrive from {source}: {reason}").into(),
        labels,
        runbook: None,
        alerts: vec![alert],
        left_out: 0,
        sight: Sight::Told,
    };
    IncidentVerb::Report { report: Box::new(report) }.on(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_their_passwords_are_not_shown() {
        let poller = Poller::new("http://ana:secret@localhost:9093/am/", Grouping::default()).ok().unwrap();
        assert_eq!(poller.question.path(), "/am/api/v2/alerts/groups");
        assert_eq!(poller.name, "http://localhost:9093/am");
        for bad in ["", "localhost:9093", "file:///etc/passwd", "ftp://x"] {
            assert!(Poller::new(bad, Grouping::default()).is_err(), "{bad}");
        }
    }

    #[test]
    fn trouble_and_its_end_are_told_until_they_are_saved_and_then_no_more() {
        let mut trouble = Trouble::default();
        let at = Timestamp::default();
        let miss = |trouble: &mut Trouble| trouble.missed("s", "it is down".to_owned(), at).is_some();
        assert_eq!([(); 5].map(|()| miss(&mut trouble)), [false, false, true, true, true]);
        trouble.is_saved = true;
        assert!(!miss(&mut trouble));
        assert!(trouble.over("s", at).is_some() && trouble.over("s", at).is_some());
        trouble.is_saved = true;
        assert!(trouble.over("s", at).is_none());
        assert_eq!([(); 3].map(|()| miss(&mut trouble)), [false, false, true], "the next trouble is told again");
    }
}
