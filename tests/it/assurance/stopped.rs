//! A process that is stopped, loses its lease to another, and wakes: it begins nothing, writes nothing, and what it had
//! under way was asked about.

use std::time::{Duration, Instant};

use morningai::domain::*;
use morningai::kinds::*;
use rustix::process::Signal;

use super::order::{Order, Work};
use super::place::{Ground, Place, events_after, in_place, on_each_store};
use super::process::Process;
use super::props::{Fate, Point, effects};
use super::story::Story;
use crate::support::audit::Audit;

const MOST: Duration = Duration::from_secs(60);

on_each_store![
    one_that_wakes_right_before_its_effect_does_not_begin_it,
    one_that_wakes_right_after_its_effect_has_been_asked_about,
    a_wrong_clock_changes_nothing_about_it,
];

/// The intent is on disk and nothing has happened yet: the effect is the next holder's.
fn one_that_wakes_right_before_its_effect_does_not_begin_it(ground: &Ground) {
    // The second dry run is that of the executor, after the commit of the intent.
    wake_after(ground, Fate::Stops(Point::DryRun, 2), 0);
}

/// The effect has happened, and its outcome is not on disk: the next holder asks, and is told that it happened.
fn one_that_wakes_right_after_its_effect_has_been_asked_about(ground: &Ground) {
    wake_after(ground, Fate::Stops(Point::AfterEffect, 1), 0);
}

/// The same with a clock that is wrong meanwhile.
fn a_wrong_clock_changes_nothing_about_it(ground: &Ground) {
    std::thread::scope(|scope| {
        for hours in [-1, 1] {
            scope.spawn(move || wake_after(ground, Fate::Stops(Point::DryRun, 2), hours));
        }
    });
}

fn wake_after(ground: &Ground, fate: Fate, clock_hours: i64) {
    let dir = tempfile::tempdir().unwrap();
    let place = ground.place_in(dir.path());
    let run = RunId(uuid::Uuid::now_v7());
    let story = Story::procedure(&["ask_once"]);
    let start = |fate, clock_hours| {
        let work = Work::Carry { run, story: story.clone(), fate, clock_hours };
        Process::start(&Order { place: place.clone(), dir: dir.path().to_owned(), work })
    };
    let mut stopped = start(fate, clock_hours);
    stopped.until_stopped(MOST);
    // In real time: until the lease runs out.
    let began = Instant::now();
    assert!(start(Fate::Survives, 0).wait(MOST).success());
    assert!(began.elapsed() < Duration::from_secs(10), "the run was frozen for {:?}", began.elapsed());
    let before = events(&place);
    stopped.signal(Signal::CONT);
    assert!(stopped.wait(MOST).success());

    assert_eq!(events(&place), before, "the one that woke wrote something");
    let mut audit = Audit::default();
    audit.take_all(&before).unwrap();
    assert!(audit.is_over(run));
    assert_eq!(effects(dir.path()).len(), 1, "once");
    let doubts = before.iter().filter(|event| event.event.kind() == "run.effect_in_doubt").count();
    assert_eq!(doubts, 1, "somebody was asked");
}

fn events(place: &Place) -> Vec<Envelope> {
    in_place(async { events_after(place.open().await.as_ref(), 0).await })
}
