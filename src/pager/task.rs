//! The task: looks at what is open when something happens and every few seconds, submits what follows, and sends what it
//! has claimed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::due::{approval_of, matters, orders, sendable, turns};
use super::plan::Plan;
use super::words;
use super::words::CardWords;
use crate::domain::{Actor, PageId, RejectionKind, Timestamp, Untrusted};
use crate::kinds::{Approval, Command, Incident, Page, PageVerb, RowKind, Stream};
use crate::notify::{Again, Message, Sender, Undelivered};
use crate::ports::{Answer, Client, ClientError, Clock, Feed, FeedItem, Query, RowFilter, RowQuery};

/// Time between two looks when nothing happens.
const EVERY: Duration = Duration::from_secs(5);
/// The least time between two looks, however much happens.
const PAUSE: Duration = Duration::from_millis(300);
/// Messages under way at once to one notifier.
const AT_ONCE: usize = 4;

/// Messages that are under way, beside the looking: a notifier that does not answer holds up no other.
#[derive(Default)]
struct Sends {
    tasks: JoinSet<PageId>,
    under_way: BTreeMap<PageId, String>,
}

impl Sends {
    /// Sends the page, unless that is under way, or its notifier has enough to do.
    fn begin(&mut self, pager: &Arc<Pager>, page: &Page, open: &Arc<Open>) {
        while let Some(ended) = self.tasks.try_join_next() {
            match ended {
                Ok(page) => drop(self.under_way.remove(&page)),
                // A task that panicked does not say which page it was for; its claim runs out.
                Err(_) => self.under_way.clear(),
            }
        }
        let notifier = &page.key.notifier;
        let is_busy = self.under_way.values().filter(|other| *other == notifier).count() >= AT_ONCE;
        if is_busy || self.under_way.contains_key(&page.id) {
            return;
        }
        self.under_way.insert(page.id, notifier.clone());
        let (pager, page, open) = (Arc::clone(pager), page.clone(), Arc::clone(open));
        self.tasks.spawn(async move {
            pager.send(&page, &open).await;
            page.id
        });
    }
}

/// Pages people, as long as it runs.
pub struct Pager {
    plan: Plan,
    sender: Sender,
    card: CardWords,
    client: Arc<dyn Client>,
    clock: Arc<dyn Clock>,
}

/// What is open.
struct Open {
    pages: Vec<Page>,
    incidents: Vec<Incident>,
    approvals: Vec<Approval>,
}

