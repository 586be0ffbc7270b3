//! `run_agent`: a step of a procedure that an agent carries out. The work itself is a run of its own.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::args;
use crate::domain::{EffectClass, FailureKind, Repeat, ToolResult, ToolSpec, Untrusted};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The agent's name.
    agent: String,
    /// What it is to find out or to do.
    goal: String,
}

/// Hands a step to an agent.
pub struct RunAgent {
    spec: ToolSpec,
}

impl Default for RunAgent {
    fn default() -> Self {
        let about = "Has an agent carry out a step of a procedure, in a run of its own, and waits for its end.";
        Self { spec: args::spec::<Args>("run_agent", EffectClass::Converse, Repeat::Repeatable, about) }
    }
}

#[async_trait]
impl Tool for RunAgent {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, _: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let Args { agent, goal } = args::parse(&self.spec, args)?;
        Ok(Prepared::Delegate { agent, goal: Untrusted::new(goal) })
    }

    /// There is no effect of its own.
    async fn perform(&self, _: Invocation<'_>) -> ToolResult {
        ToolResult::failure(FailureKind::BadCall, "an agent is run by the procedure, not by this tool")
    }
}
