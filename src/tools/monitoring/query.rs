//! `query_metrics`: asks Prometheus what a query says now, or how it went over a while, and draws that.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::chart::{chart, figure};
use super::endpoint::Endpoint;
use crate::domain::{
    DURATION_FORM, EffectClass, Environment, FailureKind, Repeat, ToolResult, ToolSpec, Untrusted, parse_duration,
};
use crate::ports::{Clock, Invocation, Prepared, Tool, ToolContext};
use crate::tools::{args, cards, output};

/// Columns of a chart: points of a range that are asked for.
const POINTS: u64 = 60;
/// Series that are listed, and drawn.
const MOST: Most = Most { series: 50, charts: 4 };
/// Bytes of a series' labels.
const LONGEST_LABELS: usize = 300;
/// The longest range.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// In PromQL, such as rate(http_requests_total{code=~"5.."}[5m]).
    query: String,
    /// How far back to look, such as 1h; when left out, only the value now.
    range: Option<String>,
}

/// Asks Prometheus.
pub struct QueryMetrics {
    spec: ToolSpec,
    prometheus: Option<Endpoint>,
    clock: Arc<dyn Clock>,
}

impl QueryMetrics {
    pub fn new(prometheus: Option<Endpoint>, clock: Arc<dyn Clock>) -> Self {
        let about = "Asks the Prometheus of this installation a PromQL query: the value now, or a chart of how it went \
                     over a range. Changes nothing.";
        let spec = args::spec::<Args>("query_metrics", EffectClass::Observe, Repeat::Repeatable, about);
        Self { spec, prometheus, clock }
    }

    fn read(&self, args: &Value) -> Result<(&Endpoint, String, Option<Duration>), ToolResult> {
        let Args { query, range } = args::parse(&self.spec, args)?;
        let range = match range {
            None => None,
            Some(range) => Some(
                parse_duration(&range)
                    .filter(|range| !range.is_zero() && *range <= LONGEST)
                    .ok_or_else(|| args::bad_call(&self.spec, &format!("\"range\" is {DURATION_FORM}, at most 31d")))?,
            ),
        };
        let Some(prometheus) = &self.prometheus else {
            let message = "no Prometheus is configured: set `prometheus` under [incidents] in config.toml";
            return Err(ToolResult::failure(FailureKind::Failed, message));
        };
        Ok((prometheus, query, range))
    }

    async fn run(&self, invocation: &Invocation<'_>) -> Result<ToolResult, ToolResult> {
        let (prometheus, query, range) = self.read(invocation.args)?;
        let now = self.clock.now().timestamp();
        let asked = async {
            let Some(range) = range else {
                let pairs = [("query", query.as_str()), ("time", &now.to_string())];
                let answer = prometheus.get(&["api", "v1", "query"], &pairs).await?;
                let series = understood(prometheus, &answer)?;
                return Ok((said(&series, None, MOST), Answered::of(&series)));
            };
            ask_range(prometheus, &query, now, range, MOST).await
        };
        let (text, answered) = tokio::select! {
            answer = asked => answer?,
            () = invocation.cancel.cancelled() => {
                return Err(ToolResult::failure(FailureKind::Cancelled, "the query was cancelled"));
            }
        };
        let output = output::fit(text.as_bytes(), invocation.output).await;
        let mut result = ToolResult::success(answered.summary, output);
        result.data = Some(json!({ "series": answered.series }));
        Ok(result)
    }
}

/// How many series are listed, and how many of them drawn.
#[derive(Clone, Copy)]
pub(super) struct Most {
    pub(super) series: usize,
    pub(super) charts: usize,
}

/// Asks how a query went over a range that ends at `now`: listed and drawn, and in a few words.
pub(super) async fn ask_range(
    prometheus: &Endpoint,
    query: &str,
    now: i64,
    range: Duration,
    most: Most,
) -> Result<(String, Answered), ToolResult> {
    let step = (range.as_secs() / POINTS).max(1);
    let start = now - i64::try_from(range.as_secs()).unwrap_or(i64::MAX);
    let [start, end, every] = [start.to_string(), now.to_string(), step.to_string()];
    // Prometheus itself would go on for two minutes after nobody waits any more.
    let pairs = [("query", query), ("start", &start), ("end", &end), ("step", &every), ("timeout", "10s")];
    let answer = prometheus.get(&["api", "v1", "query_range"], &pairs).await?;
    let series = understood(prometheus, &answer)?;
    Ok((said(&series, Some((now, step)), most), Answered::of(&series)))
}

/// How much there was in an answer.
pub(super) struct Answered {
    summary: String,
    series: usize,
}

impl Answered {
    fn of(series: &[Series]) -> Self {
        Self { summary: summary(series), series: series.len() }
    }
}

fn understood(prometheus: &Endpoint, answer: &Value) -> Result<Vec<Series>, ToolResult> {
    read(answer).map_err(|why| {
        ToolResult::failure(FailureKind::Failed, format!("{}: its answer is not understood: {why}", prometheus.name()))
    })
}

/// One series: its labels, and its values with their times.
#[derive(Debug, PartialEq)]
struct Series {
    labels: String,
    values: Vec<(i64, f64)>,
}

