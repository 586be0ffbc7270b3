//! What a row of a page stands for, and which of these are folded. Names no row and no screen.

use std::collections::BTreeMap;

use crate::domain::{ApprovalId, CallNo, RunId};
use crate::kinds::Stream;

/// The thing that a cursor on a row rests on, and that a key then acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anchor {
    Run(RunId),
    Approval(ApprovalId),
    /// A thing of a kind that is told by its surface.
    Thing(Stream),
    /// The plan of the run shown.
    Plan,
    /// A model turn of the run shown.
    Turn(u32),
    /// A tool call of the run shown.
    Call(CallNo),
    /// Place in the run's timeline, for what has no number of its own.
    Entry(usize),
    /// `seq` of an event.
    Event(u64),
}

/// How much of a thing is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fold {
    /// One line.
    Closed,
    /// Its details.
    Open,
}

impl Fold {
    /// How a page shows a thing that nobody folded or unfolded: what was said in full, what was done on a line.
    fn usual(anchor: Anchor) -> Self {
        match anchor {
            Anchor::Turn(_) => Self::Open,
            Anchor::Plan
            | Anchor::Call(_)
            | Anchor::Entry(_)
            | Anchor::Run(_)
            | Anchor::Approval(_)
            | Anchor::Thing(_)
            | Anchor::Event(_) => Self::Closed,
        }
    }
}

/// What a person folded or unfolded. Everything else follows the page's own rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folds {
    chosen: BTreeMap<Anchor, Fold>,
    /// Counts changes, so that a cache can tell whether there was one.
    pub version: u64,
}

impl Folds {
    /// How a thing is shown: as a person chose, or else as usual.
    pub fn of(&self, anchor: Anchor) -> Fold {
        self.chosen.get(&anchor).copied().unwrap_or_else(|| Fold::usual(anchor))
    }

    pub fn set(&mut self, anchor: Anchor, fold: Fold) {
        self.chosen.insert(anchor, fold);
        self.version += 1;
    }

    /// Closed becomes open, and open closed.
    pub fn toggle(&mut self, anchor: Anchor) {
        let fold = match self.of(anchor) {
            Fold::Closed => Fold::Open,
            Fold::Open => Fold::Closed,
        };
        self.set(anchor, fold);
    }

    /// Closes all of them when any is open, else opens them.
    pub fn toggle_all(&mut self, anchors: impl Iterator<Item = Anchor> + Clone) {
        let any_open = anchors.clone().any(|anchor| self.of(anchor) == Fold::Open);
        let fold = if any_open { Fold::Closed } else { Fold::Open };
        anchors.for_each(|anchor| self.set(anchor, fold));
    }

    pub fn clear(&mut self) {
        self.chosen.clear();
        self.version += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_open_and_what_was_done_is_closed_until_somebody_chooses() {
        let (said, done) = (Anchor::Turn(1), Anchor::Call(CallNo(1)));
        let mut folds = Folds::default();
        assert_eq!((folds.of(said), folds.of(done)), (Fold::Open, Fold::Closed));
        folds.toggle(done);
        folds.toggle(said);
        assert_eq!((folds.of(said), folds.of(done)), (Fold::Closed, Fold::Open));
        folds.toggle_all([said, done].into_iter());
        assert_eq!((folds.of(said), folds.of(done)), (Fold::Closed, Fold::Closed));
        folds.toggle_all([said, done].into_iter());
        assert_eq!((folds.of(said), folds.of(done)), (Fold::Open, Fold::Open));
    }
}
