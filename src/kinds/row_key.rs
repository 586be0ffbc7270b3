//! Kinds of rows, and the key of a row.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::Listed;
use super::kept::Kept;
use super::stream::Stream;
use super::table::with_kinds;
use super::world::{Table, World};
use crate::domain::Action;

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
        })*

        impl RowKind {
            /// `an incident`, `a run`.
            pub fn article(self) -> String {
                let is_vowel = self.name().starts_with(['a', 'e', 'i', 'o', 'u']);
                format!("{} {}", if is_vowel { "an" } else { "a" }, self.name())
            }

            /// Of those in memory.
            pub fn ids(self, world: &dyn World) -> Vec<Uuid> {
                match self {
                    $(Self::$Kept => world.$table().keys().map(|id| (*id).into()).collect(),)*
                    Self::Spend => Vec::new(),
                }
            }

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

/// The rows of a kind.
pub trait Rowed: Kept + Listed {
    const KIND: RowKind;
    /// What several of them are called.
    const PLURAL: &'static str;

    /// Those in memory.
    fn table(world: &dyn World) -> &Table<Self>;
}

with_kinds!(define_rows);

/// Which row: its kind and its id as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowKey {
    pub kind: RowKind,
    pub id: String,
}
