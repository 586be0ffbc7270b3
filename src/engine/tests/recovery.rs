//! What is left under way by a worker that is gone.

use serde_json::json;

use super::*;
use crate::domain::{ApprovalState, FailureKind, Settlement};
use crate::engine::{Effect, Freshness, MOST_DEATHS, TakeUp, effects_for, effects_left};
use crate::fold::CallStatus;
use crate::kinds::{ApprovalVerb, Report, RunVerb};

fn with_push_under_way() -> Desk {
    let mut desk = Desk::with_agent();
    desk.answer(reply("", &[("git_push", json!({}))]));
    desk.proceed(vec![runs(1, push())]);
    desk
}

fn doubt() -> Command {
    Command::Report(Report::Doubt {
        run: RUN,
        call: CallNo(1),
        attempt: 1,
        approval: approval(9),
        why: Default::default(),
    })
}

fn settle(desk: &mut Desk, settlement: Settlement) {
    let settle = ApprovalVerb::Settle { settlement, note: "looked".into() }.on(approval(9));
    desk.by(ana(), settle).unwrap();
}

#[test]
fn effects_left_are_those_that_were_started_and_not_settled() {
    let desk = with_push_under_way();
    let live = effects_for(desk.log.last().unwrap());
    let left = effects_left(&desk.snapshot, RUN);
    let (Effect::Perform { card: a, attempt: 1, .. }, Effect::Perform { card: b, attempt: 1, freshness, .. }) =
        (&live[0], &left[0].0)
    else {
        panic!("{live:?} {left:?}");
    };
    assert_eq!(a, b);
    assert_eq!(*freshness, Freshness::Stale, "after a restart it is prepared again");
}

#[test]
fn a_gap_is_marked_and_not_counted_as_work() {
    let mut desk = with_push_under_way();
    desk.wait(8 * 3600);
    assert_eq!(
        desk.system(Command::Report(Report::Recover { run: RUN, left: Default::default() })).unwrap(),
        ["run.recovered"]
    );
    desk.wait(2);
    let result = crate::domain::ToolResult::success("pushed", crate::domain::Output::default());
    desk.system(Command::Report(Report::EffectFinished { run: RUN, call: CallNo(1), attempt: 1, result })).unwrap();
    assert!(desk.run().worked_milliseconds <= 2_000, "{}", desk.run().worked_milliseconds);
}

#[test]
fn a_doubt_that_a_person_settles_as_happened_is_a_success() {
    let mut desk = with_push_under_way();
    assert_eq!(desk.system(doubt()).unwrap(), ["approval.requested", "run.effect_in_doubt"]);
    assert_eq!(desk.state(), RunState::InDoubt);
    assert_eq!(desk.snapshot.approvals[&approval(9)].state, ApprovalState::InDoubt);
    settle(&mut desk, Settlement::Happened);
    assert_eq!(desk.proceed(vec![]), ["run.call_settled"]);
    let CallStatus::Settled(result) = &desk.snapshot.threads[&RUN].calls[&CallNo(1)].status else { panic!() };
    assert!(result.succeeded());
    assert_eq!(result.summary.raw(), "ana confirmed that it happened: looked");
}

#[test]
fn a_doubt_may_be_tried_again_as_a_new_attempt() {
    let mut desk = with_push_under_way();
    desk.system(doubt()).unwrap();
    settle(&mut desk, Settlement::Retry);
    assert_eq!(desk.proceed(vec![]), ["run.effect_started"]);
    assert!(matches!(&desk.log.last().unwrap().event, Event::Run(RunEvent::EffectStarted { attempt: 2, .. })));
}

#[test]
fn giving_up_on_a_doubt_tells_the_agent_that_nobody_knows() {
    let mut desk = with_push_under_way();
    desk.system(doubt()).unwrap();
    settle(&mut desk, Settlement::GiveUp);
    desk.proceed(vec![]);
    let CallStatus::Settled(result) = &desk.snapshot.threads[&RUN].calls[&CallNo(1)].status else { panic!() };
    assert_eq!(result.failure, Some(FailureKind::GaveUp));
}

#[test]
fn a_cancelled_run_still_asks_about_what_is_in_doubt() {
    let mut desk = with_push_under_way();
    desk.by(ana(), RunVerb::Cancel { reason: "stop".to_owned() }.on(RUN)).unwrap();
    desk.system(doubt()).unwrap();
    assert_eq!(desk.proceed(vec![]), [""; 0], "the doubt keeps it open");
    settle(&mut desk, Settlement::GiveUp);
    assert_eq!(desk.proceed(vec![]), ["run.cancelled"]);
}

#[test]
fn what_drifted_in_a_cancelled_run_is_not_begun_again() {
    let mut desk = with_push_under_way();
    desk.by(ana(), RunVerb::Cancel { reason: "stop".to_owned() }.on(RUN)).unwrap();
    let mut changed = push();
    changed.targets = vec!["origin/main".into()];
    for prepared in [runs(1, changed.clone()), asks(1, changed)] {
        let drifted =
            Command::Report(Report::Drifted { run: RUN, call: CallNo(1), attempt: 1, prepared: Box::new(prepared) });
        let mut desk = Desk { snapshot: desk.snapshot.clone(), log: desk.log.clone(), ..desk };
        assert_eq!(desk.system(drifted).unwrap(), ["run.call_settled"]);
        assert_eq!(desk.proceed(vec![]), ["run.cancelled"]);
    }
}

