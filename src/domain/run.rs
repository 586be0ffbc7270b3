//! What a run is started with, and the states it goes through.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits::Limits;
use super::model::TaskClass;
use super::procedure::ProcedureStep;
use super::text::Untrusted;
use super::tool::ToolName;

/// Everything that is fixed when a run starts, so that it resumes the same elsewhere and later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    pub goal: Untrusted,
    /// Name of the agent, or of the procedure for a run without a model.
    pub agent: String,
    /// The agent's instructions as they were at the start; empty for a procedure.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instructions: String,
    /// Tools the agent may call.
    pub tools: Vec<ToolName>,
    #[serde(default)]
    pub class: TaskClass,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Workspace>,
    /// Variables of the environment of its programs, by name: what it was told by whatever it was started for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Untrusted>,
    /// Steps of a procedure, which needs no model; empty for an agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub procedure: Vec<ProcedureStep>,
    #[serde(default)]
    pub limits: Limits,
    /// The user's policies in force at the start. A later worker of the run applies them beside its own, and the
    /// stricter verdict wins: a run that moves to another process gains no rights by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyText>,
    /// The rungs of the sandbox its programs may run on, wherever it goes on.
    #[serde(default, skip_serializing_if = "RungChoice::is_best")]
    pub rungs: RungChoice,
}

/// Which rungs of the sandbox may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RungChoice {
    /// The best that works.
    #[default]
    Best,
    Bubblewrap,
    /// Namespaces made by the program itself, with Landlock and seccomp inside.
    Namespaces,
    Landlock,
    /// No program runs.
    Refuse,
}

impl RungChoice {
    /// Whether what a card says of its confinement (empty where nothing is confined) is among them.
    pub fn allows(self, confinement: &str) -> bool {
        confinement.is_empty()
            || match self {
                Self::Best => true,
                Self::Bubblewrap => confinement == "bubblewrap",
                Self::Namespaces => confinement == "namespaces",
                Self::Landlock => confinement == "landlock+seccomp",
                Self::Refuse => false,
            }
    }

    fn is_best(&self) -> bool {
        *self == Self::Best
    }
}

/// A policy file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyText {
    /// The name people know it by, usually its path.
    pub name: String,
    pub text: String,
}

/// Where a run works: a directory of its own, usually a git worktree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Workspace {
    /// Absolute path of the directory the tools may write to.
    pub root: String,
    /// The repository it is a worktree of, if any: absolute path of its top level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The worktree's own git directory, kept outside `root` so that nothing confined can write to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_dir: Option<String>,
    /// The branch the run works on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit it began at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What is in the repository and is not in the workspace, a sentence each: submodules, contents kept elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// How an agent says it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishOutcome {
    Succeeded,
    Failed,
}

/// What a model turn is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurposeOfTurn {
    /// Write the plan, as JSON by schema.
    Plan,
    /// Work on it: text and tool calls.
    Act,
}

/// State of a run, with the names that `--json` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Planning,
    Running,
    /// Nothing goes on until a person decides.
    Waiting,
    Paused,
    Succeeded,
    Failed,
    Cancelled,
    /// An effect was started and nobody knows whether it happened.
    InDoubt,
}

impl RunState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::InDoubt => "in_doubt",
        }
    }

    /// Whether nothing more will ever happen in it.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_started_for_one_rung_takes_no_other() {
        for (choice, allowed) in [
            (RungChoice::Best, [true, true, true, true]),
            (RungChoice::Bubblewrap, [true, true, false, false]),
            (RungChoice::Namespaces, [true, false, true, false]),
            (RungChoice::Landlock, [true, false, false, true]),
            (RungChoice::Refuse, [true, false, false, false]),
        ] {
            let said = ["", "bubblewrap", "namespaces", "landlock+seccomp"].map(|rung| choice.allows(rung));
            assert_eq!(said, allowed, "{choice:?}");
        }
    }
}
