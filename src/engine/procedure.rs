//! What a procedure does next: its steps in order, each with its condition and its check, and the way back when one
//! fails. All of it follows from the calls made so far, so that a procedure goes on after a crash where it was.

use super::Decided;
use super::record::in_run;
use crate::domain::{
    Actor, CallNo, Condition, FailureKind, OnFailure, Patience, ProcedureStep, RunId, StepCall, StepNo, StepPart,
    StepState, ToolCall, ToolResult, Verdict,
};
use crate::fold::{CallEntry, CallStatus, Snapshot, Thread};
use crate::kinds::{CallPreparation, Run, RunEvent};

/// The tool whose result is a person's answer.
const ASKS: &str = "ask_person";
/// The rule that asks where the policy would let a step run that its procedure wants approved.
const RULE: &str = "procedure";
/// Seconds that such a request waits: as long as a policy lets one wait that does not say.
const LIFETIME: u64 = 30 * 60;

/// The call that follows if the open one succeeds, so that it can be prepared in time for the same commit.
pub fn upcoming_call(snapshot: &Snapshot, run: RunId) -> Option<ToolCall> {
    let (row, thread) = (snapshot.runs.get(&run)?, snapshot.threads.get(&run)?);
    match (Path { run: row, thread }).next() {
        Next::Call { call, .. } => Some(call),
        Next::Done { .. } | Next::Failed => None,
    }
}

/// What a person answered last, in a run of a procedure.
pub fn last_answer(thread: &Thread) -> Option<&str> {
    let answered = thread.calls.values().rev().filter(|entry| entry.call.tool.0 == ASKS && succeeded(entry));
    answered.filter_map(|entry| settled(entry)).map(|result| result.output.head.raw()).next()
}

/// How often and for how long a call is tried again when it fails.
pub fn patience(snapshot: &Snapshot, run: RunId, call: CallNo) -> Option<Patience> {
    let thread = snapshot.threads.get(&run)?;
    let call = &thread.calls.get(&call)?.call;
    let step = step_of(thread, call).filter(|_| call.part == StepPart::Verify)?;
    step.verify.as_ref()?.patience
}

pub(super) fn next(run: &Run, thread: &Thread) -> Vec<Decided> {
    let path = Path { run, thread };
    let in_this = |event| in_run(run.id, &Actor::System, event);
    let skip = |step| in_this(RunEvent::StepMarked { step, state: StepState::Skipped });
    match path.next() {
        Next::Call { skipped, call } => {
            let mut events: Vec<_> = skipped.into_iter().map(skip).collect();
            events.push(in_this(RunEvent::CallsRequested { calls: vec![call] }));
            events
        }
        Next::Done { skipped } => {
            let summary = path.summary(&skipped).into();
            let mut events: Vec<_> = skipped.into_iter().map(skip).collect();
            events.push(in_this(RunEvent::Succeeded { summary }));
            events
        }
        Next::Failed => {
            let because = path.stopped_by();
            let hint = match because {
                Some(FailureKind::Denied) => String::new(),
                _ => "read the step's output, fix the cause, then start the procedure again".to_owned(),
            };
            vec![in_this(RunEvent::Failed { reason: path.failure().into(), hint, because })]
        }
    }
}

/// What the end of a call makes of its step.
pub(super) fn step_after(run: &Run, thread: &Thread, call: CallNo, result: &ToolResult) -> Option<(StepNo, StepState)> {
    let call = (Path { run, thread }).made(call)?;
    let step = step_of(thread, &call)?;
    let state = match (call.part, result.failure) {
        (StepPart::Rollback, _) => return None,
        (StepPart::Act, None) if step.verify.is_some() => return None,
        (StepPart::Act | StepPart::Verify, None) => StepState::Done,
        (StepPart::When, failure @ (None | Some(FailureKind::Failed))) => match is_met(step, failure) {
            true => return None,
            false => StepState::Skipped,
        },
        (StepPart::When | StepPart::Act | StepPart::Verify, Some(_)) => StepState::Failed,
    };
    Some((call.step?, state))
}

