//! `check_alert`: asks the Alertmanager and the Prometheus of the configuration whether the alerts that a run is about still
//! fire. What it cannot tell for certain, it never calls over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::silences;
use crate::domain::{EffectClass, Environment, FailureKind, Output, Repeat, ToolResult, ToolSpec, Untrusted};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};
use crate::tools::{args, cards};

/// How the inputs begin that are labels of the alert, and the one that says who told of it.
const LABEL: &str = "LABEL_";
const SOURCE: &str = "ALERT_SOURCE";
/// How the inputs begin that tell an agent of one alert each.
const ALERT: &str = "ALERT_";
const NAME: &str = "alertname";

/// Bytes of a name in an answer.
const LONGEST: usize = 200;
/// Seconds that it can wait for alerts to clear.
const LONGEST_WAIT: u64 = 300;
/// Between two looks while it waits: as often as rules are evaluated where that is often.
const EVERY: Duration = Duration::from_secs(15);

/// How a text ends that was cut: what it was before is not known.
const CUT: char = '…';

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// Wait so many seconds, at most 300, for the alerts to clear. Without it, they are asked about once.
    #[serde(default)]
    within_seconds: Option<u64>,
}

/// Asks whether alerts still fire.
pub struct CheckAlert {
    spec: ToolSpec,
    alertmanager: Option<Endpoint>,
    prometheus: Option<Endpoint>,
    every: Duration,
}

/// Who is asked.
enum Source<'a> {
    Alertmanager(&'a Endpoint),
    Prometheus(&'a Endpoint),
}

/// An alert that is asked about.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct Asked {
    labels: BTreeMap<String, String>,
    #[serde(default)]
    source: String,
}

impl CheckAlert {
    pub fn new(alertmanager: Option<Endpoint>, prometheus: Option<Endpoint>) -> Self {
        let about = "Asks the Alertmanager or Prometheus of this installation whether the alerts that this run is about still \
                     fire. Succeeds once none of them does. An alert clears only after its rule was evaluated again: after \
                     a change, call it with within_seconds. Changes nothing.";
        let spec = args::spec::<Args>("check_alert", EffectClass::Observe, Repeat::Repeatable, about);
        Self { spec, alertmanager, prometheus, every: EVERY }
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
        let asked = asked(invocation.context)?;
        let Args { within_seconds } = args::parse(&self.spec, invocation.args)?;
        let until = Instant::now() + Duration::from_secs(within_seconds.unwrap_or(0).min(LONGEST_WAIT));
        let looking = async {
            loop {
                match self.look(&asked).await? {
                    None => return Ok(ToolResult::success(cleared(&asked), Output::default())),
                    Some(firing) if Instant::now() + self.every > until => return Err(failed(&firing)),
                    Some(_) => tokio::time::sleep(self.every).await,
                }
            }
        };
        tokio::select! {
            found = looking => found,
            () = invocation.cancel.cancelled() => {
                Err(ToolResult::failure(FailureKind::Cancelled, "the question was cancelled"))
            }
        }
    }

    /// Which of them still fires, in words.
    async fn look(&self, asked: &[Asked]) -> Result<Option<String>, ToolResult> {
        let names: BTreeSet<&str> = asked.iter().filter_map(Asked::name).collect();
        for source in self.sources()? {
            let listed = source.alerts(&names).await?;
            let firing = asked.iter().find_map(|asked| listed.iter().find(|alert| asked.is(&alert["labels"])));
            if let Some(alert) = firing {
                let since = alert["startsAt"].as_str().or(alert["activeAt"].as_str()).unwrap_or("an unknown time");
                let state = if alert["state"] == "pending" { "is pending" } else { "fires" };
                let (name, since) = (cut(alert["labels"][NAME].as_str().unwrap_or_default()), cut(since));
                return Ok(Some(format!("{name} still {state}, since {since}, says {}", source.endpoint().name())));
            }
        }
        Ok(None)
    }
}

impl Source<'_> {
    fn endpoint(&self) -> &Endpoint {
        match self {
            Self::Alertmanager(endpoint) | Self::Prometheus(endpoint) => endpoint,
        }
    }

    /// The alerts there are: of these names at the least. A silenced one goes on all the same.
    async fn alerts(&self, names: &BTreeSet<&str>) -> Result<Vec<Value>, ToolResult> {
        let mut alerts = Vec::new();
        match self {
            Self::Alertmanager(endpoint) => {
                for name in names {
                    let filter = format!("alertname={}", silences::quoted(name));
                    let pairs = [("active", "true"), ("silenced", "true"), ("inhibited", "true"), ("filter", &filter)];
                    alerts.extend(self.listed(endpoint.get(&["api", "v2", "alerts"], &pairs).await?, "")?);
                }
            }
            Self::Prometheus(endpoint) => {
                alerts = self.listed(endpoint.get(&["api", "v1", "alerts"], &[]).await?, "/data/alerts")?;
            }
        }
        Ok(alerts)
    }

    /// The list at this place of an answer.
    fn listed(&self, mut answer: Value, place: &str) -> Result<Vec<Value>, ToolResult> {
        match answer.pointer_mut(place).map(Value::take) {
            Some(Value::Array(alerts)) => Ok(alerts),
            _ => Err(failed(&format!("{}: its answer is not a list of alerts", self.endpoint().name()))),
        }
    }
}

