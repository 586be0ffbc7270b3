//! What a person changes before it may run: asked for anew, judged anew, and never let run by the change alone.

use serde_json::json;

use super::*;
use crate::domain::{ApprovalState, CallEdit, FailureKind, Message, PurposeOfTurn, RejectionKind};
use crate::engine::{calls_to_prepare, conversation};
use crate::fold::CallStatus;
use crate::kinds::{ApprovalEvent, ApprovalVerb, CallStage, Report, RunVerb};

/// A run whose only call, a push to `main`, waits for a person.
fn parked() -> Desk {
    let mut desk = Desk::with_agent();
    desk.answer(reply("I would like to push.", &[("git_push", json!({ "branch": "main" }))]));
    desk.proceed(vec![asks(1, push())]);
    assert_eq!(desk.state(), RunState::Waiting);
    desk
}

fn edit(args: serde_json::Value) -> Command {
    ApprovalVerb::Edit { digest: push().digest().0, args }.on(approval(1))
}

fn to_fix() -> Command {
    edit(json!({ "branch": "fix" }))
}

/// What the changed call would do.
fn changed_push() -> EffectCard {
    EffectCard { targets: vec!["origin/other".into()], ..push() }
}

fn anew(prepared: PreparedCall) -> PreparedCall {
    PreparedCall { approval: approval(2), ..prepared }
}

fn request(desk: &Desk, number: u128) -> &crate::kinds::Approval {
    &desk.snapshot.approvals[&approval(number)]
}

#[test]
fn a_changed_call_is_asked_for_anew_and_needs_an_approval_of_its_own() {
    let mut desk = parked();
    assert_eq!(desk.by(ana(), to_fix()).unwrap(), ["approval.edited"]);
    assert_eq!(request(&desk, 1).state, ApprovalState::Edited);
    assert_eq!(desk.proceed(vec![]), ["run.call_edited"]);
    assert_eq!(desk.log.last().unwrap().by, ana(), "the change is the person's");
    let waiting = calls_to_prepare(&desk.snapshot, RUN);
    assert_eq!(waiting[0].args, json!({ "branch": "fix" }), "what is prepared is what the person wants");
    assert_eq!(desk.proceed(vec![anew(asks(1, changed_push()))]), ["approval.requested", "run.call_parked"]);
    let edited = CallEdit {
        by: ana(),
        request: approval(1),
        asked: json!({ "branch": "main" }),
        args: json!({ "branch": "fix" }),
    };
    assert_eq!(request(&desk, 2).edit.as_deref(), Some(&edited));
    assert_eq!(desk.proceed(vec![]), [""; 0], "nothing runs by the change");
    let old = ApprovalVerb::Approve { digest: push().digest().0 }.on(approval(2));
    assert_eq!(desk.by(ana(), old).unwrap_err().kind, RejectionKind::DigestMismatch);
    let digest = changed_push().digest().0;
    desk.by(ana(), ApprovalVerb::Approve { digest }.on(approval(2))).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.effect_started"]);
    let Event::Run(RunEvent::EffectStarted { card, .. }) = &desk.log.last().unwrap().event else { panic!() };
    assert_eq!(**card, changed_push());
}

#[test]
fn what_was_prepared_beforehand_is_asked_for_in_the_same_commit() {
    let mut desk = parked();
    desk.by(ana(), to_fix()).unwrap();
    let kinds = desk.proceed(vec![anew(asks(1, changed_push()))]);
    assert_eq!(kinds, ["run.call_edited", "approval.requested", "run.call_parked"]);
    assert_eq!(request(&desk, 2).edit.as_ref().unwrap().asked, json!({ "branch": "main" }));
    assert_eq!(desk.run().open_calls[0].stage, {
        CallStage::Parked { approval: approval(2), digest: changed_push().digest() }
    });
}

