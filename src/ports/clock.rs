//! The clock, so that time is an argument everywhere else.

use chrono::{SubsecRound, Utc};

use crate::domain::Timestamp;

/// Tells the time in whole microseconds.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The computer's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Utc::now().trunc_subsecs(6)
    }
}
