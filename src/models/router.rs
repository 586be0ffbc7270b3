//! Which model answers: the route of the task's class, attempt by attempt, then model by model. The only place
//! that retries, and the only one that waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::endpoint::{Endpoint, FailedAttempt};
use super::failure::{Failure, Retry};
use super::prices::Prices;
use super::server::Server;
use super::settings::{ModelEntry, ModelSettings, SettingsError, seconds};
use super::transport::Transport;
use crate::domain::{ModelFailure, ModelFailureKind, ModelReply, Untrusted};
use crate::ports::{DeltaSink, Model, ModelRequest};

/// Longest wait in all for a server that loads its model, where no other model can be asked.
const LONGEST_LOADING: Duration = Duration::from_secs(600);
/// Between two looks at whether it has loaded it.
const LOADING_PAUSE: Duration = Duration::from_secs(5);

/// All configured models behind one face.
pub struct Router {
    settings: ModelSettings,
    endpoints: BTreeMap<String, Endpoint>,
}

impl Router {
    /// Checks the settings and prepares the clients; asks nobody anything.
    pub fn new(settings: ModelSettings, prices: Prices) -> Result<Arc<Self>, SettingsError> {
        Self::with_transport(settings, prices, Transport::Network)
    }

    /// The same over a cassette, or with every exchange recorded.
    pub fn with_transport(
        settings: ModelSettings,
        prices: Prices,
        transport: Transport,
    ) -> Result<Arc<Self>, SettingsError> {
        settings.check()?;
        let prices = Arc::new(prices);
        let mut servers = BTreeMap::new();
        for (name, provider) in &settings.providers {
            servers.insert(name.clone(), Arc::new(Server::new(name, provider, transport.clone())?));
        }
        let endpoint = |(name, entry): (&String, &ModelEntry)| {
            let server = servers.get(&entry.provider)?.clone();
            Some((name.clone(), Endpoint::new(entry.clone(), server, prices.clone())))
        };
        let endpoints = settings.models.iter().filter_map(endpoint).collect();
        Ok(Arc::new(Self { settings, endpoints }))
    }

    async fn ask_in_turn(&self, request: &ModelRequest, deltas: &dyn DeltaSink) -> Result<ModelReply, ModelFailure> {
        let mut failures: Vec<Failure> = Vec::new();
        let mut too_long_for = None;
        let route: Vec<_> = self.route(request).collect();
        for (place, endpoint) in route.iter().enumerate() {
            if let (Some(tried), Some(context)) = (too_long_for, endpoint.context_tokens())
                && context <= tried
            {
                continue;
            }
            if let Some(last) = failures.last() {
                deltas.notice(&format!("falling back to {}: {}", endpoint.name(), last.message));
            }
            let loading = if place + 1 == route.len() { LONGEST_LOADING } else { Duration::ZERO };
            match self.ask_once_loaded(endpoint, request, deltas, loading).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => {
                    if failure.kind == ModelFailureKind::TooLong {
                        too_long_for = too_long_for.max(endpoint.context_tokens());
                    }
                    failures.push(failure);
                }
            }
        }
        Err(summed_up(failures))
    }

    fn route(&self, request: &ModelRequest) -> impl Iterator<Item = &Endpoint> {
        self.settings.route(request.class).into_iter().filter_map(|name| self.endpoints.get(&name))
    }

    /// Asks one model, and waits as long as given while its server says that it loads it. That is no failure of an
    /// attempt: there is nobody yet to make one at.
    async fn ask_once_loaded(
        &self,
        endpoint: &Endpoint,
        request: &ModelRequest,
        deltas: &dyn DeltaSink,
        longest: Duration,
    ) -> Result<ModelReply, Failure> {
        let begun = Instant::now();
        loop {
            let failure = match self.ask(endpoint, request, deltas).await {
                Err(failure) if failure.retry == Retry::OnceLoaded && begun.elapsed() < longest => failure,
                other => return other,
            };
            let pause = LOADING_PAUSE.min(seconds(self.settings.retry.cap));
            let left = shown_wait(longest.saturating_sub(begun.elapsed()));
            let text = format!("{}; looking again in {}, for {left} at most", failure.message, shown_wait(pause));
            deltas.notice(&text);
            tokio::time::sleep(pause).await;
        }
    }

    /// Asks one model until it answers, fails for good or has used up its attempts.
    async fn ask(
        &self,
        endpoint: &Endpoint,
        request: &ModelRequest,
        deltas: &dyn DeltaSink,
    ) -> Result<ModelReply, Failure> {
        let retry = self.settings.retry;
        let (cap, longest) = (seconds(retry.cap), seconds(retry.longest_requested));
        let back_off = ExponentialBuilder::default()
            .with_min_delay(seconds(retry.base))
            .with_max_delay(cap)
            .with_factor(2.0)
            .with_jitter()
            .with_max_times(retry.attempts.saturating_sub(1) as usize);
        let mut attempt = 1;
        let answer = (|| endpoint.attempt(request, deltas))
            .retry(back_off)
            .when(|failed: &FailedAttempt| match failed.failure.retry {
                Retry::Never | Retry::OnceLoaded => false,
                Retry::Backoff => true,
                Retry::After(wait) => wait <= longest,
            })
            .adjust(|failed, own| match failed.failure.retry {
                Retry::After(wait) => own.map(|_| wait),
                Retry::Never | Retry::Backoff | Retry::OnceLoaded => own.map(|own| own.min(cap)),
            })
            .notify(|failed, wait| {
                attempt += 1;
                deltas.notice(&retry_notice(failed, endpoint, wait, attempt, retry.attempts));
            })
            .await;
        answer.map(|answered| answered.reply).map_err(|failed| failed.failure)
    }
}

