//! What the runtime reports of its work on a run, and what it found out about calls before they run.

use serde::{Deserialize, Serialize};

use crate::domain::{
    ApprovalId, CallNo, EffectCard, FinishOutcome, ModelFailure, ModelReply, RunId, ToolResult, Untrusted, Verdict,
};

/// Said by the runtime alone; to everybody else it is not allowed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Report {
    /// Decide what comes next in a run, with what was prepared for the calls that need it.
    Proceed {
        run: RunId,
        prepared: Vec<PreparedCall>,
    },
    TurnFinished {
        run: RunId,
        turn: u32,
        attempt: u32,
        outcome: Box<Result<ModelReply, ModelFailure>>,
    },
    EffectFinished {
        run: RunId,
        call: CallNo,
        attempt: u32,
        result: ToolResult,
    },
    /// What would run is not what was approved: ask again for what it would be now.
    Drifted {
        run: RunId,
        call: CallNo,
        attempt: u32,
        prepared: Box<PreparedCall>,
    },
    /// A started effect whose outcome is not known and that can be neither repeated nor checked.
    Doubt {
        run: RunId,
        call: CallNo,
        attempt: u32,
        approval: ApprovalId,
        /// Why it is not known, where the tool says so.
        #[serde(default)]
        why: Untrusted,
    },
    /// Leave a run in order, with something under way that was cut off.
    SetAside {
        run: RunId,
    },
    /// Take up a run that was under way when its worker was lost.
    Recover {
        run: RunId,
        /// What was set aside of all that had been left in its workspace.
        #[serde(default)]
        left: Untrusted,
    },
}

impl Report {
    pub fn run(&self) -> RunId {
        match self {
            Self::Proceed { run, .. }
            | Self::TurnFinished { run, .. }
            | Self::EffectFinished { run, .. }
            | Self::Drifted { run, .. }
            | Self::Doubt { run, .. }
            | Self::SetAside { run }
            | Self::Recover { run, .. } => *run,
        }
    }
}

/// A call with what its dry run found and what the policy says of that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreparedCall {
    pub call: CallNo,
    /// The id its request gets, should the policy ask.
    pub approval: ApprovalId,
    pub preparation: CallPreparation,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallPreparation {
    /// The dry run resolved it to this card.
    Judged { card: Box<EffectCard>, verdict: Verdict },
    /// It asks the person something.
    Question { text: Untrusted, choices: Vec<Untrusted> },
    /// Work for an agent, in a run of its own.
    Delegate { agent: String, goal: Untrusted },
    /// The agent says it is done.
    Finish { summary: Untrusted, outcome: FinishOutcome },
    /// The agent marks a step of its plan.
    Mark { step: crate::domain::StepNo, state: crate::domain::StepState },
    /// It cannot be run as it stands: no such tool, bad arguments, a missing file.
    Invalid { result: ToolResult },
}