fn with_read_under_way() -> Desk {
    with_under_way(read())
}

fn with_under_way(card: EffectCard) -> Desk {
    let mut desk = Desk::with_agent();
    desk.answer(reply("", &[(&card.tool.0, json!({}))]));
    desk.proceed(vec![runs(1, card)]);
    desk
}

fn how_it_is_taken_up(desk: &mut Desk) -> TakeUp {
    desk.system(Command::Report(Report::Recover { run: RUN, left: Default::default() })).unwrap();
    let left = effects_left(&desk.snapshot, RUN);
    assert_eq!(left.len(), 1);
    left[0].1
}

#[test]
fn what_was_under_way_at_each_death_becomes_a_card() {
    let checkable = EffectCard { repeat: Repeat::Checkable, ..push() };
    for (card, first) in [(read(), TakeUp::Repeat), (checkable, TakeUp::Look)] {
        let mut desk = with_under_way(card);
        for _ in 1..MOST_DEATHS {
            assert_eq!(how_it_is_taken_up(&mut desk), first);
        }
        assert_eq!(how_it_is_taken_up(&mut desk), TakeUp::AskAPerson);
        assert_eq!(desk.system(doubt()).unwrap(), ["approval.requested", "run.effect_in_doubt"]);
        let asked = &desk.snapshot.approvals[&approval(9)];
        assert_eq!(asked.rule, "repeated-deaths");
        assert!(asked.reason.contains("each time morningai ended unexpectedly, 3 times"), "{}", asked.reason);
        // A person who lets it be tried again gives it as many lives again.
        settle(&mut desk, Settlement::Retry);
        desk.proceed(vec![]);
        assert_eq!(how_it_is_taken_up(&mut desk), first);
    }
}

#[test]
fn an_orderly_end_is_no_death() {
    let mut desk = with_read_under_way();
    for _ in 0..3 * MOST_DEATHS {
        assert_eq!(desk.system(Command::Report(Report::SetAside { run: RUN })).unwrap(), ["run.set_aside"]);
        assert_eq!(desk.system(Command::Report(Report::SetAside { run: RUN })).unwrap(), [""; 0], "said once");
        assert_eq!(how_it_is_taken_up(&mut desk), TakeUp::Repeat);
    }
    assert_eq!(desk.run().open_calls[0].deaths, 0);
    let result = crate::domain::ToolResult::success("read", crate::domain::Output::default());
    desk.system(Command::Report(Report::EffectFinished { run: RUN, call: CallNo(1), attempt: 1, result })).unwrap();
    assert_eq!(desk.system(Command::Report(Report::SetAside { run: RUN })).unwrap(), [""; 0], "nothing is under way");
}

#[test]
fn a_model_that_was_waited_for_at_each_death_is_asked_again_only_when_a_person_resumes() {
    let mut desk = Desk::with_agent();
    for _ in 1..MOST_DEATHS {
        assert_eq!(
            desk.system(Command::Report(Report::Recover { run: RUN, left: Default::default() })).unwrap(),
            ["run.recovered"]
        );
    }
    let given_up = desk.system(Command::Report(Report::Recover { run: RUN, left: Default::default() })).unwrap();
    assert_eq!(given_up, ["run.recovered", "run.turn_failed", "run.paused"]);
    assert!(desk.run().note.raw().contains("3 times"), "{:?}", desk.run().note);
    desk.by(ana(), RunVerb::Resume.on(RUN)).unwrap();
    assert_eq!(desk.proceed(vec![]), ["run.turn_started"]);
    assert_eq!(desk.run().open_turn.as_ref().unwrap().deaths, 0);
}

/// Before deaths were told apart from orderly ends, a log said of both only that the run was taken up.
#[test]
fn an_older_log_folds_to_the_rows_it_had() {
    let mut desk = with_read_under_way();
    let before = serde_json::to_value(desk.run()).unwrap();
    let old: RunEvent = serde_json::from_str(r#"{"type":"run.recovered"}"#).unwrap();
    assert_eq!(serde_json::to_string(&old).unwrap(), r#"{"type":"run.recovered"}"#);
    for _ in 0..2 * MOST_DEATHS {
        let (seq, version) = (desk.log.len() as u64 + 1, desk.run().version + 1);
        let event = Event::Run(old.clone());
        let envelope = Envelope { seq, stream: Stream::Run(RUN), version, at: desk.now, by: Actor::System, event };
        desk.snapshot.apply(&envelope);
        desk.log.push(envelope);
    }
    let mut after = serde_json::to_value(desk.run()).unwrap();
    for moved in ["version", "updated_at", "busy_since"] {
        after[moved] = before[moved].clone();
    }
    assert_eq!(after, before);
}

#[test]
fn the_same_events_give_the_same_rows() {
    let desk = with_push_under_way();
    let mut again = Snapshot::default();
    desk.log.iter().for_each(|envelope| {
        again.apply(envelope);
    });
    assert_eq!(again.runs, desk.snapshot.runs);
    assert_eq!(again.spend, desk.snapshot.spend);
    assert_eq!(
        Thread::of(&desk.log.iter().filter(|e| e.stream == Stream::Run(RUN)).cloned().collect::<Vec<_>>()),
        desk.snapshot.threads.get(&RUN).cloned()
    );
}
