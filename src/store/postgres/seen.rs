//! How far this process has seen the log, to notice a server that has lost part of it.
//!
//! A standby that is promoted before it had received everything lacks what was acknowledged last, or has something else
//! in its place by now. Whoever went on from there would decide on what never happened for anybody else, so nothing is
//! appended any more until the program reads the log anew; nor is it read on, for what follows there does not follow what
//! was read before.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::chain::Place;

/// The furthest place that this process has read or appended to.
pub(super) struct Seen(Mutex<Place>);

impl Seen {
    pub fn new(place: Place) -> Self {
        Self(Mutex::new(place))
    }

    pub fn note(&self, place: Place) {
        let mut furthest = self.furthest();
        if place.seq > furthest.seq {
            *furthest = place;
        }
    }

    /// The place of the event with this number, if it is the furthest.
    pub fn at(&self, seq: u64) -> Option<Place> {
        Some(*self.furthest()).filter(|place| place.seq == seq)
    }

    pub fn furthest(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
