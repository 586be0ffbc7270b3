//! What goes wrong by itself, as this console heard it: runs whose last model turn failed, and a slow store. Each trouble
//! is said once, with how often it was met, and is over when things go well again.

use std::collections::BTreeMap;

use crate::domain::{ModelFailure, ModelFailureKind, RunId, Timestamp, Untrusted};

/// What one run's model turns run into, or the store.
#[derive(Clone, Debug, PartialEq)]
struct Failed {
    message: Untrusted,
    since: Timestamp,
    times: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failing {
    runs: BTreeMap<RunId, Failed>,
    slow: Option<Failed>,
}

/// One trouble, of however many runs; none where it is not a run's.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    pub message: Untrusted,
    pub since: Timestamp,
    pub times: u32,
    pub runs: usize,
}

impl Failing {
    /// Whether it is a trouble that no run was in before.
    pub fn failed(&mut self, run: RunId, failure: &ModelFailure, at: Timestamp) -> bool {
        if failure.kind == ModelFailureKind::Cancelled {
            return false;
        }
        let is_new = self.runs.values().all(|known| known.message != failure.message);
        let known =
            self.runs.entry(run).or_insert_with(|| Failed { message: Untrusted::default(), since: at, times: 0 });
        known.message = failure.message.clone();
        known.times += 1;
        is_new
    }

    /// A commit took long. Whether that is new.
    pub fn slow(&mut self, milliseconds: u64, at: Timestamp) -> bool {
        let is_new = self.slow.is_none();
        let slow = self.slow.get_or_insert_with(|| Failed { message: Untrusted::default(), since: at, times: 0 });
        let seconds = (milliseconds / 1_000, milliseconds % 1_000 / 100);
        slow.message = format!("the store is slow: saving takes {}.{} s", seconds.0, seconds.1).into();
        slow.times += 1;
        is_new
    }

    /// Commits are quick again.
    pub fn quick(&mut self) {
        self.slow = None;
    }

    /// Its model answered, or it asks no more.
    pub fn is_over(&mut self, run: RunId) {
        self.runs.remove(&run);
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What the runs that `still` concerns run into, and the store: each message once, the one that stands longest first.
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
        troubles.extend(self.slow.iter().map(|slow| Trouble {
            message: slow.message.clone(),
            since: slow.since,
            times: slow.times,
            runs: 0,
        }));
        troubles.sort_by_key(|trouble| trouble.since);
        troubles
    }
}
