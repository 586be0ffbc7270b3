//! A crash at every transition, for each kind of tool, with effects counted by what a program of their own wrote.
//!
//! A process carries a run through and dies at its first point, another one at its second, and so on, until one comes
//! to the end without reaching its point: so no transition can be left out. After each, a second process goes on.
//! All of it on SQLite; on Postgres as much as there is time for, and all of it under `tests/soak`.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;

use morningai::domain::*;
use morningai::kinds::*;

use super::order::{Order, Work};
use super::place::{Ground, Place, events_after, in_place, on_each_store};
use super::process::Process;
use super::props::{Fate, Point, effects, passed};
use super::story::{Answer, Doubt, Steer, Story};
use crate::support::audit::Audit;
use crate::support::scale::one_in;

const SIGKILL: i32 = 9;
const MOST: Duration = Duration::from_secs(60);

/// One run in a directory of its own, in the hands of one process after the other.
struct Stage {
    dir: tempfile::TempDir,
    place: Place,
    run: RunId,
    story: Story,
}

impl Stage {
    fn new(ground: &Ground, story: &Story) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = ground.place_in(dir.path());
        Self { place, run: RunId(uuid::Uuid::now_v7()), story: story.clone(), dir }
    }

    fn process(&self, fate: Fate) -> Process {
        let work = Work::Carry { run: self.run, story: self.story.clone(), fate, clock_hours: 0 };
        Process::start(&Order { place: self.place.clone(), dir: self.dir.path().to_owned(), work })
    }

    /// Whether the process met its fate. Otherwise it came to the end.
    fn dies(&self, fate: Fate) -> bool {
        let status = self.process(fate).wait(MOST);
        let died = status.signal() == Some(SIGKILL);
        assert!(died || status.success(), "{status}");
        died
    }

    fn let_leases_lapse(&self) {
        in_place(self.place.let_leases_lapse());
    }

    /// Calls that were under way when the process died and must not simply be done again.
    fn unknown(&self) -> BTreeSet<CallNo> {
        let events = self.events();
        let mut audit = Audit::default();
        audit.take_all(&events).unwrap();
        let once = |call: &CallNo| {
            events.iter().any(|event| {
                matches!(&event.event, Event::Run(RunEvent::EffectStarted { call: started, repeat: Repeat::Once, .. })
                    if started == call)
            })
        };
        audit.started().map(|(_, call)| call).filter(once).collect()
    }

    fn events(&self) -> Vec<Envelope> {
        in_place(async {
            let log = self.place.open().await;
            events_after(log.as_ref(), 0).await
        })
    }

    /// Everything that must be true once the last process has carried the run to its end.
    fn check(&self, unknown: &BTreeSet<CallNo>) {
        let events = self.events();
        let mut audit = Audit::default();
        audit.take_all(&events).unwrap();
        assert!(audit.is_over(self.run), "the run did not end");
        let problems = in_place(async { self.place.open().await.verify(&[]).await.unwrap().problems });
        assert!(problems.is_empty(), "{problems:?}");
        check_acknowledged(self.dir.path(), &events);
        for call in unknown {
            let asked = events.iter().any(|event| {
                matches!(&event.event, Event::Run(RunEvent::EffectInDoubt { call: doubted, .. }) if doubted == call)
            });
            assert!(asked, "nobody was asked about {call}");
        }
        self.check_effects(&events);
    }

    fn check_effects(&self, events: &[Envelope]) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        effects(self.dir.path()).into_iter().for_each(|line| *counts.entry(line).or_default() += 1);
        let retries = events.iter().filter(|event| {
            let retry = ApprovalEvent::Settled { settlement: Settlement::Retry, note: "looked".into() };
            event.event == Event::Approval(retry)
        });
        let retries = retries.count();
        for (tool, number) in self.story.effects() {
            let count = counts.remove(&format!("{} {number}", self.run)).unwrap_or(0);
            let expected = self.expected(&tool, retries);
            assert!(expected.contains(&count), "{tool} {number} happened {count} times, expected {expected:?}");
        }
        assert!(counts.is_empty(), "effects that nobody wanted: {counts:?}");
    }

    /// How often an effect may have happened.
    fn expected(&self, tool: &str, retries: usize) -> std::ops::RangeInclusive<usize> {
        let least = match (self.story.steer, self.story.answer, self.story.doubt) {
            (Steer::Cancel, ..) | (_, Answer::Deny, _) | (.., Doubt::GiveUp) => 0,
            _ => 1,
        };
        let most = match (tool.trim_start_matches("ask_"), self.story.answer, self.story.doubt) {
            _ if tool.starts_with("ask_") && self.story.answer == Answer::Deny => 0,
            // Once before the crash, and once more after each.
            ("repeatable", ..) => 3,
            ("once", _, Doubt::Retry) => 1 + retries,
            _ => 1,
        };
        least..=most
    }
}

