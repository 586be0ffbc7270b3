//! Plans, and what they come to: an invoice from a plan, its changes and the number of runs. Pure; the time is an
//! argument, and nothing here counts runs or asks anybody for money.
//!
//! How an amount comes about, where more than one reading is possible:
//! - A billing period is a calendar month of UTC. What holds for a part of it is charged by the second.
//! - Each line is computed exactly and rounded once, to the cent, halves away from zero. The total is the sum of the lines.
//! - The runs included are shared out by the second too, over all plans of the period, and rounded up to a whole run.
//!   One number of runs is compared with one number included; a period with a plan without a limit has none.
//! - Runs beyond those count from one for the bands of the overage, whatever the plan includes.
//! - The cap is on what those runs cost, and not on the whole invoice: the monthly prices of the plans that charge for
//!   them, as far as they hold in the period, times `cap_times_price`. A year paid in advance changes nothing in it.
//! - A change that is known and still to come counts from its moment on, also in the invoice as it would be issued now.
//! - A year is charged when it begins. Where it ends early, what is left of it is credited by the second.
//! - An add-on is for plans that do not include it.

mod account;
mod facts;
mod features;
mod invoice;
mod period;
mod plans;
mod problems;
mod rate;
mod spans;
mod standing;
#[cfg(test)]
mod tests;

pub use account::{Account, Cycle, Grant, SaidBy, Term, TermProblem};
pub use features::{Feature, Refused};
pub use invoice::{Invoice, Item, Line};
pub use period::BillingPeriod;
pub use plans::{AddOn, Band, Beyond, Overage, OverageMode, Plan, Plans};
pub use problems::{Problem, ProblemPlace};
pub use rate::{allowance, rate};
pub use standing::{Overrun, Standing};
