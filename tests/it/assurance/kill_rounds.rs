//! `kill -9` at random moments, again and again, on one store that is never cleaned up in between.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use morningai::domain::*;

use super::order::Order;
use super::order::Work;
use super::place::Place;
use super::place::events_after;
use super::process::Process;
use super::props::TOOLS;
use super::props::effects;
use crate::support::audit::Audit;
use crate::support::dice::Dice;
use crate::support::scale::rounds;

/// Longest that a process lives after its first sign of life.
const LONGEST_LIFE: usize = 60;
const MOST: Duration = Duration::from_secs(120);

#[test]
fn sqlite_survives_being_killed() {
    let dir = tempfile::tempdir().unwrap();
    kill_again_and_again(&Place::sqlite_in(dir.path()), dir.path(), rounds(100, 2_000));
}

/// Each round: a process works on what it finds and begins more, until it is killed; then the log is audited from
/// where the last round left it. In the end one process is left in peace, and everything must come to its end.
fn kill_again_and_again(place: &Place, dir: &Path, rounds: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut ledger = Ledger::default();
    let mut dice = Dice::new(7);
    let began = Instant::now();
    for round in 0..rounds {
        let seed = round as u64;
        let order = Order { place: place.clone(), dir: dir.to_owned(), work: Work::Churn { seed, is_last: false } };
        let mut process = Process::start(&order);
        process.until_it_works();
        std::thread::sleep(Duration::from_millis(dice.below(LONGEST_LIFE) as u64));
        process.signal(rustix::process::Signal::KILL);
        process.wait(MOST);
        runtime.block_on(async {
            place.let_leases_lapse().await;
            ledger.read_on(place, dir).await;
        });
    }
    let order =
        Order { place: place.clone(), dir: dir.to_owned(), work: Work::Churn { seed: rounds as u64, is_last: true } };
    assert!(Process::start(&order).wait(MOST).success());
    runtime.block_on(async {
        ledger.read_on(place, dir).await;
        ledger.check_the_end(place, dir).await;
    });
    println!(
        "{rounds} kills, {} events, {} runs, {} recoveries, {:.0} kills a minute",
        ledger.audit.seq,
        ledger.ended.len(),
        ledger.recovered,
        rounds as f64 / began.elapsed().as_secs_f64() * 60.0
    );
}

/// What the log says so far.
#[derive(Default)]
struct Ledger {
    audit: Audit,
    /// All events by `seq`, as compact text, to compare with what people were told.
    lines: Vec<String>,
    repeats: BTreeMap<(RunId, u32), Repeat>,
    retries: BTreeMap<(RunId, u32), usize>,
    asked: BTreeMap<ApprovalId, (RunId, u32)>,
    ended: Vec<RunId>,
    started: Vec<RunId>,
    recovered: usize,
}

impl Ledger {
    async fn read_on(&mut self, place: &Place, dir: &Path) {
        let log = place.open().await;
        for event in events_after(log.as_ref(), self.audit.seq).await {
            self.audit.take(&event).unwrap();
            self.note(&event);
            self.lines.push(serde_json::to_string(&event).unwrap());
        }
        // People were told of these; each must be there to the letter. A line cut off by the kill was told to nobody.
        let told = std::fs::read_to_string(dir.join("acknowledged")).unwrap_or_default();
        for line in told.lines() {
            let Ok(event) = serde_json::from_str::<Envelope>(line) else { continue };
            assert_eq!(self.lines.get(event.seq as usize - 1).map(String::as_str), Some(line), "acknowledged and lost");
        }
        let _ = std::fs::remove_file(dir.join("acknowledged"));
    }

    fn note(&mut self, event: &Envelope) {
        match (&event.event, event.stream) {
            (Event::Run(RunEvent::Started { .. }), Stream::Run(run)) => self.started.push(run),
            (Event::Run(RunEvent::Recovered {}), _) => self.recovered += 1,
            (Event::Run(RunEvent::Succeeded { .. } | RunEvent::Failed { .. }), Stream::Run(run)) => {
                self.ended.push(run);
            }
            (Event::Run(RunEvent::EffectStarted { card, repeat, .. }), Stream::Run(run)) => {
                self.repeats.insert((run, number(card)), *repeat);
            }
            (Event::Approval(ApprovalEvent::Requested { run, ask, .. }), Stream::Approval(id)) => {
                self.asked.extend(ask.card().map(|card| (id, (*run, number(card)))));
            }
            (Event::Approval(ApprovalEvent::Settled { settlement: Settlement::Retry, .. }), Stream::Approval(id)) => {
                *self.retries.entry(self.asked[&id]).or_default() += 1;
            }
            _ => {}
        }
    }

    async fn check_the_end(&self, place: &Place, dir: &Path) {
        let report = place.open().await.verify(&[]).await.unwrap();
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        assert_eq!(self.ended.len(), self.started.len(), "some runs never ended");
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        effects(dir).into_iter().for_each(|line| *counts.entry(line).or_default() += 1);
        for ((run, number), repeat) in &self.repeats {
            let count = counts.remove(&format!("{run} {number}")).unwrap_or(0);
            // The person looks before saying "again", so that even then it happens once.
            let fine = if *repeat == Repeat::Repeatable { count >= 1 } else { count == 1 };
            assert!(fine, "{repeat:?} effect {number} of {run} happened {count} times");
        }
        assert!(counts.is_empty(), "effects without an intent: {counts:?}");
        assert!(self.repeats.len() >= TOOLS.len(), "hardly any effects: {}", self.repeats.len());
    }
}

/// The number that tells an effect from the others of its run.
fn number(card: &EffectCard) -> u32 {
    let Payload::Arguments { args } = &card.payload else { return 0 };
    args["n"].as_u64().unwrap_or(0) as u32
}
