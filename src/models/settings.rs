//! Which models there are, who serves them, and which kind of work goes to which.
//!
//! Plain data: nothing here reads the environment or a file. The stored form is the configuration's, which is
//! turned into this where the two are wired; a key is fetched on first use and never printed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;

use crate::domain::TaskClass;

/// Where requests go when only a key is given.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// What is asked at [`OPENAI_BASE_URL`] when no model is named: dependable tool calls, and no account review
/// before it may stream.
pub const OPENAI_MODEL: &str = "gpt-4.1";

/// Everything the router needs to know. An empty value means that no model is configured.
#[derive(Clone, Debug, Default)]
pub struct ModelSettings {
    pub providers: BTreeMap<String, ProviderSettings>,
    pub models: BTreeMap<String, ModelEntry>,
    /// Names of models for each class of task, best first; the next is asked when one fails for good.
    pub routes: BTreeMap<TaskClass, Vec<String>>,
    pub retry: RetrySettings,
}

/// A server that speaks the chat-completions protocol.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Up to and including the version: `https://api.openai.com/v1`, `http://127.0.0.1:8080/v1`.
    pub base_url: String,
    pub key: ApiKey,
    pub timeouts: Timeouts,
}

/// The key of a provider.
#[derive(Clone, Default)]
pub enum ApiKey {
    /// The server wants none.
    #[default]
    None,
    Given(SecretString),
    /// Fetched on first use, off the async threads: a file or a program may take its time.
    Fetched(FetchKey),
}

/// Fetches a key.
pub type FetchKey = Arc<dyn Fn() -> Result<SecretString, KeyError> + Send + Sync>;

/// A key that could not be fetched: what happened and where, and what to do. It never holds the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct KeyError {
    pub message: String,
    pub hint: String,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Given(_) => "Given([key])",
            Self::Fetched(_) => "Fetched(…)",
        })
    }
}

/// How long to wait, in seconds, before an attempt counts as failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timeouts {
    pub connect: f64,
    /// From the request to the first piece of the answer: a local server may have to load the model first.
    pub first_token: f64,
    /// Between two pieces of the answer.
    pub between_tokens: f64,
    /// For one whole attempt.
    pub whole: f64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: 10.0, first_token: 180.0, between_tokens: 60.0, whole: 900.0 }
    }
}

/// One model as the routes name it.
#[derive(Clone, Debug)]
pub struct ModelEntry {
    pub provider: String,
    /// The provider's own name for it; `None` takes the first one the server lists.
    pub id: Option<String>,
    pub calls: CallStyle,
    /// Tokens of conversation and answer it can hold; decides where a conversation that is too long goes next.
    pub context_tokens: Option<u32>,
    pub max_output_tokens: Option<u32>,
    /// `None` leaves it to the provider; some models accept no value at all.
    pub temperature: Option<f64>,
}

/// How a model is brought to call tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CallStyle {
    /// By the protocol's own tool calls.
    #[default]
    Native,
    /// By a JSON schema for the whole answer: any of the tools, or plain text. For models whose native calls
    /// are not dependable, which is most small local ones.
    Schema,
}

impl CallStyle {
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Schema => "schema",
        }
    }
}

/// When a failed attempt is made again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetrySettings {
    /// Attempts in all, on each model.
    pub attempts: u32,
    /// Seconds before the second attempt; doubled before each further one, and jittered.
    pub base: f64,
    /// Longest wait in seconds of our own choosing.
    pub cap: f64,
    /// Longest wait in seconds a provider may ask for by `Retry-After`. One that asks for more is not asked
    /// again, since coming earlier than told only prolongs a rate limit.
    pub longest_requested: f64,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self { attempts: 4, base: 1.0, cap: 30.0, longest_requested: 120.0 }
    }
}

/// The values of the three environment variables that configure a single model.
#[derive(Clone, Debug, Default)]
pub struct ModelEnvironment {
    /// `OPENAI_API_KEY`
    pub api_key: Option<SecretString>,
    /// `OPENAI_BASE_URL`
    pub base_url: Option<String>,
    /// `MORNINGAI_MODEL`
    pub model: Option<String>,
}

