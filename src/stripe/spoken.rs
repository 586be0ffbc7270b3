//! Stripe, spoken to with one key.

use std::time::Duration;

use secrecy::SecretString;

use super::http::Http;
use super::turn::Turn;
use crate::billing::Plans;
use crate::notify::Secret;
use crate::ports::{PaymentError, PaymentErrorKind};

/// What it goes by.
pub struct StripeSettings {
    /// Stripe's own address, or one on this machine.
    pub api: String,
    pub key: Secret,
    pub plans: Plans,
    /// Where people come back to from the pages of Stripe.
    pub return_url: Option<String>,
    /// For how long a plan holds after a payment failed.
    pub grace: Duration,
}

/// Stripe, spoken to with one key.
pub struct Stripe {
    pub(super) http: Http,
    pub(super) settings: StripeSettings,
    /// Readings of the subscription that wait for each other.
    pub(super) reading: Turn,
}

impl Stripe {
    pub fn new(settings: StripeSettings) -> Result<Self, PaymentError> {
        Ok(Self { http: Http::new(&settings.api)?, settings, reading: Turn::default() })
    }

    pub(super) async fn key(&self) -> Result<SecretString, PaymentError> {
        self.settings.key.fetch().await.map_err(|reason| {
            let message = format!("cannot read the Stripe key: {reason}");
            PaymentError::new(PaymentErrorKind::Usage, message, "set what `key` under [billing.stripe] names")
        })
    }

    pub(super) fn plans(&self) -> &Plans {
        &self.settings.plans
    }
}
