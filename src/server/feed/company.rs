//! How many attached consoles look at the same thing. Held in memory only, and told when it changes.
//!
//! A console says what it looks at in a word of its own; who looks there, and at what else, is told to nobody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Longest word for a place, in bytes.
const LONGEST: usize = 100;

pub(in crate::server) struct Company {
    places: Mutex<BTreeMap<u64, String>>,
    /// Counts how often anybody came, moved or left; the count at which a console came is its number.
    moves: watch::Sender<u64>,
}

/// One console in it, until it is dropped.
pub(super) struct Seat {
    company: Arc<Company>,
    number: u64,
    moves: watch::Receiver<u64>,
    /// What it was told last.
    told: usize,
}

impl Company {
    pub(in crate::server) fn new() -> Arc<Self> {
        Arc::new(Self { places: Mutex::default(), moves: watch::Sender::new(0) })
    }

    pub(super) fn join(self: &Arc<Self>) -> Seat {
        let moves = self.moves.subscribe();
        let mut number = 0;
        self.moves.send_modify(|last| {
            *last += 1;
            number = *last;
        });
        Seat { company: self.clone(), number, moves, told: 0 }
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<u64, String>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Says what this console looks at; an empty word for nothing. `false` for a word that no console uses.
    pub(super) fn moves_to(&self, place: &str) -> bool {
        if place.len() > LONGEST {
            return false;
        }
        let before = match place.is_empty() {
            true => self.company.places().remove(&self.number),
            false => self.company.places().insert(self.number, place.to_owned()),
        };
        if before.unwrap_or_default() != place {
            self.company.moves.send_modify(|last| *last += 1);
        }
        true
    }

    /// How many others look at the same thing, once that is another number than was told.
    pub(super) async fn changed(&mut self) -> usize {
        loop {
            // The sender lives as long as the company, which this holds.
            let _ = self.moves.changed().await;
            let others = self.others();
            if others != self.told {
                self.told = others;
                return others;
            }
        }
    }

    fn others(&self) -> usize {
        let places = self.company.places();
        let Some(here) = places.get(&self.number) else { return 0 };
        places.values().filter(|place| *place == here).count() - 1
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.company.places().remove(&self.number);
        self.company.moves.send_modify(|last| *last += 1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn told(seat: &mut Seat) -> Option<usize> {
        tokio::time::timeout(Duration::from_secs(1), seat.changed()).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_looks_at_the_same_thing_is_counted_and_told_only_when_it_changes() {
        let company = Company::new();
        let (mut one, mut two) = (company.join(), company.join());
        one.moves_to("run:1");
        two.moves_to("run:2");
        assert_eq!((told(&mut one).await, told(&mut two).await), (None, None));
        two.moves_to("run:1");
        assert_eq!((told(&mut one).await, told(&mut two).await), (Some(1), Some(1)));
        two.moves_to("run:1");
        let three = company.join();
        three.moves_to("run:3");
        assert_eq!(told(&mut one).await, None);
        drop(two);
        assert_eq!(told(&mut one).await, Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_looks_at_nothing_has_no_company_and_long_words_are_refused() {
        let company = Company::new();
        let (mut one, two) = (company.join(), company.join());
        assert!(one.moves_to("") && two.moves_to(""));
        assert_eq!(told(&mut one).await, None);
        assert!(!one.moves_to(&"x".repeat(LONGEST + 1)));
        assert!(company.places().is_empty());
    }
}
