//! `kill -9` of a pruning and of an erasure at moments all over its course, on either store: what is left verifies, a
//! run is there whole or gone, a person is known or forgotten, and the same command again completes it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use morningai::domain::RunId;
use morningai::kinds::{AccessEvent, DaySpend, Event, Row, RowKind, Stream};
use morningai::ports::{LogErrorKind, RowFilter, RowQuery};
use sqlx::Connection;

use super::killed::kill_where_it_waits;
use super::originals::{Ground, Opened, Original, PERSON, Trial};
use crate::store_contract::{batch, paused, run};
use crate::support::dice::Dice;
use crate::support::machine::Ran;
use crate::support::scale::rounds;

#[test]
fn a_pruning_is_killed_on_sqlite() {
    kill_all_over(&Pruning, Ground::Sqlite, rounds(4, 200));
}

#[test]
fn a_pruning_is_killed_on_postgres() {
    kill_all_over(&Pruning, Ground::Postgres, rounds(3, 100));
}

#[test]
fn an_erasure_is_killed_on_sqlite() {
    kill_all_over(&Erasing, Ground::Sqlite, rounds(4, 200));
}

#[test]
fn an_erasure_is_killed_on_postgres() {
    kill_all_over(&Erasing, Ground::Postgres, rounds(3, 100));
}

/// How far it had come when it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Nothing,
    Part,
    All,
}

/// What is killed, and what must hold of whatever it leaves.
trait Command {
    fn name(&self) -> &'static str;
    fn arguments(&self) -> Vec<&'static str>;
    async fn original(&self, ground: Ground) -> Original;

    /// Fails the test when what is left is neither the one thing nor the other.
    async fn examine(&self, left: &Left, before: &Left) -> Reached;

    /// The exit code of the same command again, after it had come so far.
    fn code_of_repetition(&self, reached: Reached) -> i32;
}

/// What can be read in a store.
struct Left {
    /// How many events of each stream, each as text; what cannot be read is not there.
    streams: BTreeMap<Stream, Vec<String>>,
    access: Vec<AccessEvent>,
    rows: Vec<Row>,
    outputs: usize,
}

impl Left {
    async fn in_store(opened: &Opened) -> Self {
        let log = opened.log();
        let mut streams: BTreeMap<Stream, Vec<String>> = BTreeMap::new();
        let mut access = Vec::new();
        for envelope in log.read(0, 100_000).await.unwrap() {
            streams.entry(envelope.stream).or_default().push(serde_json::to_string(&envelope).unwrap());
            access.extend(if let Event::Account(event) = envelope.event { Some(event) } else { None });
        }
        let mut rows = Vec::new();
        for kind in [RowKind::Run, RowKind::Approval, RowKind::Spend] {
            rows.extend(log.rows(RowQuery::first(kind, RowFilter::All, 100_000)).await.unwrap().rows);
        }
        rows.iter_mut().filter(|row| row.key.kind == RowKind::Spend).for_each(leave_out_what_may_differ);
        rows.sort_by(|one, other| (one.key.kind.name(), &one.key.id).cmp(&(other.key.kind.name(), &other.key.id)));
        let outputs = opened.stored_outputs().await.len();
        Self { streams, access, rows, outputs }
    }

    fn runs(&self) -> BTreeSet<RunId> {
        self.streams.keys().filter_map(|stream| if let Stream::Run(run) = stream { Some(*run) } else { None }).collect()
    }

    fn mentions(&self, text: &str) -> bool {
        let events = self.streams.values().flatten();
        events.chain(self.rows.iter().map(|row| &row.body)).any(|said| said.contains(text))
    }
}

/// Leaves out the sums of a day that the log has no more once runs are gone.
fn leave_out_what_may_differ(row: &mut Row) {
    let mut sums: serde_json::Map<_, _> = serde_json::from_str(&row.body).unwrap();
    sums.retain(|name, _| !DaySpend::MAY_DIFFER.contains(&name.as_str()));
    row.body = serde_json::to_string(&sums).unwrap();
}

