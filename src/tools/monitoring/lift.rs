//! `lift_silences`: ends the silences that were made for an incident. It touches no others.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::endpoint::Endpoint;
use super::silences;
use crate::domain::{EffectClass, Environment, Output, Repeat, Reversibility, ToolResult, ToolSpec};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};
use crate::tools::{args, cards};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {}

/// Ends the silences of an incident.
pub struct LiftSilences {
    spec: ToolSpec,
    alertmanager: Option<Endpoint>,
}

impl LiftSilences {
    pub fn new(alertmanager: Option<Endpoint>) -> Self {
        let about =
            "Ends the silences in Alertmanager that were made for the incident that this run is for, and no others.";
        let spec = args::spec::<Args>("lift_silences", EffectClass::External, Repeat::Repeatable, about);
        Self { spec, alertmanager }
    }

    async fn run(&self, invocation: &Invocation<'_>) -> Result<ToolResult, ToolResult> {
        let endpoint = silences::configured(&self.alertmanager)?;
        let known = silences::of_incident(endpoint, &silences::incident(invocation.context)?).await?;
        for id in &known {
            endpoint.delete(&["api", "v2", "silence", id]).await?;
        }
        let summary = format!("{} ended", cards::count(known.len(), "silence", "silences"));
        Ok(ToolResult::success(summary, Output::text(known.join("\n"))))
    }
}

#[async_trait]
impl Tool for LiftSilences {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let Args {} = args::parse(&self.spec, args)?;
        silences::configured(&self.alertmanager)?;
        let target = format!("silences of incident {}", silences::incident(context)?);
        let mut card = cards::observe(&self.spec, "lift", target, args);
        card.class = EffectClass::External;
        card.environment = Environment::Remote;
        card.reversible = Reversibility::Undo("silence the alerts again".into());
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        self.run(&invocation).await.unwrap_or_else(|result| result)
    }
}