/// Every line that a person was told is in the log, to the letter.
pub fn check_acknowledged(dir: &Path, events: &[Envelope]) {
    let told = std::fs::read_to_string(dir.join("acknowledged")).unwrap_or_default();
    for line in told.lines() {
        let told: Envelope = serde_json::from_str(line).unwrap();
        assert_eq!(events.get(told.seq as usize - 1), Some(&told), "acknowledged and lost");
    }
}

/// Says where it was when something is wrong.
fn at<T>(story: &Story, fates: &[Fate], check: impl FnOnce() -> T) -> T {
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
    checked.unwrap_or_else(|_| panic!("{}: {fates:?}", story.name))
}

/// On Postgres each process takes its time to connect; then one crash in so many is tried, unless there is time.
const ONE_IN: usize = 5;

/// Loses a process at every passing of these points, or at some of them, and says how many were lost.
fn crash_everywhere(ground: &Ground, story: &Story, points: &[Point]) {
    let crashes = match ground {
        Ground::Postgres(_) if one_in(ONE_IN) > 1 => crash_here_and_there(ground, story, points, one_in(ONE_IN)),
        Ground::Postgres(_) | Ground::Sqlite => points.iter().map(|point| crash_at_each(ground, story, *point)).sum(),
    };
    println!("{}: {}: {crashes} crashes", ground.name(), story.name);
}

/// One after the other, until one comes to the end without reaching it: so none can be left out.
fn crash_at_each(ground: &Ground, story: &Story, point: Point) -> usize {
    let crashes = (1..).take_while(|times| crash_once(ground, story, Fate::Dies(point, *times))).count();
    assert!(crashes > 0, "{} never comes to {point:?}", story.name);
    crashes
}

/// Spread evenly over all, which a process that survives counts.
fn crash_here_and_there(ground: &Ground, story: &Story, points: &[Point], one_in: usize) -> usize {
    let stage = Stage::new(ground, story);
    at(story, &[Fate::Counts], || {
        assert!(!stage.dies(Fate::Counts));
        stage.check(&BTreeSet::new());
    });
    let passed = passed(stage.dir.path());
    let times = |point: &Point| passed.get(point).unwrap_or_else(|| panic!("{} never comes to {point:?}", story.name));
    let all: Vec<_> =
        points.iter().flat_map(|point| (1..=*times(point)).map(|times| Fate::Dies(*point, times))).collect();
    // Stories much alike begin at different ones.
    let fates = all.iter().skip(story.name.len() % one_in).step_by(one_in);
    let crashes = fates.filter(|fate| crash_once(ground, story, **fate)).count();
    // A lease may be renewed once more or less, by how long things take.
    assert!(crashes + 1 >= all.len() / one_in && crashes > 0, "{}: only {crashes} crashes", story.name);
    crashes
}

/// A process is lost, and another goes on to the end. Whether there was a crash.
fn crash_once(ground: &Ground, story: &Story, fate: Fate) -> bool {
    at(story, &[fate], || {
        let stage = Stage::new(ground, story);
        if !stage.dies(fate) {
            return false;
        }
        stage.let_leases_lapse();
        let unknown = stage.unknown();
        assert!(!stage.dies(Fate::Survives));
        stage.check(&unknown);
        true
    })
}

/// A second crash while the next process recovers from the first. Whether there was one.
fn crash_twice(ground: &Ground, story: &Story, first: Fate, second: Fate) -> bool {
    at(story, &[first, second], || {
        let stage = Stage::new(ground, story);
        if !stage.dies(first) {
            return false;
        }
        stage.let_leases_lapse();
        let mut unknown = stage.unknown();
        let again = stage.dies(second);
        if again {
            stage.let_leases_lapse();
            unknown.extend(stage.unknown());
            assert!(!stage.dies(Fate::Survives));
        }
        stage.check(&unknown);
        again
    })
}

