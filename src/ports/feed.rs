//! What a console hears: committed events, and beside them the ephemeral stream of tokens and process output.

use serde::{Deserialize, Serialize};

use crate::domain::{CallNo, RunId, Untrusted};
use crate::kinds::Envelope;

/// One thing heard on the feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "feed", rename_all = "snake_case")]
pub enum FeedItem {
    Committed {
        envelope: Box<Envelope>,
    },
    Delta(Delta),
    /// The listener was too slow or the source jumped: take a fresh snapshot.
    Lost,
    /// The store does not take writes, with its reason; nothing is decided until `StoreBack`.
    StoreDown {
        reason: String,
    },
    StoreBack,
    /// Commits take long, the last one this long; decisions are saved, and late. Said again with each, until `StoreQuick`.
    StoreSlow {
        milliseconds: u64,
    },
    StoreQuick,
    /// What the source tells of its connection is different now. Said by a client, never by a log.
    LinkChanged,
}

/// A piece of output that is never a row of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    pub run: RunId,
    pub kind: DeltaKind,
    pub text: Untrusted,
}

/// Where a delta belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeltaKind {
    /// The model's text of this turn.
    Token { turn: u32 },
    /// A running tool's output.
    Output { call: CallNo },
    /// What the model adapter is doing: `rate limited, next try in 4 s`.
    Notice { turn: u32 },
}
