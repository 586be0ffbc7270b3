//! What Stripe answers, as far as it is used. What is not named here is not read.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::Untrusted;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Product {
    pub(super) id: String,
    pub(super) active: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Price {
    pub(super) id: String,
    pub(super) active: bool,
    #[serde(default)]
    pub(super) lookup_key: Option<String>,
    pub(super) product: String,
    pub(super) currency: Untrusted,
    /// In the smallest unit; `None` for prices of a fraction of one.
    pub(super) unit_amount: Option<i64>,
    #[serde(default)]
    pub(super) recurring: Option<Recurring>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Recurring {
    pub(super) interval: String,
    #[serde(default)]
    pub(super) interval_count: Option<u64>,
    #[serde(default)]
    pub(super) meter: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Meter {
    pub(super) id: String,
    pub(super) event_name: String,
    pub(super) default_aggregation: Aggregation,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Aggregation {
    pub(super) formula: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct MeterSummary {
    pub(super) id: String,
    /// A whole number of cents, which JSON may write with a fraction.
    pub(super) aggregated_value: serde_json::Number,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Customer {
    pub(super) id: String,
    #[serde(default)]
    pub(super) deleted: bool,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) created: i64,
    #[serde(default)]
    pub(super) cancel_at: Option<i64>,
    #[serde(default)]
    pub(super) trial_end: Option<i64>,
    pub(super) items: super::http::Listed<Item>,
    #[serde(default)]
    pub(super) latest_invoice: Option<Invoice>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Item {
    pub(super) price: Price,
    #[serde(default)]
    pub(super) current_period_end: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Invoice {
    /// A preview has none.
    #[serde(default)]
    pub(super) id: Untrusted,
    #[serde(default)]
    pub(super) number: Option<Untrusted>,
    #[serde(default)]
    pub(super) status: Option<Untrusted>,
    #[serde(default)]
    pub(super) currency: Untrusted,
    #[serde(default)]
    pub(super) created: i64,
    #[serde(default)]
    pub(super) period_start: i64,
    #[serde(default)]
    pub(super) period_end: i64,
    #[serde(default)]
    pub(super) total: i64,
    #[serde(default)]
    pub(super) amount_paid: i64,
    #[serde(default)]
    pub(super) amount_remaining: i64,
}

/// A page to pay at, or to change how to.
#[derive(Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    #[serde(default)]
    pub(super) url: Option<secrecy::SecretString>,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Charge {
    #[serde(default)]
    pub(super) customer: Option<String>,
    #[serde(default)]
    pub(super) amount_refunded: i64,
}

/// What was done, where nothing of it is needed.
#[derive(Deserialize)]
pub(super) struct Done {}
