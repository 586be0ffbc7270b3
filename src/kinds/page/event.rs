//! What can have happened to a page.

use serde::{Deserialize, Serialize};

use super::tidings::Tidings;
use super::verbs::PageOrder;
use crate::domain::{Timestamp, Untrusted};
use crate::kinds::{KindEvent, Look};

/// What happened to a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum PageEvent {
    /// It is to be sent.
    #[serde(rename = "page.queued")]
    Queued { order: Box<PageOrder> },
    /// A process is about to send it, and nobody else does meanwhile.
    #[serde(rename = "page.attempted")]
    Attempted { attempt: u32 },
    /// The other side said that it has it.
    #[serde(rename = "page.delivered")]
    Delivered {
        /// What it calls the message, where that is needed to change it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        receipt: String,
    },
    #[serde(rename = "page.failed")]
    Failed { reason: Untrusted, retry_at: Timestamp },
    /// It is not tried again by itself.
    #[serde(rename = "page.given_up")]
    GivenUp { reason: Untrusted },
    /// What it is about was taken up, or is over, and the other side is to be told.
    #[serde(rename = "page.turned")]
    Turned { tidings: Tidings },
    /// Somebody wants it tried again.
    #[serde(rename = "page.retried")]
    Retried {},
    /// There is nothing more to tell.
    #[serde(rename = "page.ended")]
    Ended {},
}

impl KindEvent for PageEvent {
    const AUDITED: Option<&'static str> = Some("page.");

    fn name(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "page.queued",
            Self::Attempted { .. } => "page.attempted",
            Self::Delivered { .. } => "page.delivered",
            Self::Failed { .. } => "page.failed",
            Self::GivenUp { .. } => "page.given_up",
            Self::Turned { .. } => "page.turned",
            Self::Retried {} => "page.retried",
            Self::Ended {} => "page.ended",
        }
    }

    fn remark(&self) -> Untrusted {
        match self {
            Self::Queued { order } => format!("{}: {}", order.whom(), order.title.raw()).into(),
            Self::Attempted { attempt } => format!("attempt {attempt}").into(),
            Self::Failed { reason, .. } | Self::GivenUp { reason } => reason.clone(),
            Self::Turned { tidings } => tidings.name().into(),
            Self::Delivered { .. } | Self::Retried {} | Self::Ended {} => Untrusted::default(),
        }
    }

    fn look(&self) -> Look {
        match self {
            Self::Queued { .. } | Self::Retried {} => Look::Notable,
            Self::Attempted { .. } | Self::Turned { .. } => Look::Plain,
            Self::Delivered { .. } => Look::Good,
            Self::Failed { .. } => Look::Warning,
            Self::GivenUp { .. } => Look::Bad,
            Self::Ended {} => Look::Dim,
        }
    }

    /// What somebody did.
    fn is_audited(&self) -> bool {
        match self {
            Self::Retried {} => true,
            Self::Queued { .. }
            | Self::Attempted { .. }
            | Self::Delivered { .. }
            | Self::Failed { .. }
            | Self::GivenUp { .. }
            | Self::Turned { .. }
            | Self::Ended {} => false,
        }
    }

    /// Nobody was reached.
    fn rings(&self) -> bool {
        matches!(self, Self::GivenUp { .. })
    }
}