/// What is wrong with the settings, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct SettingsError {
    /// Dotted path in the configuration: `providers.local.base_url`.
    pub place: String,
    pub problem: String,
}

impl ModelSettings {
    /// One model for everything, from the environment: a key, a base URL, or both. With neither, nothing is
    /// configured. Blank values count as absent.
    pub fn from_environment(environment: ModelEnvironment) -> Self {
        use secrecy::ExposeSecret;
        let api_key = environment.api_key.filter(|key| !key.expose_secret().trim().is_empty());
        let base_url = environment.base_url.filter(|url| !url.trim().is_empty());
        let model = environment.model.filter(|model| !model.trim().is_empty());
        if api_key.is_none() && base_url.is_none() {
            return Self::default();
        }
        let default_model = base_url.is_none().then(|| OPENAI_MODEL.to_owned());
        let base_url = base_url.unwrap_or_else(|| OPENAI_BASE_URL.to_owned()).trim().to_owned();
        let name = provider_name(&base_url);
        let provider = ProviderSettings {
            base_url,
            key: api_key.map_or(ApiKey::None, ApiKey::Given),
            timeouts: Timeouts::default(),
        };
        let entry = ModelEntry {
            provider: name.clone(),
            id: model.map(|model| model.trim().to_owned()).or(default_model),
            calls: CallStyle::Native,
            context_tokens: None,
            max_output_tokens: None,
            temperature: None,
        };
        Self {
            providers: BTreeMap::from([(name, provider)]),
            models: BTreeMap::from([("default".to_owned(), entry)]),
            routes: TaskClass::ALL.into_iter().map(|class| (class, vec!["default".to_owned()])).collect(),
            retry: RetrySettings::default(),
        }
    }

    /// Says what is wrong, if anything is: unknown names, unusable URLs and times.
    pub fn check(&self) -> Result<(), SettingsError> {
        for (name, provider) in &self.providers {
            provider.check(&format!("providers.{name}"))?;
        }
        for (name, entry) in &self.models {
            if !self.providers.contains_key(&entry.provider) {
                let known = names(self.providers.keys());
                return Err(wrong(
                    format!("models.{name}.provider"),
                    format!("no provider {:?}; there is {known}", entry.provider),
                ));
            }
        }
        for (class, route) in &self.routes {
            if let Some(unknown) = route.iter().find(|name| !self.models.contains_key(*name)) {
                let known = names(self.models.keys());
                return Err(wrong(
                    format!("routes.{}", class.name()),
                    format!("no model {unknown:?}; there is {known}"),
                ));
            }
        }
        self.retry.check()
    }

    /// Models to ask for a class of task, in order. A class without a route takes that of `code`, and settings
    /// without any route take all models by name.
    pub fn route(&self, class: TaskClass) -> Vec<String> {
        let chosen = [class, TaskClass::Code, TaskClass::Reasoning, TaskClass::Simple]
            .into_iter()
            .find_map(|class| self.routes.get(&class).filter(|route| !route.is_empty()));
        chosen.cloned().unwrap_or_else(|| self.models.keys().cloned().collect())
    }
}

impl ProviderSettings {
    fn check(&self, place: &str) -> Result<(), SettingsError> {
        let url_place = || format!("{place}.base_url");
        let url = Url::parse(self.base_url.trim())
            .map_err(|error| wrong(url_place(), format!("not a URL ({error}); expected like {OPENAI_BASE_URL}")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong(url_place(), "a base URL begins with http:// or https:// and a host".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(wrong(url_place(), "a base URL carries no user, password or query; use `key`".to_owned()));
        }
        let Timeouts { connect, first_token, between_tokens, whole } = self.timeouts;
        let times = [("connect", connect), ("first_token", first_token), ("between_tokens", between_tokens)];
        for (name, seconds) in times.into_iter().chain([("whole", whole)]) {
            positive(seconds, || format!("{place}.timeouts.{name}"))?;
        }
        Ok(())
    }
}

impl RetrySettings {
    fn check(&self) -> Result<(), SettingsError> {
        if !(1..=20).contains(&self.attempts) {
            return Err(wrong("retry.attempts".to_owned(), format!("{} is not from 1 to 20", self.attempts)));
        }
        positive(self.base, || "retry.base".to_owned())?;
        positive(self.cap, || "retry.cap".to_owned())?;
        positive(self.longest_requested, || "retry.longest_requested".to_owned())
    }
}

/// Seconds as a duration; the settings have been checked, so the bounds only guard against overflow.
pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(3_600))
}

