//! What days cost: sums over the answers of models, without a stream of their own; and what is read from those sums.

mod ended;
mod finish;
mod forecast;
mod gauge;
mod row;
mod usage;
mod worth;

pub use ended::EndedRuns;
pub use finish::ToFinish;
pub use forecast::Forecast;
pub use gauge::BudgetGauge;
pub use row::{DaySpend, Spending, StarterSpending};
pub use usage::{Days, Period, UsageBy, UsageLine, first_called};
pub use worth::{Outcome, UnusualDay};
