//! The palette by keys: what people type by habit, and commands of other screens, which are gone to first.

use super::Harness;
use crate::console::state::{Order, Page, Screen, Sort};
use crate::console::view::fixtures::{approval_id, crowd, night, one_run};
use crate::ports::Observe;

async fn type_into(console: &mut Harness, text: &str) {
    console.press(":").await;
    console.write(text).await;
    console.press("enter").await;
}

#[tokio::test(start_paused = true)]
async fn words_of_habit_do_what_they_mean() {
    let mut console = Harness::new(night(), 100, 30).await;
    for (word, screen) in
        [("runs", Screen::Runs), ("log", Screen::Log), ("approvals", Screen::Approvals), ("now", Screen::Overview)]
    {
        type_into(&mut console, word).await;
        assert_eq!(console.state().screen, screen, "{word}");
    }
    type_into(&mut console, "w").await;
    assert!(console.state().review().is_some());
    console.press("esc").await;
    console.press(":").await;
    console.write("q").await;
    assert!(console.sees("quit :q"), "aliases stand beside the command: {}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_found_from_anywhere_and_opens_the_card_and_decides_nothing() {
    let mut console = Harness::new(night(), 100, 30).await;
    console.press("2").await;
    type_into(&mut console, "deny").await;
    assert_eq!(console.state().review().map(|review| review.approval), Some(approval_id(2)), "{}", console.screen());
    assert!(console.sees("nothing is decided yet"), "{}", console.screen());
    console.wait(2_000).await;
    assert!(console.fake.submitted.lock().unwrap().is_empty());
    console.press("n").await;
    console.wait(1_000).await;
    let decided = console.fake.submitted.lock().unwrap().len();
    assert_eq!(decided, 1, "its key decides: {}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_command_of_another_screen_goes_there_and_is_done_there() {
    let mut console = Harness::new(crowd(), 120, 40).await;
    console.press("3").await;
    console.press("4").await;
    type_into(&mut console, "reverse-order").await;
    assert_eq!(console.state().screen, Screen::Runs);
    let sorted = console.state().runs.arrangement.sort;
    assert!(matches!(sorted, Some(Sort { order: Order::Reversed, .. })), "{sorted:?}");
    type_into(&mut console, "errors").await;
    assert_eq!(console.state().screen, Screen::Log);
    assert!(console.state().log.pane.cursor.is_some(), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_offered_that_cannot_be_done() {
    let mut console = Harness::new(one_run(), 100, 30).await;
    console.press(": d e n y").await;
    assert!(!console.sees("on card"), "no card waits: {}", console.screen());
    console.press("esc esc 2 enter").await;
    assert!(matches!(console.state().page(), Some(Page::Run(_))));
    console.press(":").await;
    console.write("cancel").await;
    assert!(console.sees("cancel the run"), "{}", console.screen());
    console.press("esc").await;
    console.fake.status.lock().unwrap().observe = Observe::Yes { hint: "ask an operator".to_owned() };
    console.press("j :").await;
    console.write("cancel").await;
    assert!(!console.sees("cancel the run") && !console.sees("x cancel"), "{}", console.screen());
}
