//! Silences as Alertmanager's API has them, and the mark by which ours are known.

use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;
use crate::domain::{FailureKind, RunId, ToolResult, Untrusted};
use crate::ports::ToolContext;

/// The input that names the incident, and the one that has its shared labels as a JSON object.
pub(super) const INCIDENT: &str = "INCIDENT";
pub(super) const LABELS: &str = "SHARED_LABELS";
/// The input that says how long a silence is to last.
pub(super) const LENGTH: &str = "SILENCE_LENGTH";

pub(super) fn configured(endpoint: &Option<Endpoint>) -> Result<&Endpoint, ToolResult> {
    endpoint.as_ref().ok_or_else(|| {
        let message = "no Alertmanager is configured: set `alertmanager` under [incidents] in config.toml";
        ToolResult::failure(FailureKind::Failed, message)
    })
}

/// The incident that the run is for.
pub(super) fn incident(context: &ToolContext) -> Result<String, ToolResult> {
    let given = context.inputs.get(INCIDENT).map(|incident| incident.raw().to_owned());
    given.ok_or_else(|| {
        ToolResult::failure(FailureKind::Refused, "silences belong to an incident, and this run is for none")
    })
}

/// The labels that all alerts of the incident share.
pub(super) fn shared_labels(context: &ToolContext) -> Result<Map<String, Value>, ToolResult> {
    let given = context.inputs.get(LABELS).map(Untrusted::raw).unwrap_or_default();
    let labels: Map<String, Value> = serde_json::from_str(given).unwrap_or_default();
    match labels.is_empty() {
        true => Err(ToolResult::failure(FailureKind::Refused, "the alerts share no label that a silence could match")),
        false => Ok(labels),
    }
}

/// As a value of Alertmanager's own matchers, which means exactly this text.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

pub(super) fn matchers(labels: &Map<String, Value>) -> Value {
    let matcher =
        |(name, value): (&String, &Value)| json!({ "name": name, "value": value, "isRegex": false, "isEqual": true });
    labels.iter().map(matcher).collect()
}

/// What stands at the beginning of the comment of every silence of an incident.
pub(super) fn mark(incident: &str) -> String {
    format!("morningai, incident {incident}")
}

/// The comment of the silence that a run makes.
pub(super) fn comment(incident: &str, run: RunId) -> String {
    format!("{}: run {run}", mark(incident))
}

/// The ids of the silences of an incident that have not expired.
pub(super) async fn of_incident(endpoint: &Endpoint, incident: &str) -> Result<Vec<String>, ToolResult> {
    marked(endpoint, &mark(incident)).await
}

/// The same of those that one run made.
pub(super) async fn of_run(endpoint: &Endpoint, incident: &str, run: RunId) -> Result<Vec<String>, ToolResult> {
    marked(endpoint, &comment(incident, run)).await
}

async fn marked(endpoint: &Endpoint, mark: &str) -> Result<Vec<String>, ToolResult> {
    let listed = endpoint.get(&["api", "v2", "silences"], &[]).await?;
    let is_ours = |silence: &&Value| {
        let comment = silence["comment"].as_str().unwrap_or_default();
        silence["status"]["state"] != "expired" && comment.starts_with(mark)
    };
    let silences = listed.as_array().into_iter().flatten().filter(is_ours);
    Ok(silences.filter_map(|silence| silence["id"].as_str().map(str::to_owned)).collect())
}
