//! What can be run, and what somebody wants run. Preparing it is an adapter's work.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::RunId;

/// A run that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub run: RunId,
    pub work: Work,
    /// The repository; the current directory when nothing is said.
    pub workspace: Option<PathBuf>,
    pub uncommitted: Uncommitted,
}

/// What to do about changes in the repository that are not committed, which a run does not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncommitted {
    /// The run does not start.
    Refuse,
    /// It goes on from the last commit.
    LeaveBehind,
}

/// What a run is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// An agent, by name or the usual one, pursues a goal.
    Goal { goal: String, agent: Option<String> },
    /// A procedure is followed: one of that name, or a Markdown file.
    Procedure(String),
    /// The procedure of that name is followed; where there is none, the agent of that name pursues the goal.
    Either { name: String, goal: String },
}

/// Something that can be run: an agent or a procedure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Offer {
    pub name: String,
    pub kind: OfferKind,
    pub description: String,
    /// The kind of model an agent's turns go to; `null` for a procedure.
    pub model: Option<String>,
    /// Tools an agent may call, or a procedure does.
    pub tools: Vec<String>,
    /// Where it is written.
    pub source: String,
    /// The labels of alerts that it is a runbook for, and the values they may have; empty where it is none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub matches: BTreeMap<String, Vec<String>>,
    /// An agent's instructions, or a procedure's steps.
    #[serde(skip)]
    pub text: String,
}

impl Offer {
    /// Whether a person is offered to start it: what judges incidents is given no goals.
    pub fn is_for_people(&self) -> bool {
        !self.tools.iter().any(|tool| tool == "set_severity")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfferKind {
    Agent,
    Procedure,
}

/// Paths to offer while a goal is being written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sought", rename_all = "snake_case")]
pub enum Sought {
    /// Directories that continue `path`, each ending in a slash, sorted.
    Directories { path: String },
    /// Files below `workspace` whose path contains `text`, best match first, relative to it.
    Files { workspace: String, text: String },
}
