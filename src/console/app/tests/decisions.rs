//! Decisions: what may decide, what may not, and what is sent when something does.

use super::Harness;
use super::fake::Fake;
use crate::console::state::Page;
use crate::console::view::fixtures::*;
use crate::domain::{Actor, Ask, EffectCard, Rejection, RejectionKind, Settlement};
use crate::kinds::{ApprovalEvent, ApprovalVerb, Command, RunEvent};
use crate::ports::FeedItem;

/// A run that waits for one decision.
pub(super) fn asking(ask: Ask) -> Story {
    let mut story = Story::new();
    let run = run_id(1);
    story.run(run, &ana(), RunEvent::Started { spec: Box::new(spec("keep the service up", "ops")) });
    request(&mut story, run, 1, "shell", serde_json::json!({}));
    self::ask(&mut story, 1, run, 1, ask);
    story
}

fn effect(card: EffectCard) -> Story {
    asking(Ask::Effect { card })
}

/// The console with the card open, as it stands after its first frame.
pub(super) async fn card_open(story: Story, height: u16) -> Harness {
    let mut console = Harness::new(story, 80, height).await;
    console.press("w").await;
    assert!(console.state().review().is_some());
    console
}

pub(super) fn submitted(console: &Harness) -> Vec<Command> {
    console.fake.submitted.lock().unwrap().clone()
}

fn approval_of(console: &Harness) -> Option<String> {
    submitted(console).into_iter().find_map(|command| match command {
        Command::Approval { verb: ApprovalVerb::Approve { digest }, .. } => Some(digest),
        _ => None,
    })
}

