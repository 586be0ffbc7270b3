//! Runs as people see them; and that what is kept from frame to frame looks like what is drawn afresh.

use std::time::Instant;

use serde_json::json;

use super::*;
use crate::console::keymap::Keymap;
use crate::console::state::Live;
use crate::console::view::fixtures::*;
use crate::domain::*;
use crate::kinds::*;
use crate::ports::{Delta, DeltaKind};

struct Scene {
    story: Story,
    run: RunId,
    thread: Thread,
    folds: Folds,
    live: Option<Live>,
    keymap: Keymap,
}

impl Scene {
    fn new(story: Story, run: RunId) -> Self {
        let thread = story.thread(run);
        let keymap = Keymap::builtin().unwrap();
        Self { story, run, thread, folds: Folds::default(), live: None, keymap }
    }

    fn draw(&self, cache: &mut RunPageCache, width: usize) {
        cache.update(&RunPageContext {
            run: &self.story.snapshot.runs[&self.run],
            thread: Some(&self.thread),
            approvals: &self.story.snapshot.approvals,
            live: self.live.as_ref(),
            folds: &self.folds,
            keymap: &self.keymap,
            now: self.story.now(),
            width,
            plan: PlanPlace::Above,
            days: &self.story.snapshot.spend,
        });
    }

    fn shown(&self, width: usize) -> String {
        let mut cache = RunPageCache::default();
        self.draw(&mut cache, width);
        picture(&cache.all(), width)
    }

    fn follow(&mut self) {
        self.thread = self.story.thread(self.run);
    }
}

fn fixing() -> Scene {
    let mut story = Story::new();
    fix_a_test(&mut story);
    story.wait(61_000);
    Scene::new(story, run_id(FIX))
}

fn finished() -> Scene {
    let mut scene = fixing();
    let run = scene.run;
    let approval = approval_id(1);
    let card = push_card();
    let story = &mut scene.story;
    story.approval(approval, &ana(), ApprovalEvent::Approved { digest: card.digest() });
    start_effect(story, run, 5, &card, Authority::Approval(approval));
    settle(story, run, 5, ToolResult::success("origin/fix/parser is now at 9f0e12a: 2 commits", Output::default()));
    mark(story, run, 4, StepState::Done);
    let summary = "The parser accepts a number at the **end of the input**; 412 tests pass; pushed as `fix/parser`.";
    story.run(run, &dev(), RunEvent::Succeeded { summary: summary.into() });
    scene.follow();
    scene
}

#[test]
fn a_run_that_waits_for_a_push() {
    for width in [80, 120, 200] {
        insta::assert_snapshot!(format!("waiting_{width}"), fixing().shown(width));
    }
}

#[test]
fn a_finished_run_with_everything_unfolded() {
    let mut scene = finished();
    insta::assert_snapshot!("finished_80", scene.shown(80));
    (1..=5).for_each(|call| scene.folds.set(Anchor::Call(CallNo(call)), Fold::Open));
    insta::assert_snapshot!("unfolded_80", scene.shown(80));
    insta::assert_snapshot!("unfolded_120", scene.shown(120));
}

#[test]
fn a_run_with_troubles() {
    let mut story = Story::new();
    let run = run_id(7);
    let system = Actor::System;
    story.run(run, &ana(), RunEvent::Started { spec: Box::new(spec("tidy up", "ops")) });
    story.run(run, &system, RunEvent::TurnStarted { turn: 1, attempt: 3, purpose: PurposeOfTurn::Act }).wait(31_000);
    let failure = ModelFailure {
        kind: ModelFailureKind::RateLimited,
        message: "openai/gpt-5.2 is rate limited: 429 for 30 s".into(),
        hint: "wait, or add a fallback under [models.routes]".to_owned(),
    };
    story.run(run, &system, RunEvent::TurnFailed { turn: 1, attempt: 3, failure });
    story.run(run, &system, RunEvent::LimitReached { limit: LimitKind::Cost }).wait(5_000);
    story.run(run, &ana(), RunEvent::Resumed {}).wait(100);
    story.run(run, &system, RunEvent::Recovered { lost: false, left: Default::default() });
    request(&mut story, run, 1, "delete", json!({ "paths": ["scratch"] }));
    let approval = ask(&mut story, 8, run, 1, Ask::Effect { card: delete_card() });
    story.wait(8_000).approval(approval, &ana(), ApprovalEvent::Denied { reason: "not during the backup".into() });
    settle(&mut story, run, 1, ToolResult::failure(FailureKind::Denied, "a person denied it: not during the backup"));
    let mut cut = reply("I will try", Some(2_000_000));
    cut.finish = FinishReason::Length;
    cut.refusal = Some("I cannot help with that.".into());
    turn(&mut story, run, 2, PurposeOfTurn::Act, cut);
    story.run(run, &ana(), RunEvent::CancelRequested { reason: "enough".to_owned() });
    story.run(run, &ana(), RunEvent::Cancelled { reason: "enough".to_owned() });
    insta::assert_snapshot!("troubles_80", Scene::new(story, run).shown(80));
}

