//! A run of a procedure: no model, one call a step.

use super::*;
use crate::domain::{FailureKind, Output, ToolResult};
use crate::engine::upcoming_call;
use crate::kinds::{Report, RunVerb};

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
    assert_eq!(desk.run().note.raw(), "1 of 2 steps done; step 1 did not: no such file");
}
