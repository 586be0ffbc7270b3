//! `silence_alerts`: silences the alerts of an incident in Alertmanager for a time. The card names what that would hide.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;
use super::silences;
use crate::domain::{
    DURATION_FORM, EffectCard, EffectClass, Environment, Output, Payload, Repeat, Reversibility, Risk, ToolResult,
    ToolSpec, Untrusted, parse_duration,
};
use crate::ports::{Checked, Clock, Invocation, Prepared, Tool, ToolContext};
use crate::tools::{args, cards};

/// Names of alerts that a card tells, and bytes of one.
const MOST_NAMED: usize = 20;
const LONGEST_NAME: usize = 120;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// How long at most, such as 2h; when left out, what the person asked for, else 1h. It ends with the incident.
    length: Option<String>,
}

/// Silences the alerts of an incident.
pub struct SilenceAlerts {
    spec: ToolSpec,
    alertmanager: Option<Endpoint>,
    clock: Arc<dyn Clock>,
}

/// What is to be silenced, for how long, and for which incident.
struct Wanted<'a> {
    endpoint: &'a Endpoint,
    labels: Map<String, Value>,
    length: TimeDelta,
    /// The length as it was given.
    written: String,
    incident: String,
}

impl SilenceAlerts {
    pub fn new(alertmanager: Option<Endpoint>, clock: Arc<dyn Clock>) -> Self {
        let about = "Silences the alerts of the incident that this run is for, in Alertmanager, by the labels that all of \
                     them share. The silence ends with the incident.";
        let spec = args::spec::<Args>("silence_alerts", EffectClass::External, Repeat::Checkable, about);
        Self { spec, alertmanager, clock }
    }

    fn read(&self, context: &ToolContext, args: &Value) -> Result<Wanted<'_>, ToolResult> {
        let Args { length } = args::parse(&self.spec, args)?;
        let endpoint = silences::configured(&self.alertmanager)?;
        let given = context.inputs.get(silences::LENGTH).map(|length| length.raw().to_owned());
        let length = length.or(given).unwrap_or_else(|| "1h".to_owned());
        let parsed = parse_duration(&length).and_then(|length| TimeDelta::from_std(length).ok());
        let written = length;
        let length = parsed
            .filter(|length| *length > TimeDelta::zero() && *length <= TimeDelta::days(7))
            .ok_or_else(|| args::bad_call(&self.spec, &format!("\"length\" is {DURATION_FORM}, at most 7d")))?;
        let (labels, incident) = (silences::shared_labels(context)?, silences::incident(context)?);
        Ok(Wanted { endpoint, labels, length, written, incident })
    }

    async fn card(&self, wanted: &Wanted<'_>) -> Result<EffectCard, ToolResult> {
        let pairs: Vec<_> = wanted
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={}", silences::quoted(value.as_str().unwrap_or_default())))
            .collect();
        let filters: Vec<_> = pairs.iter().map(|pair| ("filter", pair.as_str())).collect();
        let hidden = wanted.endpoint.get(&["api", "v2", "alerts"], &filters).await?;
        // Names only: how many fire changes by the minute, and a card that changes must be approved again.
        let names: BTreeSet<_> = hidden.as_array().into_iter().flatten().map(|alert| named(&alert["labels"])).collect();
        let args = json!({ "matchers": silences::matchers(&wanted.labels), "length": wanted.written });
        let mut card = cards::change(&self.spec, "silence", Vec::new(), Payload::Arguments { args });
        card.class = EffectClass::External;
        card.environment = Environment::Remote;
        card.risk = Risk::Medium;
        card.targets = vec![Untrusted::new(pairs.join(", "))];
        card.reversible = Reversibility::Undo("resolve the incident, or expire the silence in Alertmanager".into());
        let more = names.len().saturating_sub(MOST_NAMED);
        for name in names.into_iter().take(MOST_NAMED) {
            cards::notice(&mut card, Some(format!("hides {name}")));
        }
        cards::notice(&mut card, (more > 0).then(|| format!("hides alerts of {more} more names")));
        Ok(card)
    }

    async fn run(&self, invocation: &Invocation<'_>) -> Result<ToolResult, ToolResult> {
        let wanted = self.read(invocation.context, invocation.args)?;
        let now = self.clock.now();
        let time = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let body = json!({
            "matchers": silences::matchers(&wanted.labels),
            "startsAt": time(now),
            "endsAt": time(now + wanted.length),
            "createdBy": "morningai",
            "comment": silences::comment(&wanted.incident, invocation.context.run),
        });
        let made = wanted.endpoint.post(&["api", "v2", "silences"], &body).await?;
        let id = made["silenceID"].as_str().unwrap_or_default().to_owned();
        let until = (now + wanted.length).format("%H:%M UTC");
        let summary = format!("silenced until {until}, or until the incident is resolved");
        let mut result = ToolResult::success(summary, Output::text(format!("Silence {id}.")));
        result.data = Some(json!({ "silence": id }));
        Ok(result)
    }
}

/// What the alert is called.
fn named(labels: &Value) -> String {
    let name = labels["alertname"].as_str().unwrap_or("an alert without a name");
    Untrusted::from(name).cut(LONGEST_NAME).into_raw()
}

#[async_trait]
impl Tool for SilenceAlerts {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let wanted = self.read(context, args)?;
        Ok(Prepared::Effect(Box::new(self.card(&wanted).await?)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        self.run(&invocation).await.unwrap_or_else(|result| result)
    }

    async fn check(&self, context: &ToolContext, _: &EffectCard) -> Checked {
        let Some((endpoint, incident)) = self.alertmanager.as_ref().zip(silences::incident(context).ok()) else {
            return Checked::Unknown;
        };
        match silences::of_run(endpoint, &incident, context.run).await {
            Ok(known) if known.is_empty() => Checked::DidNotHappen,
            Ok(_) => Checked::Happened(Box::new(ToolResult::success("silenced", Output::default()))),
            Err(_) => Checked::Unknown,
        }
    }
}
