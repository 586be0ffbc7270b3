//! Toasts: whole, and no longer than they are so.

use super::Harness;
use crate::console::view::fixtures::*;
use crate::domain::{Rejection, RejectionKind};
use crate::kinds::ApprovalEvent;
use crate::ports::FeedItem;

const LONG: &str = "the policy of this server refuses what was asked for, since the branch is protected by a rule that \
     wants two people to have looked at it first";

#[tokio::test(start_paused = true)]
async fn a_long_one_is_wrapped_and_never_cut() {
    let mut console = Harness::new(night(), 80, 24).await;
    console.press("w").await;
    console.wait(1_000).await;
    let rejection = Rejection::new(RejectionKind::NotAllowed, LONG).hint("ask ben");
    *console.fake.rejection.lock().unwrap() = Some(rejection);
    console.press("n").await;
    console.wait(1_000).await;
    let said = console.screen().split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = LONG.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("{wanted} ask ben")), "{}", console.screen());
    console.resize(40, 15).await;
    let said = console.screen().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&wanted), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_a_card_goes_when_the_card_is_settled() {
    let mut console = Harness::new(night(), 80, 24).await;
    console.press("w y").await;
    console.wait(500).await;
    assert!(console.state().toast.is_some(), "{}", console.screen());
    let card = console.state().review().unwrap().approval;
    console.fake.tell(|story| {
        story.approval(card, &ana(), ApprovalEvent::Denied { reason: "no".into() });
    });
    console.settle().await;
    assert_eq!(console.state().toast, None);
}

#[tokio::test(start_paused = true)]
async fn that_nothing_waits_is_taken_back_when_something_does() {
    let mut console = Harness::new(one_run(), 80, 24).await;
    console.press("w").await;
    assert!(console.sees("nothing waits for you"), "{}", console.screen());
    console.fake.tell(|story| {
        request(story, run_id(1), 1, "shell", serde_json::json!({}));
        ask(story, 1, run_id(1), 1, crate::domain::Ask::Effect { card: push_card() });
    });
    console.settle().await;
    assert!(!console.sees("nothing waits for you"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn that_nothing_is_saved_is_taken_back_when_it_is_again() {
    let mut console = Harness::new(one_run(), 80, 24).await;
    console.fake.say(FeedItem::StoreDown { reason: "disk full".to_owned() });
    console.settle().await;
    console.press("2 p").await;
    assert!(console.sees("not saved: disk full"), "{}", console.screen());
    console.fake.say(FeedItem::StoreBack);
    console.settle().await;
    assert!(!console.sees("not saved"), "{}", console.screen());
}