impl Asked {
    fn name(&self) -> Option<&str> {
        self.labels.get(NAME).map(String::as_str)
    }

    /// Whether these labels are of this alert. Labels that only one side has do not tell them apart: an Alertmanager knows
    /// some that Prometheus adds at last, and of many labels not all are kept here.
    fn is(&self, labels: &Value) -> bool {
        let mut whole = self.labels.iter().filter(|(_, value)| !value.ends_with(CUT));
        labels[NAME].as_str() == self.name()
            && whole.all(|(name, value)| labels[name].as_str().is_none_or(|theirs| theirs == value))
    }
}

fn failed(message: &str) -> ToolResult {
    ToolResult::failure(FailureKind::Failed, message)
}

fn cut(text: &str) -> String {
    Untrusted::from(text).cut(LONGEST).into_raw()
}

fn cleared(asked: &[Asked]) -> String {
    match asked {
        [only] => format!("{} does not fire any more", cut(only.name().unwrap_or_default())),
        several => format!("none of the {} alerts fires any more", several.len()),
    }
}

/// The alerts that a run is about: those that an agent is told of, or else the one whose labels a procedure is given.
fn asked(context: &ToolContext) -> Result<Vec<Asked>, ToolResult> {
    let is_numbered = |name: &str| name.strip_prefix(ALERT).is_some_and(|number| number.parse::<usize>().is_ok());
    let told = context.inputs.iter().filter(|(name, _)| is_numbered(name));
    let mut asked: Vec<Asked> = told.filter_map(|(_, told)| serde_json::from_str(told.raw()).ok()).collect();
    if asked.is_empty() {
        let labels = context.inputs.iter();
        let labels =
            labels.filter_map(|(name, value)| Some((name.strip_prefix(LABEL)?.to_owned(), value.raw().to_owned())));
        let source = context.inputs.get(SOURCE).map(Untrusted::raw).unwrap_or_default().to_owned();
        asked.push(Asked { labels: labels.collect(), source });
    }
    for one in &asked {
        // Others than an Alertmanager and a Prometheus are known by a word, and know nothing of these alerts.
        let source = one.source.as_str();
        if !source.is_empty() && !source.starts_with("http://") && !source.starts_with("https://") {
            return Err(failed(&format!("the alert came from {}, which cannot be asked", cut(source))));
        }
        one.name().ok_or_else(|| failed("this run is not about an alert"))?;
    }
    Ok(asked)
}

#[async_trait]
impl Tool for CheckAlert {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let Args { within_seconds } = args::parse(&self.spec, args)?;
        let sources = self.sources()?;
        let asked = asked(context)?;
        let names: BTreeSet<_> = asked.iter().filter_map(Asked::name).collect();
        let mut card = cards::observe(&self.spec, "check", Untrusted::default(), args);
        card.targets = names.into_iter().map(|name| format!("the alert {}", cut(name)).into()).collect();
        card.environment = Environment::Remote;
        for source in sources {
            cards::notice(&mut card, Some(format!("asks {}", source.endpoint().name())));
        }
        let waits = within_seconds.map(|seconds| format!("waits up to {} s", seconds.min(LONGEST_WAIT)));
        cards::notice(&mut card, waits);
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        self.run(&invocation).await.unwrap_or_else(|result| result)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::domain::{BlobId, CallNo, RunId};
    use crate::ports::OutputSink;

    const DOWN: &str = "LABEL_alertname";

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

    struct Nowhere;

    #[async_trait]
    impl OutputSink for Nowhere {
        fn chunk(&self, _: &[u8]) {}

        async fn store(&self, _: &[u8]) -> Option<BlobId> {
            None
        }
    }

