//! One server: where it is, who we are to it, and its connection pool.

use std::sync::Arc;

use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::chunk::ModelList;
use super::failure;
use super::failure::{Failure, Place};
use super::settings::{ApiKey, KeyError, ProviderSettings, SettingsError, Timeouts, seconds};
use super::transport::{Exchange, Transport, Wire};
use crate::domain::ModelFailureKind;

/// A server that can be talked to.
pub(super) struct Server {
    place: Place,
    url: Url,
    timeouts: Timeouts,
    key: ApiKey,
    transport: Transport,
    /// Made on first use: fetching a key and reading the machine's root certificates take longer than a first
    /// frame may.
    ready: OnceCell<Ready>,
}

/// What requests are made with.
struct Ready {
    address: Address,
    http: reqwest::Client,
}

/// URL and credentials in the form the protocol library asks for them.
#[derive(Clone)]
pub(super) struct Address {
    base: String,
    headers: HeaderMap,
    /// The library asks for a key that it only uses elsewhere.
    no_key: SecretString,
}

impl Config for Address {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.no_key
    }
}

impl Server {
    /// Connects to nothing and fetches no key.
    pub fn new(name: &str, provider: &ProviderSettings, transport: Transport) -> Result<Self, SettingsError> {
        let wrong =
            |field: &str, problem: String| SettingsError { place: format!("providers.{name}.{field}"), problem };
        let base = provider.base_url.trim().trim_end_matches('/').to_owned();
        let url = Url::parse(&base).map_err(|error| wrong("base_url", error.to_string()))?;
        let place = Place { provider: name.to_owned(), url: base, key: Arc::default() };
        let (key, timeouts) = (provider.key.clone(), provider.timeouts);
        Ok(Self { place, url, timeouts, key, transport, ready: OnceCell::new() })
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// The protocol library over exactly one exchange.
    pub async fn client(&self, exchange: &Arc<Exchange>) -> Result<Client<Address>, Failure> {
        let Ready { address, http } = self.ready.get_or_try_init(|| self.prepare()).await?;
        let wire = Wire {
            http: http.clone(),
            transport: self.transport.clone(),
            place: self.place.clone(),
            exchange: exchange.clone(),
        };
        Ok(Client::build(http.clone(), address.clone()).with_http_service(wire))
    }

    async fn prepare(&self) -> Result<Ready, Failure> {
        let unusable = |what: &str, hint: &str| self.place.failure(ModelFailureKind::Unauthorized, what, hint);
        let mut headers = HeaderMap::new();
        if let Some(key) = self.fetch_key().await? {
            let bearer = authorization(&key).ok_or_else(|| {
                unusable("has a key with characters that cannot be sent", "is it the whole key and nothing else?")
            })?;
            headers.insert(AUTHORIZATION, bearer);
            // Only the first of two could be in the way, and there is never a second: the cell runs this once.
            let _ = self.place.key.set(key);
        }
        let http = http_client(&self.url, self.timeouts).map_err(|error| {
            let what = format!("cannot be talked to: no TLS on this machine ({error})");
            self.place.failure(ModelFailureKind::BadRequest, &what, "install the machine's root certificates")
        })?;
        Ok(Ready { address: Address { base: self.place.url.clone(), headers, no_key: SecretString::default() }, http })
    }

    /// The key without the blanks around it; a blank one is none.
    async fn fetch_key(&self) -> Result<Option<SecretString>, Failure> {
        let unusable = |what: String, hint: String| self.place.failure(ModelFailureKind::Unauthorized, &what, hint);
        let key = match &self.key {
            ApiKey::None => return Ok(None),
            ApiKey::Given(key) => key.clone(),
            ApiKey::Fetched(fetch) => {
                let fetch = fetch.clone();
                let fetched = tokio::task::spawn_blocking(move || fetch()).await;
                let broken = |error| unusable(format!("has a key that could not be fetched: {error}"), String::new());
                fetched.map_err(broken)?.map_err(|KeyError { message, hint }| {
                    unusable(format!("has a key that could not be fetched: {message}"), hint)
                })?
            }
        };
        let key = key.expose_secret().trim();
        Ok((!key.is_empty()).then(|| SecretString::from(key)))
    }

    /// What the server says it has.
    pub async fn list_models(&self) -> Result<Vec<String>, Failure> {
        let exchange = Arc::new(Exchange::default());
        let client = self.client(&exchange).await?;
        let models = client.models();
        let listing = timeout(seconds(self.timeouts.first_token), models.list_byot::<ModelList>());
        match listing.await {
            Ok(Ok(list)) => Ok(list.data.into_iter().map(|model| model.id).filter(|id| !id.is_empty()).collect()),
            Ok(Err(error)) => Err(self.failure(&exchange, error)),
            Err(_) => {
                let what = "did not list its models in time";
                Err(self.place.failure(ModelFailureKind::Timeout, what, "try again later"))
            }
        }
    }

    /// The failure behind an error of the protocol library: the transport's own account where it has one.
    pub fn failure(&self, exchange: &Exchange, error: OpenAIError) -> Failure {
        if let Some(failure) = exchange.take_failure() {
            return failure;
        }
        let what = match error {
            OpenAIError::JSONDeserialize(error, sent) => {
                format!(
                    "sent something other than an OpenAI-style answer: {error}{}",
                    failure::quoted(&self.place, &sent)
                )
            }
            other => format!("sent something other than an OpenAI-style answer: {other}"),
        };
        let hint = "is the base URL that of an OpenAI-compatible server?";
        self.place.failure(ModelFailureKind::Nonsense, &what, hint)
    }
}

fn authorization(key: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn http_client(url: &Url, timeouts: Timeouts) -> Result<reqwest::Client, reqwest::Error> {
    // An error only says that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("morningai/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(seconds(timeouts.connect))
        // The router retries, and nobody else.
        .retry(reqwest::retry::never())
        // A redirected POST would become a GET; the failure says where the server moved instead.
        .redirect(reqwest::redirect::Policy::none());
    if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        // A proxy for the outside world does not know this machine's own servers.
        builder = builder.no_proxy();
        if url.scheme() == "http" {
            // Nothing will be encrypted, so no certificate needs to be read.
            builder = builder.tls_certs_only([]);
        }
    }
    builder.build()
}
