//! The source: news, missed news, lost connections, replays; and that nothing is drawn when nothing changed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Harness;
use super::fake::{Fake, FakeReplay};
use crate::console::view::fixtures::*;
use crate::domain::Ask;
use crate::kinds::RunEvent;
use crate::ports::{Delta, DeltaKind, FeedItem, Link, Moment};

fn started(story: &mut Story, number: u32, goal: &str) {
    story.run(run_id(number), &ana(), RunEvent::Started { spec: Box::new(spec(goal, "dev")) });
}

#[tokio::test(start_paused = true)]
async fn news_are_shown_and_a_new_request_rings_once() {
    let mut console = Harness::new(night(), 100, 30).await;
    assert!(console.app.surface_mut().bytes.is_empty(), "what waited before rings no bell");
    console.fake.tell(|story| {
        started(story, 40, "something new");
        request(story, run_id(40), 1, "shell", serde_json::json!({}));
        ask(story, 40, run_id(40), 1, Ask::Effect { card: push_card() });
    });
    console.settle().await;
    assert!(console.sees("something new"), "{}", console.screen());
    assert_eq!(console.app.surface_mut().bytes, [vec![0x07]]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_console_draws_nothing() {
    let mut story = Story::new();
    started(&mut story, 1, "wait for me");
    request(&mut story, run_id(1), 1, "shell", serde_json::json!({}));
    ask(&mut story, 1, run_id(1), 1, Ask::Effect { card: push_card() });
    let mut console = Harness::new(story, 120, 40).await;
    let before = console.app.surface_mut().frames;
    console.wait(10_000).await;
    assert_eq!(console.app.surface_mut().frames, before);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_news_is_drawn_with_restraint_and_keys_get_through() {
    let mut console = Harness::new(night(), 120, 40).await;
    let before = console.app.surface_mut().frames;
    for number in 0..200 {
        let text = format!("word{number} ");
        let delta = Delta { run: run_id(4), kind: DeltaKind::Token { turn: 2 }, text: text.as_str().into() };
        console.fake.say(FeedItem::Delta(delta));
        console.pass(5).await;
    }
    let frames = console.app.surface_mut().frames - before;
    assert!(frames <= 60, "{frames} frames in a second");
    console.press("2").await;
    assert!(console.sees("goal  "), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn streamed_words_appear_on_the_runs_page() {
    let mut console = Harness::new(night(), 100, 30).await;
    console.press("2").await;
    console.press("/").await;
    console.write("release").await;
    console.press("enter enter").await;
    let delta = Delta { run: run_id(4), kind: DeltaKind::Token { turn: 2 }, text: "Here are the notes".into() };
    console.fake.say(FeedItem::Delta(delta));
    console.settle().await;
    assert!(console.sees("Here are the notes"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn events_between_a_history_and_the_feed_are_not_lost() {
    let mut console = Harness::new(night(), 100, 40).await;
    console.press("2 G enter").await;
    console.fake.tell(|story| {
        story.run(run_id(1), &ana(), RunEvent::Paused { reason: "hold on a moment".to_owned(), over: None });
    });
    console.settle().await;
    console.press("G").await;
    assert!(console.sees("hold on a moment"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_console_that_missed_something_begins_anew() {
    let mut console = Harness::new(night(), 100, 30).await;
    {
        let mut story = console.fake.story.lock().unwrap();
        started(&mut story, 41, "told to nobody");
    }
    console.fake.say(FeedItem::Lost);
    console.settle().await;
    assert!(console.sees("told to nobody"), "{}", console.screen());
    // More than the channel holds, all at once: the receiver lags and must not miss any.
    console.fake.tell(|story| (50..150).for_each(|number| started(story, number, &format!("goal {number}"))));
    console.settle().await;
    assert_eq!(*console.fake.opened.lock().unwrap(), 3);
    console.press("2").await;
    assert!(console.sees("goal 149"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_gone_is_told_and_tried_again() {
    let mut console = Harness::new(night(), 100, 30).await;
    *console.fake.is_down.lock().unwrap() = true;
    console.fake.say(FeedItem::Lost);
    console.pass(1_000).await;
    assert!(console.sees("not connected") && console.sees("the server does not answer"), "{}", console.screen());
    *console.fake.is_down.lock().unwrap() = false;
    console.wait(3_000).await;
    assert!(!console.sees("not connected"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_replay_is_paused_stepped_and_sped_up() {
    let mut fake = Fake::new(night());
    let length = Duration::from_secs(120);
    let moment = Moment { at: Duration::from_secs(30), length, speed: 1.0, playing: true, ..Moment::default() };
    let replay = Arc::new(FakeReplay(Mutex::new(moment)));
    fake.replay = Some(replay.clone());
    let mut console = Harness::over(fake, 100, 30).await;
    assert!(console.sees("▶ 00:30 / 02:00"), "{}", console.screen());
    console.press("space > + .").await;
    assert!(console.sees("‖ 00:41 / 02:00") && console.sees("×2"), "{}", console.screen());
    assert!(console.sees("a replay: nothing is started, changed or saved"), "{}", console.screen());
    console.press("n").await;
    assert!(
        console.sees("nothing can be started in a replay") && console.state().sheet.is_none(),
        "{}",
        console.screen()
    );
    replay.0.lock().unwrap().ended = Some("you approved where it was denied".to_owned());
    console.press("space").await;
    assert!(console.sees("over: you approved where it was denied"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_encoded_and_the_toast_says_where_it_went() {
    let mut console = Harness::new(night(), 100, 30).await;
    console.press("2 c").await;
    let bytes = console.app.surface_mut().bytes.concat();
    assert!(bytes.starts_with(b"\x1b]52;c;"), "{bytes:?}");
    assert!(console.sees("OSC 52"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_stale_source_says_how_old_it_is_and_counts_by_the_second() {
    let mut console = Harness::new(Story::new(), 100, 30).await;
    let told = |console: &Harness, link: Link| {
        console.fake.status.lock().unwrap().link = link;
        console.fake.say(FeedItem::LinkChanged);
    };
    told(&console, Link::Up { behind: Duration::from_secs(12), age: Duration::from_secs(7_300) });
    console.settle().await;
    assert!(console.sees(", 12 s behind"), "{}", console.screen());
    told(&console, Link::Down { since: Duration::from_secs(3), reason: "cut".to_owned() });
    console.settle().await;
    assert!(console.sees(", connection lost 3 s ago, trying again"), "{}", console.screen());
    let before = console.app.surface_mut().frames;
    console.wait(3_000).await;
    assert!(console.app.surface_mut().frames >= before + 2, "its age stands still");
    told(&console, Link::Up { behind: Duration::from_secs(1), age: Duration::from_secs(7_300) });
    console.settle().await;
    assert!(!console.sees("behind") && !console.sees("lost"), "{}", console.screen());
    assert!(console.sees(", connected 2h"), "{}", console.screen());
    let before = console.app.surface_mut().frames;
    console.wait(10_000).await;
    assert_eq!(console.app.surface_mut().frames, before, "a good connection draws nothing");
}
