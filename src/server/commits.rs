//! Recent submissions, and what came of them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use crate::domain::Rejection;
use crate::kinds::Envelope;

/// Submissions remembered; the oldest are forgotten, and then looked up in the log.
const MOST: usize = 1024;

pub(super) type Outcome = Result<Vec<Envelope>, Rejection>;

/// Recent submissions and what came of them.
#[derive(Default)]
pub(super) struct Commits(Mutex<VecDeque<Commit>>);

struct Commit {
    id: Uuid,
    person: String,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Commits {
    pub(super) fn find(&self, id: Uuid, person: &str) -> Option<watch::Receiver<Option<Outcome>>> {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.iter().find(|commit| commit.id == id && commit.person == person).map(|commit| commit.outcome.clone())
    }

    pub(super) fn add(&self, id: Uuid, person: String, outcome: watch::Receiver<Option<Outcome>>) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_back(Commit { id, person, outcome });
        while recent.len() > MOST {
            recent.pop_front();
        }
    }
}
