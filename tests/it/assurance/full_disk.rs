//! A disk without room, or that fails, at every write: nothing acknowledged is lost, "not saved" is said, nothing is
//! decided meanwhile, and work goes on once there is room.

use std::process::Command as Program;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::runtime::Role;

use super::order::{Order, Work};
use super::place::{Place, events_after};
use super::process::Process;
use super::props::effects;
use super::story::Story;
use crate::runtime::desk::{Counter, Desk, ana};
use crate::support::audit::Audit;
use crate::support::hooked::{Call, Hook, Hooked};

/// Writes that fail in a row; the last of them is the store's own attempt to see whether it works again.
const FAILURES: usize = 2;

/// Kilobytes that the store needs to be opened at all: SQLite's shared memory is a file of 32.
const LEAST: usize = 36;
/// A page of SQLite.
const STEP: usize = 4;

/// Every write from the `first` on fails, a few times.
struct Fails {
    first: usize,
    asked: AtomicUsize,
}

#[async_trait]
impl Hook for Fails {
    async fn before(&self, call: Call) -> Result<(), LogError> {
        let failing = self.first..self.first + FAILURES;
        // A lease may be refused as well, and then the run is looked at again.
        if call.writes() && call != Call::Release && failing.contains(&self.asked.fetch_add(1, Ordering::SeqCst)) {
            return Err(LogError::new(LogErrorKind::NotSaved, "the disk is full", "make room"));
        }
        Ok(())
    }
}

/// Decides until it is saved, and counts how often it was not.
async fn insist(desk: &Desk, command: Command) -> (Vec<Envelope>, usize) {
    let mut refused = 0;
    loop {
        let (_, mut feed) = desk.runtime.open();
        match desk.runtime.submit(command.clone(), ana()).await {
            Ok(events) => return (events, refused),
            Err(rejection) => {
                assert_eq!(rejection.kind, RejectionKind::NotSaved, "{rejection}");
                refused += 1;
                // It is said, and it is said when it is over.
                while !matches!(feed.recv().await.unwrap(), FeedItem::StoreBack) {}
            }
        }
    }
}

/// Returns how many writes there were.
async fn fail_at(first: usize) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let disk = Arc::new(Hooked { log: log.clone(), hook: Fails { first, asked: AtomicUsize::new(0) } });
    let push = Counter::new("push", EffectClass::External, Repeat::Once);
    let check = Counter::new("check", EffectClass::Workspace, Repeat::Once);
    let (pushed, checked) = (push.happened.clone(), check.happened.clone());
    let turns: &[&[&str]] = &[&[], &["push"], &["check"], &["finish"]];
    let desk = Desk::start(disk.clone(), turns, vec![push, check], Role::Worker).await;

    let run = RunId(uuid::Uuid::now_v7());
    let spec = Box::new(crate::runtime::desk::spec());
    let (mut told, _) = insist(&desk, RunVerb::Start { spec }.on(run)).await;
    let approval = desk.open_approval().await;
    let approve = ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id);
    told.extend(insist(&desk, approve).await.0);
    desk.until_state(run, RunState::Succeeded).await;

    let events = events_after(log.as_ref(), 0).await;
    assert!(told.iter().all(|event| events.contains(event)), "acknowledged and lost");
    Audit::default().take_all(&events).unwrap();
    assert_eq!((pushed.load(Ordering::SeqCst), checked.load(Ordering::SeqCst)), (1, 1));
    disk.hook.asked.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_fails_loses_nothing_whichever_it_is() {
    let writes = fail_at(usize::MAX - FAILURES).await;
    assert!(writes > 8, "{writes}");
    // Side by side, for each waits a second or two until the disk is tried again.
    let all: Vec<_> = (0..writes).map(|first| tokio::spawn(fail_at(first))).collect();
    for (first, one) in all.into_iter().enumerate() {
        assert!(one.await.is_ok(), "the failing write was number {first}");
    }
}

/// The kernel refuses to let files grow past a size, which hits SQLite in the middle of whatever it writes; the other
/// process gives itself more room once the store has said that it is down.
#[test]
fn a_file_system_without_room_loses_nothing_wherever_it_ends() {
    let mut refusals = 0;
    for least in (LEAST..).step_by(8 * STEP) {
        // Side by side, for each waits a second or two until the disk is tried again.
        let rooms: Vec<_> = std::thread::scope(|scope| {
            let sizes = (least..least + 8 * STEP).step_by(STEP);
            let runs: Vec<_> = sizes.map(|size| scope.spawn(move || run_with_room_for(size))).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        refusals += rooms.iter().filter(|room| **room == Room::Short).count();
        if rooms.iter().all(|room| *room == Room::Enough) {
            break;
        }
    }
    assert!(refusals >= 3, "only {refusals} runs were short of room");
    println!("{refusals} sizes at which there was no room");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Short,
    Enough,
}

fn run_with_room_for(kilobytes: usize) -> Room {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::sqlite_in(dir.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { drop(place.open().await) });
    let run = RunId(uuid::Uuid::now_v7());
    let story = Story::procedure(&["once", "ask_once", "checkable"]);
    let order = Order { place: place.clone(), dir: dir.path().to_owned(), work: Work::Cramped { run, story } };
    // Blocks of 512 bytes. The signal that comes with the refusal is ignored, as it would otherwise end the process.
    let script = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$@\"", kilobytes * 2);
    let mut program = Program::new("sh");
    program.args(["-c", &script, "sh"]).arg(std::env::current_exe().unwrap());
    assert!(Process::start_in(program, &order).wait(Duration::from_secs(60)).success(), "with {kilobytes} kB");

    let (events, problems) = runtime.block_on(async {
        let log = place.open().await;
        (events_after(log.as_ref(), 0).await, log.verify(&[]).await.unwrap().problems)
    });
    assert!(problems.is_empty(), "{problems:?}");
    let mut audit = Audit::default();
    audit.take_all(&events).unwrap();
    assert!(audit.is_over(run), "with {kilobytes} kB");
    assert_eq!(effects(dir.path()).len(), 3, "with {kilobytes} kB");
    super::transitions::check_acknowledged(dir.path(), &events);
    match dir.path().join("was-down").exists() {
        true => Room::Short,
        false => Room::Enough,
    }
}