impl Pager {
    pub fn new(
        plan: Plan,
        card: CardWords,
        client: Arc<dyn Client>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Undelivered> {
        Ok(Self { plan, sender: Sender::new()?, card, client, clock })
    }

    /// Works until `stopping`. What is under way then is sent again by another process, or at the next start.
    pub async fn run(self, stopping: CancellationToken) {
        let pager = Arc::new(self);
        let mut sends = Sends::default();
        let work = async {
            loop {
                let mut feed = match pager.client.open().await {
                    Ok((_, feed)) => feed,
                    Err(error) => {
                        tracing::debug!(error = error.message, "the pager cannot listen yet");
                        tokio::time::sleep(EVERY).await;
                        continue;
                    }
                };
                while pager.look_and_wait(&mut feed, &mut sends).await {}
            }
        };
        stopping.run_until_cancelled(work).await;
    }

    /// Whether the feed is still good.
    async fn look_and_wait(self: &Arc<Self>, feed: &mut Feed, sends: &mut Sends) -> bool {
        if let Err(error) = self.look(sends).await {
            tracing::debug!(error = error.message, "the pager cannot see what is open");
        }
        tokio::time::sleep(PAUSE).await;
        tokio::time::timeout(EVERY, something_happens(feed)).await.unwrap_or(true)
    }

    async fn look(self: &Arc<Self>, sends: &mut Sends) -> Result<(), ClientError> {
        let open = Arc::new(self.open().await?);
        let matters = matters(&self.plan, &open.incidents, &open.approvals, self.card.headline);
        let now = self.clock.now();
        for command in turns(&matters, &open.pages).into_iter().chain(orders(&self.plan, &matters, &open.pages, now)) {
            self.submit(command).await;
        }
        // With those that were queued just now.
        let pages: Vec<Page> = self.rows(RowFilter::Open).await?;
        let now = self.clock.now();
        for page in sendable(&self.plan, &matters, &pages, now) {
            sends.begin(self, page, &open);
        }
        Ok(())
    }

    /// Pages first: what one is about was there before it, so what is not open by now is over.
    async fn open(&self) -> Result<Open, ClientError> {
        let pages = self.rows(RowFilter::Open).await?;
        let incidents = self.rows(RowFilter::Open).await?;
        Ok(Open { pages, incidents, approvals: self.rows(RowFilter::Open).await? })
    }

    async fn rows<K: crate::kinds::Rowed>(&self, filter: RowFilter) -> Result<Vec<K>, ClientError> {
        let query = Query::Rows(RowQuery::whole(K::KIND, filter));
        Ok(self.client.query(query).await.and_then(Answer::rows::<K>)?.rows)
    }

    /// Whether it changed anything.
    async fn submit(&self, command: Command) -> bool {
        match self.client.submit(command, Actor::System).await {
            Ok(events) => !events.is_empty(),
            Err(rejection) if matches!(rejection.kind, RejectionKind::Stale | RejectionKind::AlreadySettled) => false,
            Err(rejection) => {
                tracing::warn!(%rejection, "a page was not saved");
                false
            }
        }
    }

    /// Sends a page, if this process is the one that claims the attempt.
    async fn send(&self, page: &Page, open: &Open) {
        let attempt = page.attempts + 1;
        if !self.submit(PageVerb::Attempt { attempt }.on(page.id)).await {
            return;
        }
        let outcome = match self.plan.notifiers.get(&page.key.notifier) {
            Some(notifier) => self.sender.send(notifier, &self.message(page, open).await).await,
            None => Err(Undelivered {
                reason: format!("no notifier is called {} here", page.key.notifier),
                again: Again::After(EVERY),
            }),
        };
        let verb = match outcome {
            Ok(receipt) => PageVerb::Deliver { attempt, receipt },
            Err(Undelivered { reason, again }) => {
                tracing::warn!(page = %page.id, reason, "a page did not arrive");
                PageVerb::Fail { attempt, reason: Untrusted::from(reason), retry_at: retry_at(again, self.clock.now()) }
            }
        };
        self.submit(verb.on(page.id)).await;
    }

    async fn message(&self, page: &Page, open: &Open) -> Message {
        let incident = open.incidents.iter().find(|incident| Stream::Incident(incident.id) == page.key.about);
        let approval = open.approvals.iter().find(|approval| Some(approval.id) == approval_of(page));
        match (incident, approval) {
            (Some(incident), _) => words::of_incident(page, incident),
            (None, Some(approval)) => words::of_approval(page, approval, self.card),
            (None, None) => self.settled(page).await.unwrap_or_else(|| words::begun(page)),
        }
    }

    /// What is to be said of something that is over, as it ended.
    async fn settled(&self, page: &Page) -> Option<Message> {
        match page.key.about {
            Stream::Incident(id) => {
                let found = self.rows::<Incident>(RowFilter::One(id.0)).await.ok()?;
                found.first().map(|incident| words::of_incident(page, incident))
            }
            Stream::Approval(id) => {
                let found = self.rows::<Approval>(RowFilter::One(id.0)).await.ok()?;
                found.first().map(|approval| words::of_settled(page, approval))
            }
            Stream::Run(_)
            | Stream::Page(_)
            | Stream::Handover(_)
            | Stream::Maintenance(_)
            | Stream::Budget(_)
            | Stream::Subscription(_)
            | Stream::Account(_) => None,
            #[cfg(test)]
            Stream::Toy(_) => None,
        }
    }
}

fn retry_at(again: Again, now: Timestamp) -> Option<Timestamp> {
    match again {
        Again::Never => None,
        Again::After(wait) => chrono::TimeDelta::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait)),
    }
}

/// Waits for an event of an incident or a request; whether there will be more.
async fn something_happens(feed: &mut Feed) -> bool {
    loop {
        match feed.recv().await {
            Ok(FeedItem::Committed { envelope }) => {
                let kind = envelope.stream.row().map(|row| row.kind);
                if matches!(kind, Some(RowKind::Incident | RowKind::Approval)) {
                    return true;
                }
            }
            Ok(FeedItem::Lost) | Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
            Ok(
                FeedItem::Delta(_)
                | FeedItem::StoreDown { .. }
                | FeedItem::StoreBack
                | FeedItem::StoreSlow { .. }
                | FeedItem::StoreQuick
                | FeedItem::LinkChanged,
            ) => {}
        }
    }
}
