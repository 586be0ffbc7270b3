//! Invoices as Stripe issued them, and the next one as it would be.

use super::customer::{checked, known};
use super::form::{Form, idempotency_key};
use super::http::Listed;
use super::objects::Invoice;
use super::read::time;
use super::spoken::Stripe;
use crate::domain::Cents;
use crate::kinds::Subscription;
use crate::ports::{Client, IssuedInvoice, PaymentError};

pub(super) async fn issued(stripe: &Stripe, client: &dyn Client) -> Result<Vec<IssuedInvoice>, PaymentError> {
    let Some(known) = known(client).await? else { return Ok(Vec::new()) };
    let Some(customer) = checked(stripe, &known).await? else { return Ok(Vec::new()) };
    let query = Form::new().with("customer", customer).with("limit", 100);
    let found: Listed<Invoice> = stripe.http.get(&stripe.key().await?, "/v1/invoices", query).await?;
    Ok(found.data.into_iter().map(shown).collect())
}

fn shown(invoice: Invoice) -> IssuedInvoice {
    IssuedInvoice {
        id: invoice.id.cut(100),
        number: invoice.number.unwrap_or_default().cut(100),
        state: invoice.status.unwrap_or_default().cut(40),
        issued_at: time(invoice.created).unwrap_or_default(),
        from: time(invoice.period_start).unwrap_or_default(),
        until: time(invoice.period_end).unwrap_or_default(),
        currency: invoice.currency.cut(10),
        total: Cents(invoice.total),
        paid: Cents(invoice.amount_paid),
        due: Cents(invoice.amount_remaining),
    }
}

/// What Stripe's next invoice would come to; `None` where there is none.
pub(super) async fn preview(
    stripe: &Stripe,
    customer: &str,
    known: &Subscription,
) -> Result<Option<Cents>, PaymentError> {
    let Some(subscription) = known.now.subscription.as_ref().filter(|_| known.now.state.grants()) else {
        return Ok(None);
    };
    let form = Form::new().with("customer", customer).with("subscription", subscription);
    // It makes nothing: each time it is asked for what holds then.
    let once = idempotency_key(&["preview", &uuid::Uuid::new_v4().to_string()]);
    let found: Result<Invoice, _> =
        stripe.http.post(&stripe.key().await?, "/v1/invoices/create_preview", form, &once).await;
    match found {
        Ok(invoice) => Ok(Some(Cents(invoice.total))),
        Err(refusal) if refusal.code == "invoice_upcoming_none" => Ok(None),
        Err(refusal) => Err(refusal.error),
    }
}
