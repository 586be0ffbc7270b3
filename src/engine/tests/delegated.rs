//! A step that an agent carries out: one run is wanted for it, and the step has that run's outcome.

use super::*;
use crate::domain::{FailureKind, Quota, RejectionKind, ToolResult};
use crate::fold::CallStatus;
use crate::kinds::CallStage;

fn delegated() -> Desk {
    let mut desk = Desk::new();
    let mut spec = procedure_spec(OnFailure::Stop);
    spec.procedure[0].act = StepCall::new("run_agent", json!({ "agent": "ops", "goal": "find out why" }));
    spec.inputs = [("LABEL_service".to_owned(), "web".into())].into();
    spec.limits.cost = Usd(5_000_000);
    desk.by(ana(), RunVerb::Start { spec: Box::new(spec) }.on(RUN)).unwrap();
    let delegate = CallPreparation::Delegate { agent: "ops".to_owned(), goal: "find out why".into() };
    assert_eq!(desk.proceed(vec![prepared(1, delegate)]), ["run.calls_requested", "run.call_delegated"]);
    desk
}

fn take(desk: &mut Desk, stream: Stream, event: Event) {
    let (seq, version) = (desk.log.len() as u64 + 1, 1 + desk.snapshot.version(stream));
    let envelope = Envelope { seq, stream, version, at: desk.now, by: ana(), event };
    desk.snapshot.apply(&envelope);
    desk.log.push(envelope);
}

/// The agent's run, begun.
fn begun(desk: &mut Desk) -> RunId {
    let wanted = desk.snapshot.wanted_by(Stream::Run(RUN)).remove(0);
    take(desk, Stream::Run(wanted.run()), Event::Run(RunEvent::Started { spec: Box::new(agent_spec()) }));
    wanted.run()
}

fn end(desk: &mut Desk, run: RunId, event: RunEvent) {
    let event = Event::Run(event);
    let told = desk.snapshot.told(Stream::Run(run), &event);
    take(desk, Stream::Run(run), event);
    assert_eq!(told.len(), 1);
    told.into_iter().for_each(|told| take(desk, told.stream, told.event));
}

