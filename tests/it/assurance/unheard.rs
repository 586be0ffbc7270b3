//! A process that dies between its commit and its notification: others notice by themselves, within a second.

use std::time::{Duration, Instant};

use morningai::domain::*;

use super::order::{Order, Work};
use super::place::Ground;
use super::process::Process;
use super::props::{Fate, Point};
use super::story::Story;

const MOST: Duration = Duration::from_secs(60);
const TIMES: usize = 5;

#[test]
fn a_lost_notification_is_made_good_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let place = Ground::postgres().place_in(dir.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let log = runtime.block_on(place.open());
    let mut head = runtime.block_on(async { log.watch_head() });
    let mut longest = Duration::ZERO;
    for _ in 0..TIMES {
        let before = *head.borrow_and_update();
        let (run, story) = (RunId(uuid::Uuid::now_v7()), Story::procedure(&["ask_once"]));
        // Notifications are sent some milliseconds later, for all that was committed until then.
        let work = Work::Carry { run, story, fate: Fate::Dies(Point::AfterAppend, 1), clock_hours: 0 };
        let order = Order { place: place.clone(), dir: dir.path().to_owned(), work };
        assert!(!Process::start(&order).wait(MOST).success());
        let died = Instant::now();
        let noticed = runtime.block_on(async { tokio::time::timeout(MOST, head.wait_for(|seq| *seq > before)).await });
        noticed.expect("never noticed").unwrap();
        longest = longest.max(died.elapsed());
    }
    assert!(longest <= Duration::from_secs(1), "noticed after {longest:?}");
    println!("{TIMES} notifications lost, noticed after {} ms at most", longest.as_millis());
}
