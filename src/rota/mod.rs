//! Who is on call: schedules made of layers and overrides, asked for any instant. Pure; the time is an argument.
//!
//! All times of a schedule are times on the wall clock of its zone, so a handover at 09:00 stays at 09:00 through a
//! change of the clock, and the shift across it is an hour longer or shorter. Two rules settle what a wall clock leaves
//! open: a time that the clock skips is the moment at which it jumps, and a time that comes twice is the first one.

mod clock;
mod coverage;
mod layer;
mod schedule;
#[cfg(test)]
mod tests;

pub use layer::{DayOfWeek, Layer, ShiftLength, Window};
pub use schedule::{Duty, Override, Schedule};
