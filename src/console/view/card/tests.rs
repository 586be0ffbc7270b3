//! Cards as people see them, at three widths, honest and hostile.

use std::ops::Range;

use super::*;
use crate::console::view::fixtures::*;
use crate::domain::{ApprovalId, CardDigest, Reversibility};
use crate::kinds::ApprovalEvent;

/// A card's rows, and which of them must be read.
struct Laid {
    rows: Vec<Row>,
    payload: Range<usize>,
}

fn view(story: &Story, approval: ApprovalId, width: usize, extent: Extent) -> Laid {
    let context = CardContext {
        approval: &story.snapshot.approvals[&approval],
        snapshot: &story.snapshot,
        keymap: &Keymap::builtin().unwrap(),
        now: story.now(),
        width,
        extent,
        evidence: None,
        outcome: None,
    };
    let mut cache = CardCache::default();
    let view = cache.view(&context);
    Laid { rows: view.all(), payload: view.payload() }
}

fn shown(story: &Story, approval: ApprovalId, width: usize) -> String {
    picture(&view(story, approval, width, Extent::Card).rows, width)
}

pub fn asked(card: EffectCard) -> (Story, ApprovalId) {
    let mut story = Story::new();
    let run = run_id(1);
    story.run(run, &ana(), crate::kinds::RunEvent::Started { spec: Box::new(spec("keep the service up", "ops")) });
    request(&mut story, run, 1, &card.tool.0.clone(), serde_json::json!({}));
    let approval = ask(&mut story, 1, run, 1, Ask::Effect { card });
    story.wait(150_000);
    (story, approval)
}

#[test]
fn a_push_waits_to_be_read() {
    let story = {
        let mut story = night();
        let thread = story.thread(run_id(FIX));
        story.snapshot.threads.insert(run_id(FIX), thread);
        story
    };
    for width in [80, 120, 200] {
        insta::assert_snapshot!(format!("push_{width}"), shown(&story, approval_id(1), width));
    }
    let everything = view(&story, approval_id(1), 80, Extent::Everything);
    insta::assert_snapshot!("push_everything", picture(&everything.rows, 80));
}

#[test]
fn a_file_that_the_agent_never_mentioned_is_marked() {
    let (mut story, approval) = asked(push_card());
    story.snapshot.approvals.get_mut(&approval).unwrap().not_mentioned = vec!["src/parser.rs".into()];
    for width in [80, 160] {
        let view = view(&story, approval, width, Extent::Card);
        let rows: Vec<_> = view.rows.iter().map(Row::text).collect();
        let marked = rows.iter().position(|row| row.starts_with("src/parser.rs  ! not mentioned by the agent"));
        assert!(marked.is_some_and(|row| view.payload.contains(&row)), "{rows:?}");
        assert!(rows.iter().any(|row| row.contains("· ! 1 file not mentioned · ")), "{rows:?}");
    }
}

#[test]
fn the_first_screen_holds_all_that_the_decision_turns_on() {
    let (story, approval) = asked(restart_card());
    let view = view(&story, approval, 80, Extent::Card);
    insta::assert_snapshot!("production_80", picture(&view.rows, 80));
    assert!(view.payload.start <= 19, "the head takes {} rows", view.payload.start);
    assert_eq!(view.rows[0].fill, Some(Role::Banner));
    assert_eq!(story.snapshot.approvals[&approval].ask.type_to_approve().as_deref(), Some("api@eu-west-1.service"));
}

#[test]
fn patches_deletions_and_questions() {
    let (story, approval) = asked(patch_card());
    insta::assert_snapshot!("patch_80", shown(&story, approval, 80));
    let (story, approval) = asked(delete_card());
    insta::assert_snapshot!("delete_80", shown(&story, approval, 80));
    insta::assert_snapshot!("question_80", shown(&night(), approval_id(6), 80));
    insta::assert_snapshot!("in_doubt_80", shown(&night(), approval_id(5), 80));
    insta::assert_snapshot!("denied_80", shown(&night(), approval_id(3), 80));
}

#[test]
fn everything_that_runs_stands_in_the_payload() {
    let (story, approval) = asked(delete_card());
    let view = view(&story, approval, 80, Extent::Card);
    let payload: String = view.rows[view.payload.clone()].iter().map(Row::text).collect();
    for target in &delete_card().targets {
        assert!(payload.contains(target.raw()));
    }
    let quoted: Vec<_> = {
        let (story, approval) = asked(restart_card());
        let view = self::view(&story, approval, 80, Extent::Card);
        view.rows[view.payload].iter().map(Row::text).collect()
    };
    assert!(quoted.iter().any(|row| row.trim_end().ends_with("'--no block'")), "{quoted:?}");
    assert!(quoted.iter().any(|row| row.trim_end().ends_with("''")), "{quoted:?}");
}

#[test]
fn a_name_that_cannot_be_typed_is_replaced_by_the_digest() {
    let mut card = restart_card();
    card.targets = vec!["раypal".into()];
    let ask = Ask::Effect { card: card.clone() };
    assert_eq!(ask.type_to_approve().as_deref(), Some(card.digest().shown()));
}

#[test]
fn a_hostile_card_hides_nothing() {
    let mut card = restart_card();
    card.reversible = Reversibility::Undo(HOSTILE.into());
    card.targets = vec![HOSTILE.into()];
    card.payload = crate::domain::Payload::Exec {
        argv: vec!["rm".into(), HOSTILE.into(), "y".repeat(200).into()],
        cwd: HOSTILE.into(),
        env: vec![HOSTILE.into()],
    };
    let (story, approval) = asked(card);
    insta::assert_snapshot!("hostile_80", shown(&story, approval, 80));
}

#[test]
fn a_record_whose_digest_is_another_says_so() {
    let (mut story, approval) = asked(push_card());
    let record = story.snapshot.approvals.get_mut(&approval).unwrap();
    record.digest = CardDigest("00".repeat(32));
    assert!(shown(&story, approval, 80).contains("does not match what is shown here"));
}

#[test]
fn the_cache_draws_the_same_card_and_notices_a_decision() {
    let (mut story, approval) = asked(patch_card());
    let keymap = Keymap::builtin().unwrap();
    let mut cache = CardCache::default();
    let mut draw = |story: &Story, width| {
        let context = CardContext {
            approval: &story.snapshot.approvals[&approval],
            snapshot: &story.snapshot,
            keymap: &keymap,
            now: story.now(),
            width,
            extent: Extent::Card,
            evidence: None,
            outcome: None,
        };
        assert_eq!(cache.view(&context), CardCache::default().view(&context));
    };
    draw(&story, 80);
    draw(&story, 80);
    draw(&story, 100);
    story.approval(approval, &ana(), ApprovalEvent::Approved { digest: patch_card().digest() });
    draw(&story, 100);
}