#[test]
fn a_hostile_run_hides_nothing() {
    let mut story = Story::new();
    hostile(&mut story);
    let mut scene = Scene::new(story, run_id(5));
    scene.folds.set(Anchor::Call(CallNo(1)), Fold::Open);
    insta::assert_snapshot!("hostile_80", scene.shown(80));
}

fn streaming(text: &str) -> Scene {
    let mut scene = fixing();
    let event = RunEvent::TurnStarted { turn: 5, attempt: 1, purpose: PurposeOfTurn::Act };
    scene.story.run(scene.run, &Actor::System, event).wait(3_000);
    scene.follow();
    scene.live = Some(Live { turn: 5, text: text.into(), ..Live::default() });
    scene
}

#[test]
fn words_appear_as_they_are_said() {
    let text = "First I look at the **remote**.\n\n```sh\ngit remote -v\n```\n\n- one\n- two";
    let shown = streaming(text).shown(80);
    let tail: Vec<_> = shown.lines().skip_while(|line| !line.contains("turn 5")).collect();
    insta::assert_snapshot!("streaming_80", tail.join("\n"));
}

#[test]
fn what_the_adapter_does_meanwhile_is_told_in_full_while_planning_as_well() {
    for purpose in [PurposeOfTurn::Plan, PurposeOfTurn::Act] {
        let mut scene = streaming("");
        let event = RunEvent::TurnStarted { turn: 6, attempt: 1, purpose };
        scene.story.run(scene.run, &Actor::System, event);
        scene.follow();
        let notice = "here (http://127.0.0.1:8911/v1) cannot be reached: Connection refused (os error 111), next try \
                      in 2 s (2 of 4)";
        scene.live = Some(Live { turn: 6, notice: notice.into(), ..Live::default() });
        let shown = scene.shown(80);
        assert!(shown.contains("(2 of 4)"), "{purpose:?}\n{shown}");
    }
}

#[test]
fn a_running_call_shows_the_end_of_its_output() {
    let mut story = Story::new();
    let run = run_id(9);
    story.run(run, &ana(), RunEvent::Started { spec: Box::new(spec("test it", "dev")) });
    request(&mut story, run, 1, "test", json!({}));
    start_effect(&mut story, run, 1, &test_card(), Authority::Rule("workspace-is-free".to_owned()));
    story.wait(12_000);
    let mut scene = Scene::new(story, run);
    let mut live = Live::default();
    let text = (1..=50).map(|n| format!("test case_{n} ... ok\n")).collect::<String>().into();
    live.push(&Delta { run, kind: DeltaKind::Output { call: CallNo(1) }, text }, scene.story.now());
    scene.live = Some(live);
    let shown = scene.shown(80);
    assert!(shown.contains("│ test case_50 ... ok") && !shown.contains("case_40"), "{shown}");
}

#[test]
fn what_is_kept_looks_like_what_is_drawn_afresh() {
    let mut scene = finished();
    let events = std::mem::replace(&mut scene.story, Story::new()).log;
    let mut cache = RunPageCache::default();
    for (number, event) in events.into_iter().enumerate() {
        scene.story.snapshot.apply(&event);
        scene.story.log.push(event);
        scene.follow();
        if number % 7 == 3 {
            scene.folds.toggle(Anchor::Call(CallNo(2)));
        }
        let width = if number % 11 == 10 { 90 } else { 80 };
        scene.draw(&mut cache, width);
        let mut fresh = RunPageCache::default();
        scene.draw(&mut fresh, width);
        assert_eq!(cache.all(), fresh.all());
        assert_eq!(cache.stops(), fresh.stops());
    }
}

