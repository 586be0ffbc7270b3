//! A card under review, and the rules for when a key on it may decide.
//!
//! Pure: times and what was painted come as arguments. Nothing but `readiness` says that a card may be
//! approved, and it says so only for what has reached the terminal.

use std::ops::Range;
use std::time::Duration;

use super::Loading;
use super::pane::Pane;
use crate::domain::{ApprovalId, CardDigest, RunId};

/// Time since the console started, on a clock that never goes back.
pub type Uptime = Duration;

/// How long a card must have been on the terminal before a key can decide on it.
pub const SETTLE: Duration = Duration::from_millis(500);

/// How long no other key may have been pressed before one that decides: pasted text, a held key and what was
/// typed ahead all come faster than this.
pub const QUIET: Duration = Duration::from_millis(80);

/// How much of a card's page is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// What will run and leave, and the facts one decides by.
    #[default]
    Card,
    /// Evidence and similar decisions as well.
    Everything,
}

/// What one frame painted of a card. It counts once that frame has been flushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Painted {
    pub approval: ApprovalId,
    /// Digest of the card that was painted.
    pub digest: CardDigest,
    /// Columns it was laid out in.
    pub width: usize,
    /// Rows that hold what will run, what leaves or changes with it and what stands between, among those of the page.
    pub payload: Range<usize>,
    /// Rows that were on the screen.
    pub shown: Range<usize>,
}

/// Whether a key may decide now, or why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// It is not on the terminal yet, or has only just come there.
    TooSoon,
    /// So many rows of what will run have not been on the screen yet.
    Unread(usize),
    /// Another key was pressed only just before.
    Hasty,
}

/// Where rows lie, seen from those on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// A card that is open on the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    pub approval: ApprovalId,
    pub pane: Pane,
    pub extent: Extent,
    /// The history of the run that asks, once it was wanted for this card.
    pub evidence: Option<Evidence>,
    seen: Seen,
    /// When the card, with this digest, first was on the terminal.
    first_flushed: Option<Uptime>,
    /// When the last row of what will run was on the terminal.
    all_flushed: Option<Uptime>,
    digest: Option<CardDigest>,
}

/// A run's history that is read for a card.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    pub run: RunId,
    pub loading: Loading,
}

/// Rows that have been on the screen, in the layout they belong to.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    layout: Option<(usize, usize)>,
    rows: Vec<bool>,
    /// The first of them on the screen, or after it.
    top: usize,
}

impl Seen {
    fn unseen(&self) -> usize {
        self.rows.iter().filter(|seen| !**seen).count()
    }
}

impl Review {
    pub fn new(approval: ApprovalId) -> Self {
        Self {
            approval,
            pane: Pane::default(),
            extent: Extent::Card,
            evidence: None,
            seen: Seen::default(),
            first_flushed: None,
            all_flushed: None,
            digest: None,
        }
    }

    /// The same page with a card that must be read anew: another one, or this one after somebody else sat here.
    pub fn anew(&mut self, approval: ApprovalId) {
        *self = Self { evidence: self.evidence.take(), ..Self::new(approval) };
    }

    /// Digest of the card that is on the terminal: what an approval names.
    pub fn digest(&self) -> Option<&CardDigest> {
        self.digest.as_ref()
    }

    /// A frame with this card on it has reached the terminal at `at`.
    pub fn flushed(&mut self, painted: &Painted, at: Uptime) {
        if painted.approval != self.approval {
            return;
        }
        if self.digest.as_ref() != Some(&painted.digest) {
            self.digest = Some(painted.digest.clone());
            self.seen = Seen::default();
            self.first_flushed = None;
            self.all_flushed = None;
        }
        self.first_flushed.get_or_insert(at);
        if self.all_flushed.is_some() {
            return;
        }
        let layout = (painted.width, painted.payload.len());
        if self.seen.layout.as_ref() != Some(&layout) {
            // Rows of another layout are other rows: what was read in it does not carry over.
            self.seen = Seen { rows: vec![false; painted.payload.len()], layout: Some(layout), top: 0 };
        }
        self.seen.top = painted.shown.start.saturating_sub(painted.payload.start);
        for row in painted.shown.clone().filter(|row| painted.payload.contains(row)) {
            if let Some(seen) = self.seen.rows.get_mut(row - painted.payload.start) {
                *seen = true;
            }
        }
        if self.seen.unseen() == 0 {
            self.all_flushed = Some(at);
        }
    }

    /// Rows of what will run that have not been on the screen yet; `None` before the first flush.
    pub fn unread(&self) -> Option<usize> {
        self.first_flushed.map(|_| if self.all_flushed.is_some() { 0 } else { self.seen.unseen() })
    }

    /// Where to look for the first row that has not been on the screen yet.
    pub fn unread_lies(&self) -> Direction {
        let first = self.seen.rows.iter().position(|seen| !seen);
        if first.is_some_and(|first| first < self.seen.top) { Direction::Up } else { Direction::Down }
    }