#[async_trait]
impl Model for Router {
    async fn complete(
        &self,
        request: ModelRequest,
        deltas: &dyn DeltaSink,
        cancel: CancellationToken,
    ) -> Result<ModelReply, ModelFailure> {
        if self.endpoints.is_empty() {
            return Err(not_configured());
        }
        // Dropping the other branch closes the connection, in mid-stream as well as during a wait.
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(cancelled()),
            answer = self.ask_in_turn(&request, deltas) => answer,
        }
    }

    fn is_configured(&self) -> bool {
        !self.endpoints.is_empty()
    }
}

fn retry_notice(failed: &FailedAttempt, endpoint: &Endpoint, wait: Duration, attempt: u32, attempts: u32) -> String {
    let name = endpoint.name();
    let what = match (failed.failure.kind, failed.shown) {
        (ModelFailureKind::RateLimited, _) => format!("{name}: rate limited"),
        (_, 0) => failed.failure.message.clone(),
        (_, shown) => {
            format!("{} after {shown} characters; the answer starts again from its beginning", failed.failure.message)
        }
    };
    format!("{what}, next try in {} ({attempt} of {attempts})", shown_wait(wait))
}

fn shown_wait(wait: Duration) -> String {
    match wait.as_millis() {
        millis @ 0..1_000 => format!("{millis} ms"),
        millis @ 1_000..120_000 => format!("{} s", millis.div_ceil(1_000)),
        millis => format!("{} min", millis.div_ceil(60_000)),
    }
}

/// One failure for a whole route. Its kind is that of a transient one if there was any, since then trying again
/// later can help.
fn summed_up(failures: Vec<Failure>) -> ModelFailure {
    let count = failures.len();
    let all = failures.iter().map(|failure| failure.message.as_str()).collect::<Vec<_>>().join("; then ");
    let telling = failures.iter().rposition(|failure| failure.kind.is_transient()).unwrap_or(0);
    match failures.into_iter().nth(telling) {
        None => not_configured(),
        Some(failure) if count == 1 => failure.into_model_failure(),
        Some(failure) => ModelFailure { message: Untrusted::from(all), ..failure.into_model_failure() },
    }
}

fn not_configured() -> ModelFailure {
    ModelFailure {
        kind: ModelFailureKind::NotConfigured,
        message: Untrusted::from("no model is configured for this"),
        hint: "set OPENAI_API_KEY, or OPENAI_BASE_URL for a local server, or [providers] and [models] in config.toml"
            .to_owned(),
    }
}

fn cancelled() -> ModelFailure {
    ModelFailure {
        kind: ModelFailureKind::Cancelled,
        message: Untrusted::from("the answer was cancelled"),
        hint: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_round_figures_and_never_too_short() {
        assert_eq!(shown_wait(Duration::from_millis(250)), "250 ms");
        assert_eq!(shown_wait(Duration::from_millis(3_100)), "4 s");
        assert_eq!(shown_wait(Duration::from_secs(121)), "3 min");
    }
}