struct Pruning;

impl Command for Pruning {
    fn name(&self) -> &'static str {
        "prunings"
    }

    fn arguments(&self) -> Vec<&'static str> {
        vec!["db", "prune", "--before", "0s"]
    }

    async fn original(&self, ground: Ground) -> Original {
        Original::to_be_pruned(ground).await
    }

    async fn examine(&self, left: &Left, before: &Left) -> Reached {
        for (stream, events) in before.streams.iter().filter(|(stream, _)| !matches!(stream, Stream::Account(_))) {
            let there = left.streams.get(stream).map_or(0, Vec::len);
            assert!(there == 0 || there == events.len(), "{there} of {} events of {stream} are left", events.len());
        }
        let (there, were) = (left.runs(), before.runs());
        let told = left.access.iter().map(|event| match event {
            AccessEvent::LogPruned { events, .. } => *events,
            other => panic!("{other:?}"),
        });
        let total = |of: &Left| of.streams.values().map(|events| events.len() as u64).sum::<u64>();
        assert_eq!(told.sum::<u64>() + total(left) - left.access.len() as u64, total(before), "not all of it is told");
        match (were.len() - there.len(), left.outputs) {
            (0, outputs) => {
                assert_eq!(outputs, before.outputs, "outputs are gone that are still named");
                Reached::Nothing
            }
            // Only the run that waits is left, and nothing names an output.
            (gone, 0) if gone == were.len() - 1 => Reached::All,
            _ => Reached::Part,
        }
    }

    fn code_of_repetition(&self, _: Reached) -> i32 {
        0
    }
}

struct Erasing;

impl Command for Erasing {
    fn name(&self) -> &'static str {
        "erasures"
    }

    fn arguments(&self) -> Vec<&'static str> {
        vec!["subject", "erase", PERSON, "--yes"]
    }

    async fn original(&self, ground: Ground) -> Original {
        Original::to_be_erased(ground).await
    }

    async fn examine(&self, left: &Left, before: &Left) -> Reached {
        let erased = left.access.iter().filter(|event| matches!(event, AccessEvent::SubjectErased { .. })).count();
        if erased == 0 {
            assert_eq!(left.streams, before.streams, "not said to be erased, and not what it was");
            assert_eq!((left.rows.len(), left.outputs), (before.rows.len(), before.outputs));
            return Reached::Nothing;
        }
        assert_eq!(erased, 1);
        assert!(before.mentions(PERSON) && !left.mentions(PERSON), "said to be erased, and still there");
        assert!(left.rows.len() < before.rows.len() && left.outputs < before.outputs);
        Reached::All
    }

    fn code_of_repetition(&self, reached: Reached) -> i32 {
        // The name means nobody any more.
        if reached == Reached::All { 2 } else { 0 }
    }
}

fn kill_all_over(command: &impl Command, ground: Ground, rounds: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (original, before, whole) = runtime.block_on(async {
        let original = command.original(ground).await;
        let trial = original.trial().await;
        let log = trial.open().await;
        let before = Left::in_store(&log).await;
        log.close().await;
        let began = Instant::now();
        trial.run(&command.arguments()).ended(0);
        let whole = began.elapsed();
        assert_eq!(settled(command, &trial, &before).await, Reached::All);
        (original, before, whole)
    });
    let mut dice = Dice::new(17);
    let mut reached = BTreeMap::new();
    for round in 0..rounds {
        // Each part of its course gets its share, but for the beginning, where it starts and reads.
        let part = (round as f64 + dice.below(1_000) as f64 / 1_000.0) / rounds as f64;
        let moment = whole.mul_f64(0.3 + 0.8 * part);
        let found = runtime.block_on(kill_once(command, &original, &before, moment));
        *reached.entry(found).or_insert(0) += 1;
    }
    println!(
        "{ground:?}: {rounds} kills of {}, which take {} ms by themselves: {reached:?}",
        command.name(),
        whole.as_millis()
    );
}

