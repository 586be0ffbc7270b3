//! The pure core under a seeded scheduler: no threads, no clock, no disk, and everything that can go wrong.

mod cast;
mod process;
mod schedule;
mod store;

use std::time::Instant;

use schedule::Schedule;

use crate::support::scale::rounds;

#[test]
fn nothing_goes_wrong_in_any_schedule() {
    if let Ok(seed) = std::env::var("MORNINGAI_SIM_SEED") {
        let seed = seed.parse().expect("MORNINGAI_SIM_SEED is a number");
        match Schedule::play(seed) {
            Ok(schedule) => println!("seed {seed} is fine: {:?}", schedule.steps),
            Err(failure) => panic!("{failure}"),
        }
        return;
    }
    let began = Instant::now();
    let schedules = rounds(10_000, 100_000) as u64;
    let mut events = 0;
    for seed in 0..schedules {
        match Schedule::play(seed) {
            Ok(schedule) => events += schedule.world.store.events.len(),
            Err(failure) => panic!("{failure}"),
        }
    }
    println!("{schedules} schedules, {events} events, {:.1} s", began.elapsed().as_secs_f64());
}

#[test]
fn the_same_seed_gives_the_same_log_to_the_byte() {
    let head = |seed| match Schedule::play(seed) {
        Ok(schedule) => schedule.world.store.head(),
        Err(failure) => panic!("{failure}"),
    };
    let mut heads = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let first = head(seed);
        assert_eq!(first, head(seed), "seed {seed}");
        heads.insert(first);
    }
    assert_eq!(heads.len(), 50, "another seed gives another log");
}
