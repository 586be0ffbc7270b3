//! What people decide, and who wins when several do.

use serde_json::json;

use super::*;
use crate::domain::{ApprovalState, FailureKind, RejectionKind, Settlement, Untrusted};
use crate::fold::CallStatus;
use crate::kinds::{ApprovalVerb, Report, RunVerb};

/// A run whose only call waits for a person.
fn parked() -> Desk {
    let mut desk = Desk::with_agent();
    desk.answer(reply("I would like to push.", &[("git_push", json!({}))]));
    assert_eq!(desk.proceed(vec![asks(1, push())]), ["approval.requested", "run.call_parked"]);
    assert_eq!(desk.state(), RunState::Waiting);
    desk
}

fn approve() -> Command {
    ApprovalVerb::Approve { digest: push().digest().shown().to_owned() }.on(approval(1))
}

fn failure_of(desk: &Desk, call: u32) -> Option<FailureKind> {
    match &desk.snapshot.threads[&RUN].calls[&CallNo(call)].status {
        CallStatus::Settled(result) => result.failure,
        other => panic!("not settled: {other:?}"),
    }
}

#[test]
fn an_approved_effect_starts_with_the_card_that_was_approved() {
    let mut desk = parked();
    assert_eq!(desk.snapshot.approvals[&approval(1)].rationale.raw(), "I would like to push.");
    assert_eq!(desk.by(ana(), approve()).unwrap(), ["approval.approved"]);
    assert_eq!(desk.proceed(vec![]), ["run.effect_started"]);
    let Event::Run(RunEvent::EffectStarted { card, digest, .. }) = &desk.log.last().unwrap().event else { panic!() };
    assert_eq!(card.digest(), *digest);
    assert_eq!(**card, push());
}

#[test]
fn a_request_names_the_files_that_nobody_spoke_of() {
    let file = |name: &str| format!("--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n-a\n+b\n");
    let files = ["Cargo.lock", "src/parser.rs", "src/said.rs"].map(file).concat();
    let card = EffectCard { change: Some(files.into()), ..push() };
    let mut desk = Desk::with_agent();
    let args = json!({ "paths": ["src/parser.rs"] });
    desk.answer(reply("I changed `said.rs` and would like to push.", &[("git_push", args)]));
    desk.proceed(vec![asks(1, card)]);
    let asked = &desk.snapshot.approvals[&approval(1)];
    assert_eq!(asked.not_mentioned.iter().map(Untrusted::raw).collect::<Vec<_>>(), ["Cargo.lock"]);
}

#[test]
fn an_approval_must_name_the_digest() {
    let mut desk = parked();
    for wrong in ["", "abc", "00000000", "00000000000000000000"] {
        let command = ApprovalVerb::Approve { digest: wrong.to_owned() }.on(approval(1));
        let rejection = desk.by(ana(), command).unwrap_err();
        assert_eq!(rejection.kind, RejectionKind::DigestMismatch, "{wrong:?}");
        let told = format!("{} {}", rejection.message, rejection.hint);
        assert!(!told.contains(&push().digest().0[..8]), "it cannot be learnt unread: {told}");
    }
    assert_eq!(desk.snapshot.approvals[&approval(1)].state, ApprovalState::Pending);
}

#[test]
fn what_stands_on_no_card_cannot_be_approved_but_denied() {
    let cut = format!("+one\n{}12 more bytes in 2 lines are not shown]\n", EffectCard::CUT);
    let card = EffectCard { change: Some(cut.into()), ..push() };
    let mut desk = Desk::with_agent();
    desk.answer(reply("I would like to push.", &[("git_push", json!({}))]));
    desk.proceed(vec![asks(1, card.clone())]);
    let command = ApprovalVerb::Approve { digest: card.digest().0 }.on(approval(1));
    let rejection = desk.by(ana(), command).unwrap_err();
    assert_eq!(rejection.kind, RejectionKind::Invalid, "{rejection}");
    desk.by(ana(), ApprovalVerb::Deny { reason: "in parts".into() }.on(approval(1))).unwrap();
    // A line of a file is no such line: it has a sign before it.
    let said = format!("+{}me]\n", EffectCard::CUT);
    assert!(!EffectCard { change: Some(said.into()), ..push() }.change_is_cut());
}

#[test]
fn the_first_decision_stands() {
    let mut desk = parked();
    desk.by(ana(), ApprovalVerb::Deny { reason: "not tonight".into() }.on(approval(1))).unwrap();
    let bob = Actor::Person("bob".to_owned());
    let rejection = desk.by(bob, approve()).unwrap_err();
    assert_eq!(rejection.kind, RejectionKind::AlreadySettled);
    assert!(rejection.message.contains("denied (by ana)"), "{rejection}");
}

#[test]
fn an_agent_cannot_approve() {
    let mut desk = parked();
    let rejection = desk.by(Actor::Agent("dev".to_owned()), approve()).unwrap_err();
    assert_eq!(rejection.kind, RejectionKind::NotAllowed);
}

