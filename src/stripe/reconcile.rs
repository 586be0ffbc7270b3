//! What differs between the log and Stripe: the subscription, prices, what runs come to, and the next invoice.

use rust_decimal::Decimal;

use super::customer::{checked, known, submit};
use super::form::Form;
use super::invoices::preview;
use super::objects::MeterSummary;
use super::read::{refresh, subscribed};
use super::spoken::Stripe;
use super::sync::{found_meter, sync};
use super::usage::used;
use crate::billing::{BillingPeriod, Cycle};
use crate::domain::{Cents, Timestamp, Untrusted};
use crate::kinds::{Subscribed, Subscription, SubscriptionVerb};
use crate::ports::{CatalogLine, Client, PaymentError, SyncOutcome, Syncing};

pub(super) async fn reconcile(
    stripe: &Stripe,
    client: &dyn Client,
    now: Timestamp,
) -> Result<Vec<String>, PaymentError> {
    let mut differences: Vec<_> = sync(stripe, Syncing::OnlyLook).await?.iter().filter_map(of_catalog).collect();
    if let Some(before) = known(client).await? {
        differences.extend(of_subscription(&before.now, &subscribed(stripe, &before).await?));
        // What is right is what Stripe says now: the log has it from here on.
        refresh(stripe, client).await?;
        differences.extend(of_usage(stripe, client, &before, now).await?);
        let kept = differences.iter().map(|text| Untrusted::from(text.as_str())).collect();
        submit(client, SubscriptionVerb::Compare { differences: kept }).await?;
    }
    Ok(differences)
}

fn of_catalog(line: &CatalogLine) -> Option<String> {
    match line.outcome {
        SyncOutcome::Found | SyncOutcome::Made => None,
        SyncOutcome::Missing => Some(format!("{} {}: Stripe does not have it", line.what, line.name)),
        SyncOutcome::Differs => Some(format!("{} {}: {}", line.what, line.name, line.note)),
    }
}

/// What the log had otherwise: a webhook was lost, say.
fn of_subscription(before: &Subscribed, now: &Subscribed) -> Vec<String> {
    let mut differences = Vec::new();
    if before.state != now.state {
        differences.push(format!(
            "subscription: the log had {}, and Stripe has {}",
            before.state.name(),
            now.state.name()
        ));
    }
    let plan = |read: &Subscribed| read.plan.clone().unwrap_or_else(|| "none".to_owned());
    if (plan(before), before.is_annual) != (plan(now), now.is_annual) {
        differences.push(format!("plan: the log had {}, and Stripe has {}", plan(before), plan(now)));
    }
    if before.add_ons != now.add_ons {
        let list = |add_ons: &[String]| if add_ons.is_empty() { "none".to_owned() } else { add_ons.join(", ") };
        differences.push(format!(
            "add-ons: the log had {}, and Stripe has {}",
            list(&before.add_ons),
            list(&now.add_ons)
        ));
    }
    differences
}

/// What the meter counted this month, and what the invoices come to.
async fn of_usage(
    stripe: &Stripe,
    client: &dyn Client,
    known: &Subscription,
    now: Timestamp,
) -> Result<Vec<String>, PaymentError> {
    let Some(customer) = checked(stripe, known).await? else { return Ok(Vec::new()) };
    let mut differences = Vec::new();
    let period = BillingPeriod::month_of(now);
    let account = super::account::account(stripe.plans().clone(), Some(known), stripe.settings.grace);
    let invoice = account.invoice(used(client, period).await?, period);
    let ours = if account.charges_in(&period) { invoice.overage() } else { Cents::ZERO };
    if let Some(theirs) = counted(stripe, &customer, period).await?.filter(|theirs| *theirs != ours) {
        let waits = known.push().is_some() || known.taken(period.from.date_naive()) != ours;
        let why = if waits { "; some of it is still to be reported" } else { "" };
        differences.push(format!(
            "runs beyond those included: {} here, {} at Stripe{why}",
            ours.display(),
            theirs.display()
        ));
    }
    // Stripe charges the next month in advance: only where nothing changed does that come to the same.
    let is_steady = account.steady(&period).is_some_and(|term| term.cycle == Cycle::Monthly);
    if is_steady && known.now.ends_at.is_none() && invoice.is_complete() {
        let theirs = preview(stripe, &customer, known).await?;
        differences.extend(theirs.filter(|theirs| *theirs != invoice.total()).map(|theirs| {
            let (ours, theirs) = (invoice.total().display(), theirs.display());
            format!("next invoice: {ours} here, {theirs} at Stripe, with what tax and credit it has")
        }));
    }
    Ok(differences)
}

/// What Stripe's meter has for a period; `None` without a meter.
async fn counted(stripe: &Stripe, customer: &str, period: BillingPeriod) -> Result<Option<Cents>, PaymentError> {
    let Some(meter) = found_meter(stripe).await? else { return Ok(None) };
    let query = Form::new()
        .with("customer", customer)
        .with("start_time", period.from.timestamp())
        .with("end_time", period.until.timestamp());
    let path = format!("/v1/billing/meters/{}/event_summaries", super::customer::segment(&meter.id));
    let key = stripe.key().await?;
    let found = stripe.http.list(&key, &path, query, |summary: &MeterSummary| &summary.id).await?;
    let cents = |summary: &MeterSummary| {
        let value: Decimal = summary.aggregated_value.to_string().parse().ok()?;
        i64::try_from(value.round()).ok().map(Cents)
    };
    Ok(Some(found.first().and_then(cents).unwrap_or_default()))
}
