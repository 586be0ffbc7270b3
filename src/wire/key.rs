//! The key that the store is encrypted under: fetched once, when a store is first opened.

use secrecy::{ExposeSecret, SecretString};

use super::places::Places;
use crate::cli::Failure;
use crate::config::{Config, SecretSource};
use crate::store::{Encryption, NotAKey, StoreKey};

/// Where the key is when the configuration does not say.
const VARIABLE: &str = "MORNINGAI_STORE_KEY";

/// Where the key is, and what it is once somebody asked.
pub(super) struct LazyKey {
    source: Option<SecretSource>,
    found: tokio::sync::OnceCell<Found>,
}

#[derive(Clone)]
struct Found {
    encryption: Encryption,
    text: Option<SecretString>,
}

impl LazyKey {
    pub(super) fn new(config: &Config) -> Self {
        let is_set = std::env::var(VARIABLE).is_ok_and(|value| !value.trim().is_empty());
        let usual = is_set.then(|| SecretSource::Env(VARIABLE.to_owned()));
        Self { source: config.store.key.clone().or(usual), found: tokio::sync::OnceCell::new() }
    }

    /// How stores are to be opened. A command may ask the person something, so it runs once.
    pub(super) async fn encryption(&self, places: &Places) -> Result<Encryption, Failure> {
        let found = self.found.get_or_try_init(|| self.fetch(places)).await?;
        Ok(found.encryption.clone())
    }

    /// The key as it is written, to be taken out of everything that is stored; `None` before a store was opened.
    pub(super) fn text(&self) -> Option<String> {
        self.found.get()?.text.as_ref().map(|text| text.expose_secret().to_owned())
    }

    async fn fetch(&self, places: &Places) -> Result<Found, Failure> {
        let Some(source) = self.source.clone() else { return Ok(Found { encryption: Encryption::None, text: None }) };
        let base = places.paths.config_dir().to_owned();
        let resolved =
            tokio::task::spawn_blocking(move || source.resolve(|name: &str| std::env::var(name).ok(), &base)).await;
        let resolved =
            resolved.map_err(|stopped| Failure::failed(format!("the store's key was not fetched: {stopped}")))?;
        let text =
            resolved.map_err(|error| Failure::usage(error.message).at("the key of the store").next(error.hint))?;
        let key = StoreKey::parse(text.expose_secret())
            .map_err(|error| Failure::usage(error.to_string()).next(NotAKey::HINT))?;
        Ok(Found { encryption: Encryption::Key(key), text: Some(text) })
    }
}
