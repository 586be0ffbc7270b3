//! Lists by keys: sorting, narrowing, filtering, and what stands beside them.

use super::Harness;
use crate::console::anchor::Anchor;
use crate::console::state::{Order, Sort};
use crate::console::view::fixtures::{ask, crowd, night, one_run, push_card, request, run_id};
use crate::domain::{Actor, Ask};

/// Anchors of the rows, from top to bottom.
fn listed(console: &Harness) -> Vec<Anchor> {
    console.state().pane().laid.stops.iter().map(|(anchor, _)| *anchor).collect()
}

#[tokio::test(start_paused = true)]
async fn s_sorts_by_the_next_column_and_turned_round_the_last_come_first() {
    let mut console = Harness::new(crowd(), 120, 60).await;
    console.press("2").await;
    let own = listed(&console);
    for _ in 0..20 {
        console.press("s").await;
        if console.state().runs.arrangement.sort == Some(Sort { column: "cost", order: Order::Usual }) {
            break;
        }
    }
    assert!(console.sees("by cost"), "{}", console.screen());
    let by_cost = listed(&console);
    assert_eq!((by_cost.first(), by_cost.len()), (Some(&Anchor::Run(run_id(40))), own.len()));
    console.press("S").await;
    assert!(console.sees("by cost, reversed"), "{}", console.screen());
    let mut turned = listed(&console);
    turned.reverse();
    assert_eq!(turned, by_cost);
    console.press("1 2").await;
    assert!(console.sees("by cost, reversed"), "it is remembered: {}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn f_shows_one_state_after_the_other_and_then_all_again() {
    let mut console = Harness::new(crowd(), 80, 60).await;
    console.press("2").await;
    assert!(console.sees("all 40 · live 4 · waiting 12 · paused 1 · failed 2 · done 21"), "{}", console.screen());
    let mut counts = Vec::new();
    for _ in 0..6 {
        console.press("f").await;
        counts.push(listed(&console).len());
    }
    assert_eq!(counts, [4, 12, 1, 2, 21, 40]);
}

#[tokio::test(start_paused = true)]
async fn a_filter_narrows_while_it_is_typed_and_escape_widens_step_by_step() {
    let mut console = Harness::new(crowd(), 80, 24).await;
    for screen in ["2", "3"] {
        console.press(screen).await;
        let all = listed(&console).len();
        console.press("f /").await;
        console.write("billing").await;
        let found = listed(&console).len();
        assert!(
            found > 0 && found < all && console.sees(&format!("/billing {found} of {all}")),
            "{}",
            console.screen()
        );
        console.press("enter").await;
        assert_eq!(listed(&console).len(), found, "enter keeps it");
        console.press("esc").await;
        assert!(!console.sees("/billing") && listed(&console).len() < all, "{}", console.screen());
        console.press("esc").await;
        assert_eq!(listed(&console).len(), all);
    }
}

#[tokio::test(start_paused = true)]
async fn now_is_filtered_as_the_lists_are() {
    let mut console = Harness::new(crowd(), 80, 40).await;
    let all = listed(&console).len();
    console.press("/").await;
    console.write("billing").await;
    let found = listed(&console).len();
    assert!(found > 0 && found < all && console.sees("/billing") && console.sees(" of "), "{}", console.screen());
    console.press("enter 2 1").await;
    assert_eq!(listed(&console).len(), found, "it is remembered");
    console.press("esc").await;
    assert_eq!(listed(&console).len(), all);
}

#[tokio::test(start_paused = true)]
async fn the_footer_of_a_run_that_became_a_card_is_the_cards() {
    let mut console = Harness::new(one_run(), 80, 24).await;
    assert!(console.sees("p pause"), "{}", console.screen());
    console.fake.tell(|story| {
        let reply = crate::console::view::fixtures::reply("I would push it.", None);
        let finished = crate::kinds::RunEvent::TurnFinished { turn: 2, attempt: 1, reply };
        story.run(run_id(1), &Actor::System, finished);
        request(story, run_id(1), 1, "shell", serde_json::json!({}));
        ask(story, 1, run_id(1), 1, Ask::Effect { card: push_card() });
    });
    console.settle().await;
    assert!(!console.sees("p pause") && console.sees("w next waiting"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn the_history_of_the_run_under_the_cursor_is_read_and_let_go_of() {
    let mut console = Harness::new(night(), 120, 40).await;
    console.press("2").await;
    let read = |console: &Harness| console.app.snapshot().threads.keys().copied().collect::<Vec<_>>();
    assert_eq!(read(&console), [run_id(12)]);
    console.press("G").await;
    assert_eq!(read(&console), [run_id(1)]);
    assert!(console.sees("find the failing test"), "its plan stands beside it: {}", console.screen());
    console.press("4").await;
    assert!(read(&console).is_empty());
    let mut narrow = Harness::new(night(), 119, 40).await;
    narrow.press("2").await;
    assert!(read(&narrow).is_empty(), "nothing is read that is not shown");
}

#[tokio::test(start_paused = true)]
async fn what_stands_beside_a_list_does_not_count_as_read() {
    let mut console = Harness::new(night(), 200, 60).await;
    console.press("3").await;
    console.wait(2_000).await;
    console.press("y").await;
    assert!(console.fake.submitted.lock().unwrap().is_empty());
    console.press("enter").await;
    assert_eq!(console.state().review().unwrap().approval, crate::console::view::fixtures::approval_id(2));
    console.press("y").await;
    assert!(console.fake.submitted.lock().unwrap().is_empty(), "half a second counts from when the card came up");
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_needs_somebody_until_it_was_looked_at() {
    let mut console = Harness::new(night(), 80, 40).await;
    let needs = |console: &mut Harness| console.screen().split("Running ─").next().unwrap().contains("staging queue");
    assert!(needs(&mut console), "{}", console.screen());
    console.press("j j j j enter").await;
    assert!(console.sees("start the server"), "{}", console.screen());
    console.press("esc").await;
    assert!(!needs(&mut console) && console.sees("staging queue"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_model_that_does_not_answer_is_said_once_and_no_longer_than_it_lasts() {
    use crate::domain::{Actor, ModelFailure, ModelFailureKind, PurposeOfTurn};
    use crate::kinds::RunEvent;
    let mut console = Harness::new(one_run(), 120, 40).await;
    let run = run_id(1);
    for attempt in 1..=3 {
        console.fake.tell(|story| {
            let message = "local refuses connections".into();
            let failure = ModelFailure { kind: ModelFailureKind::Unreachable, message, hint: String::new() };
            story.run(run, &Actor::System, RunEvent::TurnFailed { turn: 2, attempt, failure });
            let purpose = PurposeOfTurn::Act;
            story.run(run, &Actor::System, RunEvent::TurnStarted { turn: 2, attempt: attempt + 1, purpose });
        });
    }
    console.settle().await;
    assert!(console.sees("▲ local refuses connections  3× in"), "{}", console.screen());
    console.fake.tell(|story| {
        let reply = crate::console::view::fixtures::reply("Done.", None);
        story.run(run, &Actor::System, RunEvent::TurnFinished { turn: 2, attempt: 4, reply });
    });
    console.settle().await;
    assert!(!console.sees("refuses connections"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_footer_offers_nothing_that_cannot_be_done_now() {
    use crate::kinds::RunEvent;
    let mut console = Harness::new(one_run(), 120, 40).await;
    console.press("2").await;
    assert!(console.sees("p pause") && !console.sees("p resume"), "{}", console.screen());
    console.fake.tell(|story| {
        let reason = "paused by ana".to_owned();
        story.run(run_id(1), &crate::console::view::fixtures::ana(), RunEvent::Paused { reason, over: None });
    });
    console.settle().await;
    assert!(console.sees("p resume"), "{}", console.screen());
    console.fake.status.lock().unwrap().link = crate::ports::Link::Ended { reason: "the account is closed".to_owned() };
    console.press("1 2").await;
    assert!(!console.sees("p resume") && !console.sees("n new goal"), "{}", console.screen());
    let mut empty = Harness::new(crate::console::view::fixtures::Story::new(), 120, 40).await;
    empty.press("3").await;
    assert!(!empty.sees("enter open") && !empty.sees("s sort"), "{}", empty.screen());
}