    /// Whether a key that arrived at `key` may decide; `before` is when the key before it arrived.
    pub fn readiness(&self, key: Uptime, before: Option<Uptime>) -> Readiness {
        if self.first_flushed.is_none() {
            return Readiness::TooSoon;
        }
        match self.all_flushed {
            None => Readiness::Unread(self.seen.unseen()),
            Some(all) if key <= all => Readiness::TooSoon,
            Some(_) => self.was_seen(key, before).unwrap_or(Readiness::Ready),
        }
    }

    /// Why a key may not decide even what needs no reading, such as a denial; `None` when it may.
    pub fn was_seen(&self, key: Uptime, before: Option<Uptime>) -> Option<Readiness> {
        match (self.first_flushed, before) {
            (Some(first), _) if key < first + SETTLE => Some(Readiness::TooSoon),
            (None, _) => Some(Readiness::TooSoon),
            (Some(_), Some(before)) if key < before + QUIET => Some(Readiness::Hasty),
            (Some(_), _) => None,
        }
    }

    /// When `readiness` will change by time alone, so that the hint can be drawn again then.
    pub fn armed_at(&self) -> Option<Uptime> {
        self.first_flushed.map(|first| first + SETTLE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: ApprovalId = ApprovalId(uuid::Uuid::nil());

    fn painted(payload: Range<usize>, shown: Range<usize>) -> Painted {
        let digest = CardDigest("aa".to_owned());
        Painted { approval: ID, digest, width: 80, payload, shown }
    }

    fn at(milliseconds: u64) -> Uptime {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_short_card_can_be_decided_half_a_second_after_it_was_flushed() {
        let mut review = Review::new(ID);
        assert_eq!(review.readiness(at(9_999), None), Readiness::TooSoon);
        review.flushed(&painted(4..8, 0..20), at(100));
        assert_eq!(review.readiness(at(599), None), Readiness::TooSoon);
        assert_eq!(review.readiness(at(600), None), Readiness::Ready);
    }

    #[test]
    fn every_row_of_a_long_payload_must_have_been_on_the_screen() {
        let mut review = Review::new(ID);
        review.flushed(&painted(4..40, 0..20), at(0));
        assert_eq!(review.readiness(at(1_000), None), Readiness::Unread(20));
        // Jumping to the end leaves the middle unread.
        assert_eq!(review.unread_lies(), Direction::Down);
        review.flushed(&painted(4..40, 25..45), at(1_000));
        assert_eq!(review.readiness(at(2_000), None), Readiness::Unread(5));
        assert_eq!(review.unread_lies(), Direction::Up);
        review.flushed(&painted(4..40, 18..38), at(2_000));
        assert_eq!(review.readiness(at(2_000), None), Readiness::TooSoon);
        assert_eq!(review.readiness(at(2_100), None), Readiness::Ready);
    }

    #[test]
    fn a_new_width_is_a_new_layout_unless_all_was_read() {
        let narrow = Painted { width: 60, ..painted(4..60, 0..20) };
        let mut review = Review::new(ID);
        review.flushed(&painted(4..40, 0..20), at(0));
        review.flushed(&narrow, at(10));
        assert_eq!(review.unread(), Some(40));
        let mut read = Review::new(ID);
        read.flushed(&painted(4..40, 0..40), at(0));
        read.flushed(&narrow, at(10));
        assert_eq!(read.unread(), Some(0));
    }

    #[test]
    fn another_digest_is_another_card() {
        let mut review = Review::new(ID);
        review.flushed(&painted(0..5, 0..20), at(0));
        let other = Painted { digest: CardDigest("bb".to_owned()), ..painted(0..5, 0..20) };
        review.flushed(&other, at(700));
        assert_eq!(review.readiness(at(800), None), Readiness::TooSoon);
        assert_eq!(review.digest(), Some(&CardDigest("bb".to_owned())));
    }

    #[test]
    fn another_cards_frame_does_not_count() {
        let mut review = Review::new(ID);
        let other = Painted { approval: ApprovalId(uuid::Uuid::max()), ..painted(0..5, 0..20) };
        review.flushed(&other, at(0));
        assert_eq!(review.readiness(at(9_999), None), Readiness::TooSoon);
    }

    #[test]
    fn a_key_right_after_another_does_not_decide() {
        let mut review = Review::new(ID);
        review.flushed(&painted(0..5, 0..20), at(0));
        assert_eq!(review.readiness(at(1_000), Some(at(950))), Readiness::Hasty);
        assert_eq!(review.readiness(at(1_000), Some(at(920))), Readiness::Ready);
    }

    proptest! {
        /// However one scrolls, a card is ready only when every row of its payload was on the screen.
        #[test]
        fn ready_means_read(
            payload in 0_usize..60,
            frames in prop::collection::vec((0_usize..60, 1_usize..30), 0..12),
            key in 0_u64..5_000,
        ) {
            let mut review = Review::new(ID);
            let mut shown = vec![false; payload];
            for (index, (from, height)) in frames.iter().enumerate() {
                review.flushed(&painted(0..payload, *from..from + height), at(index as u64 * 100));
                shown.iter_mut().skip(*from).take(*height).for_each(|row| *row = true);
            }
            if review.readiness(at(key), None) == Readiness::Ready {
                prop_assert!(shown.iter().all(|row| *row));
                prop_assert!(key >= 500 && !frames.is_empty());
            }
        }
    }
}
