//! Starting and steering work: the form, procedures, pausing, cancelling, leaving.

use super::Harness;
use crate::console::app::End;
use crate::console::state::Page;
use crate::console::update::LaunchKind;
use crate::console::view::fixtures::*;
use crate::domain::{PurposeOfTurn, Rejection, RejectionKind, RunId, RunState};
use crate::kinds::{Command, RunEvent, RunVerb};
use crate::ports::{Delta, DeltaKind, FeedItem};

fn submitted(console: &Harness) -> Vec<Command> {
    console.fake.submitted.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_goal_is_typed_and_its_run_opens() {
    let mut console = Harness::new(Story::new(), 100, 30).await;
    console.press("n").await;
    console.write("make it pass").await;
    console.press("ctrl-j").await;
    console.write("and commit").await;
    console.press("tab").await;
    console.press("right").await;
    console.press("enter").await;
    let launched = console.launcher.launched.lock().unwrap().clone();
    assert_eq!(launched.len(), 1);
    assert_eq!(launched[0].goal, "make it pass\nand commit");
    assert_eq!(launched[0].kind, LaunchKind::Agent("ops".to_owned()));
    assert_eq!(*console.launcher.remembered.lock().unwrap(), ["make it pass\nand commit"]);
    let [Command::Run { id: run, verb: RunVerb::Start { .. } }] = &submitted(&console)[..] else {
        panic!("{}", console.screen())
    };
    assert!(matches!(console.state().page(), Some(Page::Run(open)) if open.run == *run));
    assert!(console.sees("make it pass"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn the_page_of_a_new_run_follows_what_is_said_until_one_looks_up() {
    let mut console = Harness::new(Story::new(), 80, 24).await;
    console.press("n").await;
    console.write("make it pass").await;
    console.press("enter").await;
    let [Command::Run { id: run, verb: RunVerb::Start { .. } }] = &submitted(&console)[..] else {
        panic!("{}", console.screen())
    };
    let run = *run;
    console.fake.tell(|story| {
        story.run(run, &dev(), RunEvent::TurnStarted { turn: 1, attempt: 1, purpose: PurposeOfTurn::Act });
    });
    say(&mut console, run, 0..60).await;
    assert!(console.sees("sentence 59."), "{}", console.screen());
    // Pressed once too often: what streams in cannot be folded.
    console.press("enter j").await;
    say(&mut console, run, 60..120).await;
    assert!(console.sees("sentence 119."), "{}", console.screen());
    console.press("k").await;
    say(&mut console, run, 120..180).await;
    assert!(!console.sees("sentence 179."), "{}", console.screen());
    console.press("G").await;
    say(&mut console, run, 180..240).await;
    assert!(console.sees("sentence 239."), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn files_are_offered_behind_an_at_sign() {
    let mut console = Harness::new(Story::new(), 100, 30).await;
    console.press("n").await;
    console.write("look at @pars").await;
    assert!(console.sees("src/parser.rs") && console.sees("enter inserts the file"), "{}", console.screen());
    console.press("down enter").await;
    console.write("and mend it").await;
    assert!(console.sees("look at tests/parser.rs and mend it"), "{}", console.screen());
    assert!(console.launcher.launched.lock().unwrap().is_empty());
    // Escape closes what is offered, and leaves what was typed.
    console.write(" @pars").await;
    console.press("esc").await;
    assert!(!console.sees("src/parser.rs"), "{}", console.screen());
    console.press("enter").await;
    let launched = console.launcher.launched.lock().unwrap().clone();
    assert_eq!(launched[0].goal, "look at tests/parser.rs and mend it @pars");
}

#[tokio::test(start_paused = true)]
async fn keys_of_the_form_work_while_files_are_offered() {
    let mut console = Harness::new(Story::new(), 100, 30).await;
    console.press("n").await;
    console.write("look at @pars").await;
    assert!(console.sees("enter inserts the file"), "{}", console.screen());
    console.press("ctrl-c").await;
    assert!(console.state().sheet.is_none(), "{}", console.screen());
    console.press("n").await;
    console.write("look at @pars").await;
    assert!(console.sees("enter inserts the file"), "{}", console.screen());
    console.press("ctrl-s").await;
    let launched = console.launcher.launched.lock().unwrap().clone();
    assert_eq!(launched[0].goal, "look at @pars");
}

/// Lets the model say these sentences in the open turn.
async fn say(console: &mut Harness, run: RunId, sentences: std::ops::Range<u32>) {
    for number in sentences {
        let text = format!("Now I say sentence {number}. ");
        let delta = Delta { run, kind: DeltaKind::Token { turn: 1 }, text: text.as_str().into() };
        console.fake.say(FeedItem::Delta(delta));
        console.wait(50).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_started_keeps_the_form_and_says_why() {
    let mut console = Harness::new(Story::new(), 100, 30).await;
    console.press("n").await;
    console.press("enter").await;
    assert!(console.sees("✗ a goal needs words"), "{}", console.screen());
    assert!(submitted(&console).is_empty() && console.launcher.launched.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_a_run_that_was_not_taken_nothing_is_left() {
    let mut console = Harness::new(Story::new(), 100, 30).await;
    *console.fake.rejection.lock().unwrap() = Some(Rejection::new(RejectionKind::NotSaved, "the disk is full"));
    console.press("n").await;
    console.write("make it pass").await;
    console.press("enter").await;
    assert!(console.sees("the disk is full"), "{}", console.screen());
    let discarded = console.launcher.discarded.lock().unwrap().clone();
    assert_eq!(discarded.iter().map(|spec| spec.goal.raw()).collect::<Vec<_>>(), ["make it pass"]);
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_is_not_there_is_told_in_the_form() {
    let mut console = Harness::new(Story::new(), 100, 30).await;
    console.press("n").await;
    console.write("look").await;
    console.press("tab tab").await;
    for _ in 0.."/home/ana/src/".len() {
        console.tell(crossterm::event::Event::Key(crossterm::event::KeyCode::Backspace.into()));
    }
    console.settle().await;
    console.write("/nowhere").await;
    console.press("enter").await;
    assert!(console.sees("✗ there is no directory /nowhere  choose a directory that exists"), "{}", console.screen());
    assert!(console.sees("look"), "the goal is not lost");
    assert!(submitted(&console).is_empty());
}

#[tokio::test(start_paused = true)]
async fn tab_completes_the_workspace() {
    let mut console = Harness::new(Story::new(), 100, 30).await;
    console.press("n tab tab").await;
    console.write("pars").await;
    console.press("tab").await;
    assert!(console.sees("/home/ana/src/parser/"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn earlier_goals_come_back_with_the_arrow() {
    let mut console = Harness::new(Story::new(), 100, 30).await;
    console.press("n up up").await;
    assert!(console.sees("find the leak"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn the_persons_own_editor_changes_the_goal_and_gives_the_terminal_back() {
    // `true` leaves the file as it is: the goal survives and the screen comes back.
    let mut console = Harness::new(Story::new(), 100, 30).await;
    console.press("n").await;
    console.write("keep me").await;
    console.press("ctrl-o").await;
    assert!(console.app.surface_mut().held);
    assert!(console.sees("keep me"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_machine_check_needs_no_form() {
    let mut console = Harness::new(Story::new(), 80, 24).await;
    console.press("m").await;
    let launched = console.launcher.launched.lock().unwrap().clone();
    assert_eq!(launched[0].kind, LaunchKind::Procedure("check-this-machine".to_owned()));
    assert!(matches!(submitted(&console)[..], [Command::Run { verb: RunVerb::Start { .. }, .. }]));
}

#[tokio::test(start_paused = true)]
async fn the_run_under_the_cursor_is_paused_and_goes_on() {
    let mut console = Harness::new(night(), 100, 30).await;
    console.press("2").await;
    console.press("G").await;
    console.press("p").await;
    let [Command::Run { id: run, verb: RunVerb::Pause }] = submitted(&console)[..] else {
        panic!("{}", console.screen())
    };
    assert_eq!(console.app.snapshot().runs[&run].state, RunState::Paused);
    console.press("p").await;
    assert!(matches!(submitted(&console)[..], [_, Command::Run { verb: RunVerb::Resume, .. }]));
}

#[tokio::test(start_paused = true)]
async fn cancelling_asks_first() {
    let mut console = Harness::new(night(), 100, 30).await;
    console.press("2 G x").await;
    assert!(console.sees("Cancel this run"), "{}", console.screen());
    console.press("esc").await;
    assert!(submitted(&console).is_empty());
    console.press("x y").await;
    assert!(matches!(submitted(&console)[..], [Command::Run { verb: RunVerb::Cancel { .. }, .. }]));
}

#[tokio::test(start_paused = true)]
async fn leaving_asks_only_while_something_runs() {
    let mut busy = Harness::new(night(), 80, 24).await;
    busy.press("q").await;
    assert!(busy.ended.is_none() && busy.sees("A run is active"), "{}", busy.screen());
    busy.press("y").await;
    assert_eq!(busy.ended, Some(End::Left));
    let mut quiet = Harness::new(Story::new(), 80, 24).await;
    quiet.press("q").await;
    assert_eq!(quiet.ended, Some(End::Left));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_the_engine_refuses_is_not_lost() {
    let mut console = Harness::new(Story::new(), 100, 30).await;
    let rejection = Rejection::new(RejectionKind::NotSaved, "the disk is full").hint("make room");
    *console.fake.rejection.lock().unwrap() = Some(rejection);
    console.press("n").await;
    console.write("try").await;
    console.press("enter").await;
    assert!(console.sees("✗ the disk is full") && console.sees("try"), "{}", console.screen());
}
