//! A run of an agent, turn by turn.

use serde_json::json;

use super::*;
use crate::domain::{
    FailureKind, FinishOutcome, Message, ModelFailure, ModelFailureKind, Output, PurposeOfTurn, StepNo, StepState,
    ToolResult,
};
use crate::engine::{calls_to_prepare, conversation};
use crate::kinds::{ApprovalVerb, Report, RunVerb};

fn finished(call: u32, attempt: u32, result: ToolResult) -> Command {
    Command::Report(Report::EffectFinished { run: RUN, call: CallNo(call), attempt, result })
}

fn ok() -> ToolResult {
    ToolResult::success("done", Output::text("42"))
}

#[test]
fn a_run_plans_acts_and_finishes() {
    let mut desk = Desk::new();
    let start = RunVerb::Start { spec: Box::new(agent_spec()) }.on(RUN);
    assert_eq!(desk.by(ana(), start.clone()).unwrap(), ["run.started"]);
    assert_eq!(desk.by(ana(), start).unwrap(), [""; 0], "starting twice starts one");
    assert_eq!(desk.proceed(vec![]), ["run.turn_started"]);
    assert_eq!(desk.state(), RunState::Planning);
    desk.answer(reply(r#"Here: {"steps":[{"action":"look","after":[]},{"action":"mend","after":[1]}]}"#, &[]));
    assert_eq!(desk.proceed(vec![]), ["run.plan_adopted", "run.turn_started"]);
    assert_eq!(desk.run().steps, 2);
    assert_eq!(desk.state(), RunState::Running);

    assert_eq!(
        desk.answer(reply("I look.", &[("read_file", json!({}))])),
        ["run.turn_finished", "run.calls_requested"]
    );
    assert_eq!(calls_to_prepare(&desk.snapshot, RUN).len(), 1);
    assert_eq!(desk.proceed(vec![runs(1, read())]), ["run.effect_started"]);
    assert_eq!(desk.system(finished(1, 1, ok())).unwrap(), ["run.call_settled"]);
    assert_eq!(desk.proceed(vec![]), ["run.turn_started"]);

    desk.answer(reply("", &[("finish", json!({}))]));
    let done = CallPreparation::Finish { summary: "mended".into(), outcome: FinishOutcome::Succeeded };
    assert_eq!(desk.proceed(vec![prepared(2, done)]), ["run.call_settled", "run.succeeded"]);
    assert_eq!(desk.state(), RunState::Succeeded);
    assert_eq!(desk.run().cost, Usd(3_000_000));
    assert_eq!(desk.run().tokens, 360);
}

#[test]
fn reads_go_side_by_side_and_what_writes_has_the_run_to_itself() {
    let mut desk = Desk::with_agent();
    desk.answer(reply("", &[("read_file", json!({})), ("read_file", json!({})), ("git_push", json!({}))]));
    let all = vec![runs(1, read()), runs(2, read()), runs(3, push())];
    assert_eq!(desk.proceed(all), ["run.effect_started", "run.effect_started"], "the push waits for both reads");
    desk.system(finished(2, 1, ok())).unwrap();
    assert_eq!(desk.proceed(vec![runs(3, push())]), [""; 0]);
    desk.system(finished(1, 1, ok())).unwrap();
    assert_eq!(desk.proceed(vec![runs(3, push())]), ["run.effect_started"]);
}

#[test]
fn an_outcome_of_another_attempt_is_refused() {
    let mut desk = Desk::with_agent();
    desk.answer(reply("", &[("read_file", json!({}))]));
    desk.proceed(vec![runs(1, read())]);
    let rejection = desk.system(finished(1, 2, ok())).unwrap_err();
    assert_eq!(rejection.kind, crate::domain::RejectionKind::Stale);
    desk.system(finished(1, 1, ok())).unwrap();
    assert!(desk.system(finished(1, 1, ok())).is_err(), "an outcome counts once");
}

#[test]
fn a_refused_call_settles_with_the_rule_that_refused_it() {
    let mut desk = Desk::with_agent();
    desk.answer(reply("", &[("git_push", json!({}))]));
    let refuse = Verdict::Refuse { rule: "no-force".to_owned(), reason: "history is shared".to_owned() };
    assert_eq!(desk.proceed(vec![judged(1, push(), refuse)]), ["run.call_settled"]);
    let thread = &desk.snapshot.threads[&RUN];
    let messages = conversation(thread, PurposeOfTurn::Act);
    let Some(Message::Tool { text, .. }) = messages.last() else { panic!("{messages:?}") };
    assert_eq!(text, "refused: refused by rule no-force: history is shared");
}

#[test]
fn a_plan_that_is_none_becomes_the_goal_itself() {
    let mut desk = Desk::new();
    desk.by(ana(), RunVerb::Start { spec: Box::new(agent_spec()) }.on(RUN)).unwrap();
    desk.proceed(vec![]);
    desk.answer(reply("I would rather not.", &[]));
    desk.proceed(vec![]);
    let plan = desk.snapshot.threads[&RUN].plan.clone().unwrap();
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(plan.steps[0].action.raw(), "make the failing test pass");
}

#[test]
fn a_model_that_cannot_be_reached_pauses_the_run_and_resuming_tries_again() {
    let mut desk = Desk::with_agent();
    let failed = |turn, attempt| {
        Command::Report(Report::TurnFinished {
            run: RUN,
            turn,
            attempt,
            outcome: Box::new(Err(ModelFailure {
                kind: ModelFailureKind::Unreachable,
                message: "nobody answers at http://localhost:1".into(),
                hint: "start it".to_owned(),
            })),
        })
    };
    assert_eq!(desk.system(failed(2, 1)).unwrap(), ["run.turn_failed"]);
    assert_eq!(desk.proceed(vec![]), ["run.turn_started"], "once more");
    assert_eq!(desk.system(failed(2, 2)).unwrap(), ["run.turn_failed", "run.paused"]);
    assert_eq!(desk.state(), RunState::Paused);
    assert_eq!(desk.run().note.raw(), "nobody answers at http://localhost:1; start it");
    assert_eq!(desk.proceed(vec![]), [""; 0]);
    desk.by(ana(), RunVerb::Resume.on(RUN)).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.turn_started"]);
}

#[test]
fn a_model_that_only_talks_is_nudged_and_then_given_up() {
    let mut desk = Desk::with_agent();
    for _ in 0..3 {
        desk.answer(reply("Let me think about it.", &[]));
        desk.proceed(vec![]);
    }
    assert_eq!(desk.state(), RunState::Failed);
    let nudges = conversation(&desk.snapshot.threads[&RUN], PurposeOfTurn::Act);
    assert!(matches!(nudges.last(), Some(Message::User(text)) if text.contains("finish")));
}

#[test]
fn a_model_that_repeats_itself_is_paused() {
    let mut desk = Desk::with_agent();
    for call in 1..=4 {
        desk.answer(reply("", &[("read_file", json!({ "path": "a" }))]));
        desk.proceed(vec![runs(call, read())]);
        desk.system(finished(call, 1, ok())).unwrap();
        desk.proceed(vec![]);
    }
    assert_eq!(desk.state(), RunState::Paused);
    desk.wait(1);
    desk.by(ana(), RunVerb::Resume.on(RUN)).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.turn_started"], "a person may let it try again");
}

#[test]
fn a_limit_pauses_and_resuming_gives_as_much_again() {
    let mut desk = Desk::new();
    let limits = Limits { turns: 2, ..Limits::default() };
    let spec = RunSpec { limits, ..agent_spec() };
    desk.by(ana(), RunVerb::Start { spec: Box::new(spec) }.on(RUN)).unwrap();
    desk.proceed(vec![]);
    desk.answer(reply("{}", &[]));
    desk.proceed(vec![]);
    desk.answer(reply("", &[("read_file", json!({}))]));
    desk.proceed(vec![runs(1, read())]);
    desk.system(finished(1, 1, ok())).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.limit_reached"]);
    assert_eq!(desk.state(), RunState::Paused);
    desk.by(ana(), RunVerb::Resume.on(RUN)).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.turn_started"]);
}

#[test]
fn marking_a_step_that_does_not_exist_says_so() {
    let mut desk = Desk::with_agent();
    desk.answer(reply("", &[("mark_step", json!({})), ("mark_step", json!({}))]));
    let mark = |step| CallPreparation::Mark { step: StepNo(step), state: StepState::Done };
    let kinds = desk.proceed(vec![prepared(1, mark(1)), prepared(2, mark(9))]);
    assert_eq!(kinds, ["run.step_marked", "run.call_settled", "run.call_settled"]);
    assert_eq!(desk.run().steps_done, 1);
    let wrong = &desk.snapshot.threads[&RUN].calls[&CallNo(2)];
    let crate::fold::CallStatus::Settled(result) = &wrong.status else { panic!("{wrong:?}") };
    assert_eq!(result.failure, Some(FailureKind::BadCall));
}

#[test]
fn working_time_counts_what_was_under_way_and_nothing_else() {
    let mut desk = Desk::with_agent();
    desk.wait(3);
    desk.answer(reply("", &[("git_push", json!({}))]));
    desk.proceed(vec![asks(1, push())]);
    desk.wait(500);
    desk.by(ana(), ApprovalVerb::Approve { digest: push().digest().0 }.on(approval(1))).unwrap();
    desk.proceed(vec![]);
    desk.wait(2);
    desk.system(finished(1, 1, ok())).unwrap();
    assert_eq!(desk.run().worked_milliseconds, 5_000);
}
