//! What must be true of any log, checked event by event and without our folds: an auditor of its own.
//!
//! It knows the order in which things may happen, and nothing of how the program decides.

use std::collections::{BTreeMap, HashMap};

use morningai::domain::*;
use morningai::engine::MOST_DEATHS;
use morningai::kinds::*;

/// How a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Open,
    Granted,
    /// A person changed the call, which is to be asked for anew.
    Edited,
    /// An unknown outcome that a person wants tried again.
    Retry,
    Over,
}

/// How a call stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Requested,
    Parked(ApprovalId),
    Started(u32, CardDigest),
    InDoubt(u32, ApprovalId),
    Settled,
}

#[derive(Debug)]
struct Call {
    stage: Stage,
    attempts: u32,
    repeat: Option<Repeat>,
    /// Workers lost while its present attempt was under way.
    deaths: u32,
    /// By a person; then only a person lets it start.
    was_changed: bool,
}

#[derive(Debug, Default)]
struct Run {
    is_over: bool,
    is_cancelling: bool,
    turn: (u32, u32),
    turn_is_open: bool,
    calls: BTreeMap<CallNo, Call>,
}

/// Takes in a log from its first event on.
#[derive(Debug, Default)]
pub struct Audit {
    pub seq: u64,
    versions: HashMap<Stream, u64>,
    requests: HashMap<ApprovalId, Request>,
    runs: HashMap<RunId, Run>,
}

type Verdict = Result<(), String>;