fn result(desk: &Desk) -> &ToolResult {
    match &desk.snapshot.threads[&RUN].calls[&CallNo(1)].status {
        CallStatus::Settled(result) => result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_run_is_wanted_with_what_this_one_was_told_and_has_left_to_spend() {
    let mut desk = delegated();
    let wanted = desk.snapshot.wanted_by(Stream::Run(RUN));
    assert_eq!(wanted, desk.snapshot.wanted_by(Stream::Run(RUN)), "however often it is asked");
    let [wanted] = &wanted[..] else { panic!("{wanted:?}") };
    assert_eq!((wanted.procedure.as_str(), &wanted.by), ("ops", &ana()));
    assert_eq!(wanted.inputs["LABEL_service"].raw(), "web");
    let brief = wanted.handler.brief().unwrap();
    assert_eq!((brief.goal.as_str(), brief.most_cost), ("find out why", Some(Usd(5_000_000))));
    assert_eq!(desk.state(), RunState::Running);
    assert_eq!(desk.proceed(vec![]), [""; 0], "it waits");
    let run = begun(&mut desk);
    assert!(desk.snapshot.wanted_by(Stream::Run(RUN)).is_empty());
    assert!(
        desk.snapshot.told(Stream::Run(RunId(uuid::Uuid::from_u128(9))), &Event::Run(RunEvent::Resumed {})).is_empty()
    );
    assert!(run != RUN);
}

#[test]
fn the_step_has_the_outcome_of_the_run_and_its_cost_counts() {
    let mut desk = delegated();
    let run = begun(&mut desk);
    desk.snapshot.runs.get_mut(&run).unwrap().cost = Usd(700);
    end(&mut desk, run, RunEvent::Succeeded { summary: "It leaks.\nSince noon.".into() });
    assert_eq!(desk.proceed(vec![]), ["run.call_settled", "run.step_marked"]);
    assert!(result(&desk).succeeded() && result(&desk).output.head.raw().contains("Since noon."));
    assert_eq!(desk.run().cost, Usd(700));
    assert_eq!(desk.proceed(vec![runs(2, read())]), ["run.calls_requested", "run.effect_started"]);

    let mut desk = delegated();
    let run = begun(&mut desk);
    end(&mut desk, run, RunEvent::Failed { reason: "no idea".into(), hint: String::new(), because: None });
    assert_eq!(desk.proceed(vec![]), ["run.call_settled", "run.step_marked"]);
    assert_eq!(result(&desk).failure, Some(FailureKind::Failed));
    assert_eq!(desk.proceed(vec![]), ["run.failed"]);
}

#[test]
fn an_agent_that_cannot_start_fails_its_step() {
    let mut desk = delegated();
    let wanted = desk.snapshot.wanted_by(Stream::Run(RUN)).remove(0);
    let command = desk.snapshot.when_unstarted(&wanted, "no model is configured").unwrap();
    assert_eq!(desk.system(command.clone()).unwrap(), ["run.delegate_ended"]);
    assert_eq!(desk.system(command).unwrap(), [""; 0]);
    assert!(desk.snapshot.wanted_by(Stream::Run(RUN)).is_empty());
    desk.proceed(vec![]);
    assert!(result(&desk).summary.raw().ends_with("no model is configured"), "{:?}", result(&desk));
}

#[test]
fn pausing_and_cancelling_reach_the_agent() {
    let mut desk = delegated();
    let run = begun(&mut desk);
    assert_eq!(desk.by(ana(), RunVerb::Pause.on(RUN)).unwrap(), ["run.paused"; 2]);
    assert_eq!(desk.snapshot.runs[&run].state, RunState::Paused);
    assert_eq!(desk.by(ana(), RunVerb::Resume.on(RUN)).unwrap(), ["run.resumed"; 2]);
    let cancel = RunVerb::Cancel { reason: "enough".to_owned() };
    desk.by(ana(), cancel.on(RUN)).unwrap();
    assert_eq!([desk.state(), desk.snapshot.runs[&run].state], [RunState::Cancelled; 2]);
}

/// What a process asks for that has prepared the run of the agent, and what the plan has room for.
fn start_agent(wanted: &crate::kinds::Wanted, runs: u64) -> Command {
    let (from, resets) = ("2026-11-01".parse().unwrap(), "2026-12-01T00:00:00Z".parse().unwrap());
    let quota = Quota { plan: "Free".to_owned(), runs, from, resets, hint: String::new() };
    let spec = RunSpec { limits: Limits { quota: Some(quota), ..Limits::default() }, ..agent_spec() };
    RunVerb::StartWanted { of: wanted.of, spec: Box::new(spec) }.on(wanted.run())
}

#[test]
fn what_was_ended_or_paused_while_the_agent_was_prepared_starts_none() {
    for verb in [RunVerb::Cancel { reason: "enough".to_owned() }, RunVerb::Pause] {
        let mut desk = delegated();
        let wanted = desk.snapshot.wanted_by(Stream::Run(RUN)).remove(0);
        desk.by(ana(), verb.on(RUN)).unwrap();
        let refused = desk.by(ana(), start_agent(&wanted, 9)).unwrap_err();
        assert_eq!(refused.kind, RejectionKind::AlreadySettled);
        assert!(!desk.snapshot.runs.contains_key(&wanted.run()));
    }
}

#[test]
fn a_plan_that_is_used_up_does_not_stop_a_procedure_half_way() {
    let mut desk = delegated();
    let wanted = desk.snapshot.wanted_by(Stream::Run(RUN)).remove(0);
    assert_eq!(desk.by(ana(), start_agent(&wanted, 1)).unwrap(), ["run.started"]);
    assert_eq!(desk.by(ana(), start_agent(&wanted, 1)).unwrap(), [""; 0], "once");
    let counted: u64 = desk.snapshot.spend.values().map(|day| day.runs).sum();
    assert_eq!(counted, 2);
}

#[test]
fn a_run_its_agents_and_what_they_are_for_are_known_to_each_other() {
    let mut desk = delegated();
    let agent = desk.snapshot.wanted_by(Stream::Run(RUN)).remove(0).run();
    assert_eq!(desk.snapshot.with_agents(RUN), [RUN, agent]);
    assert_eq!((desk.snapshot.root_of(agent), desk.snapshot.root_of(RUN)), (RUN, RUN));
    begun(&mut desk);
    end(&mut desk, agent, RunEvent::Succeeded { summary: "so".into() });
    assert_eq!(desk.snapshot.with_agents(RUN), [RUN]);
}

#[test]
fn none_begins_while_the_procedure_is_paused_and_no_agent_hands_work_on() {
    let mut desk = delegated();
    desk.by(ana(), RunVerb::Pause.on(RUN)).unwrap();
    assert!(desk.snapshot.wanted_by(Stream::Run(RUN)).is_empty());

    let mut desk = Desk::with_agent();
    desk.answer(reply("", &[("run_agent", json!({ "agent": "dev", "goal": "x" }))]));
    let delegate = CallPreparation::Delegate { agent: "dev".to_owned(), goal: "x".into() };
    desk.proceed(vec![]);
    desk.proceed(vec![prepared(1, delegate)]);
    assert_eq!(result(&desk).failure, Some(FailureKind::BadCall));
    assert!(!desk.run().open_calls.iter().any(|open| matches!(open.stage, CallStage::Delegated { .. })));
}
