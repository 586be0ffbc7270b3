//! The quota of runs that a run is started under.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// How many runs may begin in a billing period in which no more can be bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// The plan it is of, for people.
    pub plan: String,
    pub runs: u64,
    /// The first day that counts, in UTC.
    pub from: NaiveDate,
    /// When the count begins again.
    pub resets: Timestamp,
    /// Which plan has more, and how to get it.
    pub hint: String,
}
