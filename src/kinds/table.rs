//! The table of kinds, and the closed types over all of them that are made from it: streams, events, rows.
//!
//! To add a kind, make a folder beside this file, answer [`Kind`] and [`Kept`] in it, and add a line here. The log, both
//! stores, the snapshot, export, erasure, pruning and rebuilding follow.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::command::Command;
use super::envelope::ErasedEvent;
use super::kind::{Kept, Kind, KindEvent, Owner};
use super::shown::{Look, Surface};
use super::world::{Table, World};
use crate::domain::{Action, Actor, BlobId, ModelReply, Rejection, RejectionKind, ShortId, Untrusted};

/// Hands the table to another macro: kinds that are kept as rows, then those that have events only. Each has its name, a
/// plural where it is listed, and the first byte of its streams as stored, which is never changed nor used again.
macro_rules! table_of_kinds {
    ($macro:ident, $($tried:tt)*) => {
        $macro! {
            kept {
                Run = "run", runs, b'r';
                Approval = "approval", approvals, b'a';
                $($tried)*
            }
            events {
                Account = "account", b'u';
            }
        }
    };
}
pub(crate) use table_of_kinds;

#[cfg(not(test))]
macro_rules! with_kinds {
    ($macro:ident) => {
        $crate::kinds::table_of_kinds!($macro,);
    };
}

/// With one more, by which tests see that this table is enough.
#[cfg(test)]
macro_rules! with_kinds {
    ($macro:ident) => {
        $crate::kinds::table_of_kinds!($macro, Toy = "toy", toys, b'~';);
    };
}
pub(crate) use with_kinds;

macro_rules! define_streams {
    (kept { $($Kept:ident = $kept:literal, $table:ident, $tag:literal;)* } events { $($Bare:ident = $bare:literal, $bare_tag:literal;)* }) => {
        /// The unit of ordering: all events of one thing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Stream {
            $($Kept(<$crate::kinds::$Kept as Kind>::Id),)*
            $($Bare(<$crate::kinds::$Bare as Kind>::Id),)*
        }

        impl Stream {
            /// The name of its kind, and the id within it.
            pub fn parts(self) -> (&'static str, uuid::Uuid) {
                match self {
                    $(Self::$Kept(id) => ($kept, id.into()),)*
                    $(Self::$Bare(id) => ($bare, id.into()),)*
                }
            }

            /// The end of its id, as people quote it.
            pub fn short(self) -> String {
                ShortId::of(self.parts().1)
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

        $(impl Listed for $crate::kinds::$Kept {
            fn stream(id: Self::Id) -> Stream {
                Stream::$Kept(id)
            }

            fn event(event: Self::Event) -> Event {
                Event::$Kept(event)
            }
        })*

        $(impl Listed for $crate::kinds::$Bare {
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
            $($Kept(<$crate::kinds::$Kept as Kind>::Event),)*
            $($Bare(<$crate::kinds::$Bare as Kind>::Event),)*
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

            /// What tells it from others of its name, on one line; empty where lists have words of their own for it.
            pub fn remark(&self) -> Untrusted {
                match self {
                    $(Self::$Kept(event) => event.remark(),)*
                    $(Self::$Bare(event) => event.remark(),)*
                    Self::Erased(ErasedEvent::Erased { was, .. }) => was.as_str().into(),
                }
            }

            /// What it is to somebody who looks down a list for failures, decisions and waits.
            pub fn look(&self) -> Look {
                match self {
                    $(Self::$Kept(event) => event.look(),)*
                    $(Self::$Bare(event) => event.look(),)*
                    Self::Erased(_) => Look::Dim,
                }
            }

            /// What the names of events begin with that stand in the audit.
            pub fn audited() -> impl Iterator<Item = &'static str> {
                [$(<$crate::kinds::$Kept as Kind>::Event::AUDITED,)* $(<$crate::kinds::$Bare as Kind>::Event::AUDITED,)*]
                    .into_iter()
                    .flatten()
            }

            /// Whether it is something that somebody did or tried.
            pub fn is_audited(&self) -> bool {
                match self {
                    $(Self::$Kept(event) => event.is_audited(),)*
                    $(Self::$Bare(event) => event.is_audited(),)*
                    Self::Erased(_) => false,
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
                    $(Self::$Kept(event) => $crate::kinds::$Kept::owner(event, by),)*
                    $(Self::$Bare(event) => $crate::kinds::$Bare::owner(event, by),)*
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

        $(impl Rowed for $crate::kinds::$Kept {
            const KIND: RowKind = RowKind::$Kept;
            const PLURAL: &'static str = stringify!($table);

            fn table(world: &dyn World) -> &Table<Self> {
                world.$table()
            }

            fn command(id: Self::Id, verb: Self::Verb) -> Command {
                Command::$Kept { id, verb }
            }
        })*

        impl Surface {
            /// Of every kind that is shown by what it says of itself.
            pub fn all() -> Vec<Self> {
                [$(<$crate::kinds::$Kept as Kept>::surface()),*].into_iter().flatten().collect()
            }
        }

        impl RowKind {
            /// What somebody must be allowed to do to see them.
            pub fn reading(self) -> Action {
                match self {
                    $(Self::$Kept => $crate::kinds::$Kept::READING,)*
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
    /// What several of them are called.
    const PLURAL: &'static str;

    /// Those in memory.
    fn table(world: &dyn World) -> &Table<Self>;

    fn command(id: Self::Id, verb: Self::Verb) -> Command;
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
