//! What may be asked of a run.

use serde::{Deserialize, Serialize};

use crate::domain::{Action, ProcedureStep, RunId, RunSpec};
use crate::kinds::{Command, Verb, Words};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum RunVerb {
    /// Begin it. The id is the caller's choice, so that asking twice starts one.
    Start {
        spec: Box<RunSpec>,
    },
    Pause,
    Resume,
    Cancel {
        reason: String,
    },
}

impl RunVerb {
    pub fn on(self, id: RunId) -> Command {
        Command::Run { id, verb: self }
    }
}

impl Verb for RunVerb {
    fn action(&self) -> Action {
        match self {
            Self::Start { .. } => Action::StartRuns,
            Self::Pause | Self::Resume | Self::Cancel { .. } => Action::SteerRuns,
        }
    }

    fn words(&mut self, each: &mut dyn FnMut(Words<'_>)) {
        match self {
            Self::Start { spec } => words_of(spec, each),
            Self::Cancel { reason } => each(Words::Plain(reason)),
            Self::Pause | Self::Resume => {}
        }
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
        procedure,
        limits: _,
        policies: _,
        rungs: _,
    } = spec;
    each(Words::Text(goal));
    each(Words::Plain(instructions));
    for ProcedureStep { title, tool: _, args, on_failure: _ } in procedure {
        each(Words::Plain(title));
        each(Words::Json(args));
    }
}
