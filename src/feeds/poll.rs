//! Looks at a source every few seconds, and submits what follows from what is there and what is not any more.
//!
//! One that tells nothing is an incident itself: told once, and over when it can be looked at again.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::asked::{Asked, BadAddress, Source};
use super::group::Grouping;
use super::groups::commands;
use super::look::{Failed, Look};
use super::trouble::{OwnAlert, Saved, Trouble};
use crate::domain::{Actor, Timestamp};
use crate::kinds::{Command, Incident, RowKind};
use crate::ports::{Answer, Client, Clock, Query, RowFilter, RowQuery};

/// Looks in vain before somebody is told.
const MISSES: u32 = 3;

/// A source that is looked at.
pub struct Poller {
    source: Box<dyn Look>,
    grouping: Grouping,
}

impl Poller {
    /// Of one that is asked over HTTP.
    pub fn new(asked: &'static Asked, address: &str, grouping: Grouping) -> Result<Self, BadAddress> {
        Ok(Self::of(Source::new(asked, address, &grouping.by)?, grouping))
    }

    pub(super) fn of(source: impl Look + 'static, grouping: Grouping) -> Self {
        Self { source: Box::new(source), grouping }
    }

    /// Looks until `stopping`.
    pub async fn run(self, client: Arc<dyn Client>, clock: Arc<dyn Clock>, stopping: CancellationToken) {
        let (mut trouble, mut quiet) = (Trouble::default(), Quiet::Unknown);
        let mut ticks = tokio::time::interval(self.source.every());
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
            let at = clock.now();
            let asked = stopping.run_until_cancelled(self.ask(client.as_ref(), at, &mut quiet)).await;
            let (told, commands) = match asked {
                None => return,
                Some(Ok(commands)) => (trouble.passed().then(|| self.silence("", at, Some(at))), commands),
                Some(Err(Failed::Source(reason))) => (self.missed(&mut trouble, &reason, at), Vec::new()),
                // The store's own trouble is told by others.
                Some(Err(Failed::Store(error))) => {
                    tracing::debug!(error = error.message, "open incidents cannot be read");
                    continue;
                }
            };
            if let Some(told) = told.flatten()
                && self.save(client.as_ref(), told).await == Saved::Yes
            {
                trouble.saved();
            }
            for command in commands {
                self.save(client.as_ref(), command).await;
            }
        }
    }

    fn missed(&self, trouble: &mut Trouble, reason: &str, at: Timestamp) -> Option<Option<Command>> {
        let since = trouble.missed(at, MISSES);
        if trouble.misses() == 1 {
            tracing::warn!(source = self.source.name(), reason, "a source of alerts tells nothing");
        }
        since.map(|since| self.silence(reason, since, None))
    }

    fn silence(&self, reason: &str, starts_at: Timestamp, ended_at: Option<Timestamp>) -> Option<Command> {
        let name = self.source.name();
        let about = vec![("instance", name.to_owned())];
        let alert = OwnAlert { name: self.source.silent(), severity: "warning".to_owned(), about };
        let summary = format!("no alerts arrive from {name}: {reason}");
        alert.command(alert.told(&summary, starts_at, ended_at), &self.grouping.rules)
    }

    async fn save(&self, client: &dyn Client, command: Command) -> Saved {
        match client.submit(command, Actor::System).await {
            Ok(_) => Saved::Yes,
            Err(rejection) => {
                tracing::warn!(%rejection, source = self.source.name(), "what a source of alerts tells was not saved");
                Saved::No
            }
        }
    }

    async fn ask(&self, client: &dyn Client, at: Timestamp, quiet: &mut Quiet) -> Result<Vec<Command>, Failed> {
        let groups = self.source.look(client, at).await?;
        let is_empty = groups.is_empty();
        // Open incidents may be many: they are not read for a source that had nothing and has nothing.
        if is_empty && *quiet == Quiet::Known {
            return Ok(Vec::new());
        }
        let query = Query::Rows(RowQuery::whole(RowKind::Incident, RowFilter::Open));
        let open = client.query(query).await.and_then(Answer::rows::<Incident>).map_err(Failed::Store)?;
        let commands = commands(groups, &open.rows, (self.source.name(), at), &self.grouping);
        *quiet = if is_empty && commands.is_empty() { Quiet::Known } else { Quiet::Unknown };
        Ok(commands)
    }
}

/// Whether no incident of a source is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quiet {
    Known,
    Unknown,
}
