//! The models: settings from the configuration or the environment, and a router built when first asked.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::places;
use super::places::Places;
use crate::cli::Failure;
use crate::config;
use crate::config::{Config, SecretSource};
use crate::domain::{ModelFailure, ModelFailureKind, ModelReply, TaskClass};
use crate::models::{
    ApiKey, CallStyle, KeyError, ModelEntry, ModelEnvironment, ModelSettings, Prices, PricesError, ProviderSettings,
    RetrySettings, Router, Timeouts,
};
use crate::ports::{DeltaSink, Model, ModelRequest};

/// All configured models; clients and certificates are loaded at the first question.
pub(super) struct LazyModel {
    settings: ModelSettings,
    /// The user's prices, before the bundled ones.
    prices: Option<Prices>,
    router: OnceLock<Result<Arc<Router>, ModelFailure>>,
}

impl LazyModel {
    /// Reads and checks the settings; asks nobody anything.
    pub(super) fn new(config: &Config, places: &Places) -> Result<Self, Failure> {
        let settings = settings(config, places);
        settings.check().map_err(|error| {
            let place = match config.models.is_empty() {
                true => "OPENAI_API_KEY, OPENAI_BASE_URL, MORNINGAI_MODEL".to_owned(),
                false => places.paths.config_file().display().to_string(),
            };
            Failure::usage(format!("the model settings are wrong: {error}")).at(place)
        })?;
        let prices = config.prices.as_ref().map(|path| read_prices(&places.resolve(path))).transpose()?;
        Ok(Self { settings, prices, router: OnceLock::new() })
    }

    pub(super) fn settings(&self) -> &ModelSettings {
        &self.settings
    }

    /// The model that would answer most questions, for people.
    pub(super) fn name(&self) -> Option<String> {
        let name = self.settings.route(TaskClass::Code).into_iter().next()?;
        let entry = self.settings.models.get(&name)?;
        Some(match &entry.id {
            Some(id) => format!("{}/{id}", entry.provider),
            None => entry.provider.clone(),
        })
    }

    pub(super) fn prices(&self) -> Result<Prices, PricesError> {
        let bundled = Prices::bundled()?;
        Ok(match &self.prices {
            Some(prices) => bundled.overridden_by(prices.clone()),
            None => bundled,
        })
    }

    fn router(&self) -> Result<&Arc<Router>, &ModelFailure> {
        self.router.get_or_init(|| self.build()).as_ref()
    }

    fn build(&self) -> Result<Arc<Router>, ModelFailure> {
        use_ring();
        let unusable = |message: String| ModelFailure {
            kind: ModelFailureKind::NotConfigured,
            message: message.into(),
            hint: "`morningai doctor` says what is configured".to_owned(),
        };
        let prices = self.prices().map_err(|error| unusable(error.to_string()))?;
        Router::new(self.settings.clone(), prices).map_err(|error| unusable(error.to_string()))
    }
}

#[async_trait]
impl Model for LazyModel {
    async fn complete(
        &self,
        request: ModelRequest,
        deltas: &dyn DeltaSink,
        cancel: CancellationToken,
    ) -> Result<ModelReply, ModelFailure> {
        match self.router() {
            Ok(router) => router.complete(request, deltas, cancel).await,
            Err(failure) => Err(failure.clone()),
        }
    }

    fn is_configured(&self) -> bool {
        !self.settings.models.is_empty()
    }
}

/// One TLS library for everything. Setting it again changes nothing.
pub(super) fn use_ring() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn read_prices(path: &std::path::Path) -> Result<Prices, Failure> {
    let source = places::read(path, "price")?;
    Prices::parse(&source.text).map_err(|error| {
        Failure::usage(format!("the prices are wrong: {error}"))
            .at(path.display().to_string())
            .next("the bundled prices show the form")
    })
}

/// The configuration's models, or the one that the environment names.
fn settings(config: &Config, places: &Places) -> ModelSettings {
    if config.models.is_empty() {
        let env = |name: &str| std::env::var(name).ok();
        return ModelSettings::from_environment(ModelEnvironment {
            api_key: env("OPENAI_API_KEY").map(SecretString::from),
            base_url: env("OPENAI_BASE_URL"),
            model: env("MORNINGAI_MODEL"),
        });
    }
    let providers = config.providers.iter().map(|(name, provider)| (name.clone(), provider_settings(provider, places)));
    ModelSettings {
        providers: providers.collect(),
        models: config.models.iter().map(|(name, model)| (name.clone(), entry(model))).collect::<BTreeMap<_, _>>(),
        routes: config.routes.clone(),
        retry: retry(config.retry),
    }
}

fn provider_settings(provider: &config::Provider, places: &Places) -> ProviderSettings {
    ProviderSettings {
        base_url: provider.base_url.clone(),
        key: provider.api_key().map_or(ApiKey::None, |source| fetched(source, places)),
        timeouts: timeouts(provider.timeouts),
    }
}

/// A key that is fetched when the first request needs it.
fn fetched(source: SecretSource, places: &Places) -> ApiKey {
    let base = places.paths.config_dir().to_owned();
    ApiKey::Fetched(Arc::new(move || {
        let env = |name: &str| std::env::var(name).ok();
        source.resolve(env, &base).map_err(|error| KeyError { message: error.message, hint: error.hint })
    }))
}

fn timeouts(given: config::Timeouts) -> Timeouts {
    let default = Timeouts::default();
    let or = |given: Option<u64>, default: f64| given.map_or(default, |seconds| seconds as f64);
    Timeouts {
        connect: or(given.connect, default.connect),
        first_token: or(given.first_token, default.first_token),
        between_tokens: or(given.between_tokens, default.between_tokens),
        whole: or(given.whole, default.whole),
    }
}

fn retry(given: config::Retry) -> RetrySettings {
    let default = RetrySettings::default();
    RetrySettings {
        attempts: given.attempts.unwrap_or(default.attempts),
        longest_requested: given.longest_wait.map_or(default.longest_requested, |seconds| seconds as f64),
        ..default
    }
}

fn entry(model: &config::Model) -> ModelEntry {
    ModelEntry {
        provider: model.provider.clone(),
        id: model.id.clone(),
        calls: match model.calls {
            config::CallStyle::Native => CallStyle::Native,
            config::CallStyle::Schema => CallStyle::Schema,
        },
        context_tokens: model.context_tokens,
        max_output_tokens: model.max_output_tokens,
        temperature: model.temperature,
    }
}
