//! What can have happened to a subscription.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::subscribed::Subscribed;
use crate::domain::{Cents, Timestamp, Untrusted};
use crate::kinds::{KindEvent, Look};

/// What happened to a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum SubscriptionEvent {
    /// A customer is to be made at the provider, under this number.
    #[serde(rename = "subscription.begun")]
    Begun { account: Uuid },
    #[serde(rename = "subscription.customer_known")]
    CustomerKnown { customer: String },
    /// The provider says something else than before.
    #[serde(rename = "subscription.changed")]
    Changed { to: Box<Subscribed> },
    /// So much of a payment was given back, in all.
    #[serde(rename = "subscription.refunded")]
    Refunded { charge: String, cents: Cents },
    /// Runs beyond those included come to this in a month, and the provider is to be told.
    #[serde(rename = "subscription.metered")]
    Metered { month: NaiveDate, cents: Cents, at: Timestamp },
    /// A process is about to tell it, and nobody else does meanwhile.
    #[serde(rename = "subscription.meter_attempted")]
    MeterAttempted { attempt: u32 },
    #[serde(rename = "subscription.meter_taken")]
    MeterTaken {},
    #[serde(rename = "subscription.meter_failed")]
    MeterFailed { reason: Untrusted, retry_at: Option<Timestamp> },
    /// What differs between this log and the provider; nothing where all agrees.
    #[serde(rename = "subscription.compared")]
    Compared { differences: Vec<Untrusted> },
}

impl KindEvent for SubscriptionEvent {
    const AUDITED: Option<&'static str> = Some("subscription.");

    fn name(&self) -> &'static str {
        match self {
            Self::Begun { .. } => "subscription.begun",
            Self::CustomerKnown { .. } => "subscription.customer_known",
            Self::Changed { .. } => "subscription.changed",
            Self::Refunded { .. } => "subscription.refunded",
            Self::Metered { .. } => "subscription.metered",
            Self::MeterAttempted { .. } => "subscription.meter_attempted",
            Self::MeterTaken {} => "subscription.meter_taken",
            Self::MeterFailed { .. } => "subscription.meter_failed",
            Self::Compared { .. } => "subscription.compared",
        }
    }

    fn remark(&self) -> Untrusted {
        match self {
            Self::Changed { to } => match &to.plan {
                Some(plan) => format!("{}, {plan}", to.state.name()).into(),
                None => to.state.name().into(),
            },
            Self::Refunded { cents, .. } => cents.display().into(),
            Self::Metered { month, cents, .. } => format!("{} for {}", cents.display(), month.format("%Y-%m")).into(),
            Self::MeterAttempted { attempt } => format!("attempt {attempt}").into(),
            Self::MeterFailed { reason, .. } => reason.clone(),
            Self::Compared { differences } => match differences.len() {
                0 => "no differences".into(),
                1 => "1 difference".into(),
                count => format!("{count} differences").into(),
            },
            Self::Begun { .. } | Self::CustomerKnown { .. } | Self::MeterTaken {} => Untrusted::default(),
        }
    }

    fn look(&self) -> Look {
        match self {
            Self::Changed { to } if to.state.grants() => Look::Good,
            Self::Changed { .. } | Self::Refunded { .. } => Look::Notable,
            Self::MeterFailed { .. } => Look::Warning,
            Self::Compared { differences } if !differences.is_empty() => Look::Warning,
            Self::Begun { .. } | Self::CustomerKnown { .. } | Self::Metered { .. } => Look::Plain,
            Self::MeterAttempted { .. } | Self::MeterTaken {} | Self::Compared { .. } => Look::Dim,
        }
    }

    /// What changes who may do what, or what is paid.
    fn is_audited(&self) -> bool {
        match self {
            Self::Begun { .. } | Self::CustomerKnown { .. } | Self::Changed { .. } | Self::Refunded { .. } => true,
            Self::Metered { .. }
            | Self::MeterAttempted { .. }
            | Self::MeterTaken {}
            | Self::MeterFailed { .. }
            | Self::Compared { .. } => false,
        }
    }
}
