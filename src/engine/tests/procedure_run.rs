//! A run of a procedure: no model, one call a step.

use super::*;
use crate::domain::{ApprovalState, Condition, FailureKind, Output, StepPart, ToolResult, Verify};
use crate::engine::upcoming_call;
use crate::kinds::{ApprovalVerb, Report, RunVerb};

fn started(on_failure: OnFailure) -> Desk {
    let mut desk = Desk::new();
    let spec = procedure_spec(on_failure);
    let kinds = desk.by(ana(), RunVerb::Start { spec: Box::new(spec) }.on(RUN)).unwrap();
    assert_eq!(kinds, ["run.started", "run.plan_adopted"]);
    desk
}

fn finish(desk: &mut Desk, call: u32, result: ToolResult) -> Vec<&'static str> {
    desk.system(Command::Report(Report::EffectFinished { run: RUN, call: CallNo(call), attempt: 1, result })).unwrap()
}

#[test]
fn the_next_step_starts_in_the_commit_that_ends_the_last_one() {
    let mut desk = started(OnFailure::Stop);
    assert_eq!(upcoming_call(&desk.snapshot, RUN).unwrap().call, CallNo(1));
    assert_eq!(desk.proceed(vec![runs(1, read())]), ["run.calls_requested", "run.effect_started"]);
    let next = upcoming_call(&desk.snapshot, RUN).unwrap();
    assert_eq!(next.call, CallNo(2));
    let kinds = finish(&mut desk, 1, ToolResult::success("fine", Output::default()));
    assert_eq!(kinds, ["run.call_settled", "run.step_marked"]);
    assert_eq!(desk.proceed(vec![runs(2, read())]), ["run.calls_requested", "run.effect_started"]);
    finish(&mut desk, 2, ToolResult::success("fine", Output::default()));
    assert_eq!(desk.proceed(vec![]), ["run.succeeded"]);
    assert_eq!(desk.run().steps_done, 2);
}

#[test]
fn a_failed_step_stops_the_procedure() {
    let mut desk = started(OnFailure::Stop);
    desk.proceed(vec![runs(1, read())]);
    finish(&mut desk, 1, ToolResult::failure(FailureKind::Failed, "no such file"));
    assert_eq!(desk.proceed(vec![]), ["run.failed"]);
    assert_eq!(desk.run().note.raw(), "step 1 of 2: no such file");
}

#[test]
fn a_step_may_be_allowed_to_fail() {
    let mut desk = started(OnFailure::Continue);
    desk.proceed(vec![runs(1, read())]);
    finish(&mut desk, 1, ToolResult::failure(FailureKind::Failed, "no such file"));
    assert_eq!(desk.proceed(vec![runs(2, read())]), ["run.calls_requested", "run.effect_started"]);
    finish(&mut desk, 2, ToolResult::success("fine", Output::default()));
    assert_eq!(desk.proceed(vec![]), ["run.succeeded"]);
    assert_eq!(desk.run().note.raw(), "1 of 2 steps done; step 1 failed: no such file");
}

/// A procedure whose steps a test makes richer.
fn started_with(change: impl FnOnce(&mut Vec<ProcedureStep>)) -> Desk {
    let mut desk = Desk::new();
    let mut spec = procedure_spec(OnFailure::Stop);
    change(&mut spec.procedure);
    desk.by(ana(), RunVerb::Start { spec: Box::new(spec) }.on(RUN)).unwrap();
    desk
}

fn call(what: &str) -> StepCall {
    StepCall::new("host_check", json!({ "what": what }))
}

fn fine() -> ToolResult {
    ToolResult::success("fine", Output::default())
}

fn bad() -> ToolResult {
    ToolResult::failure(FailureKind::Failed, "exit 1")
}

/// Each call as it is made, with how it ends; gives the calls as `step part`, and how the run ended.
fn played(desk: &mut Desk, endings: &[ToolResult]) -> (Vec<String>, String) {
    let mut made = Vec::new();
    for (number, ending) in (1..).zip(endings) {
        desk.proceed(vec![runs(number, read())]);
        let entry = &desk.snapshot.threads[&RUN].calls[&CallNo(number)];
        made.push(format!("{} {}", entry.call.step.unwrap(), entry.call.part.name()));
        finish(desk, number, ending.clone());
    }
    assert!(desk.proceed(vec![]).iter().any(|kind| ["run.succeeded", "run.failed"].contains(kind)));
    (made, desk.run().note.raw().to_owned())
}

#[test]
fn a_step_is_done_once_it_is_verified() {
    let mut desk = started_with(|steps| steps[0].verify = Some(Verify { call: call("quiet"), patience: None }));
    desk.proceed(vec![runs(1, read())]);
    assert_eq!(finish(&mut desk, 1, fine()), ["run.call_settled"], "done, and not yet known to have helped");
    assert_eq!(upcoming_call(&desk.snapshot, RUN).unwrap().part, StepPart::Verify);
    desk.proceed(vec![runs(2, read())]);
    assert_eq!(finish(&mut desk, 2, fine()), ["run.call_settled", "run.step_marked"]);
    assert_eq!(desk.run().steps_done, 1);
}

