//! How a plan is paid: what is asked of a payment provider.

use async_trait::async_trait;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Serialize;

use super::client::Client;
use super::link_order::LinkOrder;
use crate::domain::{Cents, Timestamp, Untrusted};

/// A payment provider.
#[async_trait]
pub trait Payments: Send + Sync {
    /// Finds or makes there all that is sold; or only looks.
    async fn sync(&self, how: Syncing) -> Result<Vec<CatalogLine>, PaymentError>;

    /// An address at which a person pays, or changes how they do. It is as good as a password: shown to who asked for it,
    /// and kept nowhere.
    async fn link(&self, client: &dyn Client, order: &LinkOrder) -> Result<SecretString, PaymentError>;

    /// Reads what is subscribed to, and has the log keep it; says whether it was something new.
    async fn refresh(&self, client: &dyn Client) -> Result<bool, PaymentError>;

    /// What was issued lately, the newest first.
    async fn invoices(&self, client: &dyn Client) -> Result<Vec<IssuedInvoice>, PaymentError>;

    /// What differs between the log and the provider, a sentence each; the log keeps that.
    async fn reconcile(&self, client: &dyn Client, now: Timestamp) -> Result<Vec<String>, PaymentError>;

    /// Takes in what the provider posted. All that is believed of it is that something may have happened.
    async fn notice(&self, client: &dyn Client, body: &[u8]) -> Result<Noticed, PaymentError>;

    /// Reports what runs beyond those included come to, where the provider does not know it yet.
    async fn report_usage(&self, client: &dyn Client, now: Timestamp) -> Result<(), PaymentError>;
}

/// Whether what is missing is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syncing {
    Make,
    OnlyLook,
}

/// Something that is sold, as the provider has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CatalogLine {
    /// `product`, `price` or `meter`.
    pub what: &'static str,
    /// Its name here.
    pub name: String,
    /// What the provider calls it; empty where it is missing.
    pub id: Untrusted,
    pub outcome: SyncOutcome,
    /// What differs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncOutcome {
    Found,
    Made,
    /// It was changed there, and is left as it is.
    Differs,
    Missing,
}

impl SyncOutcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Made => "made",
            Self::Differs => "differs",
            Self::Missing => "missing",
        }
    }
}

/// An invoice that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct IssuedInvoice {
    pub id: Untrusted,
    /// What people quote; empty for a draft.
    pub number: Untrusted,
    /// The provider's word: `draft`, `open`, `paid`, `uncollectible`, `void`.
    pub state: Untrusted,
    pub issued_at: Timestamp,
    pub from: Timestamp,
    pub until: Timestamp,
    /// `usd`.
    pub currency: Untrusted,
    /// In the smallest unit of the currency, as are the others.
    #[schemars(with = "i64")]
    pub total: Cents,
    #[schemars(with = "i64")]
    pub paid: Cents,
    #[schemars(with = "i64")]
    pub due: Cents,
}

/// What became of something that the provider posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// The log says something else now.
    Changed,
    /// All of it was known.
    Known,
    /// It is about nothing here.
    Ignored(&'static str),
}

/// Why the provider did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PaymentError {
    pub kind: PaymentErrorKind,
    pub message: String,
    pub hint: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentErrorKind {
    /// What was asked makes no sense, or the configuration does not fit.
    Usage,
    /// What came in is not the provider's.
    Unreadable,
    /// It is not allowed as things are.
    Refused,
    /// It may work later.
    ForNow,
    Failed,
}

impl PaymentError {
    pub fn new(kind: PaymentErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: hint.into() }
    }
}
