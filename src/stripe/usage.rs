//! Reporting to Stripe what runs beyond those included come to: an outbox in the log. The amount is written there first,
//! an attempt is claimed before it is made, and one whose outcome is not known is made again under the same identifier.

use chrono::TimeDelta;
use serde_json::Value;

use super::account::account;
use super::catalog::{METER_CUSTOMER, METER_EVENT, METER_VALUE};
use super::customer::{checked, known, submit};
use super::form::{Form, idempotency_key};
use super::spoken::Stripe;
use crate::billing::BillingPeriod;
use crate::domain::{Cents, Timestamp, Untrusted};
use crate::kinds::{MeterPush, Subscription, SubscriptionVerb};
use crate::ports::{Client, PaymentError, PaymentErrorKind};
use crate::shape;

/// How long ago Stripe takes something as having happened.
const CATCH_UP: TimeDelta = TimeDelta::days(35);
/// Pause after an attempt that failed.
const RETRY: TimeDelta = TimeDelta::minutes(5);
/// Amounts told in one go: of the month before, and of this one.
const MOST: usize = 4;

pub(super) async fn report(stripe: &Stripe, client: &dyn Client, now: Timestamp) -> Result<(), PaymentError> {
    for _ in 0..MOST {
        let Some(found) = known(client).await? else { return Ok(()) };
        let Some(customer) = found.customer.clone() else { return Ok(()) };
        if found.push().is_none() && !measure(stripe, client, &found, now).await? {
            return Ok(());
        }
        let Some(found) = known(client).await? else { return Ok(()) };
        let Some(push) = found.push().filter(|push| push.is_due(now)) else { return Ok(()) };
        if !tell(stripe, client, (&found, push, &customer), now).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Writes an amount into the log that Stripe does not know; whether there is one.
async fn measure(
    stripe: &Stripe,
    client: &dyn Client,
    known: &Subscription,
    now: Timestamp,
) -> Result<bool, PaymentError> {
    let this = BillingPeriod::month_of(now);
    let before = BillingPeriod::month_of(this.from - TimeDelta::seconds(1));
    for period in [before, this] {
        let last = period.until - TimeDelta::seconds(1);
        let at = now.min(last);
        let month = period.from.date_naive();
        let cents = overage(stripe, client, known, period).await?;
        if cents == known.taken(month) || (now - at) > CATCH_UP {
            continue;
        }
        if submit(client, SubscriptionVerb::Measure { month, cents, at }).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What runs beyond those included come to in a period.
async fn overage(
    stripe: &Stripe,
    client: &dyn Client,
    known: &Subscription,
    period: BillingPeriod,
) -> Result<Cents, PaymentError> {
    let account = account(stripe.plans().clone(), Some(known), stripe.settings.grace);
    if !account.charges_in(&period) {
        return Ok(Cents::ZERO);
    }
    Ok(account.invoice(used(client, period).await?, period).overage())
}

/// Runs that began in a period.
pub(super) async fn used(client: &dyn Client, period: BillingPeriod) -> Result<u64, PaymentError> {
    let last = (period.until - TimeDelta::seconds(1)).date_naive();
    let used = shape::runs_between(client, period.from.date_naive(), last).await;
    used.map_err(|error| PaymentError::new(PaymentErrorKind::ForNow, error.message, error.hint))
}

/// Tells Stripe, if this process is the one that claims the attempt; whether Stripe took it.
async fn tell(
    stripe: &Stripe,
    client: &dyn Client,
    (known, push, customer): (&Subscription, &MeterPush, &str),
    now: Timestamp,
) -> Result<bool, PaymentError> {
    let attempt = push.attempts + 1;
    match submit(client, SubscriptionVerb::Attempt { attempt }).await {
        Ok(true) => {}
        Ok(false) | Err(_) => return Ok(false),
    }
    let sent = match checked(stripe, known).await {
        Ok(Some(_)) => send(stripe, known, push, customer).await,
        Ok(None) => {
            let message = "Stripe no longer has this customer";
            Err(PaymentError::new(PaymentErrorKind::Failed, message, "look at it in Stripe's dashboard"))
        }
        Err(error) => Err(error),
    };
    match sent {
        Ok(()) => submit(client, SubscriptionVerb::Take { attempt }).await,
        Err(error) => {
            tracing::warn!(%error, "what runs come to was not reported to Stripe");
            // As long as Stripe would take it, it is tried again: a permission may be missing for a day.
            let retry_at = Some(now + RETRY).filter(|at| *at - push.at < CATCH_UP);
            let reason = Untrusted::from(error.message.as_str());
            submit(client, SubscriptionVerb::Fail { attempt, reason, retry_at }).await?;
            Err(error)
        }
    }
}

/// The identifier follows from the event in the log, so Stripe counts it once. With its time, it is another one where a
/// log that was restored from a backup goes on differently.
async fn send(stripe: &Stripe, known: &Subscription, push: &MeterPush, customer: &str) -> Result<(), PaymentError> {
    let identifier = format!("{}-{}-{}", known.account, push.event, push.at.timestamp());
    let form = Form::new()
        .with("event_name", METER_EVENT)
        .with("identifier", &identifier)
        .with("timestamp", push.at.timestamp())
        .with(format!("payload[{METER_CUSTOMER}]"), customer)
        .with(format!("payload[{METER_VALUE}]"), push.cents.0);
    let once = idempotency_key(&["meter", &identifier]);
    let told: Result<Value, _> = stripe.http.post(&stripe.key().await?, "/v1/billing/meter_events", form, &once).await;
    match told {
        Ok(_) => Ok(()),
        // It was told before, and the answer was lost.
        Err(refusal)
            if refusal.error.message.contains("identifier") && refusal.error.message.contains("already exists") =>
        {
            Ok(())
        }
        Err(refusal) => Err(refusal.error),
    }
}
