//! What is subscribed to: by the configuration, or at Stripe as the log has it. And what a process does for the latter:
//! it reads the subscription now and then, reports what runs come to, and compares all of it once a day.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::places::{self, Places};
use crate::billing::{Account, Plans};
use crate::cli::Failure;
use crate::client::LocalClient;
use crate::config::{Config, StripeSection, read_plans};
use crate::domain::{Faults, SourceText, SubscriptionId, Timestamp};
use crate::kinds::{RowKind, Stream, Subscription};
use crate::notify::Secret;
use crate::ports::{
    Answer, Client, Clock, FeedItem, Log, PaymentError, Payments, Query, RowFilter, RowQuery, SystemClock,
};
use crate::stripe;
use crate::stripe::{Stripe, StripeSettings};

/// Time between two looks at what runs come to; Stripe is asked only where that has changed.
const EVERY: Duration = Duration::from_secs(60);
/// Looks after which the subscription is read again, in case a webhook was lost.
const READ_EVERY: u32 = 10;
/// Time between two comparisons.
const COMPARED_EVERY: TimeDelta = TimeDelta::hours(24);

/// What is subscribed to.
pub(super) struct Billing {
    account: RwLock<Option<Arc<Account>>>,
    paid: Option<Paid>,
}

/// By whom it is paid for.
struct Paid {
    stripe: Arc<Stripe>,
    plans: Plans,
    grace: Duration,
}

impl Billing {
    /// Nothing is limited or charged where neither a plan nor Stripe is configured.
    pub(super) fn of(config: &Config, places: &Places) -> Result<Self, Failure> {
        let section = &config.billing;
        if *section == Default::default() {
            return Ok(Self { account: RwLock::default(), paid: None });
        }
        let plans = match &section.plans {
            Some(path) => read_plans(&places::read(&places.resolve(path), "plans")?)?,
            None => bundled()?,
        };
        let account = match section.account(plans.clone()) {
            Ok(account) => account.map(Arc::new),
            // With the line, which the settings no longer know.
            Err(misfit) => {
                let source = places::read(places.paths.config_file(), "configuration")?;
                return Err(Faults::from(misfit.fault(&source)).into());
            }
        };
        let paid = section.stripe.as_ref().map(|section| paid(section, plans, places)).transpose()?;
        let billing = Self { account: RwLock::new(account), paid };
        billing.learn(None);
        Ok(billing)
    }

    /// What holds; `None` where nothing is limited.
    pub(super) fn account(&self) -> Option<Arc<Account>> {
        self.account.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn payments(&self) -> Option<Arc<dyn Payments>> {
        self.paid.as_ref().map(|paid| paid.stripe.clone() as Arc<dyn Payments>)
    }

    /// Takes in what the log has of the subscription.
    fn learn(&self, known: Option<&Subscription>) {
        let Some(paid) = &self.paid else { return };
        let account = stripe::account(paid.plans.clone(), known, paid.grace);
        *self.account.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(account));
    }

    /// Reads that from a store that was opened.
    pub(super) async fn read(&self, log: &dyn Log) {
        if self.paid.is_none() {
            return;
        }
        // Where it cannot be read, the smallest plan holds: nothing is given away.
        match log.rows(row()).await.map_err(Into::into).and_then(|rows| Answer::Rows(rows).rows::<Subscription>()) {
            Ok(rows) => self.learn(rows.rows.first()),
            Err(error) => tracing::warn!(error = error.message, "the subscription cannot be read"),
        }
    }

    async fn read_again(&self, client: &LocalClient) -> Option<Subscription> {
        let rows = client.query(Query::Rows(row())).await.and_then(Answer::rows::<Subscription>).ok()?;
        let known = rows.rows.into_iter().next();
        self.learn(known.as_ref());
        client.learn(|status| status.billing = self.account());
        known
    }

    /// Does what there is to do as long as the process works.
    pub(super) async fn keep(self: Arc<Self>, client: Arc<LocalClient>, stopping: CancellationToken) {
        let Some(payments) = self.payments() else { return };
        stopping.run_until_cancelled(self.work(&client, &*payments)).await;
    }

    async fn work(&self, client: &LocalClient, payments: &dyn Payments) {
        let mut looks = 0;
        loop {
            let Ok((_, mut feed)) = client.open().await else {
                tokio::time::sleep(EVERY).await;
                continue;
            };
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = ticks.tick() => {
                        let known = self.read_again(client).await;
                        told(look(client, payments, known, looks, SystemClock.now()).await);
                        looks = looks.wrapping_add(1);
                    }
                    item = feed.recv() => match item {
                        Ok(FeedItem::Committed { envelope }) => {
                            if matches!(envelope.stream, Stream::Subscription(_)) {
                                self.read_again(client).await;
                            }
                        }
                        Ok(FeedItem::Lost) | Err(_) => break,
                        Ok(
                            FeedItem::Delta(_)
                            | FeedItem::StoreDown { .. }
                            | FeedItem::StoreBack
                            | FeedItem::StoreSlow { .. }
                            | FeedItem::StoreQuick
                            | FeedItem::LinkChanged,
                        ) => {}
                    },
                }
            }
        }
    }
}

async fn look(
    client: &dyn Client,
    payments: &dyn Payments,
    known: Option<Subscription>,
    looks: u32,
    now: Timestamp,
) -> Result<(), PaymentError> {
    let Some(known) = known.filter(|known| known.customer.is_some()) else { return Ok(()) };
    if looks.is_multiple_of(READ_EVERY) {
        payments.refresh(client).await?;
    }
    payments.report_usage(client, now).await?;
    if looks > 0 && known.compared_at.is_none_or(|at| now - at >= COMPARED_EVERY) {
        payments.reconcile(client, now).await?;
    }
    Ok(())
}

fn told(looked: Result<(), PaymentError>) {
    if let Err(error) = looked {
        tracing::warn!(%error, hint = error.hint, "Stripe was not asked, or did not answer");
    }
}

fn row() -> RowQuery {
    RowQuery::first(RowKind::Subscription, RowFilter::One(SubscriptionId::OF_TENANT.0), 1)
}

fn paid(section: &StripeSection, plans: Plans, places: &Places) -> Result<Paid, Failure> {
    let (source, base) = (section.key.clone(), places.paths.config_dir().to_owned());
    let key =
        Secret::new(move || source.resolve(|name| std::env::var(name).ok(), &base).map_err(|error| error.message));
    let settings = StripeSettings {
        api: section.api.clone().unwrap_or_else(|| stripe::API.to_owned()),
        key,
        plans: plans.clone(),
        return_url: section.return_url.clone(),
        grace: section.grace(),
    };
    Ok(Paid { stripe: Arc::new(Stripe::new(settings)?), plans, grace: section.grace() })
}

fn bundled() -> Result<Plans, Faults> {
    read_plans(&SourceText::new("the bundled plans", include_str!("../../assets/plans.toml")))
}