#[test]
fn a_denial_reaches_the_agent_with_its_reason() {
    let mut desk = parked();
    desk.by(ana(), ApprovalVerb::Deny { reason: "not tonight".into() }.on(approval(1))).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.call_settled"]);
    assert_eq!(failure_of(&desk, 1), Some(FailureKind::Denied));
    assert_eq!(desk.proceed(vec![]), ["run.turn_started"]);
}

#[test]
fn expiry_is_not_a_denial_and_a_late_approval_does_not_win() {
    let mut desk = parked();
    assert!(desk.system(ApprovalVerb::Expire.on(approval(1))).is_err(), "not yet");
    desk.wait(600);
    assert_eq!(desk.by(ana(), approve()).unwrap_err().kind, RejectionKind::AlreadySettled);
    assert_eq!(desk.system(ApprovalVerb::Expire.on(approval(1))).unwrap(), ["approval.expired"]);
    desk.proceed(vec![]);
    assert_eq!(failure_of(&desk, 1), Some(FailureKind::Expired));
}

#[test]
fn drift_asks_again_for_what_would_run_now() {
    let mut desk = parked();
    desk.by(ana(), approve()).unwrap();
    desk.proceed(vec![]);
    let mut changed = push();
    changed.targets = vec!["origin/main".into()];
    let again = PreparedCall { approval: approval(2), ..asks(1, changed.clone()) };
    let drifted = Command::Report(Report::Drifted { run: RUN, call: CallNo(1), attempt: 1, prepared: Box::new(again) });
    let kinds = desk.system(drifted.clone()).unwrap();
    assert_eq!(kinds, ["approval.superseded", "approval.requested", "run.call_parked"]);
    assert_eq!(desk.snapshot.approvals[&approval(1)].state, ApprovalState::Superseded);
    assert_eq!(desk.system(drifted).unwrap_err().kind, RejectionKind::Stale);
    let digest = changed.digest().0;
    desk.by(ana(), ApprovalVerb::Approve { digest }.on(approval(2))).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.effect_started"]);
}

#[test]
fn a_question_is_answered_not_approved() {
    let mut desk = Desk::with_agent();
    desk.answer(reply("", &[("ask_person", json!({}))]));
    let question = CallPreparation::Question { text: "which branch?".into(), choices: vec![] };
    desk.proceed(vec![prepared(1, question)]);
    assert_eq!(desk.by(ana(), approve()).unwrap_err().kind, RejectionKind::Invalid);
    desk.by(ana(), ApprovalVerb::Answer { text: "main".into() }.on(approval(1))).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.call_settled"]);
    assert_eq!(failure_of(&desk, 1), None);
}

#[test]
fn pausing_starts_nothing_new_and_keeps_what_comes_back() {
    let mut desk = Desk::with_agent();
    desk.answer(reply("", &[("read_file", json!({}))]));
    desk.proceed(vec![runs(1, read())]);
    desk.by(ana(), RunVerb::Pause.on(RUN)).unwrap();
    let result = crate::domain::ToolResult::success("done", crate::domain::Output::default());
    desk.system(Command::Report(Report::EffectFinished { run: RUN, call: CallNo(1), attempt: 1, result })).unwrap();
    assert_eq!(desk.state(), RunState::Paused);
    assert_eq!(desk.proceed(vec![]), [""; 0]);
    desk.by(ana(), RunVerb::Resume.on(RUN)).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.turn_started"]);
}

#[test]
fn cancelling_takes_back_what_was_asked() {
    let mut desk = parked();
    let kinds = desk.by(ana(), RunVerb::Cancel { reason: "enough".to_owned() }.on(RUN)).unwrap();
    assert_eq!(kinds, ["run.cancel_requested", "approval.withdrawn", "run.cancelled"]);
    assert_eq!(desk.by(ana(), approve()).unwrap_err().kind, RejectionKind::AlreadySettled);
    assert_eq!(desk.state(), RunState::Cancelled);
}

#[test]
fn cancelling_waits_for_the_outcome_of_what_is_under_way() {
    let mut desk = parked();
    desk.by(ana(), approve()).unwrap();
    desk.proceed(vec![]);
    assert_eq!(desk.by(ana(), RunVerb::Cancel { reason: String::new() }.on(RUN)).unwrap(), ["run.cancel_requested"]);
    assert_eq!(desk.proceed(vec![]), [""; 0]);
    let result = crate::domain::ToolResult::success("pushed", crate::domain::Output::default());
    desk.system(Command::Report(Report::EffectFinished { run: RUN, call: CallNo(1), attempt: 1, result })).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.cancelled"]);
    assert!(matches!(&desk.snapshot.threads[&RUN].calls[&CallNo(1)].status, CallStatus::Settled(r) if r.succeeded()));
}

#[test]
fn a_settlement_needs_a_doubt() {
    let mut desk = parked();
    let settle = ApprovalVerb::Settle { settlement: Settlement::Happened, note: "".into() }.on(approval(1));
    assert_eq!(desk.by(ana(), settle).unwrap_err().kind, RejectionKind::Invalid);
}
