//! The answers of a Prometheus, each asked for once.

use std::collections::HashMap;

use serde_json::Value;

use crate::feeds::{NoAnswer, Prometheus};

/// What was asked so far.
pub struct Answers<'a> {
    prometheus: &'a Prometheus,
    /// Metrics that rules of the files record; it may not know them yet.
    recorded: Vec<String>,
    metrics: Option<Vec<String>>,
    labels: HashMap<String, Vec<String>>,
    values: HashMap<(String, String), Vec<String>>,
    kinds: HashMap<String, Option<String>>,
}

impl<'a> Answers<'a> {
    pub fn new(prometheus: &'a Prometheus, recorded: Vec<String>) -> Self {
        let (labels, values, kinds) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { prometheus, recorded, metrics: None, labels, values, kinds }
    }

    pub fn name(&self) -> &str {
        self.prometheus.name()
    }

    pub fn is_recorded(&self, metric: &str) -> bool {
        self.recorded.iter().any(|recorded| recorded == metric)
    }

    pub async fn query(&self, query: &str) -> Result<Value, NoAnswer> {
        self.prometheus.ask(&["query"], &[("query", query)]).await
    }

    /// The largest value of a query's result; what is refused has none.
    pub async fn most(&self, query: &str) -> Result<Option<f64>, String> {
        let data = match self.query(query).await {
            Ok(data) => data,
            Err(NoAnswer::Refused(_)) => return Ok(None),
            Err(NoAnswer::Silent(reason)) => return Err(reason),
        };
        let values = data["result"].as_array().into_iter().flatten();
        let values = values.filter_map(|one| one["value"][1].as_str()?.parse::<f64>().ok());
        Ok(values.reduce(f64::max))
    }

    /// The names of all metrics.
    pub async fn metrics(&mut self) -> Result<Vec<String>, String> {
        if self.metrics.is_none() {
            self.metrics = Some(self.list(&["label", "__name__", "values"], &[]).await?);
        }
        Ok(self.metrics.clone().unwrap_or_default())
    }

    /// The names of a metric's labels, of all the time it knows of; none when there is no such metric.
    pub async fn labels(&mut self, metric: &str) -> Result<Vec<String>, String> {
        if let Some(known) = self.labels.get(metric) {
            return Ok(known.clone());
        }
        let labels = self.list(&["labels"], &[("match[]", &of(metric))]).await?;
        self.labels.insert(metric.to_owned(), labels.clone());
        Ok(labels)
    }

    /// The values of a metric's label.
    pub async fn values(&mut self, metric: &str, label: &str) -> Result<Vec<String>, String> {
        let key = (metric.to_owned(), label.to_owned());
        if let Some(known) = self.values.get(&key) {
            return Ok(known.clone());
        }
        let values = self.list(&["label", label, "values"], &[("match[]", &of(metric))]).await?;
        self.values.insert(key, values.clone());
        Ok(values)
    }

    /// What a metric says that it is, where all who have it say the same.
    pub async fn kind(&mut self, metric: &str) -> Result<Option<String>, String> {
        if let Some(known) = self.kinds.get(metric) {
            return Ok(known.clone());
        }
        let data = match self.prometheus.ask(&["metadata"], &[("metric", metric)]).await {
            Ok(data) => data,
            Err(NoAnswer::Refused(_)) => Value::Null,
            Err(NoAnswer::Silent(reason)) => return Err(reason),
        };
        let mut kinds: Vec<_> =
            data[metric].as_array().into_iter().flatten().filter_map(|one| one["type"].as_str()).collect();
        kinds.dedup();
        let kind = match kinds.as_slice() {
            [only] => Some((*only).to_owned()),
            _ => None,
        };
        self.kinds.insert(metric.to_owned(), kind.clone());
        Ok(kind)
    }

    async fn list(&self, path: &[&str], pairs: &[(&str, &str)]) -> Result<Vec<String>, String> {
        match self.prometheus.ask(path, pairs).await {
            Ok(data) => {
                let texts = data.as_array().into_iter().flatten().filter_map(Value::as_str);
                Ok(texts.map(str::to_owned).collect())
            }
            Err(NoAnswer::Refused(reason) | NoAnswer::Silent(reason)) => Err(reason),
        }
    }
}

/// A selector of one metric, whatever its name.
fn of(metric: &str) -> String {
    format!("{{__name__={}}}", Value::from(metric))
}
