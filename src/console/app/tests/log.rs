//! The log: by run and by time, narrowed, searched, from error to error, and read back for what is looked for.

use super::Harness;
use super::fake::Fake;
use crate::console::anchor::Anchor;
use crate::console::state::Reading;
use crate::console::view::fixtures::*;
use crate::domain::Actor;
use crate::kinds::{RunEvent, Stream};

fn started(story: &mut Story, number: u32, goal: &str) {
    story.run(run_id(number), &ana(), RunEvent::Started { spec: Box::new(spec(goal, "dev")) });
}

/// A run that failed, and behind it more events than a console reads at once.
fn long_ago() -> Story {
    let mut story = Story::new();
    started(&mut story, 1, "the old one");
    story.run(
        run_id(1),
        &Actor::System,
        RunEvent::Failed { reason: "the disk is full".into(), hint: String::new(), because: None },
    );
    started(&mut story, 2, "the long one");
    for _ in 0..1_500 {
        story.run(run_id(2), &Actor::System, RunEvent::Resumed {});
    }
    story
}

#[tokio::test(start_paused = true)]
async fn the_log_is_searched_as_one_types_and_followed() {
    let mut console = Harness::new(night(), 100, 30).await;
    console.press("4 /").await;
    console.write("licence").await;
    assert!(console.sees("run.started") && !console.sees("run.turn_started"), "{}", console.screen());
    assert!(console.sees("/licence 1 found"), "{}", console.screen());
    console.press("enter space").await;
    assert!(console.sees("person:ana"), "{}", console.screen());
    console.press("1 4").await;
    assert!(console.sees("/licence 1 found"), "it is remembered: {}", console.screen());
    console.press("esc").await;
    console.fake.tell(|story| started(story, 42, "freshly arrived"));
    console.settle().await;
    assert!(console.sees("freshly arrived"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn events_stand_by_run_and_a_key_puts_them_in_the_order_of_time() {
    let mut console = Harness::new(night(), 100, 60).await;
    console.press("4").await;
    assert!(console.sees("▾ update the licence headers") || console.sees("▾ write the release notes"));
    assert!(console.sees("by run") && !console.sees("stream"), "{}", console.screen());
    console.press("s").await;
    assert!(console.sees("by time") && console.sees("stream") && !console.sees("▾"), "{}", console.screen());
    console.press("1 4").await;
    assert!(console.sees("by time"), "it is remembered");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_folded_and_all_are() {
    let mut console = Harness::new(night(), 100, 60).await;
    console.press("4 z").await;
    let stops = &console.state().log.pane.laid.stops;
    assert!(stops.iter().all(|(stop, _)| matches!(stop, Anchor::Thing(Stream::Run(_)))) && stops.len() > 5);
    let folded = stops.len();
    console.press("g space").await;
    assert!(console.state().log.pane.laid.stops.len() > folded, "{}", console.screen());
    console.press("enter").await;
    assert!(console.sees("Log › "), "the heading opens its run: {}", console.screen());
    console.press("esc z z").await;
    assert!(console.state().log.folded.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_log_is_narrowed_by_kind_actor_and_level_and_escape_widens_it() {
    let mut console = Harness::new(night(), 100, 40).await;
    console.press("4 s").await;
    let shown = |console: &Harness| console.state().log.pane.laid.stops.len();
    let all = shown(&console);
    console.press("f").await;
    let requests = shown(&console);
    assert!(requests > 0 && requests < all && !console.sees("run.turn_started"), "{}", console.screen());
    console.press("b").await;
    assert!(shown(&console) < requests && console.sees("approval.denied"), "{}", console.screen());
    assert!(console.sees(&format!("{} found", shown(&console))), "{}", console.screen());
    console.press("1 4").await;
    assert!(!console.sees("run.turn_started"), "it is remembered");
    console.press("esc").await;
    assert_eq!(shown(&console), all);
    console.press("l l").await;
    assert!(shown(&console) > 0 && !console.sees("approval.denied"), "a refusal is no error: {}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_narrowed_log_is_read_back_until_there_is_something_to_show() {
    let mut console = Harness::new(long_ago(), 100, 30).await;
    console.press("4").await;
    assert_eq!((console.state().log.events.len(), console.state().log.reading), (200, Reading::More));
    console.press("l l").await;
    assert!(console.sees("the disk is full") && console.sees("1 found"), "{}", console.screen());
    assert_eq!(console.state().log.reading, Reading::Complete);
}

#[tokio::test(start_paused = true)]
async fn a_search_that_goes_on_says_how_far_it_is() {
    let mut fake = Fake::new(long_ago());
    fake.is_slow = true;
    let mut console = Harness::over(fake, 100, 30).await;
    console.press("4").await;
    console.wait(3_000).await;
    console.tell_chord("l");
    console.pass(500).await;
    assert!(console.sees("searching… back to"), "{}", console.screen());
    console.wait(10_000).await;
    assert!(!console.sees("searching") && console.sees("3 found"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn keys_go_from_error_to_error_also_to_those_that_were_not_read() {
    let mut console = Harness::new(long_ago(), 100, 30).await;
    let cursor = |console: &Harness| console.state().log.pane.cursor;
    console.press("4 E").await;
    assert_eq!(cursor(&console), Some(Anchor::Event(2)), "{}", console.screen());
    console.press("E").await;
    assert!(console.sees("there is no error before this one"), "{}", console.screen());
    console.fake.tell(|story| {
        story.run(
            run_id(2),
            &Actor::System,
            RunEvent::Failed { reason: "again".into(), hint: String::new(), because: None },
        );
    });
    console.press("z e").await;
    assert_eq!(cursor(&console), Some(Anchor::Event(1_504)), "it is unfolded: {}", console.screen());
    console.press("e").await;
    assert!(console.sees("there is no error after this one"), "{}", console.screen());
}