fn check(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

impl Audit {
    /// The first thing that is wrong, with the event it shows in.
    pub fn take_all(&mut self, envelopes: &[Envelope]) -> Verdict {
        envelopes.iter().try_for_each(|envelope| self.take(envelope))
    }

    pub fn take(&mut self, envelope: &Envelope) -> Verdict {
        let version = self.versions.entry(envelope.stream).or_default();
        check(envelope.seq == self.seq + 1, || format!("seq {} after {}", envelope.seq, self.seq))?;
        check(envelope.version == *version + 1, || format!("version {} after {version}", envelope.version))?;
        self.seq = envelope.seq;
        *version = envelope.version;
        let verdict = match (&envelope.event, envelope.stream) {
            (Event::Run(event), Stream::Run(run)) => self.run(run, event),
            (Event::Approval(event), Stream::Approval(id)) => self.approval(id, event),
            _ => Err("an event in a stream of another kind".to_owned()),
        };
        verdict.map_err(|what| format!("seq {}, {}: {what}", envelope.seq, envelope.event.kind()))
    }

    /// Calls that were started and neither settled nor put in doubt.
    pub fn started(&self) -> impl Iterator<Item = (RunId, CallNo)> + '_ {
        let live = self.runs.iter().filter(|(_, run)| !run.is_over);
        live.flat_map(|(id, run)| run.calls.iter().map(move |(call, entry)| (*id, *call, entry)))
            .filter(|(_, _, entry)| matches!(entry.stage, Stage::Started(..)))
            .map(|(run, call, _)| (run, call))
    }

    /// Calls of a run whose outcome somebody must settle, or has.
    pub fn is_over(&self, run: RunId) -> bool {
        self.runs.get(&run).is_some_and(|run| run.is_over)
    }

    fn approval(&mut self, id: ApprovalId, event: &ApprovalEvent) -> Verdict {
        use Request::*;
        let before = self.requests.get(&id).copied();
        let after = match event {
            ApprovalEvent::Requested { .. } => {
                check(before.is_none(), || "requested twice".to_owned())?;
                Open
            }
            ApprovalEvent::Approved { .. } | ApprovalEvent::Answered { .. } => Granted,
            ApprovalEvent::Edited { .. } => Edited,
            ApprovalEvent::Settled { settlement: Settlement::Retry, .. } => Retry,
            ApprovalEvent::Settled { .. }
            | ApprovalEvent::Denied { .. }
            | ApprovalEvent::Expired {}
            | ApprovalEvent::Withdrawn { .. } => Over,
            // What was approved is not what would run: the grant is void.
            ApprovalEvent::Superseded { .. } => {
                check(matches!(before, Some(Granted | Retry)), || format!("superseded while {before:?}"))?;
                self.requests.insert(id, Over);
                return Ok(());
            }
        };
        check(after == Open || before == Some(Open), || format!("settled while {before:?}"))?;
        self.requests.insert(id, after);
        Ok(())
    }

    fn run(&mut self, id: RunId, event: &RunEvent) -> Verdict {
        if let RunEvent::Started { .. } = event {
            return check(self.runs.insert(id, Run::default()).is_none(), || "started twice".to_owned());
        }
        let run = self.runs.get_mut(&id).ok_or("not started")?;
        check(!run.is_over, || "after the end of the run".to_owned())?;
        match event {
            RunEvent::TurnStarted { turn, attempt, .. } => {
                check(!run.turn_is_open && !run.is_cancelling, || "a turn begins out of turn".to_owned())?;
                let (last, tries) = run.turn;
                let follows = (*turn, *attempt) == (last + 1, 1) || (*turn, *attempt) == (last, tries + 1);
                check(follows, || format!("turn {turn}.{attempt} after {last}.{tries}"))?;
                (run.turn, run.turn_is_open) = ((*turn, *attempt), true);
            }
            RunEvent::TurnFinished { turn, attempt, .. } | RunEvent::TurnFailed { turn, attempt, .. } => {
                let is_current = run.turn_is_open && run.turn == (*turn, *attempt);
                check(is_current, || format!("turn {turn}.{attempt} ends, {:?} is current", run.turn))?;
                run.turn_is_open = false;
            }
            RunEvent::CallsRequested { calls } => {
                for call in calls {
                    let next = CallNo(run.calls.len() as u32 + 1);
                    check(call.call == next, || format!("call {} where {next} is next", call.call))?;
                    run.calls.insert(
                        next,
                        Call { stage: Stage::Requested, attempts: 0, repeat: None, deaths: 0, was_changed: false },
                    );
                }
            }
            RunEvent::CallParked { call, approval, .. } => {
                check(self.requests.get(approval) == Some(&Request::Open), || "parked on nothing open".to_owned())?;
                let entry = run.calls.get_mut(call).ok_or("unknown call")?;
                check(matches!(entry.stage, Stage::Requested | Stage::Started(..)), || format!("{entry:?}"))?;
                entry.stage = Stage::Parked(*approval);
            }
            RunEvent::CallDelegated { .. } | RunEvent::DelegateEnded { .. } => {}
            RunEvent::CallEdited { call, approval, .. } => {
                check(!run.is_cancelling, || "a call is changed in a run that is being cancelled".to_owned())?;
                check(self.requests.get(approval) == Some(&Request::Edited), || "changed by nobody".to_owned())?;
                let entry = run.calls.get_mut(call).ok_or("unknown call")?;
                check(entry.stage == Stage::Parked(*approval), || format!("{entry:?} is changed"))?;
                (entry.stage, entry.was_changed) = (Stage::Requested, true);
            }
            RunEvent::EffectStarted { .. } => {
                check(!run.is_cancelling, || "an effect begins in a run that is being cancelled".to_owned())?;
                start(run, &self.requests, event)?;
            }
            RunEvent::EffectInDoubt { call, attempt, approval } => {
                let entry = run.calls.get_mut(call).ok_or("unknown call")?;
                let current = matches!(&entry.stage, Stage::Started(started, _) if started == attempt);
                let may_be_repeated = entry.repeat == Some(Repeat::Repeatable) && entry.deaths < MOST_DEATHS;
                check(current && !may_be_repeated, || format!("{entry:?}"))?;
                entry.stage = Stage::InDoubt(*attempt, *approval);
            }
            RunEvent::CallSettled { call, attempt, result } => {
                settle(run.calls.get_mut(call).ok_or("unknown call")?, &self.requests, *attempt, result)?;
            }
            RunEvent::CancelRequested { .. } => {
                check(!run.is_cancelling, || "cancelled twice".to_owned())?;
                run.is_cancelling = true;
            }
            RunEvent::Succeeded { .. } | RunEvent::Failed { .. } => {
                let open = run.calls.values().find(|call| call.stage != Stage::Settled);
                check(open.is_none() && !run.turn_is_open, || format!("ends while {open:?} is open"))?;
                run.is_over = true;
            }
            RunEvent::Cancelled { .. } => {
                let unknown = |call: &&Call| match &call.stage {
                    Stage::Started(..) => true,
                    Stage::InDoubt(_, approval) => self.requests.get(approval) == Some(&Request::Open),
                    _ => false,
                };
                let open = run.calls.values().find(unknown);
                check(open.is_none() && !run.turn_is_open, || format!("cancelled while {open:?} is open"))?;
                run.is_over = true;
            }
            RunEvent::Started { .. }
            | RunEvent::PlanAdopted { .. }
            | RunEvent::StepMarked { .. }
            | RunEvent::LimitReached { .. }
            | RunEvent::Paused { .. }
            | RunEvent::Resumed {}
            | RunEvent::SetAside {} => {}
            RunEvent::Recovered { lost, .. } => {
                let started = run.calls.values_mut().filter(|call| matches!(call.stage, Stage::Started(..)));
                started.for_each(|call| call.deaths += u32::from(*lost));
            }
        }
        Ok(())
    }
}

