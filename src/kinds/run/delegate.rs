//! Agents that carry out calls of a run, each in a run of its own: which runs are wanted, and how they end.

use super::event::RunEvent;
use super::row::{CallStage, OpenCall, Run};
use crate::domain::{Actor, CallNo, Rejection, RunId, RunState, Untrusted, Usd};
use crate::kinds::{Brief, Decided, Event, Handler, KindEvent, Stream, Wanted, World};

/// Bytes of what an agent says at its end.
const LONGEST_SUMMARY: usize = 16 * 1024;

impl Run {
    /// The calls that agents carry out whose runs have not ended, and these runs.
    pub(super) fn delegated(&self) -> impl Iterator<Item = (CallNo, Wanted)> + '_ {
        self.open_calls.iter().filter_map(|open| Some((open.call, self.wanted(open)?)))
    }

    /// The run of the agent that carries out an open call.
    pub fn delegate(&self, call: CallNo) -> Option<RunId> {
        let open = self.open_call(call)?;
        let CallStage::Delegated { ended, .. } = &open.stage else { return None };
        ended.as_ref().map(|end| end.run).or_else(|| Some(self.wanted(open)?.run()))
    }

    /// The runs of these agents, begun or not.
    pub fn agents(&self) -> impl Iterator<Item = RunId> + '_ {
        self.delegated().map(|(_, wanted)| wanted.run())
    }

    fn wanted(&self, open: &OpenCall) -> Option<Wanted> {
        let CallStage::Delegated { since, at, agent, goal, inputs, ended: None } = &open.stage else { return None };
        let left = Usd((self.limits.cost.0 - self.cost.0).max(0));
        let brief = Brief { goal: goal.raw().to_owned(), told: Default::default(), most_cost: Some(left) };
        Some(Wanted {
            of: Stream::Run(self.id),
            since: *since,
            at: *at,
            by: self.started_by.clone(),
            rule: "agent",
            procedure: agent.clone(),
            handler: Handler::Agent(brief),
            inputs: inputs.clone(),
        })
    }

    /// None begins while it is paused or being cancelled.
    pub(super) fn wishes(&self) -> Vec<Wanted> {
        let is_held = self.state == RunState::Paused || self.cancelling.is_some();
        self.delegated().map(|(_, wanted)| wanted).filter(|_| !is_held).collect()
    }

    /// What it remembers of the end of such a run.
    pub(super) fn told_of(&self, world: &dyn World, of: Stream, event: &Event) -> Option<RunEvent> {
        let (Stream::Run(run), Event::Run(event)) = (of, event) else { return None };
        if !event.ends() {
            return None;
        }
        let (call, _) = self.delegated().find(|(_, wanted)| wanted.run() == run)?;
        let (state, summary) = if let RunEvent::Succeeded { summary } = event {
            (RunState::Succeeded, summary.clone())
        } else if let RunEvent::Failed { reason, .. } = event {
            (RunState::Failed, reason.clone())
        } else {
            (RunState::Cancelled, "the run of the agent was cancelled".into())
        };
        let cost = world.runs().get(&run).map_or(Usd::ZERO, |row| row.cost);
        Some(RunEvent::DelegateEnded { call, run, state, summary: summary.cut(LONGEST_SUMMARY), cost })
    }
}

/// An agent whose run cannot start has failed.
pub(super) fn give_up(world: &dyn World, id: RunId, run: RunId, reason: &Untrusted, by: &Actor) -> Vec<Decided> {
    let row = world.runs().get(&id);
    let call = row.and_then(|row| row.delegated().find(|(_, wanted)| wanted.run() == run));
    let ended = |(call, _): (CallNo, Wanted)| RunEvent::DelegateEnded {
        call,
        run,
        state: RunState::Failed,
        summary: reason.clone().cut(LONGEST_SUMMARY),
        cost: Usd::ZERO,
    };
    call.map(ended).map(|event| Decided::of::<Run>(id, by, event)).into_iter().collect()
}

/// The same for the runs of agents that have begun for a run and are under way.
pub(super) fn of_each(
    world: &dyn World,
    run: &Run,
    decide: impl Fn(RunId) -> Result<Vec<Decided>, Rejection>,
) -> Vec<Decided> {
    let begun = run.agents().filter(|id| world.runs().contains_key(id));
    // One that has ended, or stands like this already, is left as it is.
    begun.filter_map(|id| decide(id).ok()).flatten().collect()
}
