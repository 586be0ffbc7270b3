//! `check_alert`: asks the Alertmanager and the Prometheus of the configuration whether the alert that a run is about still
//! fires. What it cannot tell for certain, it never calls over.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::endpoint::Endpoint;
use super::silences;
use crate::domain::{EffectClass, Environment, FailureKind, Output, Repeat, ToolResult, ToolSpec, Untrusted};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};
use crate::tools::{args, cards};

/// How the inputs begin that are labels of the alert, and the one that says who told of it.
const LABEL: &str = "LABEL_";
const NAME: &str = "LABEL_alertname";
const SOURCE: &str = "ALERT_SOURCE";

/// Bytes of a name in an answer.
const LONGEST: usize = 200;

/// How a text ends that was cut: what it was before is not known.
const CUT: char = '…';

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {}

/// Asks whether an alert still fires.
pub struct CheckAlert {
    spec: ToolSpec,
    alertmanager: Option<Endpoint>,
    prometheus: Option<Endpoint>,
}

/// Who is asked.
enum Source<'a> {
    Alertmanager(&'a Endpoint),
    Prometheus(&'a Endpoint),
}

impl CheckAlert {
    pub fn new(alertmanager: Option<Endpoint>, prometheus: Option<Endpoint>) -> Self {
        let about = "Asks the Alertmanager or Prometheus of this installation whether the alert that this run is about still \
                     fires. Succeeds once it does not. Changes nothing.";
        let spec = args::spec::<Args>("check_alert", EffectClass::Observe, Repeat::Repeatable, about);
        Self { spec, alertmanager, prometheus }
    }

    fn sources(&self) -> Result<Vec<Source<'_>>, ToolResult> {
        let alertmanager = self.alertmanager.iter().map(Source::Alertmanager);
        let sources: Vec<_> = alertmanager.chain(self.prometheus.iter().map(Source::Prometheus)).collect();
        match sources.is_empty() {
            true => Err(failed(
                "nobody can be asked whether the alert fires: set `alertmanager` or `prometheus` under [incidents] in \
                 config.toml",
            )),
            false => Ok(sources),
        }
    }

    async fn run(&self, invocation: &Invocation<'_>) -> Result<ToolResult, ToolResult> {
        let name = name(invocation.context)?;
        for source in self.sources()? {
            let listed = tokio::select! {
                listed = source.alerts(name) => listed?,
                () = invocation.cancel.cancelled() => {
                    return Err(ToolResult::failure(FailureKind::Cancelled, "the question was cancelled"));
                }
            };
            if let Some(alert) = listed.iter().find(|alert| is_same(invocation.context, &alert["labels"])) {
                let since = alert["startsAt"].as_str().or(alert["activeAt"].as_str()).unwrap_or("an unknown time");
                let state = if alert["state"] == "pending" { "is pending" } else { "fires" };
                let (name, since) = (cut(name), cut(since));
                let message = format!("{name} still {state}, since {since}, says {}", source.endpoint().name());
                return Err(failed(&message));
            }
        }
        Ok(ToolResult::success(format!("{} does not fire any more", cut(name)), Output::default()))
    }
}

impl Source<'_> {
    fn endpoint(&self) -> &Endpoint {
        match self {
            Self::Alertmanager(endpoint) | Self::Prometheus(endpoint) => endpoint,
        }
    }

    /// The alerts there are: of that name at the least. A silenced one goes on all the same.
    async fn alerts(&self, name: &str) -> Result<Vec<Value>, ToolResult> {
        let answer = match self {
            Self::Alertmanager(endpoint) => {
                let filter = format!("alertname={}", silences::quoted(name));
                let pairs = [("active", "true"), ("silenced", "true"), ("inhibited", "true"), ("filter", &filter)];
                endpoint.get(&["api", "v2", "alerts"], &pairs).await?
            }
            Self::Prometheus(endpoint) => endpoint.get(&["api", "v1", "alerts"], &[]).await?["data"]["alerts"].take(),
        };
        match answer {
            Value::Array(alerts) => Ok(alerts),
            _ => Err(failed(&format!("{}: its answer is not a list of alerts", self.endpoint().name()))),
        }
    }
}