/// What Prometheus answers: a vector, a matrix or a scalar.
fn read(answer: &Value) -> Result<Vec<Series>, String> {
    let data = &answer["data"];
    let value = |pair: &Value| {
        let time = pair[0].as_f64()?;
        Some((time as i64, pair[1].as_str()?.parse().ok()?))
    };
    let wrong = || "a value is not a time and a number".to_owned();
    match data["resultType"].as_str() {
        Some("scalar") => {
            Ok(vec![Series { labels: String::new(), values: vec![value(&data["result"]).ok_or_else(wrong)?] }])
        }
        Some("vector" | "matrix") => {
            let listed = data["result"].as_array().ok_or("there is no list of results")?;
            let series = |one: &Value| {
                let values: Option<Vec<_>> = match one["values"].as_array() {
                    Some(values) => values.iter().map(value).collect(),
                    None => value(&one["value"]).map(|value| vec![value]),
                };
                Ok(Series { labels: labels(&one["metric"]), values: values.ok_or_else(wrong)? })
            };
            listed.iter().map(series).collect()
        }
        other => Err(format!("its results are of the type {other:?}")),
    }
}

/// `up{instance="a:9100"}`
fn labels(metric: &Value) -> String {
    let name = metric["__name__"].as_str().unwrap_or_default();
    let pairs = metric.as_object().into_iter().flatten().filter(|(name, _)| *name != "__name__");
    let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
    let whole = match pairs.is_empty() {
        true if name.is_empty() => "{}".to_owned(),
        true => name.to_owned(),
        false => format!("{name}{{{}}}", pairs.join(", ")),
    };
    Untrusted::new(whole).cut(LONGEST_LABELS).into_raw()
}

fn summary(series: &[Series]) -> String {
    match series {
        [] => "no series".to_owned(),
        [only] => {
            let last = only.values.last().map_or_else(|| "nothing".to_owned(), |(_, value)| figure(*value));
            format!("{} is {last}", only.labels)
        }
        many => cards::count(many.len(), "series", "series"),
    }
}

/// `range` is the end of what was asked for, and the seconds between two points.
fn said(series: &[Series], range: Option<(i64, u64)>, most: Most) -> String {
    let mut text = String::new();
    if series.is_empty() {
        text.push_str("No series matches. The metric may be absent, or have other labels.\n");
    }
    for (number, one) in series.iter().take(most.series).enumerate() {
        let last = one.values.last().map(|(_, value)| figure(*value)).unwrap_or_default();
        let Some((end, step)) = range else {
            text.push_str(&format!("{} {last}\n", one.labels));
            continue;
        };
        let known = || one.values.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
        let (least, greatest) =
            (known().reduce(f64::min).unwrap_or(f64::NAN), known().reduce(f64::max).unwrap_or(f64::NAN));
        text.push_str(&format!("{}  now {last}, least {}, most {}\n", one.labels, figure(least), figure(greatest)));
        if number < most.charts
            && let Some(drawn) = chart(&columns(&one.values, end, step))
        {
            let start = end - i64::try_from(step * POINTS).unwrap_or(0);
            text.push_str(&format!("{drawn}  {} to {} UTC\n", clock(start), clock(end)));
        }
    }
    if series.len() > most.series {
        text.push_str(&format!("and {} more series; narrow the query\n", series.len() - most.series));
    }
    text
}

/// The values at each point of the range; a point without one is a gap.
fn columns(values: &[(i64, f64)], end: i64, step: u64) -> Vec<Option<f64>> {
    let step = i64::try_from(step).unwrap_or(i64::MAX);
    let points = i64::try_from(POINTS).unwrap_or(0);
    let at = |point: i64| {
        let time = end - (points - point) * step;
        values
            .iter()
            .find(|(known, _)| known.saturating_sub(time).saturating_abs().saturating_mul(2) <= step)
            .map(|(_, value)| *value)
    };
    (0..=points).map(at).collect()
}

fn clock(time: i64) -> String {
    DateTime::<Utc>::from_timestamp(time, 0).map(|time| time.format("%m-%d %H:%M").to_string()).unwrap_or_default()
}

#[async_trait]
impl Tool for QueryMetrics {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, _: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let (prometheus, ..) = self.read(args)?;
        let mut card = cards::observe(&self.spec, "query", prometheus.name(), args);
        card.environment = Environment::Remote;
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        self.run(&invocation).await.unwrap_or_else(|result| result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prometheus_answers_is_read_listed_and_drawn() {
        let metric = json!({ "__name__": "up", "job": "n\u{1b}" });
        let vector = json!({ "status": "success", "data": { "resultType": "vector", "result": [
            { "metric": metric, "value": [1_796_000_000.5, "1"] },
            { "metric": {}, "value": [1_796_000_000, "NaN"] },
        ] } });
        let series = read(&vector).unwrap();
        assert_eq!(said(&series, None, MOST), "up{job=\"n\\u001b\"} 1\n{} NaN\n");
        assert_eq!(summary(&series), "2 series");
        let values: Vec<_> = (0..=60).map(|n| json!([1_796_000_000 + n * 60, n.to_string()])).collect();
        let matrix = json!({ "data": { "resultType": "matrix", "result": [{ "metric": metric, "values": values }] } });
        let text = said(&read(&matrix).unwrap(), Some((1_796_003_600, 60)), MOST);
        assert!(text.starts_with("up{job=\"n\\u001b\"}  now 60, least 0, most 60\n60 ┤"), "{text}");
        assert!(text.contains("▁▁") && text.ends_with("UTC\n"), "{text}");
        for wrong in [json!({}), json!({ "data": { "resultType": "vector", "result": [{ "value": [1, "x"] }] } })] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }
}
