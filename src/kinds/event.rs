//! Events of all kinds as one type, and what is left of one when its subject is erased.

use serde::{Deserialize, Serialize};

use super::kind::{Kind, KindEvent};
use super::look::Look;
use super::owner::{Owned, Owner};
use super::stream::Stream;
use super::table::with_kinds;
use crate::domain::{Actor, BlobId, ModelReply, SubjectId, Untrusted};

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

            /// What happened, in a few words for the person who asked for it.
            pub fn said(&self) -> Untrusted {
                match self {
                    $(Self::$Kept(event) => event.said(),)*
                    $(Self::$Bare(event) => event.said(),)*
                    Self::Erased(_) => self.kind().into(),
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

            /// Whether its thing is over with it.
            pub fn ends(&self) -> bool {
                match self {
                    $(Self::$Kept(event) => event.ends(),)*
                    $(Self::$Bare(event) => event.ends(),)*
                    Self::Erased(_) => false,
                }
            }

            /// Whether it calls a person at once.
            pub fn rings(&self) -> bool {
                match self {
                    $(Self::$Kept(event) => event.rings(),)*
                    $(Self::$Bare(event) => event.rings(),)*
                    Self::Erased(_) => false,
                }
            }

            /// Whether a run begins with it, erased or not.
            pub fn begins_run(&self) -> bool {
                if let Self::Erased(ErasedEvent::Erased { was, .. }) = self {
                    return was == "run.started";
                }
                self.kind() == "run.started"
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
    };
}

/// A kind's place in the table.
pub trait Listed: Kind {
    fn stream(id: Self::Id) -> Stream;

    fn event(event: Self::Event) -> Event;
}

with_kinds!(define_events);

/// What is left of an event whose subject was erased: that it happened, when, and what it cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ErasedEvent {
    #[serde(rename = "erased")]
    Erased {
        /// The name of what it was, as in the log: `run.started`.
        was: String,
        subject: SubjectId,
        /// Of a model's answer, the model, its usage and price, and nothing that was said: days keep what they cost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spent: Option<Box<ModelReply>>,
    },
}
