//! What may be asked of a run.

use crate::domain::{Condition, ProcedureStep, RunId, RunSpec, Untrusted};
use crate::kinds::{Stream, Verb, Words, verbs};

verbs! {
    /// What may be asked of a run.
    RunVerb of Run {
        /// Start a run
        Start {
            /// Everything that is fixed when it starts.
            #[schemars(with = "serde_json::Value")]
            spec: Box<RunSpec>,
        } = "start", StartRuns, begins;
        /// Start a run that something wants, unless it has come to want it no more
        StartWanted {
            /// What wants it.
            #[schemars(with = "String")]
            of: Stream,
            #[schemars(with = "serde_json::Value")]
            spec: Box<RunSpec>,
        } = "start-wanted", Orchestrate;
        /// Pause a run: let the current call finish, start nothing new
        Pause = "pause", SteerRuns;
        /// Let a run that was paused go on
        Resume = "resume", SteerRuns;
        /// Cancel a run; it cannot be resumed
        Cancel {
            /// Why it is stopped.
            reason: String,
        } = "cancel", SteerRuns;
        /// Note that the run of an agent that it wants cannot be started
        AgentFailed {
            agent_run: RunId,
            reason: Untrusted,
        } = "agent-failed", Orchestrate;
    }
}

impl Verb for RunVerb {
    fn words(&mut self, each: &mut dyn FnMut(Words<'_>)) {
        match self {
            Self::Start { spec } | Self::StartWanted { of: _, spec } => words_of(spec, each),
            Self::Cancel { reason } => each(Words::Plain(reason)),
            Self::AgentFailed { agent_run: _, reason } => each(Words::Text(reason)),
            Self::Pause | Self::Resume => {}
        }
    }

    fn names(&self) -> Option<Stream> {
        let Self::StartWanted { of, .. } = self else { return None };
        Some(*of)
    }
}

/// Where a run works and what it may do is taken as it is: paths, names and policies mean something else with a word of
/// them replaced.
fn words_of(spec: &mut RunSpec, each: &mut dyn FnMut(Words<'_>)) {
    let RunSpec {
        goal,
        agent: _,
        instructions,
        tools: _,
        class: _,
        workspace: _,
        inputs,
        procedure,
        limits: _,
        policies: _,
        rungs: _,
    } = spec;
    each(Words::Text(goal));
    each(Words::Plain(instructions));
    inputs.values_mut().for_each(|text| each(Words::Text(text)));
    for ProcedureStep { title, act, on_failure: _, when, verify, rollback } in procedure {
        each(Words::Plain(title));
        let when = match when {
            Some(Condition::Call(call) | Condition::Unless(call)) => Some(call),
            Some(Condition::Answer(answers)) => {
                answers.iter_mut().for_each(|answer| each(Words::Plain(answer)));
                None
            }
            None => None,
        };
        let verify = verify.as_mut().map(|verify| &mut verify.call);
        let calls = [Some(act), when, verify, rollback.as_mut()];
        calls.into_iter().flatten().for_each(|call| each(Words::Json(&mut call.args)));
    }
}
