//! What goes wrong by itself: said first, rung once, counted, and gone when it is over.

use super::Harness;
use crate::console::view::fixtures::*;
use crate::domain::{Actor, ModelFailure, ModelFailureKind};
use crate::kinds::RunEvent;
use crate::ports::FeedItem;

fn bells(console: &mut Harness) -> usize {
    console.app.surface_mut().bytes.iter().filter(|bytes| **bytes == [0x07]).count()
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_said_and_counted_and_over_when_it_is_quick() {
    let mut console = Harness::new(one_run(), 80, 24).await;
    for _ in 0..3 {
        console.fake.say(FeedItem::StoreSlow { milliseconds: 1_250 });
    }
    console.settle().await;
    assert!(console.sees("▲ the store is slow: saving takes 1.2 s"), "{}", console.screen());
    assert!(console.sees("3× in") && console.sees("1 Now ●1"), "{}", console.screen());
    assert_eq!(bells(&mut console), 1);
    console.fake.say(FeedItem::StoreQuick);
    console.settle().await;
    assert!(!console.sees("slow") && !console.sees("1 Now ●"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_rings_once_and_stands_in_the_header() {
    let mut console = Harness::new(one_run(), 80, 24).await;
    for attempt in 1..=3 {
        console.fake.tell(|story| {
            let message = "local refuses connections".into();
            let failure = ModelFailure { kind: ModelFailureKind::Unreachable, message, hint: String::new() };
            story.run(run_id(1), &Actor::System, RunEvent::TurnFailed { turn: 2, attempt, failure });
        });
    }
    console.settle().await;
    assert!(console.sees("local/tiny ✗"), "{}", console.screen());
    assert_eq!(bells(&mut console), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_by_itself_rings_and_one_that_a_person_paused_does_not() {
    let mut console = Harness::new(one_run(), 80, 24).await;
    let pause = |console: &Harness, by: Actor| {
        let reason = "the budget is spent".to_owned();
        console.fake.tell(|story| {
            story.run(run_id(1), &by, RunEvent::Paused { reason });
        });
    };
    pause(&console, ana());
    console.settle().await;
    assert_eq!(bells(&mut console), 0);
    console.fake.tell(|story| {
        story.run(run_id(1), &ana(), RunEvent::Resumed {});
    });
    pause(&console, Actor::System);
    console.settle().await;
    assert_eq!(bells(&mut console), 1);
    assert!(console.sees("paused") && console.sees("the budget is spent"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn where_nothing_confines_programs_that_needs_somebody() {
    let mut console = Harness::new(one_run(), 100, 24).await;
    console.fake.status.lock().unwrap().sandbox = "none".to_owned();
    console.press("2 1").await;
    assert!(console.sees("▲ no sandbox works here") && console.sees("1 Now ●1"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn the_header_says_who_sits_here_and_who_else_looks_at_the_same_thing() {
    let mut console = Harness::new(night(), 100, 30).await;
    {
        let mut status = console.fake.status.lock().unwrap();
        (status.role, status.others) = ("operator".to_owned(), 2);
    }
    console.press("2 w").await;
    assert!(console.sees("ana·operator +2 here"), "{}", console.screen());
    let card = console.state().review().unwrap().approval;
    let places = console.fake.looked_at.lock().unwrap().clone();
    assert_eq!(places, ["now".to_owned(), "runs".to_owned(), format!("approval:{card}")]);
}