#[test]
fn a_policy_that_would_let_it_run_does_not_let_the_change_run() {
    let mut desk = parked();
    desk.by(ana(), to_fix()).unwrap();
    let kinds = desk.proceed(vec![anew(runs(1, changed_push()))]);
    assert_eq!(kinds, ["run.call_edited", "approval.requested", "run.call_parked"]);
    let asked = request(&desk, 2);
    assert_eq!(asked.rule, "edited-call");
    assert_eq!(asked.reason, "ana changed it; by itself it would run by rule reads");
    assert!(asked.expires_at.is_some());
}

#[test]
fn drift_of_a_changed_call_asks_again_whatever_the_policy_says() {
    let mut desk = parked();
    desk.by(ana(), to_fix()).unwrap();
    desk.proceed(vec![anew(asks(1, changed_push()))]);
    let digest = changed_push().digest().0;
    desk.by(ana(), ApprovalVerb::Approve { digest }.on(approval(2))).unwrap();
    desk.proceed(vec![]);
    let now = EffectCard { targets: vec!["origin/third".into()], ..push() };
    let prepared = Box::new(PreparedCall { approval: approval(3), ..runs(1, now) });
    let drifted = Command::Report(Report::Drifted { run: RUN, call: CallNo(1), attempt: 1, prepared });
    let kinds = desk.system(drifted).unwrap();
    assert_eq!(kinds, ["approval.superseded", "approval.requested", "run.call_parked"]);
    assert_eq!(request(&desk, 3).edit.as_ref().unwrap().by, ana());
}