/// Each start is the next attempt, and has something that allows it.
fn start(run: &mut Run, requests: &HashMap<ApprovalId, Request>, event: &RunEvent) -> Verdict {
    let RunEvent::EffectStarted { call, attempt, digest, repeat, under, .. } = event else { return Ok(()) };
    let entry = run.calls.get_mut(call).ok_or("unknown call")?;
    check(*attempt == entry.attempts + 1, || format!("attempt {attempt} after {}", entry.attempts))?;
    let granted = |approval: &ApprovalId, wanted| {
        *under == Authority::Approval(*approval) && requests.get(approval) == Some(&wanted)
    };
    let allowed = match &entry.stage {
        Stage::Requested => matches!(under, Authority::Rule(_)),
        Stage::Parked(approval) => granted(approval, Request::Granted),
        Stage::InDoubt(_, approval) => granted(approval, Request::Retry),
        // Only for what drifted, and therefore did not run.
        Stage::Started(_, before) => matches!(under, Authority::Rule(_)) && before != digest,
        Stage::Settled => false,
    };
    check(allowed, || format!("{entry:?} started under {under:?}"))?;
    let by_a_person = matches!(under, Authority::Approval(_));
    check(by_a_person || !entry.was_changed, || format!("{entry:?} was changed and started under {under:?}"))?;
    entry.stage = Stage::Started(*attempt, digest.clone());
    entry.attempts = *attempt;
    entry.deaths = 0;
    entry.repeat = Some(*repeat);
    Ok(())
}

fn settle(call: &mut Call, requests: &HashMap<ApprovalId, Request>, attempt: u32, result: &ToolResult) -> Verdict {
    let allowed = match &call.stage {
        Stage::Requested => attempt == 0,
        Stage::Parked(approval) => attempt == 0 && requests.get(approval) != Some(&Request::Open),
        // Attempt 0: what would run has changed so that it cannot; it did not run.
        Stage::Started(started, _) => attempt == *started || (attempt == 0 && !result.succeeded()),
        Stage::InDoubt(started, approval) => {
            requests.get(approval) == Some(&Request::Over) && (attempt == *started || !result.succeeded())
        }
        Stage::Settled => false,
    };
    check(allowed, || format!("{call:?} settled as attempt {attempt}"))?;
    call.stage = Stage::Settled;
    Ok(())
}
