//! Charts of what made alerts fire, asked of the Prometheus of the configuration alone: for a few hours, a few series, and
//! the same query twice a minute at most, however many look.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::query::{Most, ask_range};
use crate::domain::Untrusted;
use crate::ports::{Charts, ClientError, Clock, SystemClock};

/// How far back a chart looks.
const RANGE: Duration = Duration::from_secs(3 * 60 * 60);
/// How long an answer holds, also one that says why there is none.
const FRESH: Duration = Duration::from_secs(30);
/// Answers that are kept.
const MOST_KEPT: usize = 64;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST: Most = Most { series: 4, charts: 2 };

type Drawn = Result<Untrusted, ClientError>;

/// Draws what the Prometheus of the configuration answers.
pub struct MetricCharts {
    prometheus: Endpoint,
    /// Held while one is asked for: there is one query at a time.
    recent: Mutex<BTreeMap<String, (Instant, Drawn)>>,
}

impl MetricCharts {
    pub fn new(prometheus: Endpoint) -> Self {
        Self { prometheus, recent: Mutex::default() }
    }

    async fn ask(&self, query: &str) -> Drawn {
        let asked = ask_range(&self.prometheus, query, SystemClock.now().timestamp(), RANGE, MOST);
        let failed = |message: String| ClientError { message, hint: String::new() };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok((text, _))) => Ok(Untrusted::new(text)),
            Ok(Err(failure)) => Err(failed(failure.summary.visible().into_owned())),
            Err(_) => {
                let seconds = PATIENCE.as_secs();
                Err(failed(format!("{}: it did not answer within {seconds} s", self.prometheus.name())))
            }
        }
    }
}

#[async_trait]
impl Charts for MetricCharts {
    async fn draw(&self, query: &str) -> Drawn {
        let mut recent = self.recent.lock().await;
        recent.retain(|_, (at, _)| at.elapsed() < FRESH);
        if let Some((_, drawn)) = recent.get(query) {
            return drawn.clone();
        }
        let drawn = self.ask(query).await;
        if recent.len() < MOST_KEPT {
            recent.insert(query.to_owned(), (Instant::now(), drawn.clone()));
        }
        drawn
    }
}
