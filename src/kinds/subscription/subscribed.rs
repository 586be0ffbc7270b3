//! What the provider says of a subscription.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Cents, Timestamp, Untrusted};

/// A subscription as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subscribed {
    pub state: SubscriptionState,
    /// What the provider calls it.
    pub subscription: Option<String>,
    /// The name of the plan; `None` where nothing is subscribed to, or something that is none of the plans.
    pub plan: Option<String>,
    #[serde(default)]
    pub is_annual: bool,
    #[serde(default)]
    pub add_ons: Vec<String>,
    /// When the period ends that is paid for.
    pub period_ends: Option<Timestamp>,
    pub trial_ends: Option<Timestamp>,
    /// When it ends, where it was cancelled and still goes on.
    pub ends_at: Option<Timestamp>,
    pub last_invoice: Option<LastInvoice>,
    /// What cannot be made sense of, a sentence each.
    #[serde(default)]
    pub odd: Vec<Untrusted>,
}

/// The newest invoice of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastInvoice {
    pub invoice: String,
    /// The provider's word: `paid`, `open`, `uncollectible`.
    pub state: Untrusted,
    /// What is still to be paid.
    #[schemars(with = "i64")]
    pub due_cents: Cents,
}

/// How far a subscription has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionState {
    /// There is none.
    #[default]
    None,
    /// Its first invoice was not paid yet.
    Incomplete,
    Trial,
    Active,
    /// An invoice could not be collected, and it is tried again.
    PastDue,
    /// An invoice could not be collected, and it is not tried again.
    Unpaid,
    /// A trial ended, and there is nothing to pay with.
    Paused,
    Cancelled,
    /// The provider uses a word that is not known here.
    Unknown,
}

impl SubscriptionState {
    pub const NAMES: &'static [&'static str] =
        &["none", "incomplete", "trial", "active", "past_due", "unpaid", "paused", "cancelled", "unknown"];

    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Incomplete => "incomplete",
            Self::Trial => "trial",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    /// Whether its plan holds; after a payment that failed, for some time only.
    pub const fn grants(self) -> bool {
        matches!(self, Self::Trial | Self::Active | Self::PastDue)
    }

    /// Whether a second subscription beside it would be paid twice.
    pub const fn is_live(self) -> bool {
        match self {
            Self::Trial | Self::Active | Self::PastDue | Self::Unpaid | Self::Paused => true,
            Self::None | Self::Incomplete | Self::Cancelled | Self::Unknown => false,
        }
    }

    /// Whether it may still come to be paid, so that another one must not be begun.
    pub const fn may_charge(self) -> bool {
        self.is_live() || matches!(self, Self::Incomplete | Self::Unknown)
    }
}
