//! Changing what an agent asks to do, by keys: nothing is decided by it, and what it becomes is read anew.

use serde_json::json;

use super::Harness;
use super::fake::{Fake, FakeReplay};
use crate::console::state::Page;
use crate::console::view::fixtures::*;
use crate::domain::{Ask, Rejection, RejectionKind};
use crate::kinds::{ApprovalEvent, ApprovalVerb, Command, RunEvent};
use crate::ports::Moment;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

/// A run that wants to push to `main`.
fn asking() -> Story {
    let mut story = Story::new();
    let run = run_id(1);
    story.run(run, &ana(), RunEvent::Started { spec: Box::new(spec("publish the fix", "dev")) });
    request(&mut story, run, 1, "git_push", json!({ "branch": "main", "force": true }));
    ask(&mut story, 1, run, 1, Ask::Effect { card: push_card() });
    story
}

/// The console with the card open for as long as it takes to decide.
async fn card_open(width: u16, height: u16) -> Harness {
    let mut console = Harness::new(asking(), width, height).await;
    console.press("w").await;
    console.wait(1_000).await;
    console
}

fn submitted(console: &Harness) -> Vec<Command> {
    console.fake.submitted.lock().unwrap().clone()
}

/// Puts other text in the place of the line that the cursor is on.
async fn retype(console: &mut Harness, text: &str) {
    console.press("ctrl-k").await;
    console.write(text).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_card_comes_up_as_a_new_one_that_must_be_read_and_approved() {
    let mut console = card_open(100, 90).await;
    console.press("e").await;
    assert!(console.sees("Edit the arguments of git_push"), "{}", console.screen());
    assert!(console.sees("\"branch\": \"main\","), "{}", console.screen());
    retype(&mut console, "  \"branch\": \"fix\",").await;
    console.press("ctrl-s").await;
    let args = json!({ "branch": "fix", "force": true });
    let digest = push_card().digest().0;
    assert_eq!(submitted(&console), [ApprovalVerb::Edit { digest, args }.on(approval_id(1))]);
    assert!(matches!(console.state().page(), Some(Page::Card(review)) if review.approval == approval_id(90)));
    assert!(console.state().sheet.is_none());
    for shown in ["ana changed branch", "-  \"branch\": \"main\",", "+  \"branch\": \"fix\","] {
        let diff = console.screen().lines().any(|line| line.replace(' ', "").contains(&shown.replace(' ', "")));
        assert!(diff || console.sees(shown), "{shown} is not in\n{}", console.screen());
    }
    console.press("y").await;
    assert_eq!(submitted(&console).len(), 1, "it has only just come up");
    console.wait(1_000).await;
    console.press("y").await;
    let now = console.app.snapshot().approvals[&approval_id(90)].digest.0.clone();
    assert_eq!(submitted(&console)[1], ApprovalVerb::Approve { digest: now }.on(approval_id(90)));
}

#[tokio::test(start_paused = true)]
async fn leaving_the_editor_decides_nothing() {
    let mut console = card_open(80, 80).await;
    for keys in ["e esc", "e enter enter esc", "e y n ctrl-c"] {
        console.press(keys).await;
        assert!(submitted(&console).is_empty() && console.state().sheet.is_none(), "{keys}: {}", console.screen());
    }
    assert!(matches!(console.state().page(), Some(Page::Card(review)) if review.approval == approval_id(1)));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_call_is_said_below_it_and_the_draft_stays() {
    let mut console = card_open(80, 80).await;
    console.press("e ctrl-s").await;
    assert!(console.sees("✗ nothing was changed yet  esc leaves the card as it is"), "{}", console.screen());
    retype(&mut console, "  \"branch\": fix,").await;
    console.press("ctrl-s").await;
    assert!(console.sees("✗ line 2, column 14: expected"), "{}", console.screen());
    let rejection = Rejection::new(RejectionKind::Invalid, "git_push: unknown argument \"brunch\"")
        .hint("did you mean \"branch\"?");
    *console.fake.rejection.lock().unwrap() = Some(rejection);
    console.press("up").await;
    console.press("down").await;
    console.press("ctrl-a").await;
    retype(&mut console, "  \"brunch\": \"fix\",").await;
    console.press("ctrl-s").await;
    assert!(console.sees("✗ git_push: unknown argument \"brunch\""), "{}", console.screen());
    assert!(console.sees("\"brunch\": \"fix\","), "the draft is not lost: {}", console.screen());
    assert_eq!(console.app.snapshot().approvals[&approval_id(1)].state.name(), "pending");
}

#[tokio::test(start_paused = true)]
async fn a_card_that_has_only_just_come_up_is_not_changed() {
    let mut console = Harness::new(asking(), 80, 80).await;
    console.press("w e").await;
    assert!(console.state().sheet.is_none() && console.sees("had only just appeared"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn who_is_late_is_told_and_keeps_the_draft() {
    let mut console = card_open(80, 80).await;
    console.press("e").await;
    retype(&mut console, "  \"branch\": \"fix\",").await;
    console.fake.tell(|story| {
        story.approval(approval_id(1), &dev(), ApprovalEvent::Denied { reason: "".into() });
    });
    console.settle().await;
    console.press("ctrl-s").await;
    assert!(console.sees("already denied by dev") && console.sees("\"fix\""), "{}", console.screen());
    assert!(submitted(&console).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_card_that_somebody_else_changed_gives_way_to_what_it_became() {
    let mut console = card_open(80, 80).await;
    let args = json!({ "branch": "elsewhere" });
    let digest = push_card().digest().0;
    use crate::ports::Client;
    let ben = crate::domain::Actor::Person("ben".to_owned());
    console.fake.submit(ApprovalVerb::Edit { digest, args }.on(approval_id(1)), ben).await.unwrap();
    console.settle().await;
    assert!(matches!(console.state().page(), Some(Page::Card(review)) if review.approval == approval_id(90)));
    console.press("y").await;
    assert_eq!(submitted(&console).len(), 1, "a key meant for the card before decides nothing");
    assert!(console.sees("ben changed branch, force"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn pasted_text_goes_into_the_draft_and_decides_nothing() {
    let mut console = card_open(80, 80).await;
    console.press("e ctrl-k").await;
    console.paste("  \"branch\": \"pasted\",").await;
    assert!(console.sees("pasted") && submitted(&console).is_empty(), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn the_persons_own_editor_changes_the_arguments() {
    // `true` leaves the file as it is: the draft survives and the screen comes back.
    let mut console = card_open(80, 80).await;
    console.press("e ctrl-o").await;
    assert!(console.app.surface_mut().held);
    assert!(console.sees("\"branch\": \"main\","), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn in_a_recording_nothing_can_be_changed() {
    let replay = FakeReplay(std::sync::Mutex::new(Moment { held: true, ..Moment::default() }));
    let mut fake = Fake::new(asking());
    fake.replay = Some(std::sync::Arc::new(replay));
    let mut console = Harness::over(fake, 80, 80).await;
    console.press("w").await;
    console.wait(1_000).await;
    console.press("e").await;
    assert!(console.state().sheet.is_none(), "{}", console.screen());
    assert!(console.sees("nothing can be changed in a recording"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn the_editor_and_the_changed_card() {
    for (width, height) in SIZES {
        let mut console = card_open(width, height).await;
        console.press("e").await;
        retype(&mut console, "  \"branch\": fix").await;
        console.press("ctrl-s").await;
        insta::assert_snapshot!(format!("editing_{width}x{height}"), console.screen());
        console.press("ctrl-a").await;
        retype(&mut console, "  \"branch\": \"fix\",").await;
        console.press("ctrl-s").await;
        insta::assert_snapshot!(format!("edited_{width}x{height}"), console.screen());
    }
}
