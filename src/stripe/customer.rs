//! The customer of this log: its number is in the log before it is made at Stripe, so it is made once.

use uuid::Uuid;

use super::form::{Form, idempotency_key};
use super::objects::Customer;
use super::spoken::Stripe;
use crate::domain::{Actor, Rejection, SubscriptionId};
use crate::kinds::{RowKind, Subscription, SubscriptionVerb};
use crate::ports::{Answer, Client, ClientError, PaymentError, PaymentErrorKind, Query, RowFilter, RowQuery};

/// What Stripe has our number under.
pub(super) const ACCOUNT: &str = "morningai_account";

/// What the log knows.
pub(super) async fn known(client: &dyn Client) -> Result<Option<Subscription>, PaymentError> {
    let query = RowQuery::first(RowKind::Subscription, RowFilter::One(SubscriptionId::OF_TENANT.0), 1);
    let found = client.query(Query::Rows(query)).await.and_then(Answer::rows::<Subscription>);
    Ok(found.map_err(unread)?.rows.into_iter().next())
}

/// The customer, made where there is none yet.
pub(super) async fn customer(stripe: &Stripe, client: &dyn Client) -> Result<(Subscription, String), PaymentError> {
    // Of two processes that begin at once, one finds the other's number.
    submit(client, SubscriptionVerb::Begin { account: Uuid::new_v4() }).await?;
    let Some(subscription) = known(client).await? else {
        return Err(PaymentError::new(PaymentErrorKind::Failed, "the log does not have what was just written", ""));
    };
    if let Some(customer) = &subscription.customer {
        let customer = customer.clone();
        return Ok((subscription, customer));
    }
    let (account, key) = (subscription.account.to_string(), stripe.key().await?);
    let form = Form::new().with("description", "morningai").with(format!("metadata[{ACCOUNT}]"), &account);
    let once = idempotency_key(&["customer", &account]);
    let made: Customer = stripe.http.post(&key, "/v1/customers", form, &once).await?;
    submit(client, SubscriptionVerb::Know { customer: made.id.clone() }).await?;
    Ok((subscription, made.id))
}

/// The customer that the log knows, if Stripe still has it as ours.
pub(super) async fn checked(stripe: &Stripe, known: &Subscription) -> Result<Option<String>, PaymentError> {
    let Some(customer) = &known.customer else { return Ok(None) };
    let key = stripe.key().await?;
    let found: Result<Customer, _> =
        stripe.http.get(&key, &format!("/v1/customers/{}", segment(customer)), Form::new()).await;
    match found {
        Ok(found) if found.deleted => Ok(None),
        Ok(found) if found.metadata.get(ACCOUNT).is_some_and(|account| *account == known.account.to_string()) => {
            Ok(Some(found.id))
        }
        Ok(_) => {
            let message = format!("the customer {customer} at Stripe is not the one of this store");
            let hint = format!("its metadata {ACCOUNT} should be {}; is this a copy of another store?", known.account);
            Err(PaymentError::new(PaymentErrorKind::Refused, message, hint))
        }
        Err(refusal) if refusal.code == "resource_missing" => {
            // One that was deleted is still found, and says so: this is another account, or its other mode.
            let message = format!("the account of this Stripe key has no customer {customer}");
            let hint = "the key may be of another account or of test mode; what is known of the subscription is kept";
            Err(PaymentError::new(PaymentErrorKind::Refused, message, hint))
        }
        Err(refusal) => Err(refusal.error),
    }
}

/// Whether it changed anything.
pub(super) async fn submit(client: &dyn Client, verb: SubscriptionVerb) -> Result<bool, PaymentError> {
    let command = verb.on(SubscriptionId::OF_TENANT);
    client.submit(command, Actor::System).await.map(|events| !events.is_empty()).map_err(unsaved)
}

fn unread(error: ClientError) -> PaymentError {
    PaymentError::new(PaymentErrorKind::ForNow, error.message, error.hint)
}

pub(super) fn unsaved(rejection: Rejection) -> PaymentError {
    PaymentError::new(PaymentErrorKind::ForNow, rejection.message, rejection.hint)
}

/// An id as a part of a path: Stripe's ids are letters, digits and `_`.
pub(super) fn segment(id: &str) -> String {
    id.chars().filter(|sign| sign.is_ascii_alphanumeric() || *sign == '_').collect()
}
