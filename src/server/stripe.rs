//! What opens the receiver of Stripe's webhooks, and to whom they are handed.

use std::sync::Arc;

use secrecy::SecretString;

use crate::ports::Payments;

/// Closed without a secret.
#[derive(Clone, Default)]
pub struct StripeDoor {
    pub(super) secrets: Vec<SecretString>,
    pub(super) payments: Option<Arc<dyn Payments>>,
}

impl StripeDoor {
    pub fn new(secrets: Vec<SecretString>, payments: Arc<dyn Payments>) -> Self {
        Self { secrets, payments: Some(payments) }
    }
}