#[tokio::test(start_paused = true)]
async fn a_card_that_was_read_is_approved_with_its_whole_digest() {
    let mut console = card_open(effect(push_card()), 80).await;
    console.wait(500).await;
    console.press("y").await;
    assert_eq!(approval_of(&console), Some(push_card().digest().0));
    assert!(console.sees("✓ approved: push origin/fix/parser"), "{}", console.screen());
    assert!(console.sees("✓ approved by ana"), "the card says what was decided: {}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn what_comes_of_a_decision_is_shown_where_it_was_made() {
    let mut console = card_open(effect(push_card()), 80).await;
    console.wait(500).await;
    console.press("y").await;
    console.fake.tell(|story| {
        let under = crate::domain::Authority::Approval(approval_id(1));
        start_effect(story, run_id(1), 1, &push_card(), under);
    });
    console.settle().await;
    assert!(console.sees("● running"), "{}", console.screen());
    let result = crate::domain::ToolResult::success("pushed ca2054e", Default::default());
    console.fake.tell(|story| settle(story, run_id(1), 1, result));
    console.settle().await;
    assert!(console.sees("✓ done: pushed ca2054e"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_card_over_the_page_of_its_run_closes_for_that_page_shows_what_comes_of_it() {
    let mut console = Harness::new(effect(push_card()), 80, 80).await;
    console.press("2 enter w").await;
    console.wait(1_000).await;
    console.press("y").await;
    assert!(approval_of(&console).is_some());
    assert!(matches!(console.state().page(), Some(Page::Run(_))), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn one_turns_from_card_to_card_in_the_order_of_the_queue() {
    let mut console = Harness::new(night(), 120, 40).await;
    console.press("3 enter").await;
    let mut seen = Vec::new();
    for key in ["J", "J", "J", "J", "K"] {
        seen.push(console.state().review().unwrap().approval);
        console.press(key).await;
    }
    assert_eq!(seen, [2, 5, 1, 6, 6].map(approval_id), "the last one stays");
    assert_eq!(console.state().review().unwrap().approval, approval_id(1));
    assert!(console.sees("3 of 4") && submitted(&console).is_empty(), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn for_half_a_second_a_new_card_takes_no_decision() {
    let mut console = card_open(effect(push_card()), 80).await;
    console.wait(200).await;
    console.press("y").await;
    console.press("n").await;
    assert!(submitted(&console).is_empty());
    assert!(console.sees("had only just appeared"), "{}", console.screen());
    console.wait(100).await;
    console.press("y").await;
    assert!(approval_of(&console).is_some(), "600 ms after it came up");
}

#[tokio::test(start_paused = true)]
async fn keys_typed_ahead_decide_nothing() {
    let mut console = Harness::new(effect(push_card()), 80, 80).await;
    console.write("wyyynr").await;
    assert!(submitted(&console).is_empty());
    assert!(console.state().review().is_some() && console.state().sheet.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_held_key_decides_nothing_however_long_it_is_held() {
    let mut console = Harness::new(effect(push_card()), 80, 80).await;
    console.press("w").await;
    for _ in 0..100 {
        console.wait(33).await;
        console.write("y").await;
    }
    assert!(submitted(&console).is_empty());
    assert!(console.sees("followed another too quickly"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn what_has_not_been_on_the_screen_cannot_be_approved_but_denied() {
    let mut console = card_open(effect(push_card()), 24).await;
    console.wait(1_000).await;
    assert!(console.sees("rows to read") && !console.sees("y approve"), "{}", console.screen());
    console.press("y").await;
    assert!(submitted(&console).is_empty());
    assert!(console.sees("have not been on the screen yet"), "{}", console.screen());
    for _ in 0..60 {
        console.press("j").await;
    }
    assert!(console.sees("y approve"), "{}", console.screen());
    console.press("y").await;
    assert!(approval_of(&console).is_some());
    let mut other = card_open(effect(push_card()), 24).await;
    other.wait(1_000).await;
    other.press("n").await;
    assert!(matches!(submitted(&other)[..], [Command::Approval { verb: ApprovalVerb::Deny { .. }, .. }]));
}

/// A push of so many changed lines.
fn long_push(lines: usize) -> EffectCard {
    let changed: String = (1..=lines).map(|number| format!("+package {number}\n")).collect();
    let diff = format!("--- a/Cargo.lock\n+++ b/Cargo.lock\n@@ -0,0 +1,{lines} @@\n{changed}");
    EffectCard { change: Some(diff.into()), ..push_card() }
}

#[tokio::test(start_paused = true)]
async fn a_push_cannot_be_approved_before_the_last_line_of_its_change_was_on_the_screen() {
    let mut console = card_open(effect(long_push(2_000)), 24).await;
    console.wait(1_000).await;
    for pages in 0.. {
        if console.sees("package 2000") {
            break;
        }
        console.press("y").await;
        assert!(submitted(&console).is_empty() && pages < 400, "{}", console.screen());
        console.press("pagedown").await;
    }
    assert_eq!(approval_of(&console), None);
    // Behind it stands what will run, which has to be read as well.
    for _ in 0..4 {
        console.press("pagedown").await;
    }
    console.press("y").await;
    assert_eq!(approval_of(&console), Some(long_push(2_000).digest().0));
}

#[tokio::test(start_paused = true)]
async fn where_old_and_new_stand_side_by_side_all_of_both_must_have_been_on_the_screen() {
    let (mut old, mut new) = (String::new(), String::new());
    for number in 1..=1_000 {
        old.push_str(&format!("-package {number}\n"));
        new.push_str(&format!("+package {number} is new\n"));
    }
    let diff = format!("--- a/Cargo.lock\n+++ b/Cargo.lock\n@@ -1,1000 +1,1000 @@\n{old}{new}");
    let card = EffectCard { change: Some(diff.into()), ..push_card() };
    let mut console = Harness::new(effect(card.clone()), 200, 50).await;
    console.press("w").await;
    console.wait(1_000).await;
    for pages in 0.. {
        if console.sees("package 1000 is new") {
            break;
        }
        console.press("y").await;
        assert!(submitted(&console).is_empty() && pages < 100, "{}", console.screen());
        console.press("pagedown").await;
    }
    assert_eq!(approval_of(&console), None);
    console.press("pagedown").await;
    console.press("y").await;
    assert_eq!(approval_of(&console), Some(card.digest().0));
}

#[tokio::test(start_paused = true)]
async fn what_stands_beside_the_change_must_be_read_as_well() {
    let short = EffectCard { change: Some("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n".into()), ..push_card() };
    let mut console = Harness::new(effect(short.clone()), 120, 24).await;
    console.press("w").await;
    console.wait(1_000).await;
    assert!(console.sees("Where and why") && !console.sees("subjects"), "{}", console.screen());
    console.press("y").await;
    assert!(submitted(&console).is_empty(), "{}", console.screen());
    for _ in 0..50 {
        console.press("j").await;
    }
    assert!(console.sees("y approve"), "{}", console.screen());
    console.press("y").await;
    assert_eq!(approval_of(&console), Some(short.digest().0));
}

#[tokio::test(start_paused = true)]
async fn what_the_end_and_everything_show_does_not_stand_for_the_middle() {
    let mut console = card_open(effect(long_push(100)), 24).await;
    console.press("G").await;
    console.wait(1_000).await;
    console.press("y").await;
    console.press("v G y").await;
    assert!(submitted(&console).is_empty(), "{}", console.screen());
    for _ in 0..20 {
        console.press("ctrl-b").await;
    }
    console.press("y").await;
    assert!(approval_of(&console).is_some(), "what was read counts, whatever else was shown: {}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn jumping_to_the_end_leaves_the_middle_unread() {
    let mut console = card_open(effect(restart_card()), 16).await;
    console.press("G").await;
    console.wait(1_000).await;
    console.press("y").await;
    assert!(console.state().sheet.is_none(), "no name is asked for before everything was read");
    for _ in 0..40 {
        console.press("k").await;
    }
    console.wait(1_000).await;
    console.press("y").await;
    assert!(console.state().sheet.is_some(), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn enter_escape_pasting_and_resizing_decide_nothing() {
    let mut console = card_open(effect(push_card()), 80).await;
    console.wait(1_000).await;
    console.press("enter").await;
    console.paste("y").await;
    console.wait(200).await;
    console.paste("yyyy\n").await;
    console.resize(100, 80).await;
    console.press("esc").await;
    assert!(submitted(&console).is_empty());
    assert!(console.state().review().is_none(), "escape closes the card");
    assert_eq!(console.app.snapshot().open_approvals().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_mouse_decides_nothing() {
    use crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut console = card_open(effect(push_card()), 80).await;
    console.wait(1_000).await;
    for row in 0..50 {
        for column in (0..80).step_by(4) {
            let kind = MouseEventKind::Down(MouseButton::Left);
            console.tell(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
        }
    }
    console.settle().await;
    assert!(submitted(&console).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_critical_card_wants_its_target_typed() {
    let mut console = card_open(effect(restart_card()), 80).await;
    console.wait(1_000).await;
    console.press("y").await;
    assert!(submitted(&console).is_empty());
    console.paste("api@eu-west-1.service").await;
    console.press("ctrl-y").await;
    assert!(submitted(&console).is_empty(), "pasting proves nothing");
    console.write("api@eu-west-1.service").await;
    console.press("enter").await;
    assert!(submitted(&console).is_empty(), "enter never approves");
    console.press("ctrl-y").await;
    assert_eq!(approval_of(&console), Some(restart_card().digest().0));
}

#[tokio::test(start_paused = true)]
async fn a_denial_carries_the_reason_that_was_typed() {
    let mut console = card_open(effect(push_card()), 80).await;
    console.wait(1_000).await;
    console.press("r").await;
    console.write("wrong branch").await;
    console.press("enter").await;
    let [Command::Approval { verb: ApprovalVerb::Deny { reason }, .. }] = &submitted(&console)[..] else {
        unreachable!()
    };
    assert_eq!(reason.raw(), "wrong branch");
}

#[tokio::test(start_paused = true)]
async fn an_outcome_in_doubt_is_settled_by_a_word_each() {
    let cases = [("h", Settlement::Happened), ("d", Settlement::Retry), ("u", Settlement::GiveUp)];
    for (key, wanted) in cases {
        let mut console = card_open(asking(Ask::InDoubt { card: push_card(), attempt: 1 }), 80).await;
        console.wait(1_000).await;
        console.press("y").await;
        console.press(key).await;
        let [Command::Approval { verb: ApprovalVerb::Settle { settlement, .. }, .. }] = &submitted(&console)[..] else {
            panic!("{}", console.screen())
        };
        assert_eq!(*settlement, wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_in_words_or_by_the_number_of_a_choice() {
    let question = || Ask::Question {
        text: "Which one?".into(),
        choices: vec!["the left".into(), "the right".into()],
        budget: None,
    };
    for (typed, wanted) in [("2", "the right"), ("neither, wait", "neither, wait")] {
        let mut console = card_open(asking(question()), 40).await;
        console.wait(1_000).await;
        console.press("a").await;
        console.press("enter").await;
        assert!(submitted(&console).is_empty(), "an empty answer is none");
        console.write(typed).await;
        console.press("enter").await;
        let [Command::Approval { verb: ApprovalVerb::Answer { text }, .. }] = &submitted(&console)[..] else {
            panic!("{}", console.screen())
        };
        assert_eq!(text.raw(), wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_decided_elsewhere_says_by_whom_and_takes_no_more_keys() {
    let mut console = card_open(effect(push_card()), 80).await;
    let bob = Actor::Person("bob".to_owned());
    console.fake.tell(|story| {
        story.approval(approval_id(1), &bob, ApprovalEvent::Denied { reason: "not now".into() });
    });
    console.wait(1_000).await;
    assert!(console.sees("bob") && console.sees("not now"), "{}", console.screen());
    console.press("y").await;
    console.press("n").await;
    assert!(submitted(&console).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_rejected_decision_says_why_and_leaves_the_card_open() {
    let mut console = card_open(effect(push_card()), 80).await;
    let rejection = Rejection::new(RejectionKind::DigestMismatch, "the card has changed").hint("look at it again");
    *console.fake.rejection.lock().unwrap() = Some(rejection);
    console.wait(1_000).await;
    console.press("y").await;
    assert!(console.sees("✗ the card has changed  look at it again"), "{}", console.screen());
    assert!(matches!(console.state().page(), Some(Page::Card(_))));
    console.press("y").await;
    assert_eq!(submitted(&console).len(), 2, "one may decide again");
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_down_nothing_is_decided() {
    let mut console = card_open(effect(push_card()), 80).await;
    console.fake.say(FeedItem::StoreDown { reason: "no space left on device".to_owned() });
    console.wait(1_000).await;
    assert!(console.sees("NOT SAVED") && console.sees("no space left on device"), "{}", console.screen());
    console.press("y").await;
    console.press("n").await;
    assert!(submitted(&console).is_empty());
    console.fake.say(FeedItem::StoreBack);
    console.settle().await;
    console.press("y").await;
    assert!(approval_of(&console).is_some());
}

#[tokio::test(start_paused = true)]
async fn who_only_looks_is_offered_no_decision() {
    let fake = Fake::new(effect(push_card()));
    fake.status.lock().unwrap().observe = crate::ports::Observe::wanted(true);
    let mut console = Harness::over(fake, 80, 80).await;
    console.press("w").await;
    console.wait(1_000).await;
    assert!(!console.sees("y approve") && console.sees("read-only"), "{}", console.screen());
    for key in ["y", "n", "r"] {
        console.press(key).await;
    }
    assert!(submitted(&console).is_empty());
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_room_one_may_deny_and_leave_only() {
    let mut console = card_open(effect(push_card()), 80).await;
    console.resize(50, 12).await;
    console.wait(1_000).await;
    insta::assert_snapshot!("too_small", console.screen());
    console.press("y").await;
    assert!(submitted(&console).is_empty());
    console.resize(80, 80).await;
    console.press("y").await;
    assert!(approval_of(&console).is_some(), "it was read before it got small");
    let mut other = card_open(effect(push_card()), 80).await;
    other.resize(50, 12).await;
    other.wait(1_000).await;
    other.press("n").await;
    assert!(matches!(submitted(&other)[..], [Command::Approval { verb: ApprovalVerb::Deny { .. }, .. }]));
}

#[tokio::test(start_paused = true)]
async fn what_came_up_where_there_is_no_room_counts_as_unread() {
    let mut console = Harness::new(effect(push_card()), 50, 12).await;
    console.press("w").await;
    console.wait(1_000).await;
    console.resize(80, 20).await;
    console.wait(1_000).await;
    console.press("y").await;
    assert!(submitted(&console).is_empty(), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn the_palette_offers_no_decision() {
    let mut console = card_open(effect(push_card()), 80).await;
    console.wait(1_000).await;
    console.press(":").await;
    console.write("approve").await;
    console.press("enter").await;
    assert!(submitted(&console).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_with_others_decides_nothing_not_even_the_first() {
    let mut console = card_open(effect(push_card()), 80).await;
    console.wait(1_000).await;
    console.write("yyy").await;
    assert!(submitted(&console).is_empty());
    assert!(console.sees("followed another too quickly"), "{}", console.screen());
    console.press("y").await;
    assert!(approval_of(&console).is_some(), "alone it decides");
}

#[tokio::test(start_paused = true)]
async fn a_card_from_the_queue_shows_how_it_came_to_it_one_key_away() {
    let mut story = effect(push_card());
    request(&mut story, run_id(1), 2, "shell", serde_json::json!({}));
    self::ask(&mut story, 2, run_id(1), 2, Ask::Effect { card: restart_card() });
    let mut console = card_open(story, 120).await;
    assert!(console.app.snapshot().threads.is_empty(), "no page of the run was opened before");
    console.press("v").await;
    assert!(console.sees("This is the first call of the run."), "{}", console.screen());
    // The next card of the same run asks for the same history anew, and closing it lets go of it.
    console.press("w").await;
    assert!(console.app.snapshot().threads.is_empty(), "kept for no page");
    console.press("v").await;
    assert!(console.sees("How it came to this") && console.sees("shell"), "{}", console.screen());
    console.press("esc").await;
    assert!(console.app.snapshot().threads.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_history_that_cannot_be_read_is_said_on_the_card_and_asked_for_again() {
    let mut console = card_open(effect(push_card()), 120).await;
    *console.fake.is_unreadable.lock().unwrap() = true;
    console.press("v").await;
    assert!(console.sees("cannot be read: the store is closed"), "{}", console.screen());
    *console.fake.is_unreadable.lock().unwrap() = false;
    console.press("v").await;
    console.press("v").await;
    assert!(console.sees("This is the first call of the run."), "{}", console.screen());
}
