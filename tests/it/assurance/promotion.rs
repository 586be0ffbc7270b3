//! The primary dies while runs go on, and its standby is promoted: the program finds it, all runs come to their end,
//! nothing acknowledged is lost and nothing happens twice. Every commit waits for the standby, as whoever wants this
//! promise must have it.

use std::time::{Duration, Instant};

use super::ledger::Ledger;
use super::order::{Begins, Order, Work};
use super::place::Place;
use super::process::Process;
use crate::support::postgres::{Cluster, Database};
use crate::support::scale::rounds;

const RUNS: usize = 32;
const STEPS: usize = 8;
const MOST: Duration = Duration::from_secs(120);
/// Longest that work may rest once there is a primary again.
const REST: Duration = Duration::from_secs(5);

#[test]
fn runs_that_go_on_while_a_standby_is_promoted_all_finish() {
    (0..rounds(1, 5).max(1)).for_each(|_| promote());
}

fn promote() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let primary = Cluster::start_to_be_killed();
    let database = runtime.block_on(Database::migrated_on(&primary));
    let standby = primary.start_standby();
    runtime.block_on(primary.wait_for_a_standby_at_each_commit());
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let place = Place::postgres_in(&database, database.url_on(&[&primary, &standby]), dir);
    let work = Work::Churn { seed: 17, begins: Begins::UntilToldEnough, at_once: RUNS, steps: (STEPS, STEPS) };
    let mut program = Process::start(&Order { place: place.clone(), dir: dir.to_owned(), work });
    program.until_it_works();

    let mut ledger = Ledger::default();
    runtime.block_on(async {
        let log = place.open().await;
        let mut head = log.watch_head();
        while ledger.effects() < RUNS || ledger.started.len() < RUNS {
            tokio::time::timeout(MOST, head.changed()).await.expect("nothing happens").unwrap();
            ledger.read_on(&place, dir).await;
        }
    });
    drop(program.child().stdin.take());
    primary.kill();
    let died = Instant::now();
    assert_eq!((ledger.started.len(), ledger.ended.len()), (RUNS, 0), "all go on");
    let before = ledger.audit.seq;
    standby.pg_ctl(&["promote", "--wait"]);
    let promoted = Instant::now();
    let (without, rested) = runtime.block_on(async {
        let log = place.open().await;
        let mut head = log.watch_head();
        let taken_over = *head.borrow_and_update();
        tokio::time::timeout(MOST, head.wait_for(|seq| *seq > taken_over)).await.expect("it does not go on").unwrap();
        (died.elapsed(), promoted.elapsed())
    });
    assert!(rested < REST, "work rested for {rested:?}");
    assert!(program.wait(MOST).success());
    runtime.block_on(async {
        ledger.read_on(&place, dir).await;
        ledger.check_the_end(&place, dir).await;
    });
    assert_eq!((ledger.started.len(), ledger.ended.len()), (RUNS, RUNS));
    println!(
        "{RUNS} runs promised to a standby: {before} of {} events before the primary died, {} decisions acknowledged, \
         {} doubts, work resumed {} ms after the promotion and {} ms after the death, all ended after {:.1} s",
        ledger.audit.seq,
        ledger.acknowledged,
        ledger.doubts,
        rested.as_millis(),
        without.as_millis(),
        died.elapsed().as_secs_f64()
    );
}
