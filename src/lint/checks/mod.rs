//! The checks: a function each, by what they look at, and the table of all.

mod counters;
mod joins;
mod matchers;
mod percent;
mod quantiles;
mod table;
mod templates;
mod timing;
mod values;
mod whole;

pub use table::{CHECKS, Check};
pub(super) use table::{
    DOES_NOT_PARSE, JOINS_NOTHING, Look, NO_SUCH_LABEL, NO_SUCH_METRIC, NO_SUCH_VALUE, NOT_A_COUNTER, QUERY_FAILS,
    TOO_FEW_SAMPLES,
};