    /// A server that gives these answers, the last one for ever.
    async fn answering(answers: Vec<Value>) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            for number in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    let _ = stream.read(&mut request).await.unwrap();
                }
                let body = answers[number.min(answers.len() - 1)].to_string();
                let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        endpoint
    }

    async fn prometheus(answers: Vec<Value>) -> CheckAlert {
        CheckAlert { every: Duration::from_millis(20), ..CheckAlert::new(None, Some(answering(answers).await)) }
    }

    fn firing(names: &[&str]) -> Value {
        let alerts: Vec<_> =
            names.iter().map(|name| json!({ "labels": { "alertname": name }, "state": "firing" })).collect();
        json!({ "data": { "alerts": alerts } })
    }

    async fn check(tool: &CheckAlert, context: &ToolContext, args: Value, cancel: CancellationToken) -> ToolResult {
        let Prepared::Effect(card) = tool.prepare(context, &args).await.unwrap() else { panic!("no effect") };
        let (call, output) = (CallNo(1), &Nowhere);
        tool.perform(Invocation { context, call, args: &args, card: &card, output, cancel }).await
    }

    async fn check_once(tool: &CheckAlert, context: &ToolContext) -> ToolResult {
        check(tool, context, json!({}), CancellationToken::new()).await
    }

    #[test]
    fn an_alert_is_the_same_unless_a_label_that_both_have_differs() {
        let inputs = [(DOWN, "Down"), ("LABEL_svc", "a"), ("LABEL_long", "cut…"), ("INCIDENT", "x")];
        let own = asked(&about(&inputs)).unwrap().remove(0);
        assert!(own.is(&json!({ "alertname": "Down", "svc": "a", "monitor": "m", "long": "whole" })));
        assert!(own.is(&json!({ "alertname": "Down" })), "in doubt it still fires");
        assert!(!own.is(&json!({ "alertname": "Down", "svc": "b" })));
        assert!(!own.is(&json!({ "alertname": "Up", "svc": "a" })));
        assert!(!own.is(&Value::Null));
    }

    #[test]
    fn an_alert_of_another_source_is_not_asked_about() {
        let known = |source: &str| asked(&about(&[(DOWN, "Down"), (SOURCE, source)])).map(|asked| asked.len());
        assert_eq!((known("http://am:9093").unwrap(), known("").unwrap()), (1, 1));
        assert!(known("github").unwrap_err().summary.raw().contains("github, which cannot be asked"));
        assert!(asked(&about(&[])).is_err());
    }

    #[tokio::test]
    async fn without_a_source_it_says_what_to_set() {
        let tool = CheckAlert::new(None, None);
        let refused = tool.prepare(&about(&[(DOWN, "Down")]), &json!({})).await.unwrap_err();
        assert!(refused.summary.raw().contains("under [incidents]"), "{refused:?}");
    }

    #[tokio::test]
    async fn it_succeeds_once_none_of_the_alerts_fires_that_an_agent_is_told_of() {
        let told = |name: &str| json!({ "labels": { "alertname": name }, "source": "http://am" }).to_string();
        let context = about(&[(DOWN, "Slow"), ("ALERT_1", &told("Down")), ("ALERT_2", &told("Slow"))]);
        let tool = prometheus(vec![firing(&["Other", "Slow"]), firing(&["Down"]), firing(&["Other"])]).await;
        for name in ["Slow", "Down"] {
            let result = check_once(&tool, &context).await;
            assert!(result.summary.raw().starts_with(&format!("{name} still fires")), "{result:?}");
        }
        let result = check_once(&tool, &context).await;
        assert!(result.succeeded() && result.summary.raw() == "none of the 2 alerts fires any more", "{result:?}");
    }

    #[tokio::test]
    async fn an_answer_of_another_shape_is_no_list_of_alerts() {
        for answer in [json!([]), json!("x"), json!({ "data": [] }), json!({ "data": { "alerts": {} } })] {
            let result = check_once(&prometheus(vec![answer]).await, &about(&[(DOWN, "Down")])).await;
            assert!(result.summary.raw().ends_with("its answer is not a list of alerts"), "{result:?}");
        }
    }

    #[tokio::test]
    async fn it_waits_as_long_as_it_is_told_for_an_alert_to_clear_and_can_be_stopped() {
        let (down, context) = (firing(&["Down"]), about(&[(DOWN, "Down")]));
        let wait = |seconds: u64| json!({ "within_seconds": seconds });
        let tool = prometheus(vec![down.clone(), down.clone(), down.clone(), firing(&[])]).await;
        let result = check(&tool, &context, wait(60), CancellationToken::new()).await;
        assert!(result.succeeded() && result.summary.raw() == "Down does not fire any more", "{result:?}");

        let tool = prometheus(vec![down]).await;
        let result = check(&tool, &context, wait(1), CancellationToken::new()).await;
        assert_eq!(result.failure, Some(FailureKind::Failed), "{result:?}");
        let cancel = CancellationToken::new();
        let (result, ()) = tokio::join!(check(&tool, &context, wait(9_000), cancel.clone()), async { cancel.cancel() });
        assert_eq!(result.failure, Some(FailureKind::Cancelled), "{result:?}");
    }
}