fn failed(message: &str) -> ToolResult {
    ToolResult::failure(FailureKind::Failed, message)
}

fn cut(text: &str) -> String {
    Untrusted::from(text).cut(LONGEST).into_raw()
}

/// What the alert is called that the run is about.
fn name(context: &ToolContext) -> Result<&str, ToolResult> {
    // Others than an Alertmanager and a Prometheus are known by a word, and know nothing of these alerts.
    let source = context.inputs.get(SOURCE).map(Untrusted::raw).unwrap_or_default();
    if !source.is_empty() && !source.starts_with("http://") && !source.starts_with("https://") {
        return Err(failed(&format!("the alert came from {}, which cannot be asked", cut(source))));
    }
    context.inputs.get(NAME).map(Untrusted::raw).ok_or_else(|| failed("this run is not about an alert"))
}

/// Whether these labels are of the alert that the run is about. Labels that only one side has do not tell them apart: an
/// Alertmanager knows some that Prometheus adds at last, and of many labels not all are kept here.
fn is_same(context: &ToolContext, labels: &Value) -> bool {
    let own = context.inputs.iter().filter_map(|(name, value)| Some((name.strip_prefix(LABEL)?, value.raw())));
    let mut whole = own.filter(|(_, value)| !value.ends_with(CUT));
    let name = context.inputs.get(NAME).map(Untrusted::raw);
    labels["alertname"].as_str() == name
        && whole.all(|(name, value)| labels[name].as_str().is_none_or(|theirs| theirs == value))
}

#[async_trait]
impl Tool for CheckAlert {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let Args {} = args::parse(&self.spec, args)?;
        let sources = self.sources()?;
        let target = format!("the alert {}", cut(name(context)?));
        let mut card = cards::observe(&self.spec, "check", target, args);
        card.environment = Environment::Remote;
        for source in sources {
            cards::notice(&mut card, Some(format!("asks {}", source.endpoint().name())));
        }
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        self.run(&invocation).await.unwrap_or_else(|result| result)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::RunId;

    fn about(inputs: &[(&str, &str)]) -> ToolContext {
        let inputs = inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        ToolContext {
            run: RunId(uuid::Uuid::nil()),
            agent: String::new(),
            caller: crate::ports::Caller::Agent,
            workspace: None,
            inputs,
        }
    }

    #[test]
    fn an_alert_is_the_same_unless_a_label_that_both_have_differs() {
        let own = about(&[(NAME, "Down"), ("LABEL_svc", "a"), ("LABEL_long", "cut…"), ("INCIDENT", "x")]);
        assert!(is_same(&own, &json!({ "alertname": "Down", "svc": "a", "monitor": "m", "long": "whole" })));
        assert!(is_same(&own, &json!({ "alertname": "Down" })), "in doubt it still fires");
        assert!(!is_same(&own, &json!({ "alertname": "Down", "svc": "b" })));
        assert!(!is_same(&own, &json!({ "alertname": "Up", "svc": "a" })));
        assert!(!is_same(&own, &Value::Null));
    }

    #[test]
    fn an_alert_of_another_source_is_not_asked_about() {
        let known = |source: &str| name(&about(&[(NAME, "Down"), (SOURCE, source)])).map(str::to_owned);
        assert_eq!(known("http://am:9093").unwrap(), "Down");
        assert_eq!(known("").unwrap(), "Down");
        assert!(known("github").unwrap_err().summary.raw().contains("github, which cannot be asked"));
        assert!(name(&about(&[])).is_err());
    }

    #[tokio::test]
    async fn without_a_source_it_says_what_to_set() {
        let tool = CheckAlert::new(None, None);
        let refused = tool.prepare(&about(&[(NAME, "Down")]), &json!({})).await.unwrap_err();
        assert!(refused.summary.raw().contains("under [incidents]"), "{refused:?}");
    }
}
