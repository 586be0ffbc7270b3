//! What may be asked of the engine: by people, by scripts, and by the runtime reporting what came of an effect.

use super::approval::Settlement;
use super::card::EffectCard;
use super::ids::ApprovalId;
use super::ids::CallNo;
use super::ids::RunId;
use super::model::ModelFailure;
use super::model::ModelReply;
use super::run::RunSpec;
use super::text::Untrusted;
use super::tool::ToolResult;
use super::verdict::Verdict;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

/// A wish. `decide` turns it into events or says why not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Begin a run. `run` is the caller's choice, so that asking twice starts one.
    Start {
        run: RunId,
        spec: Box<RunSpec>,
    },
    /// Decide on a card. `digest` is the whole digest, or the shown part of it.
    Approve {
        approval: ApprovalId,
        digest: String,
    },
    Deny {
        approval: ApprovalId,
        reason: Untrusted,
    },
    /// Ask again for the same call with other arguments. `digest` as for `Approve`; `args` are all of the arguments, an
    /// object as the tool's schema wants it.
    Edit {
        approval: ApprovalId,
        digest: String,
        args: Value,
    },
    Answer {
        approval: ApprovalId,
        text: Untrusted,
    },
    Settle {
        approval: ApprovalId,
        settlement: Settlement,
        note: Untrusted,
    },
    Pause {
        run: RunId,
    },
    Resume {
        run: RunId,
    },
    Cancel {
        run: RunId,
        reason: String,
    },

    // From here on only the runtime asks.
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
    /// A started effect without an outcome, found at recovery, that can be neither repeated nor checked.
    Doubt {
        run: RunId,
        call: CallNo,
        attempt: u32,
        approval: ApprovalId,
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
    Expire {
        approval: ApprovalId,
    },
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
    /// The agent says it is done.
    Finish { summary: Untrusted, outcome: FinishOutcome },
    /// The agent marks a step of its plan.
    Mark { step: super::ids::StepNo, state: super::plan::StepState },
    /// It cannot be run as it stands: no such tool, bad arguments, a missing file.
    Invalid { result: ToolResult },
}

/// How an agent says it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishOutcome {
    Succeeded,
    Failed,
}

impl Command {
    /// The run it is about, where it names one.
    pub fn run(&self) -> Option<RunId> {
        match self {
            Self::Start { run, .. }
            | Self::Pause { run }
            | Self::Resume { run }
            | Self::Cancel { run, .. }
            | Self::Proceed { run, .. }
            | Self::TurnFinished { run, .. }
            | Self::EffectFinished { run, .. }
            | Self::Drifted { run, .. }
            | Self::Doubt { run, .. }
            | Self::SetAside { run }
            | Self::Recover { run, .. } => Some(*run),
            Self::Approve { .. }
            | Self::Deny { .. }
            | Self::Edit { .. }
            | Self::Answer { .. }
            | Self::Settle { .. }
            | Self::Expire { .. } => None,
        }
    }

    /// The request it decides on, where it names one.
    pub fn approval(&self) -> Option<ApprovalId> {
        match self {
            Self::Approve { approval, .. }
            | Self::Deny { approval, .. }
            | Self::Edit { approval, .. }
            | Self::Answer { approval, .. }
            | Self::Settle { approval, .. }
            | Self::Expire { approval } => Some(*approval),
            Self::Start { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Cancel { .. }
            | Self::Proceed { .. }
            | Self::TurnFinished { .. }
            | Self::EffectFinished { .. }
            | Self::Drifted { .. }
            | Self::Doubt { .. }
            | Self::Recover { .. }
            | Self::SetAside { .. } => None,
        }
    }
}
