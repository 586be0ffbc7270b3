//! What a door needs from outside besides the store: two readings of time, and random bytes.

use std::time::{Duration, Instant};

use ring::rand::SecureRandom;

use crate::domain::Timestamp;

/// One moment by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the wall: what expires does so by this one.
    pub now: Timestamp,
    /// Since some fixed point, by a clock that is never set: limits and delays go by this one, so that a wall clock that
    /// jumps opens nothing and shuts nobody out.
    pub steady: Duration,
}

impl Moment {
    pub fn new(now: Timestamp, started: Instant) -> Self {
        Self { now, steady: started.elapsed() }
    }
}

/// Where secrets come from.
pub trait Entropy: Send + Sync {
    /// Fills all of `bytes`, or says that there is none to be had.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The system gave no random bytes, so no secret was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes; no secret was made")]
pub struct NoEntropy;

/// The system's own.
#[derive(Clone, Debug)]
pub struct SystemEntropy(ring::rand::SystemRandom);

impl SystemEntropy {
    pub fn new() -> Self {
        Self(ring::rand::SystemRandom::new())
    }
}

impl Default for SystemEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        self.0.fill(bytes).map_err(|_| NoEntropy)
    }
}

/// An array of random bytes.
pub fn draw<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}
