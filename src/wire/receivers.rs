//! The receivers of `serve`: what opens each, how senders are told, and what `doctor` says of them.

use std::path::PathBuf;

use secrecy::SecretString;

use super::Wire;
use crate::cli::{Failure, Finding};
use crate::config::SecretSource;
use crate::feeds::{Keys, SOURCES, Source};
use crate::server::{Hooks, own_token};

/// The file of Alertmanager's token in the data directory, where the configuration names none.
const TOKEN_FILE: &str = "hooks.token";
/// The receiver that is always open.
const ALERTMANAGER: &str = "alertmanager";

impl Wire {
    /// What opens the receivers, and how Alertmanager is told to find that.
    pub(super) fn hooks(&self) -> Result<(Hooks, TokenPlace), Failure> {
        let mut keys = Vec::new();
        let mut place = TokenPlace::Elsewhere;
        for source in &SOURCES {
            let named = self.receiver_secrets(source);
            let mut secrets = self.resolved(source, &named)?;
            if source.name == ALERTMANAGER {
                let own = self.places.paths.data_dir().join(TOKEN_FILE);
                if named.is_empty() {
                    secrets.push(own_token(&own).map_err(|error| Failure::usage(error.to_string()).next(error.hint))?);
                }
                place = TokenPlace::of(named.first(), self.places.paths.config_dir(), own);
            }
            keys.push((source.name, Keys::new(secrets)));
        }
        match self.unknown_receiver() {
            Some(failure) => Err(failure),
            None => Ok((Hooks::new(keys, self.alert_grouping()), place)),
        }
    }

    fn receiver_secrets(&self, source: &Source) -> Vec<SecretSource> {
        let incidents = &self.config.incidents;
        let older = if source.name == ALERTMANAGER { incidents.tokens.as_slice() } else { &[] };
        let own = incidents.receivers.get(source.name).map(|receiver| receiver.secrets.as_slice());
        older.iter().chain(own.unwrap_or_default()).cloned().collect()
    }

    fn resolved(&self, source: &Source, named: &[SecretSource]) -> Result<Vec<SecretString>, Failure> {
        let base = self.places.paths.config_dir();
        let env = |name: &str| std::env::var(name).ok();
        let place = format!("[incidents] the receiver {}", source.name);
        let failed =
            |error: crate::config::SecretError| Failure::usage(error.message).at(place.as_str()).next(error.hint);
        named.iter().map(|secret| secret.resolve(env, base).map_err(failed)).collect()
    }

    fn unknown_receiver(&self) -> Option<Failure> {
        let unknown = self.config.incidents.receivers.keys().find(|name| Source::named(name).is_none())?;
        let names: Vec<_> = SOURCES.iter().map(|source| source.name).collect();
        let message = format!("[incidents.receivers] there is no receiver `{unknown}`");
        Some(Failure::usage(message).next(format!("one of {}", names.join(", "))))
    }

    /// Which receivers are open, and why the others are not.
    pub(super) fn receiver_finding(&self) -> Finding {
        const SUBJECT: &str = "receivers";
        if let Some(failure) = self.unknown_receiver() {
            return Finding::fail(SUBJECT, failure.message(), failure.hint());
        }
        let mut lines = Vec::new();
        for source in &SOURCES {
            let named = self.receiver_secrets(source);
            let how = match (self.resolved(source, &named), named.len()) {
                (Err(failure), _) => return Finding::fail(SUBJECT, failure.message(), failure.hint()),
                (Ok(_), 0) if source.name == ALERTMANAGER => "open by the token that `serve` makes".to_owned(),
                (Ok(_), 0) => "closed: it has no secret".to_owned(),
                (Ok(_), 1) => "open".to_owned(),
                (Ok(_), _) => "open by two secrets".to_owned(),
            };
            let unmapped = source.name == "json" && !named.is_empty() && self.config.incidents.mapping.is_empty();
            let but = if unmapped { ", but no [[incidents.mapping]] says how to read what comes" } else { "" };
            lines.push(format!("{}: {how}{but}", source.name));
        }
        Finding::ok(SUBJECT, lines.join("\n"))
    }
}

/// Where Alertmanager's token is.
pub(super) enum TokenPlace {
    File(PathBuf),
    /// As the configuration says.
    Elsewhere,
}

impl TokenPlace {
    fn of(named: Option<&SecretSource>, base: &std::path::Path, own: PathBuf) -> Self {
        match named {
            None => Self::File(own),
            Some(SecretSource::File(path)) => Self::File(base.join(path)),
            Some(SecretSource::Env(_) | SecretSource::Command(_)) => Self::Elsewhere,
        }
    }

    /// What goes into `alertmanager.yml` for it to post to `url`.
    pub(super) fn for_alertmanager(&self, url: &str) -> String {
        let credentials = match self {
            Self::File(path) => format!("credentials_file: {}", serde_json::Value::from(path.display().to_string())),
            Self::Elsewhere => "credentials: \"the token of [incidents] tokens\"".to_owned(),
        };
        format!(
            "webhook_configs:\n  - url: {url}/v1/hooks/alertmanager\n    http_config:\n      authorization:\n        {credentials}"
        )
    }
}