#[test]
fn what_was_done_is_rolled_back_in_reverse_when_a_check_fails() {
    let mut desk = started_with(|steps| {
        steps[0].rollback = Some(call("undo the first"));
        steps[1].verify = Some(Verify { call: call("quiet"), patience: None });
        steps[1].rollback = Some(call("undo the second"));
    });
    let (made, note) = played(&mut desk, &[fine(), fine(), bad(), fine(), bad()]);
    assert_eq!(made, ["1 act", "2 act", "2 verify", "2 rollback", "1 rollback"]);
    let told = "step 2 of 2: not verified: exit 1; step 2 was rolled back; step 1 was NOT rolled back: exit 1";
    assert_eq!(note, told);
}

#[test]
fn a_step_that_never_began_is_not_rolled_back() {
    let mut desk = started_with(|steps| {
        steps[0].rollback = Some(call("undo the first"));
        steps[1].when = Some(Condition::Call(call("is it needed")));
        steps[1].rollback = Some(call("undo the second"));
    });
    let refused = ToolResult::failure(FailureKind::Refused, "refused by rule x");
    let (made, note) = played(&mut desk, &[fine(), refused, fine()]);
    assert_eq!(made, ["1 act", "2 when", "1 rollback"]);
    assert_eq!(note, "step 2 of 2: its condition could not be checked: refused by rule x; step 1 was rolled back");
}

#[test]
fn a_step_whose_condition_fails_is_skipped() {
    let mut desk = started_with(|steps| steps[0].when = Some(Condition::Call(call("is it needed"))));
    let (made, note) = played(&mut desk, &[bad(), fine()]);
    assert_eq!(made, ["1 when", "2 act"]);
    assert_eq!(note, "1 of 2 steps done; step 1 was skipped");
}

#[test]
fn a_step_may_be_done_only_where_a_check_fails() {
    for (checked, made) in [(bad(), &["1 when", "1 act", "2 act"][..]), (fine(), &["1 when", "2 act"])] {
        let mut desk = started_with(|steps| steps[0].when = Some(Condition::Unless(call("is it up"))));
        let endings: Vec<_> = [checked].into_iter().chain(made[1..].iter().map(|_| fine())).collect();
        assert_eq!(played(&mut desk, &endings).0, made);
    }
}

#[test]
fn a_persons_answer_chooses_the_way() {
    for (answer, made, note) in [
        ("restart", &["1 act", "2 act"][..], "2 of 3 steps done; step 3 was skipped"),
        ("roll back", &["1 act", "3 act"], "2 of 3 steps done; step 2 was skipped"),
        ("neither", &["1 act"], "1 of 3 steps done; step 2 was skipped; step 3 was skipped"),
    ] {
        let mut desk = started_with(|steps| {
            steps[0].act = StepCall::new("ask_person", json!({ "question": "Which?" }));
            steps[1].when = Some(Condition::Answer(vec!["restart".to_owned()]));
            let third = ProcedureStep::new("third", call("release"));
            steps.push(ProcedureStep { when: Some(Condition::Answer(vec!["roll back".to_owned()])), ..third });
        });
        let answered = ToolResult::success("ana answered", Output::text(answer));
        let endings: Vec<_> = [answered].into_iter().chain(made[1..].iter().map(|_| fine())).collect();
        assert_eq!(played(&mut desk, &endings), (made.iter().map(|&made| made.to_owned()).collect(), note.to_owned()));
    }
}

#[test]
fn a_step_can_want_approval_where_the_policy_wants_none() {
    let mut desk = started_with(|steps| steps[0].act.needs_approval = true);
    let kinds = desk.proceed(vec![runs(1, read())]);
    assert_eq!(kinds, ["run.calls_requested", "approval.requested", "run.call_parked"]);
    let approval = desk.snapshot.approvals.values().next().unwrap();
    assert_eq!((approval.rule.as_str(), approval.state), ("procedure", ApprovalState::Pending));
}

#[test]
fn a_step_that_was_approved_and_would_have_done_something_else_never_ran() {
    let mut desk = started_with(|steps| steps[0].rollback = Some(call("undo the first")));
    desk.proceed(vec![runs(1, read())]);
    let prepared = Box::new(asks(1, read()));
    desk.system(Command::Report(Report::Drifted { run: RUN, call: CallNo(1), attempt: 1, prepared })).unwrap();
    let id = *desk.snapshot.approvals.keys().next().unwrap();
    desk.by(ana(), ApprovalVerb::Deny { reason: "not that".into() }.on(id)).unwrap();
    let kinds = desk.proceed(vec![]);
    assert!(kinds.contains(&"run.call_settled"), "{kinds:?}");
    let kinds = [kinds, desk.proceed(vec![])].concat();
    assert!(kinds.contains(&"run.failed") && !kinds.contains(&"run.calls_requested"), "{kinds:?}");
}
