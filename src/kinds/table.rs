//! The table of kinds, and the closed types over all of them that are made from it: streams, events, rows.
//!
//! To add a kind, make a folder beside this file, answer [`Kind`] and [`Kept`] in it, and add a line here. The log, both
//! stores, the snapshot, export, erasure, pruning and rebuilding follow.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::approval::Approval;
use super::envelope::ErasedEvent;
use super::kind::{Kept, Kind, KindEvent, Owner};
use super::row::Row;
use super::run::Run;
use super::spend::DaySpend;
use crate::domain::{Action, Actor, BlobId, ModelReply, Rejection, RejectionKind};

/// Hands the table to another macro: kinds that are kept as rows, then those that have events only. Each has its name, a
/// plural where it is listed, and the first byte of its streams as stored, which is never changed nor used again.
macro_rules! with_kinds {
    ($macro:ident) => {
        $macro! {
            kept {
                Run = "run", runs, b'r';
                Approval = "approval", approvals, b'a';
            }
            events {
                Account = "account", b'u';
            }
        }
    };
}
pub(crate) use with_kinds;

macro_rules! define_streams {
    (kept { $($Kept:ident = $kept:literal, $table:ident, $tag:literal;)* } events { $($Bare:ident = $bare:literal, $bare_tag:literal;)* }) => {
        /// The unit of ordering: all events of one thing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Stream {
            $($Kept(<$Kept as Kind>::Id),)*
            $($Bare(<$Bare as Kind>::Id),)*
        }

        impl Stream {
            /// The name of its kind, and the id within it.
            pub fn parts(self) -> (&'static str, uuid::Uuid) {
                match self {
                    $(Self::$Kept(id) => ($kept, id.into()),)*
                    $(Self::$Bare(id) => ($bare, id.into()),)*
                }
            }

            /// As stored: the first byte tells the kind.
            pub fn tag(self) -> u8 {
                match self {
                    $(Self::$Kept(_) => $tag,)*
                    $(Self::$Bare(_) => $bare_tag,)*
                }
            }

            /// The reverse of `tag`; `None` for a kind that this program does not know.
            pub fn from_tag(tag: u8, id: uuid::Uuid) -> Option<Self> {
                match tag {
                    $($tag => Some(Self::$Kept(id.into())),)*
                    $($bare_tag => Some(Self::$Bare(id.into())),)*
                    _ => None,
                }
            }

            /// Name and stored tag of every kind.
            pub const KINDS: &'static [(&'static str, u8)] =
                &[$(($kept, $tag),)* $(($bare, $bare_tag),)*];
        }

        $(impl Listed for $Kept {
            fn stream(id: Self::Id) -> Stream {
                Stream::$Kept(id)
            }

            fn event(event: Self::Event) -> Event {
                Event::$Kept(event)
            }
        })*

        $(impl Listed for $Bare {
            fn stream(id: Self::Id) -> Stream {
                Stream::$Bare(id)
            }

            fn event(event: Self::Event) -> Event {
                Event::$Bare(event)
            }
        })*

        impl FromStr for Stream {
            type Err = Rejection;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let parsed = text.split_once(':').and_then(|(name, id)| match name {
                    $($kept => id.parse().ok().map(Self::$Kept),)*
                    $($bare => id.parse().ok().map(Self::$Bare),)*
                    _ => None,
                });
                parsed.ok_or_else(|| Rejection::new(RejectionKind::Invalid, format!("not a stream name: {text:?}")))
            }
        }
    };
}