/// A person approves what the procedure says a person approves, whatever the policy would let run.
pub(super) fn asks(run: &Run, thread: Option<&Thread>, call: CallNo, preparation: CallPreparation) -> CallPreparation {
    let needs_approval = thread.and_then(|thread| {
        let call = (Path { run, thread }).made(call)?;
        Some(step_of(thread, &call)?.call(call.part)?.needs_approval)
    });
    match preparation {
        CallPreparation::Judged { card, verdict: Verdict::Run { rule, .. } } if needs_approval == Some(true) => {
            let reason = format!("the procedure wants this step approved; by itself it would run by rule {rule}");
            let verdict = Verdict::Ask { rule: RULE.to_owned(), reason, expires_after: LIFETIME };
            CallPreparation::Judged { card, verdict }
        }
        kept => kept,
    }
}

enum Next {
    /// A call, and the steps before it that are skipped.
    Call {
        skipped: Vec<StepNo>,
        call: ToolCall,
    },
    Done {
        skipped: Vec<StepNo>,
    },
    /// A step failed, and what could be rolled back was.
    Failed,
}

/// A procedure's run so far.
struct Path<'a> {
    run: &'a Run,
    thread: &'a Thread,
}

impl Path<'_> {
    /// One call at a time, so that only the last can change the way. One that is still open is taken to succeed.
    fn next(&self) -> Next {
        let Some(last) = self.thread.calls.values().next_back() else { return self.begin(0) };
        let Some(step) = last.call.step.map(|step| step.0 as usize - 1) else { return Next::Failed };
        let failure = settled(last).and_then(|result| result.failure);
        match (last.call.part, failure) {
            (StepPart::When, None | Some(FailureKind::Failed)) => {
                match step_of(self.thread, &last.call).is_some_and(|step| is_met(step, failure)) {
                    true => self.call(Vec::new(), step, StepPart::Act),
                    false => self.begin(step + 1),
                }
            }
            (StepPart::Act, None) if self.has(step, StepPart::Verify) => self.call(Vec::new(), step, StepPart::Verify),
            (StepPart::Act | StepPart::Verify, None) => self.begin(step + 1),
            (StepPart::Act | StepPart::Verify | StepPart::When, Some(_)) if !self.stops(step) => self.begin(step + 1),
            (StepPart::Act | StepPart::Verify | StepPart::When, Some(_)) | (StepPart::Rollback, _) => self.back(),
        }
    }

    /// The first step from there on that is to be done.
    fn begin(&self, from: usize) -> Next {
        let mut skipped = Vec::new();
        for (index, step) in self.thread.spec.procedure.iter().enumerate().skip(from) {
            match &step.when {
                None => return self.call(skipped, index, StepPart::Act),
                Some(Condition::Call(_) | Condition::Unless(_)) => return self.call(skipped, index, StepPart::When),
                Some(Condition::Answer(answers)) => {
                    let answer = last_answer(self.thread).map(str::trim);
                    if answers.iter().any(|wanted| Some(wanted.as_str()) == answer) {
                        return self.call(skipped, index, StepPart::Act);
                    }
                    skipped.push(StepNo(index as u32 + 1));
                }
            }
        }
        Next::Done { skipped }
    }

    /// The last step that began and was not rolled back yet.
    fn back(&self) -> Next {
        let steps = (0..self.thread.spec.procedure.len()).rev();
        let mut left = steps.filter(|&step| {
            let made = |part| self.calls(step).find(|entry| entry.call.part == part);
            let has_begun = made(StepPart::Act).is_some_and(|entry| entry.attempts > 0);
            has_begun && self.has(step, StepPart::Rollback) && made(StepPart::Rollback).is_none()
        });
        left.next().map_or(Next::Failed, |step| self.call(Vec::new(), step, StepPart::Rollback))
    }

    fn call(&self, skipped: Vec<StepNo>, step: usize, part: StepPart) -> Next {
        let call = self.thread.spec.procedure.get(step).and_then(|step| step.call(part));
        let Some(StepCall { tool, args, .. }) = call else { return Next::Failed };
        let call = ToolCall {
            call: CallNo(self.run.calls + 1),
            provider_id: String::new(),
            tool: tool.clone(),
            args: args.clone(),
            step: Some(StepNo(step as u32 + 1)),
            part,
        };
        Next::Call { skipped, call }
    }

    /// A call of this number: one that was made, or that is being made in this very commit.
    fn made(&self, call: CallNo) -> Option<ToolCall> {
        match self.thread.calls.get(&call) {
            Some(entry) => Some(entry.call.clone()),
            None => match self.next() {
                Next::Call { call: next, .. } if next.call == call => Some(next),
                Next::Call { .. } | Next::Done { .. } | Next::Failed => None,
            },
        }
    }

    fn has(&self, step: usize, part: StepPart) -> bool {
        self.thread.spec.procedure.get(step).is_some_and(|step| step.call(part).is_some())
    }

    fn stops(&self, step: usize) -> bool {
        self.thread.spec.procedure.get(step).is_some_and(|step| step.on_failure == OnFailure::Stop)
    }

    fn calls(&self, step: usize) -> impl Iterator<Item = &CallEntry> {
        let number = Some(StepNo(step as u32 + 1));
        self.thread.calls.values().filter(move |entry| entry.call.step == number)
    }

    /// Calls because of which their steps are not done.
    fn failures(&self) -> impl Iterator<Item = (&CallEntry, String)> {
        self.thread.calls.values().filter_map(|entry| {
            let result = settled(entry).filter(|result| !result.succeeded())?;
            let what = match entry.call.part {
                StepPart::Rollback => return None,
                StepPart::When if result.failure == Some(FailureKind::Failed) => return None,
                StepPart::When => "its condition could not be checked: ",
                StepPart::Act => "",
                StepPart::Verify => "not verified: ",
            };
            Some((entry, format!("{what}{}", result.summary.raw())))
        })
    }

    /// The kind of the failure that stopped it.
    fn stopped_by(&self) -> Option<FailureKind> {
        self.failures().last().and_then(|(entry, _)| settled(entry)?.failure)
    }

    fn failure(&self) -> String {
        let steps = self.thread.spec.procedure.len();
        let number = |entry: &CallEntry| entry.call.step.map_or(0, |step| step.0);
        // A step that was allowed to fail is none of them: the last one stopped the procedure.
        let mut told = match self.failures().last() {
            Some((entry, what)) => format!("step {} of {steps}: {what}", number(entry)),
            None => "the procedure could not go on".to_owned(),
        };
        for entry in self.thread.calls.values().filter(|entry| entry.call.part == StepPart::Rollback) {
            match settled(entry) {
                Some(result) if result.succeeded() => told += &format!("; step {} was rolled back", number(entry)),
                Some(result) => {
                    told += &format!("; step {} was NOT rolled back: {}", number(entry), result.summary.raw());
                }
                None => {}
            }
        }
        told
    }

    fn summary(&self, skipped: &[StepNo]) -> String {
        let in_state = |wanted| self.thread.step_states.iter().filter(move |(_, state)| **state == wanted);
        let steps = self.thread.spec.procedure.len();
        let mut told = format!("{} of {steps} steps done", in_state(StepState::Done).count());
        for step in in_state(StepState::Skipped).map(|(step, _)| step).chain(skipped) {
            told += &format!("; step {step} was skipped");
        }
        for (entry, what) in self.failures() {
            told += &format!("; step {} failed: {what}", entry.call.step.map_or(0, |step| step.0));
        }
        told
    }
}

fn step_of<'a>(thread: &'a Thread, call: &ToolCall) -> Option<&'a ProcedureStep> {
    thread.spec.procedure.get((call.step?.0 as usize).checked_sub(1)?)
}

/// Whether a step is to be done whose condition's call ended like this.
fn is_met(step: &ProcedureStep, failure: Option<FailureKind>) -> bool {
    match step.when {
        Some(Condition::Unless(_)) => failure.is_some(),
        Some(Condition::Call(_) | Condition::Answer(_)) | None => failure.is_none(),
    }
}

fn settled(entry: &CallEntry) -> Option<&ToolResult> {
    match &entry.status {
        CallStatus::Settled(result) => Some(result),
        CallStatus::Requested | CallStatus::Parked | CallStatus::Running | CallStatus::InDoubt => None,
    }
}

fn succeeded(entry: &CallEntry) -> bool {
    settled(entry).is_some_and(ToolResult::succeeded)
}
