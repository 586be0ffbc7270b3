//! What days cost: sums over the answers of models, without a stream of their own.

mod row;

pub use row::{DaySpend, ModelSpend};
