//! What opens the receiver of Stripe's webhooks, and what `doctor` says of Stripe.

use super::Wire;
use crate::cli::{Failure, Finding};
use crate::config::SecretError;
use crate::server::StripeDoor;

impl Wire {
    /// Whether Stripe can be spoken to, and heard; nothing is asked there.
    pub(super) fn stripe_finding(&self) -> Option<Finding> {
        const SUBJECT: &str = "stripe";
        let section = self.config.billing.stripe.as_ref()?;
        let (env, base) = (|name: &str| std::env::var(name).ok(), self.places.paths.config_dir());
        let sources = std::iter::once(&section.key).chain(&section.webhook_secrets);
        if let Some(error) = sources.filter_map(|source| source.resolve(env, base).err()).next() {
            return Some(Finding::fail(SUBJECT, error.message, error.hint));
        }
        Some(match section.webhook_secrets.is_empty() {
            true => Finding::warn(
                SUBJECT,
                "there is a key and no webhook secret: changes are seen within ten minutes",
                "set webhook_secrets under [billing.stripe] for /v1/hooks/stripe of `serve`",
            ),
            false => {
                Finding::ok(SUBJECT, "there is a key, and webhooks are taken; `billing sync --dry-run` asks Stripe")
            }
        })
    }

    /// What opens the receiver of Stripe's webhooks.
    pub(super) fn stripe_door(&self) -> Result<StripeDoor, Failure> {
        let (Some(section), Some(payments)) = (&self.config.billing.stripe, self.billing.payments()) else {
            return Ok(StripeDoor::default());
        };
        let (env, base) = (|name: &str| std::env::var(name).ok(), self.places.paths.config_dir());
        let failed =
            |error: SecretError| Failure::usage(error.message).at("[billing.stripe] webhook_secrets").next(error.hint);
        let secrets = section.webhook_secrets.iter().map(|source| source.resolve(env, base).map_err(failed));
        Ok(StripeDoor::new(secrets.collect::<Result<_, _>>()?, payments))
    }
}