/// Where every run can be lost.
const ALWAYS: &[Point] = &[
    Point::BeforeAppend,
    Point::AfterAppend,
    Point::BeforeClaim,
    Point::AfterClaim,
    Point::BeforeRelease,
    Point::AfterRelease,
    Point::DryRun,
    Point::BeforeDecision,
    Point::AfterDecision,
];
/// Where a run with effects can be lost besides.
const EFFECT: &[Point] = &[Point::BeforeEffect, Point::MiddleOfEffect, Point::AfterEffect];
const MODEL: &[Point] = &[Point::BeforeModelCall, Point::AfterModelCall];

fn everywhere(ground: &Ground, story: &Story) {
    crash_everywhere(ground, story, &[ALWAYS, EFFECT].concat());
}

on_each_store![
    repeatable_effects_are_done_again,
    checkable_effects_are_looked_for,
    once_effects_are_asked_about_and_never_simply_repeated,
    a_person_settles_the_unknown_as_they_like,
    denials_cancels_and_pauses_survive,
    a_call_that_a_person_changes_is_asked_for_anew_wherever_it_was_left,
    an_agent_goes_on_in_mid_conversation,
    a_crash_during_recovery_is_a_crash_like_any_other,
];

fn repeatable_effects_are_done_again(ground: &Ground) {
    everywhere(ground, &Story::procedure(&["repeatable"]));
    everywhere(ground, &Story::procedure(&["ask_repeatable"]));
}

fn checkable_effects_are_looked_for(ground: &Ground) {
    everywhere(ground, &Story::procedure(&["checkable"]));
    everywhere(ground, &Story::procedure(&["ask_checkable"]));
}

fn once_effects_are_asked_about_and_never_simply_repeated(ground: &Ground) {
    everywhere(ground, &Story::procedure(&["once", "once"]));
    everywhere(ground, &Story::procedure(&["ask_once"]));
}

fn a_person_settles_the_unknown_as_they_like(ground: &Ground) {
    everywhere(ground, &Story::procedure(&["once"]).doubted(Doubt::Retry));
    everywhere(ground, &Story::procedure(&["once"]).doubted(Doubt::GiveUp));
}

fn denials_cancels_and_pauses_survive(ground: &Ground) {
    crash_everywhere(ground, &Story::procedure(&["ask_once"]).answered(Answer::Deny), ALWAYS);
    everywhere(ground, &Story::procedure(&["once", "checkable"]).steered(Steer::Pause));
    crash_everywhere(ground, &Story::procedure(&["once", "once"]).steered(Steer::Cancel), ALWAYS);
}

fn a_call_that_a_person_changes_is_asked_for_anew_wherever_it_was_left(ground: &Ground) {
    everywhere(ground, &Story::procedure(&["ask_once"]).answered(Answer::Edit));
    everywhere(ground, &Story::procedure(&["ask_checkable"]).answered(Answer::Edit));
}

fn an_agent_goes_on_in_mid_conversation(ground: &Ground) {
    let turns: &[&[&str]] = &[&["repeatable", "ask_once"], &["question"], &["checkable", "once"]];
    crash_everywhere(ground, &Story::agent(turns), &[ALWAYS, EFFECT, MODEL].concat());
}

fn a_crash_during_recovery_is_a_crash_like_any_other(ground: &Ground) {
    let story = Story::procedure(&["once", "ask_checkable"]);
    let firsts = [Point::MiddleOfEffect, Point::AfterEffect, Point::BeforeEffect];
    let seconds = [&[Point::BeforeCheck][..], ALWAYS, EFFECT].concat();
    let pairs = firsts.iter().flat_map(|first| seconds.iter().map(move |second| (*first, *second)));
    let mut twice = 0;
    let one_in = match ground {
        Ground::Sqlite => one_in(2),
        Ground::Postgres(_) => one_in(4),
    };
    for (round, (first, second)) in pairs.enumerate().step_by(one_in) {
        // The first or the second of the effects, and the first or the second passing after it.
        let (effect, times) = (1 + round as u64 % 2, 1 + round as u64 / 2 % 2);
        twice += usize::from(crash_twice(ground, &story, Fate::Dies(first, effect), Fate::Dies(second, times)));
    }
    println!("{}: {twice} recoveries were lost too, crashes both", ground.name());
    assert!(twice * one_in > 15, "only {twice} recoveries were lost");
}
