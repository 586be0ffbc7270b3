//! Runs whose last model turn failed, as this console heard it: said once for all of them, and over when a turn ends
//! well.

use std::collections::BTreeMap;

use crate::domain::{ModelFailure, ModelFailureKind, RunId, Timestamp, Untrusted};

/// What one run's model turns run into.
#[derive(Clone, Debug, PartialEq)]
struct Failed {
    message: Untrusted,
    since: Timestamp,
    times: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failing {
    runs: BTreeMap<RunId, Failed>,
}

/// One trouble, of however many runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    pub message: Untrusted,
    pub since: Timestamp,
    pub times: u32,
    pub runs: usize,
}

impl Failing {
    pub fn failed(&mut self, run: RunId, failure: &ModelFailure, at: Timestamp) {
        if failure.kind == ModelFailureKind::Cancelled {
            return;
        }
        let known =
            self.runs.entry(run).or_insert_with(|| Failed { message: Untrusted::default(), since: at, times: 0 });
        known.message = failure.message.clone();
        known.times += 1;
    }

    /// Its model answered, or it asks no more.
    pub fn is_over(&mut self, run: RunId) {
        self.runs.remove(&run);
    }

    pub fn clear(&mut self) {
        self.runs.clear();
    }

    /// What the runs that `still` concerns run into: each message once, the one that stands longest first.
    pub fn troubles(&self, still: impl Fn(RunId) -> bool) -> Vec<Trouble> {
        let mut troubles: Vec<Trouble> = Vec::new();
        for (_, failed) in self.runs.iter().filter(|(run, _)| still(**run)) {
            match troubles.iter_mut().find(|trouble| trouble.message == failed.message) {
                Some(known) => {
                    known.since = known.since.min(failed.since);
                    known.times += failed.times;
                    known.runs += 1;
                }
                None => troubles.push(Trouble {
                    message: failed.message.clone(),
                    since: failed.since,
                    times: failed.times,
                    runs: 1,
                }),
            }
        }
        troubles.sort_by_key(|trouble| trouble.since);
        troubles
    }
}
