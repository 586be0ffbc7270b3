//! Sessions of the text console: what is typed, and what it prints.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::console::app::fake::{Fake, FakeLauncher, StoryClock};
use crate::console::view::card::asked;
use crate::console::view::fixtures::*;
use crate::domain::{EffectCard, nasty_text};
use crate::kinds::{ApprovalVerb, RunVerb};

fn options(fake: &Fake) -> PlainOptions {
    PlainOptions {
        person: ana(),
        launcher: Arc::new(FakeLauncher::default()),
        clock: Arc::new(StoryClock(fake.story.lock().unwrap().now())),
        keymap: Keymap::builtin().unwrap(),
    }
}

async fn session(fake: &Arc<Fake>, typed: &str) -> String {
    let mut printed = Vec::new();
    run(fake.clone(), options(fake), typed.as_bytes(), &mut printed).await.unwrap();
    String::from_utf8(printed).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_waiting_card_is_printed_in_full_and_approved_by_its_digest() {
    let fake = Arc::new(Fake::new(night()));
    let id = approval_id(1).short();
    let digest = push_card().digest().shown().to_owned();
    let text = session(&fake, &format!("approve {id} {digest}\nquit\n")).await;
    for argument in ["git push origin --delete fix/parser", "--no-verify", &digest] {
        assert!(text.contains(argument), "{argument} is missing in\n{text}");
    }
    assert!(text.contains("Done, and saved."), "{text}");
    let submitted = fake.submitted.lock().unwrap().clone();
    assert_eq!(submitted, [ApprovalVerb::Approve { digest }.on(approval_id(1))]);
}

#[tokio::test(start_paused = true)]
async fn arguments_are_printed_and_changed_and_the_changed_card_is_printed_too() {
    let fake = Arc::new(Fake::new(night()));
    let id = approval_id(1).short();
    let digest = push_card().digest().shown().to_owned();
    let json = "{\"branch\":\"fix/other\"}";
    let text = session(&fake, &format!("arguments {id}\nedit {id} {digest} {json}\nquit\n")).await;
    let args = fake.story.lock().unwrap().thread(run_id(FIX)).calls.values().last().unwrap().asked().to_string();
    assert!(text.contains(&args), "{args} is missing in\n{text}");
    assert!(text.contains("Done, and saved."), "{text}");
    let args = serde_json::from_str(json).unwrap();
    let submitted = fake.submitted.lock().unwrap().clone();
    assert_eq!(submitted, [ApprovalVerb::Edit { digest, args }.on(approval_id(1))]);
}

#[tokio::test(start_paused = true)]
async fn all_that_leaves_is_printed_before_it_can_be_approved() {
    let lines: String = (1..=2_000).map(|number| format!("+package {number}\n")).collect();
    let diff = format!("--- a/Cargo.lock\n+++ b/Cargo.lock\n@@ -0,0 +1,2000 @@\n{lines}");
    let card = EffectCard { change: Some(diff.into()), ..push_card() };
    let (story, approval) = asked(card.clone());
    let fake = Arc::new(Fake::new(story));
    let digest = card.digest().shown().to_owned();
    let text = session(&fake, &format!("approve {} {digest}\nquit\n", approval.short())).await;
    let (before, after) = text.split_once("To decide: ").unwrap();
    for number in 1..=2_000 {
        assert!(before.contains(&format!("+package {number}\n")), "package {number} was not printed");
    }
    assert!(after.contains("Done, and saved."), "{after}");
}

#[tokio::test(start_paused = true)]
async fn what_was_not_printed_is_not_done_again_either() {
    let fake = Arc::new(Fake::new(Story::new()));
    let mut console = Plain {
        client: fake.clone(),
        options: options(&fake),
        output: &mut Vec::new(),
        offers: Offers::default(),
        watch: Watch::of(fake.as_ref()),
        snapshot: night().snapshot,
        printed: BTreeSet::new(),
    };
    for line in ["settle {} retry", "settle {} happened", "approve {} 12345678"] {
        let id = if line.starts_with("settle") { approval_id(5) } else { approval_id(1) };
        console.typed(&line.replace("{}", &id.short())).await.unwrap();
    }
    assert!(fake.submitted.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_it_prints_moves_a_cursor_or_colours_anything() {
    let fake = Arc::new(Fake::new(night()));
    let text = session(&fake, "runs\napprovals\nagents\nhelp\nshow zzz\nnonsense\nquit\n").await;
    let odd: Vec<_> = text.chars().filter(|c| c.is_control() && *c != '\n').collect();
    assert!(odd.is_empty(), "{odd:?}");
    assert!(text.contains("Error: there is no command \"nonsense\""), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_shown_with_everything_it_did() {
    let fake = Arc::new(Fake::new(night()));
    let text = session(&fake, &format!("show {}\nquit\n", run_id(FIX))).await;
    assert!(text.contains("peek may be None; I handle that."), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_input_leaves() {
    let fake = Arc::new(Fake::new(Story::new()));
    let text = session(&fake, "deny\nanswer\n").await;
    assert!(text.starts_with("morningai on sqlite:morningai.db") && text.contains("deny needs"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_goal_is_started_and_remembered() {
    let fake = Arc::new(Fake::new(Story::new()));
    session(&fake, "new @ops in /srv: look around\nnew in /nowhere: x\nquit\n").await;
    let submitted = fake.submitted.lock().unwrap().clone();
    assert!(
        matches!(&submitted[..], [Command::Run { verb: RunVerb::Start { spec }, .. }] if spec.goal.raw() == "look around")
    );
}

/// What an eye sees of a card's text. Its digest differs anyway, which nobody compares.
fn printed(card: &EffectCard) -> String {
    let (story, approval) = asked(card.clone());
    let keymap = Keymap::builtin().unwrap();
    let lines = text::card(&story.snapshot.approvals[&approval], &story.snapshot, &keymap, story.now());
    let told = lines.iter().filter(|line| !line.starts_with("digest") && !line.starts_with("To decide"));
    nasty_text::seen(&told.map(String::as_str).collect::<Vec<_>>().join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn two_cards_never_print_the_same((a, b) in nasty_text::pair(), place in 0..PLACES, long in 0_usize..110) {
        let filled = |text: &str| format!("{}{text}", "x".repeat(long));
        let (a, b) = (holding(&filled(&a), place), holding(&filled(&b), place));
        prop_assume!(a != b);
        prop_assert_ne!(printed(&a), printed(&b));
    }
}
