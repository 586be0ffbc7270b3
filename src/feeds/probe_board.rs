//! The last look of each probe of this process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::Timestamp;

/// One look of a probe.
#[derive(Clone, Debug)]
pub struct Sample {
    pub(super) at: Timestamp,
    pub(super) answer: Result<Duration, String>,
    pub(super) misses: u32,
}

impl Sample {
    /// `misses` in a row, this one included.
    pub fn new(at: Timestamp, answer: Result<Duration, String>, misses: u32) -> Self {
        Self { at, answer, misses }
    }
}

/// The last look of each probe of this process.
#[derive(Default)]
pub struct ProbeBoard(Mutex<BTreeMap<String, Sample>>);

impl ProbeBoard {
    pub fn put(&self, name: &str, sample: Sample) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), sample);
    }

    /// Names of those that do not answer, and why.
    pub fn problems(&self) -> Vec<(String, String)> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let problem = |(name, sample): (&String, &Sample)| Some((name.clone(), sample.answer.clone().err()?));
        samples.iter().filter_map(problem).collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<Sample> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}
