//! `/v1/billing`: the plan, what is used of it, and the next invoice; invoices that were issued, and links to pay at.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::ports::{IssuedInvoice, LinkOrder, PaymentError, PaymentErrorKind, Payments, Yearly};
use crate::server::app::App;
use crate::server::body::{Given, json};
use crate::server::problem::Problem;
use crate::shape;

use super::runs::Nothing;

pub(in crate::server) async fn show(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    json(&shape::billing(&*app.client, app.gate.now()).await?)
}

/// What was issued lately, the newest first. Amounts are in the smallest unit of their currency.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct InvoiceList {
    invoices: Vec<IssuedInvoice>,
}

/// What to subscribe to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Checkout {
    /// The name of the plan.
    plan: String,
    /// Whether it is paid by the year.
    #[serde(default)]
    annual: bool,
    #[serde(default)]
    add_ons: Vec<String>,
}

/// A link to a page of the payment provider. Anybody who has it can use it.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct PaymentLink {
    url: String,
}

pub(in crate::server) async fn invoices(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let invoices = payments(&app)?.invoices(&*app.client).await.map_err(failed)?;
    json(&InvoiceList { invoices })
}

pub(in crate::server) async fn checkout(
    State(app): State<Arc<App>>,
    Given(Checkout { plan, annual, add_ons }): Given<Checkout>,
) -> Result<Response, Problem> {
    let by_the_year = if annual { Yearly::Yes } else { Yearly::No };
    link(&app, &LinkOrder::Checkout { plan, by_the_year, add_ons }).await
}

pub(in crate::server) async fn portal(
    State(app): State<Arc<App>>,
    Given(Nothing {}): Given<Nothing>,
) -> Result<Response, Problem> {
    link(&app, &LinkOrder::Portal).await
}

async fn link(app: &App, order: &LinkOrder) -> Result<Response, Problem> {
    let link = payments(app)?.link(&*app.client, order).await.map_err(failed)?;
    json(&PaymentLink { url: link.expose_secret().to_owned() })
}

fn payments(app: &App) -> Result<&dyn Payments, Problem> {
    let none = || Problem::invalid("Stripe is not configured", "write [billing.stripe] into the server's config.toml");
    app.hooks.stripe.payments.as_deref().ok_or_else(none)
}

fn failed(error: PaymentError) -> Problem {
    match error.kind {
        PaymentErrorKind::Usage | PaymentErrorKind::Refused | PaymentErrorKind::Unreadable => {
            Problem::invalid(error.message, error.hint)
        }
        PaymentErrorKind::ForNow | PaymentErrorKind::Failed => Problem::unavailable(error.message, error.hint),
    }
}
