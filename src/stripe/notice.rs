//! What Stripe posts. It says that something may have happened, and of which object; nothing else of it is believed.

use serde::Deserialize;

use super::customer::{known, segment, submit};
use super::form::Form;
use super::objects::Charge;
use super::read::refresh;
use super::spoken::Stripe;
use crate::domain::Cents;
use crate::kinds::SubscriptionVerb;
use crate::ports::{Client, Noticed, PaymentError, PaymentErrorKind};

/// What the names of the events begin with after which the subscription is read again.
const ABOUT_US: [&str; 5] =
    ["customer.subscription.", "invoice.", "checkout.session.", "customer.deleted", "customer.updated"];
/// The event after which a charge is read.
const REFUND: &str = "charge.refunded";

#[derive(Deserialize)]
struct Posted {
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    id: String,
    #[serde(default)]
    customer: Option<Named>,
}

/// An id, or the object that has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Id(String),
    Whole { id: String },
}

pub(super) async fn take_in(stripe: &Stripe, client: &dyn Client, body: &[u8]) -> Result<Noticed, PaymentError> {
    let posted: Posted = serde_json::from_slice(body).map_err(|error| {
        let message = format!("this is no event of Stripe: {error}");
        PaymentError::new(
            PaymentErrorKind::Unreadable,
            message,
            "only what Stripe posts to a webhook endpoint is known",
        )
    })?;
    let is_refund = posted.kind == REFUND;
    if !is_refund && !ABOUT_US.iter().any(|about| posted.kind.starts_with(about)) {
        return Ok(Noticed::Ignored("it is not about a subscription"));
    }
    let ours = known(client).await?.and_then(|known| known.customer);
    let named = match (
        &posted.data.object.customer,
        posted.kind.starts_with("customer.") && !posted.kind.contains("subscription"),
    ) {
        (_, true) => Some(posted.data.object.id.as_str()),
        (Some(Named::Id(id) | Named::Whole { id }), false) => Some(id.as_str()),
        (None, false) => None,
    };
    if ours.is_none() || named != ours.as_deref() {
        return Ok(Noticed::Ignored("it is about another customer"));
    }
    let is_noted = is_refund && refunded(stripe, client, (&posted.data.object.id, ours.as_deref())).await?;
    let is_changed = refresh(stripe, client).await?;
    Ok(if is_noted || is_changed { Noticed::Changed } else { Noticed::Known })
}

/// Reads a payment, and notes how much of it was given back.
async fn refunded(
    stripe: &Stripe,
    client: &dyn Client,
    (charge, ours): (&str, Option<&str>),
) -> Result<bool, PaymentError> {
    let (charge, key) = (segment(charge), stripe.key().await?);
    let found: Charge = stripe.http.get(&key, &format!("/v1/charges/{charge}"), Form::new()).await?;
    if found.customer.as_deref() != ours || found.amount_refunded <= 0 {
        return Ok(false);
    }
    submit(client, SubscriptionVerb::Refund { charge, cents: Cents(found.amount_refunded) }).await
}
