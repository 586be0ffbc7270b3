//! What decisions look at: the rows of every kind, and the little they need of a run's history.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::Value;

use super::kind::Kind;
use super::stream::Stream;
use super::table::with_kinds;
use super::wanted::Wanted;
use crate::domain::{CallNo, RunId};

/// The rows of one kind.
pub type Table<K> = BTreeMap<<K as Kind>::Id, K>;

macro_rules! define_world {
    (kept { $($Kept:ident = $kept:literal, $table:ident, $tag:literal;)* } events { $($bare:tt)* }) => {
        /// Everything that decisions may look at. They read no clock: time is an argument.
        pub trait World {
            $(fn $table(&self) -> &Table<$crate::kinds::$Kept>;)*

            /// Runs that began on a day of the last three months or since, in UTC.
            fn runs_since(&self, day: NaiveDate) -> u64;

            /// The runs that a thing wants, and that have not begun.
            fn wanted_by(&self, stream: Stream) -> Vec<Wanted>;

            /// What a call of a run would run with now, where the run's history is open.
            fn arguments(&self, run: RunId, call: CallNo) -> Option<&Value>;
        }
    };
}

with_kinds!(define_world);
