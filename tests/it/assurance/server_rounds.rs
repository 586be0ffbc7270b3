//! The database server is lost with all its processes, again and again, while one program of ours works on: it goes on
//! by itself each time, with nothing lost and nothing twice.

use std::time::{Duration, Instant};

use super::ledger::Ledger;
use super::order::{Begins, Order, Work};
use super::place::Place;
use super::process::Process;
use crate::support::dice::Dice;
use crate::support::postgres::{Cluster, Database, PROGRAM};
use crate::support::scale::rounds;

/// Longest that a server lives after the first commit on it.
const LONGEST_LIFE: usize = 400;
const MOST: Duration = Duration::from_secs(120);

#[test]
fn the_program_outlasts_a_server_that_is_killed() {
    let rounds = rounds(5, 100).max(1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cluster = Cluster::start_to_be_killed();
    let database = runtime.block_on(Database::migrated_on(&cluster));
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let place = Place::postgres_in(&database, database.url(PROGRAM), dir);
    let work = Work::Churn { seed: 11, begins: Begins::UntilToldEnough, at_once: 8, steps: (1, 6) };
    let mut program = Process::start(&Order { place: place.clone(), dir: dir.to_owned(), work });
    program.until_it_works();

    let mut ledger = Ledger::default();
    let mut dice = Dice::new(13);
    let (began, mut longest, mut whole) = (Instant::now(), Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        let there = Instant::now();
        runtime.block_on(until_it_goes_on(&place));
        longest = longest.max(there.elapsed());
        whole += there.elapsed();
        // At a moment like any other, which must not be chosen by what happens.
        std::thread::sleep(Duration::from_millis(dice.below(LONGEST_LIFE) as u64));
        cluster.kill();
        cluster.go();
        runtime.block_on(ledger.read_on(&place, dir));
    }
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    runtime.block_on(until_it_goes_on(&place));
    drop(program.child().stdin.take());
    assert!(program.wait(MOST).success());
    runtime.block_on(async {
        ledger.read_on(&place, dir).await;
        ledger.check_the_end(&place, dir).await;
    });
    println!(
        "Postgres: {rounds} kills of the server, {} events, {} runs, {} effects, {} decisions acknowledged, \
         {} recoveries, {} doubts, work resumed after {} ms on average and {} ms at most, {:.1} kills a minute",
        ledger.audit.seq,
        ledger.ended.len(),
        ledger.effects(),
        ledger.acknowledged,
        ledger.recovered,
        ledger.doubts,
        whole.as_millis() / rounds as u128,
        longest.as_millis(),
        rounds as f64 / minutes
    );
}

/// Until the program has committed something on the server as it is now.
async fn until_it_goes_on(place: &Place) {
    let before = place.open().await.head().await.unwrap().seq;
    place.until_past(before).await;
}
