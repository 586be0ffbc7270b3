//! What a run does and what people do about it: one of each kind of transition that a crash can hit.

use morningai::domain::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A run, and how its person behaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Story {
    pub name: String,
    pub plot: Plot,
    pub answer: Answer,
    pub doubt: Doubt,
    pub steer: Steer,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Plot {
    /// A procedure that calls these tools.
    Procedure(Vec<String>),
    /// An agent whose turns call these tools.
    Agent(Vec<Vec<String>>),
}

/// What the person says when asked for leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    Approve,
    /// Changes the call first, and approves what it has become.
    Edit,
    Deny,
}

/// What the person says of an outcome that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Doubt {
    /// Looks whether it happened, and says so.
    Look,
    /// Wants it again, whatever happened.
    Retry,
    GiveUp,
}

/// What else the person does, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Steer {
    Nothing,
    /// Cancels as soon as something has begun.
    Cancel,
    /// Pauses as soon as something has begun, and resumes when nothing moves any more.
    Pause,
}

impl Story {
    pub fn procedure(tools: &[&str]) -> Self {
        let tools: Vec<_> = tools.iter().map(|tool| (*tool).to_owned()).collect();
        Self::new(tools.join("+"), Plot::Procedure(tools))
    }

    pub fn agent(turns: &[&[&str]]) -> Self {
        let turns: Vec<Vec<_>> =
            turns.iter().map(|calls| calls.iter().map(|tool| (*tool).to_owned()).collect()).collect();
        Self::new("an agent".to_owned(), Plot::Agent(turns))
    }

    fn new(name: String, plot: Plot) -> Self {
        Self { name, plot, answer: Answer::Approve, doubt: Doubt::Look, steer: Steer::Nothing }
    }

    pub fn answered(self, answer: Answer) -> Self {
        Self { name: format!("{}, {answer:?}", self.name), answer, ..self }
    }

    pub fn doubted(self, doubt: Doubt) -> Self {
        Self { name: format!("{}, {doubt:?}", self.name), doubt, ..self }
    }

    pub fn steered(self, steer: Steer) -> Self {
        Self { name: format!("{}, {steer:?}", self.name), steer, ..self }
    }

    /// Calls, each with the number that tells its effect from all others of the run.
    fn numbered(&self) -> Vec<Vec<(String, u32)>> {
        let groups = match &self.plot {
            Plot::Procedure(tools) => vec![tools.clone()],
            Plot::Agent(turns) => turns.clone(),
        };
        let mut number = 0;
        let mut next = |tool: String| {
            number += 1;
            (tool, number)
        };
        groups.into_iter().map(|group| group.into_iter().map(&mut next).collect()).collect()
    }

    pub fn turns(&self) -> Vec<Vec<(String, u32)>> {
        match self.plot {
            Plot::Procedure(_) => Vec::new(),
            Plot::Agent(_) => self.numbered(),
        }
    }

    /// Every effect: the tool and its number.
    pub fn effects(&self) -> Vec<(String, u32)> {
        self.numbered().into_iter().flatten().filter(|(tool, _)| tool != "question").collect()
    }

    pub fn spec(&self) -> RunSpec {
        let step = |(tool, number): (String, u32)| json!({ "title": format!("step {number}"), "tool": tool, "args": { "n": number }, "on_failure": "continue" });
        let steps: Vec<_> = match self.plot {
            Plot::Procedure(_) => self.numbered().into_iter().flatten().map(step).collect(),
            Plot::Agent(_) => Vec::new(),
        };
        let tools: Vec<_> = super::props::TOOLS.iter().map(|(name, ..)| *name).chain(["finish", "question"]).collect();
        let spec = json!({ "goal": self.name, "agent": "story", "tools": tools, "procedure": steps });
        serde_json::from_value(spec).unwrap()
    }
}
