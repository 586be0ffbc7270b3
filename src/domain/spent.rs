//! What a day's calls of one model came to: what stays of them when the calls themselves are removed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::money::Usd;

/// Sums over calls of one model on one UTC day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    pub day: NaiveDate,
    pub model: String,
    pub calls: u64,
    pub input: u64,
    pub cached: u64,
    pub output: u64,
    pub cost: Usd,
    /// Calls whose price is not known; `cost` is then a lower bound.
    pub unpriced: u64,
}
