//! What days cost: sums over the answers of models, without a stream of their own; and what is read from those sums.

mod forecast;
mod gauge;
mod row;
mod usage;

pub use forecast::Forecast;
pub use gauge::BudgetGauge;
pub use row::{DaySpend, Spending, StarterSpending};
pub use usage::{Days, Period, UsageBy, UsageLine, first_called};