macro_rules! define_events {
    (kept { $($Kept:ident = $kept:literal, $table:ident, $tag:literal;)* } events { $($Bare:ident = $bare:literal, $bare_tag:literal;)* }) => {
        /// What happened, by the kind of stream it happened in.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(untagged)]
        pub enum Event {
            $($Kept(<$Kept as Kind>::Event),)*
            $($Bare(<$Bare as Kind>::Event),)*
            Erased(ErasedEvent),
        }

        impl Event {
            /// The name it has in the log and in `log tail`: `run.started`, `approval.denied`.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$Kept(event) => event.name(),)*
                    $(Self::$Bare(event) => event.name(),)*
                    Self::Erased(ErasedEvent::Erased { .. }) => "erased",
                }
            }

            /// Reads an event of `stream`, which says what kind it is: trying all of them costs far more.
            pub fn decode(stream: Stream, body: &str) -> Result<Self, serde_json::Error> {
                match stream {
                    $(Stream::$Kept(_) => serde_json::from_str(body).map(Self::$Kept),)*
                    $(Stream::$Bare(_) => serde_json::from_str(body).map(Self::$Bare),)*
                }
            }

            /// Whether it can have happened in `stream`.
            pub fn belongs_in(&self, stream: Stream) -> bool {
                match self {
                    $(Self::$Kept(_) => matches!(stream, Stream::$Kept(_)),)*
                    $(Self::$Bare(_) => matches!(stream, Stream::$Bare(_)),)*
                    Self::Erased(_) => true,
                }
            }

            /// The output that is stored beside it, where it names one.
            pub fn output(&self) -> Option<&BlobId> {
                match self {
                    $(Self::$Kept(event) => event.output(),)*
                    $(Self::$Bare(event) => event.output(),)*
                    Self::Erased(_) => None,
                }
            }

            /// Whether it gives a run something to do.
            pub fn wakes(&self) -> bool {
                match self {
                    $(Self::$Kept(event) => event.wakes(),)*
                    $(Self::$Bare(event) => event.wakes(),)*
                    Self::Erased(_) => false,
                }
            }

            /// The answer of a model that cost something; of an erased one, what is left of it.
            pub fn spent(&self) -> Option<&ModelReply> {
                match self {
                    $(Self::$Kept(event) => event.spent(),)*
                    $(Self::$Bare(event) => event.spent(),)*
                    Self::Erased(ErasedEvent::Erased { spent, .. }) => spent.as_deref(),
                }
            }

            /// Whose data a stream is that begins with this, caused by `by`.
            pub fn owner<'a>(&'a self, by: &'a Actor) -> Owner<'a> {
                match self {
                    $(Self::$Kept(event) => $Kept::owner(event, by),)*
                    $(Self::$Bare(event) => $Bare::owner(event, by),)*
                    Self::Erased(_) => Owner::Tenant,
                }
            }
        }
    };
}

macro_rules! define_rows {
    (kept { $($Kept:ident = $kept:literal, $table:ident, $tag:literal;)* } events { $($Bare:ident = $bare:literal, $bare_tag:literal;)* }) => {
        /// A projection's row kinds; the store keeps one table for all.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum RowKind {
            $($Kept,)*
            /// What a day cost: a sum over many streams.
            Spend,
        }

        impl RowKind {
            /// Rows that are each one stream's.
            pub const OF_STREAMS: &'static [Self] = &[$(Self::$Kept,)*];
            pub const ALL: &'static [Self] = &[$(Self::$Kept,)* Self::Spend];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$Kept => $kept,)*
                    Self::Spend => "spend",
                }
            }
        }

        $(impl Rowed for $Kept {
            const KIND: RowKind = RowKind::$Kept;
        })*

        impl RowKind {
            /// What somebody must be allowed to do to see them.
            pub fn reading(self) -> Action {
                match self {
                    $(Self::$Kept => $Kept::READING,)*
                    Self::Spend => Action::ReadRuns,
                }
            }
        }

        impl RowKey {
            /// The stream it is the row of.
            pub fn stream(&self) -> Option<Stream> {
                match self.kind {
                    $(RowKind::$Kept => self.id.parse().ok().map(Stream::$Kept),)*
                    RowKind::Spend => None,
                }
            }
        }

        impl Row {
            /// The row of this JSON, with what it is found by computed from it.
            pub fn read(key: RowKey, body: String) -> Result<Self, serde_json::Error> {
                let index = match key.kind {
                    $(RowKind::$Kept => serde_json::from_str::<$Kept>(&body)?.index(),)*
                    RowKind::Spend => DaySpend::index(key.id.parse().map_err(serde::de::Error::custom)?),
                };
                Ok(Self::new(key, &index, body))
            }
        }

        impl Stream {
            /// The row that it is kept as.
            pub fn row(self) -> Option<RowKey> {
                match self {
                    $(Self::$Kept(id) => Some(RowKey { kind: RowKind::$Kept, id: id.to_string() }),)*
                    $(Self::$Bare(_) => None,)*
                }
            }
        }
    };
}

/// A kind's place in the table.
pub trait Listed: Kind {
    fn stream(id: Self::Id) -> Stream;

    fn event(event: Self::Event) -> Event;
}

/// The rows of a kind.
pub trait Rowed: Kept + Listed {
    const KIND: RowKind;
}

with_kinds!(define_streams);
with_kinds!(define_events);
with_kinds!(define_rows);

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, id) = self.parts();
        write!(f, "{name}:{id}")
    }
}

impl Serialize for Stream {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Which row: its kind and its id as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowKey {
    pub kind: RowKind,
    pub id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_kinds_share_a_name_or_a_stored_tag() {
        for (at, (name, tag)) in Stream::KINDS.iter().enumerate() {
            let others = &Stream::KINDS[at + 1..];
            assert!(others.iter().all(|(other, other_tag)| name != other && tag != other_tag), "{name}");
        }
    }
}
