//! Stripe: what is sold there, the page to pay at, what is subscribed to, and what runs beyond those included come to.
//!
//! Stripe is asked and never believed by what it posts: a webhook only says that something may have happened, and the
//! subscription of this log's own customer is read again. What is made, sold or reported is written under an
//! idempotency key that follows from what is asked. Links to pay at are as good as passwords: they are fetched when somebody asks, and kept nowhere.

mod account;
mod catalog;
mod customer;
mod form;
mod http;
mod invoices;
mod links;
mod notice;
mod objects;
mod read;
mod reconcile;
mod signature;
mod spoken;
mod sync;
mod turn;
mod usage;

use async_trait::async_trait;
use secrecy::SecretString;

pub use account::account;
pub use http::{API, API_VERSION};
pub use signature::{NotStripe, SIGNATURE, verify};
pub use spoken::{Stripe, StripeSettings};

use crate::domain::Timestamp;
use crate::ports::{CatalogLine, Client, IssuedInvoice, LinkOrder, Noticed, PaymentError, Payments, Syncing};

#[async_trait]
impl Payments for Stripe {
    async fn sync(&self, how: Syncing) -> Result<Vec<CatalogLine>, PaymentError> {
        sync::sync(self, how).await
    }

    async fn link(&self, client: &dyn Client, order: &LinkOrder) -> Result<SecretString, PaymentError> {
        links::link(self, client, order).await
    }

    async fn refresh(&self, client: &dyn Client) -> Result<bool, PaymentError> {
        read::refresh(self, client).await
    }

    async fn invoices(&self, client: &dyn Client) -> Result<Vec<IssuedInvoice>, PaymentError> {
        invoices::issued(self, client).await
    }

    async fn reconcile(&self, client: &dyn Client, now: Timestamp) -> Result<Vec<String>, PaymentError> {
        reconcile::reconcile(self, client, now).await
    }

    async fn notice(&self, client: &dyn Client, body: &[u8]) -> Result<Noticed, PaymentError> {
        notice::take_in(self, client, body).await
    }

    async fn report_usage(&self, client: &dyn Client, now: Timestamp) -> Result<(), PaymentError> {
        usage::report(self, client, now).await
    }
}
