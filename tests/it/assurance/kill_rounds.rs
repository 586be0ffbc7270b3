//! `kill -9` at random moments, again and again, on one store that is never cleaned up in between.

use std::time::{Duration, Instant};

use super::ledger::Ledger;
use super::order::{Begins, Order, Work};
use super::place::Ground;
use super::process::Process;
use crate::support::dice::Dice;
use crate::support::scale::rounds;

const MOST: Duration = Duration::from_secs(120);

/// Several runs at a time, of few steps, so that processes die at their beginnings and ends too.
fn churn(seed: u64, begins: Begins) -> Work {
    Work::Churn { seed, begins, at_once: 4, steps: (1, 4) }
}

#[test]
fn sqlite_survives_being_killed() {
    kill_again_and_again(&Ground::Sqlite, rounds(100, 2_000));
}

#[test]
fn the_program_survives_being_killed_on_postgres() {
    kill_again_and_again(&Ground::postgres(), rounds(8, 100));
}

/// Each round: a process works on what it finds and begins more, until it is killed; then the log is audited from
/// where the last round left it. In the end one process is left in peace, and everything must come to its end.
fn kill_again_and_again(ground: &Ground, rounds: usize) {
    let dir = tempfile::tempdir().unwrap();
    let (place, dir) = (ground.place_in(dir.path()), dir.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut ledger = Ledger::default();
    let mut dice = Dice::new(7);
    let began = Instant::now();
    // Longest that a process lives after its first sign of life, in milliseconds; in it, it does about as much on each.
    let longest_life = match ground {
        Ground::Sqlite => 60,
        Ground::Postgres(_) => 300,
    };
    let order = |work| Order { place: place.clone(), dir: dir.to_owned(), work };
    for round in 0..rounds {
        let mut process = Process::start(&order(churn(round as u64, Begins::WithoutEnd)));
        process.until_it_works();
        // Some die before they have done anything; the others in the middle of it, however slow the computer is.
        if round % 2 == 0 {
            runtime.block_on(place.until_past(ledger.audit.seq));
        }
        std::thread::sleep(Duration::from_millis(dice.below(longest_life) as u64));
        process.signal(rustix::process::Signal::KILL);
        process.wait(MOST);
        runtime.block_on(async {
            place.let_leases_lapse().await;
            ledger.read_on(&place, dir).await;
            ledger.forget_what_was_told(dir);
        });
    }
    let last = order(churn(rounds as u64, Begins::Nothing));
    assert!(Process::start(&last).wait(MOST).success());
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    runtime.block_on(async {
        ledger.read_on(&place, dir).await;
        ledger.check_the_end(&place, dir).await;
    });
    println!(
        "{}: {rounds} kills of the program, {} events, {} runs, {} effects, {} recoveries, {:.0} kills a minute",
        ground.name(),
        ledger.audit.seq,
        ledger.ended.len(),
        ledger.effects(),
        ledger.recovered,
        rounds as f64 / minutes
    );
    assert!(ledger.recovered * 5 > rounds, "hardly anything was under way: {} recoveries", ledger.recovered);
}
