//! The secrets this process knows of, so that they are taken out of everything that is stored.

use secrecy::{ExposeSecret, SecretString};

use super::key::LazyKey;
use super::places::Places;
use crate::config::{Config, SecretSource};
use crate::domain::Secrets;
use crate::runtime::Redactor;

/// All of them, ready to be searched for.
pub(super) fn redactor(config: &Config, places: &Places, key: &LazyKey) -> Redactor {
    Redactor::new(known(config, places, key))
}

/// What somebody typed, before anything is named after it.
pub(super) fn without(config: &Config, places: &Places, key: &LazyKey, text: String) -> String {
    Secrets::new(known(config, places, key)).text(&text).unwrap_or(text)
}

/// The names of those that are searched for in vain, since they are too short.
pub(super) fn unprotected(config: &Config, places: &Places, key: &LazyKey) -> Vec<String> {
    let short = |value: &str| !value.trim().is_empty() && !Secrets::protects(value);
    known(config, places, key).into_iter().filter(|(_, value)| short(value)).map(|(name, _)| name).collect()
}

/// Everything configured as a secret, and the keys of providers. What cannot be fetched cannot leak from here.
fn known(config: &Config, places: &Places, key: &LazyKey) -> Vec<(String, String)> {
    let named = config.secrets.iter().map(|(name, source)| (name.clone(), source.clone()));
    // A provider's key command is not run for this: it may ask the person something.
    let keys = config.providers.iter().filter_map(|(name, provider)| {
        let source = provider.api_key().filter(|source| !matches!(source, SecretSource::Command(_)))?;
        Some((format!("key of {name}"), source))
    });
    let mut secrets: Vec<_> = named.chain(keys).filter_map(|(name, source)| fetch(name, &source, places)).collect();
    secrets.extend(config.incidents.tokens.iter().filter_map(|source| match source {
        SecretSource::Command(_) => None,
        SecretSource::Env(_) | SecretSource::File(_) => fetch("token of the receivers".to_owned(), source, places),
    }));
    let paid = config.billing.stripe.iter().flat_map(|stripe| {
        let webhooks = stripe.webhook_secrets.iter().map(|source| ("webhook secret of Stripe", source));
        webhooks.chain([("key of Stripe", &stripe.key)])
    });
    let paid = paid.filter(|(_, source)| !matches!(source, SecretSource::Command(_)));
    secrets.extend(paid.filter_map(|(name, source)| fetch(name.to_owned(), source, places)));
    let paging = config.oncall.secrets().into_iter().filter(|(_, source)| !matches!(source, SecretSource::Command(_)));
    secrets.extend(paging.filter_map(|(name, source)| fetch(name, source, places)));
    secrets.extend(std::env::var("OPENAI_API_KEY").ok().map(|key| ("OPENAI_API_KEY".to_owned(), key)));
    secrets.extend(std::env::var("PGPASSWORD").ok().map(|password| ("PGPASSWORD".to_owned(), password)));
    secrets.extend(places.store.password().map(|password| ("password of the store".to_owned(), password)));
    secrets.extend(key.text().map(|key| ("key of the store".to_owned(), key)));
    secrets
}

/// Fetches what `[secrets]` names, when it is asked for.
pub(super) fn by_name(
    config: &Config,
    places: &Places,
) -> impl Fn(&str) -> Result<SecretString, String> + Send + Sync + use<> {
    let (secrets, base) = (config.secrets.clone(), places.paths.config_dir().to_owned());
    move |name| {
        let source = secrets.get(name);
        let source =
            source.ok_or_else(|| format!("there is no secret {name:?}; write it under [secrets] in config.toml"))?;
        source.resolve(|name| std::env::var(name).ok(), &base).map_err(|error| error.message)
    }
}

fn fetch(name: String, source: &SecretSource, places: &Places) -> Option<(String, String)> {
    let env = |name: &str| std::env::var(name).ok();
    match source.resolve(env, places.paths.config_dir()) {
        Ok(secret) => Some((name, secret.expose_secret().to_owned())),
        Err(error) => {
            tracing::warn!(%error, name, "a secret could not be fetched");
            None
        }
    }
}