/// A short name for a provider that was given by its URL alone: its host.
fn provider_name(base_url: &str) -> String {
    let host = Url::parse(base_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    match host.as_deref() {
        Some("api.openai.com") => "openai".to_owned(),
        Some("127.0.0.1" | "localhost" | "[::1]") => "local".to_owned(),
        Some(host) => host.to_owned(),
        None => "default".to_owned(),
    }
}

fn positive(seconds: f64, place: impl FnOnce() -> String) -> Result<(), SettingsError> {
    if seconds > 0.0 && seconds <= 86_400.0 {
        return Ok(());
    }
    Err(wrong(place(), format!("{seconds} is not a number of seconds above 0 and up to 86400")))
}

fn names<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(String::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn wrong(place: String, problem: String) -> SettingsError {
    SettingsError { place, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(key: Option<&str>, url: Option<&str>, model: Option<&str>) -> ModelSettings {
        ModelSettings::from_environment(ModelEnvironment {
            api_key: key.map(SecretString::from),
            base_url: url.map(str::to_owned),
            model: model.map(str::to_owned),
        })
    }

    #[test]
    fn neither_key_nor_url_configures_nothing() {
        assert!(environment(None, None, Some("gpt-4.1")).models.is_empty());
        assert!(environment(Some(" "), Some(""), None).models.is_empty());
    }

    #[test]
    fn a_local_server_needs_only_its_url_and_is_asked_what_it_serves() {
        let settings = environment(None, Some("http://127.0.0.1:8080/v1"), None);
        settings.check().unwrap();
        assert_eq!(settings.models["default"].provider, "local");
        assert_eq!(settings.models["default"].id, None);
        assert!(matches!(settings.providers["local"].key, ApiKey::None));
    }

    #[test]
    fn a_key_alone_means_openai() {
        let settings = environment(Some("sk-1"), None, None);
        assert_eq!(settings.providers["openai"].base_url, OPENAI_BASE_URL);
        assert_eq!(settings.models["default"].id.as_deref(), Some(OPENAI_MODEL));
        assert_eq!(settings.route(TaskClass::Simple), ["default"]);
    }

    #[test]
    fn a_class_without_a_route_takes_that_of_code() {
        let mut settings = environment(None, Some("http://127.0.0.1:1/v1"), Some("m"));
        settings.routes = BTreeMap::from([(TaskClass::Code, vec!["default".to_owned()])]);
        assert_eq!(settings.route(TaskClass::Reasoning), ["default"]);
        settings.routes.clear();
        assert_eq!(settings.route(TaskClass::Simple), ["default"]);
    }

    #[test]
    fn a_debug_print_shows_no_key() {
        let settings = environment(Some("sk-very-secret"), None, None);
        assert!(!format!("{settings:?}").contains("sk-very-secret"));
    }

    #[test]
    fn wrong_names_and_urls_are_told_with_their_place() {
        let mut settings = environment(Some("sk-1"), None, None);
        settings.routes.insert(TaskClass::Code, vec!["fast".to_owned()]);
        let error = settings.check().unwrap_err();
        assert_eq!(error.to_string(), "routes.code: no model \"fast\"; there is default");
        assert_eq!(environment(None, Some("ftp://x"), None).check().unwrap_err().place, "providers.x.base_url");
        assert_eq!(environment(None, Some("http://u:p@h/v1"), None).check().unwrap_err().place, "providers.h.base_url");
        assert!(environment(None, Some("nonsense"), None).check().unwrap_err().problem.contains("not a URL"));
    }
}