async fn kill_once(command: &impl Command, original: &Original, before: &Left, moment: Duration) -> Reached {
    let trial = original.trial().await;
    let mut child = trial.command(&command.arguments()).spawn().unwrap();
    tokio::time::sleep(moment).await;
    child.kill().unwrap();
    child.wait().unwrap();
    trial.until_nobody_works().await;
    let reached = settled(command, &trial, before).await;
    trial.run(&command.arguments()).ended(command.code_of_repetition(reached));
    assert_eq!(settled(command, &trial, before).await, Reached::All, "after it was repeated");
    trial.check_no_destroyed_key(&original.keys().await).await;
    reached
}

/// How far it has come, once the log is verified and the rows are those that the log adds up to.
async fn settled(command: &impl Command, trial: &Trial, before: &Left) -> Reached {
    trial.run(&["log", "verify"]).ended(0);
    let log = trial.open().await;
    let left = Left::in_store(&log).await;
    let reached = command.examine(&left, before).await;
    trial.run(&["db", "rebuild"]).ended(0);
    let rebuilt = Left::in_store(&log).await;
    assert_eq!(left.rows, rebuilt.rows, "the rows are not what the log says");
    log.close().await;
    reached
}

#[test]
fn an_erasure_killed_behind_its_commit_is_cleaned_up_after_by_the_same_command() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let original = Erasing.original(Ground::Postgres).await;
        let trial = original.trial().await;
        let database = trial.database().unwrap();
        // Somebody reads the keys, so that the dead row among them cannot be removed yet.
        let mut other = database.connect("postgres").await;
        let mut reading = other.begin().await.unwrap();
        sqlx::query("SELECT FROM morningai.subject_key").execute(&mut *reading).await.unwrap();
        let mut erasing = trial.command(&Erasing.arguments()).spawn().unwrap();
        kill_where_it_waits(database, &mut erasing).await;
        reading.rollback().await.unwrap();
        other.close().await.unwrap();
        trial.until_nobody_works().await;
        trial.run(&Erasing.arguments()).ended(2);
        trial.check_no_destroyed_key(&original.keys().await).await;
    });
}

#[test]
fn others_write_between_the_portions_of_a_pruning() {
    for ground in [Ground::Sqlite, Ground::Postgres] {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(append_meanwhile(ground));
    }
}

/// Appends as fast as it goes while another process prunes: never refused, and not only before and after.
async fn append_meanwhile(ground: Ground) {
    let trial = Original::to_be_pruned(ground).await.trial().await;
    let log = trial.open().await;
    let mut pruning = trial.command(&Pruning.arguments()).spawn().unwrap();
    let (mut ours, mut longest) = (Vec::new(), Duration::ZERO);
    while pruning.try_wait().unwrap().is_none() {
        let event = paused(run(1), ours.len() as u64 + 1, "meanwhile");
        let after = log.log().head().await.unwrap().seq;
        let began = Instant::now();
        match log.log().append(batch(after, vec![event])).await {
            Ok(appended) => ours.push(appended[0].seq),
            Err(error) => assert_eq!(error.kind, LogErrorKind::Conflict, "{error}"),
        }
        longest = longest.max(began.elapsed());
    }
    Ran::from(pruning.wait_with_output().unwrap()).ended(0);
    let told: Vec<_> = log.log().read(0, 100_000).await.unwrap();
    let told = told.iter().filter(|envelope| matches!(envelope.event, Event::Account(AccessEvent::LogPruned { .. })));
    let told: Vec<_> = told.map(|envelope| envelope.seq).collect();
    let (first, last) = (*told.first().unwrap(), *told.last().unwrap());
    let between = ours.iter().filter(|seq| (first..last).contains(*seq)).count();
    println!("{ground:?}: {} portions, {between} appends between them, none took longer than {longest:?}", told.len());
    assert!(told.len() > 2 && between + 1 >= told.len(), "nobody came in between: {told:?} {ours:?}");
    log.close().await;
    trial.run(&["log", "verify"]).ended(0);
}
