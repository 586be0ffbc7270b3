//! Streams: the events of one thing, in their order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::table::with_kinds;
use crate::domain::{Rejection, RejectionKind, ShortId};

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

with_kinds!(define_streams);

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