#[test]
fn streamed_text_is_the_same_however_it_arrived() {
    let text = "# Title\n\nSome words that are long enough to be wrapped on a narrow screen.\n\n1. a\n\n   b\n2. c\n\n\
                ```rust\nfn a() {\n\n}\n```\n\nlast";
    let mut cache = RunPageCache::default();
    for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
        let scene = streaming(&text[..end]);
        scene.draw(&mut cache, 60);
    }
    let mut fresh = RunPageCache::default();
    streaming(text).draw(&mut fresh, 60);
    assert_eq!(picture(&cache.all(), 60), picture(&fresh.all(), 60));
}

#[test]
fn any_window_is_a_part_of_the_whole() {
    let mut cache = RunPageCache::default();
    finished().draw(&mut cache, 80);
    let all = cache.all();
    for from in 0..all.len() {
        for height in [1, 5, 24] {
            let to = (from + height).min(all.len());
            assert_eq!(cache.rows(from..from + height), all[from..to]);
        }
    }
    for (anchor, row) in cache.stops() {
        assert_eq!(all[row].anchor, Some(anchor));
    }
}

fn long(steps: u32) -> Scene {
    let mut story = Story::new();
    let run = run_id(20);
    story.run(run, &ana(), RunEvent::Started { spec: Box::new(spec("a long way", "dev")) });
    for step in 1..=steps {
        let words = "I look at the next file, which is **the one** that `parser` names:\n\n- first\n- second\n";
        turn(&mut story, run, step, PurposeOfTurn::Act, reply(words, Some(1_000_000)));
        let output = Output::text("x".repeat(900));
        let args = json!({ "path": "src/parser.rs" });
        call(&mut story, run, step, &read_card("src/parser.rs"), args, ToolResult::success("118 lines", output));
    }
    let event = RunEvent::TurnStarted { turn: steps + 1, attempt: 1, purpose: PurposeOfTurn::Act };
    story.run(run, &Actor::System, event);
    Scene::new(story, run)
}

#[test]
fn a_frame_of_a_long_run_lays_out_only_what_changed() {
    let mut scene = long(1_000);
    let mut cache = RunPageCache::default();
    scene.live = Some(Live { turn: 1_001, ..Live::default() });
    scene.draw(&mut cache, 80);
    assert_eq!(cache.laid_out, 2_002);
    for _ in 0..60 {
        let text = "more words\n\nand ".repeat(42).into();
        let delta = Delta { run: scene.run, kind: DeltaKind::Token { turn: 1_001 }, text };
        scene.live.as_mut().unwrap().push(&delta, Timestamp::UNIX_EPOCH);
        scene.draw(&mut cache, 80);
        assert_eq!(cache.laid_out, 1, "only the open turn is laid out");
    }
}

#[test]
#[ignore = "a measurement, to be run by hand: cargo test --lib -- --ignored --nocapture frame_times"]
fn frame_times() {
    let mut scene = long(1_000);
    let mut cache = RunPageCache::default();
    scene.live = Some(Live { turn: 1_001, ..Live::default() });
    let began = Instant::now();
    scene.draw(&mut cache, 80);
    println!("first frame: {:?} for {} rows", began.elapsed(), cache.height());
    let mut worst = std::time::Duration::ZERO;
    for _ in 0..60 {
        for _ in 0..84 {
            let delta = Delta { run: scene.run, kind: DeltaKind::Token { turn: 1_001 }, text: "some words ".into() };
            scene.live.as_mut().unwrap().push(&delta, Timestamp::UNIX_EPOCH);
        }
        let began = Instant::now();
        scene.draw(&mut cache, 80);
        let height = cache.height();
        cache.rows(height - 40..height);
        cache.stops();
        worst = worst.max(began.elapsed());
    }
    println!("worst of 60 frames with 84 deltas each: {worst:?}");
}