#[test]
fn a_policy_refuses_the_changed_call_and_the_agent_learns_what_it_was() {
    let mut desk = parked();
    desk.by(ana(), to_fix()).unwrap();
    let refuse = Verdict::Refuse { rule: "no-push".to_owned(), reason: "not tonight".to_owned() };
    let kinds = desk.proceed(vec![anew(judged(1, changed_push(), refuse))]);
    assert_eq!(kinds, ["run.call_edited", "run.call_settled"]);
    let thread = &desk.snapshot.threads[&RUN];
    let CallStatus::Settled(result) = &thread.calls[&CallNo(1)].status else { panic!() };
    assert_eq!(result.failure, Some(FailureKind::Refused));
    let messages = conversation(thread, PurposeOfTurn::Act);
    let told = messages.iter().find_map(|message| match message {
        Message::Tool { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let expected = "refused: refused by rule no-push: not tonight\n\
                    A person (ana) changed the arguments of this call to: {\"branch\":\"fix\"}";
    assert_eq!(told, Some(expected));
    let asked = messages.iter().find_map(|message| match message {
        Message::Assistant { calls, .. } if !calls.is_empty() => Some(calls[0].args.clone()),
        _ => None,
    });
    assert_eq!(asked, Some(json!({ "branch": "main" })), "the agent's own words stay its own");
}

#[test]
fn a_change_of_a_change_is_shown_against_what_the_agent_asked() {
    let mut desk = parked();
    desk.by(ana(), to_fix()).unwrap();
    desk.proceed(vec![anew(asks(1, changed_push()))]);
    let bob = Actor::Person("bob".to_owned());
    let digest = changed_push().digest().0;
    let again = ApprovalVerb::Edit { digest, args: json!({ "branch": "next" }) }.on(approval(2));
    desk.by(bob.clone(), again).unwrap();
    desk.proceed(vec![PreparedCall { approval: approval(3), ..asks(1, push()) }]);
    let edit = request(&desk, 3).edit.clone().unwrap();
    assert_eq!((edit.by, edit.request), (bob, approval(2)));
    assert_eq!((edit.asked, edit.args), (json!({ "branch": "main" }), json!({ "branch": "next" })));
}

#[test]
fn only_what_is_new_and_current_and_an_object_is_a_change() {
    let mut desk = parked();
    let refused = |desk: &mut Desk, command| desk.by(ana(), command).unwrap_err().kind;
    let stale = ApprovalVerb::Edit { digest: "00000000".to_owned(), args: json!({}) }.on(approval(1));
    assert_eq!(refused(&mut desk, stale), RejectionKind::DigestMismatch);
    assert_eq!(refused(&mut desk, edit(json!(["main"]))), RejectionKind::Invalid);
    assert_eq!(refused(&mut desk, edit(json!({ "branch": "main" }))), RejectionKind::Invalid, "nothing was changed");
    let agent = Actor::Agent("dev".to_owned());
    assert_eq!(desk.by(agent, to_fix()).unwrap_err().kind, RejectionKind::NotAllowed);
    desk.wait(600);
    assert_eq!(refused(&mut desk, to_fix()), RejectionKind::AlreadySettled, "it has expired");
    assert_eq!(request(&desk, 1).state, ApprovalState::Pending);
}

#[test]
fn a_question_and_a_doubt_are_not_changed() {
    let mut desk = Desk::with_agent();
    desk.answer(reply("", &[("ask_person", json!({}))]));
    let question = CallPreparation::Question { text: "which branch?".into(), choices: vec![] };
    desk.proceed(vec![prepared(1, question)]);
    assert_eq!(desk.by(ana(), to_fix()).unwrap_err().kind, RejectionKind::Invalid);
    let mut desk = Desk::with_agent();
    desk.answer(reply("", &[("git_push", json!({}))]));
    desk.proceed(vec![runs(1, push())]);
    desk.system(Command::Report(Report::Doubt {
        run: RUN,
        call: CallNo(1),
        attempt: 1,
        approval: approval(1),
        why: Default::default(),
    }))
    .unwrap();
    assert_eq!(desk.by(ana(), to_fix()).unwrap_err().kind, RejectionKind::Invalid);
}

#[test]
fn of_two_who_decide_one_wins() {
    let others = [
        ApprovalVerb::Approve { digest: push().digest().0 }.on(approval(1)),
        ApprovalVerb::Deny { reason: "no".into() }.on(approval(1)),
        to_fix(),
    ];
    for other in others {
        let mut desk = parked();
        desk.by(ana(), to_fix()).unwrap();
        let rejection = desk.by(Actor::Person("bob".to_owned()), other.clone()).unwrap_err();
        assert_eq!(rejection.kind, RejectionKind::AlreadySettled, "{other:?}");
        assert!(rejection.message.contains("edited (by ana)"), "{rejection}");
        let mut desk = parked();
        desk.by(Actor::Person("bob".to_owned()), other).unwrap();
        assert_eq!(desk.by(ana(), edit(json!({}))).unwrap_err().kind, RejectionKind::AlreadySettled);
    }
}

#[test]
fn a_cancelled_run_asks_nothing_anew() {
    let mut desk = parked();
    desk.by(ana(), to_fix()).unwrap();
    let kinds = desk.by(ana(), RunVerb::Cancel { reason: "enough".to_owned() }.on(RUN)).unwrap();
    assert_eq!(kinds, ["run.cancel_requested", "run.cancelled"]);
    let withdrawn =
        desk.log.iter().any(|envelope| matches!(&envelope.event, Event::Approval(ApprovalEvent::Withdrawn { .. })));
    assert!(!withdrawn, "it had ended as edited, and stays so");
}

#[test]
fn a_paused_run_asks_anew_once_it_goes_on() {
    let mut desk = parked();
    desk.by(ana(), RunVerb::Pause.on(RUN)).unwrap();
    desk.by(ana(), to_fix()).unwrap();
    assert_eq!(desk.proceed(vec![anew(asks(1, changed_push()))]), [""; 0]);
    desk.by(ana(), RunVerb::Resume.on(RUN)).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.call_edited"]);
    assert_eq!(desk.proceed(vec![anew(asks(1, changed_push()))]), ["approval.requested", "run.call_parked"]);
}
