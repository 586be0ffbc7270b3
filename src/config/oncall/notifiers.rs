//! `[oncall.notifiers]`: by what people are reached, by names of the user's choosing. Secrets are references.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::secret::SecretSource;

/// Every notifier, by what it is; a name is used once in all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notifiers {
    pub slack: BTreeMap<String, SlackNotifier>,
    pub pagerduty: BTreeMap<String, PagerDutyNotifier>,
    pub webhook: BTreeMap<String, WebhookNotifier>,
    pub email: BTreeMap<String, EmailNotifier>,
}

/// A message in a channel, or to a person: by an app's token, or by an incoming webhook of one channel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackNotifier {
    /// The token of an app that may `chat:write`.
    #[serde(default)]
    pub token: Option<SecretSource>,
    /// Where to: `#ops`, or the id of a channel or of a person.
    #[serde(default)]
    pub channel: Option<String>,
    /// The address of an incoming webhook, instead of both.
    #[serde(default)]
    pub webhook_url: Option<SecretSource>,
    /// Where Slack's API is, for those who reach it through something else.
    #[serde(default)]
    pub api: Option<String>,
}

/// Events API v2 of one service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagerDutyNotifier {
    pub routing_key: SecretSource,
    /// Where events are sent, for another region: `https://events.eu.pagerduty.com/v2/enqueue`.
    #[serde(default)]
    pub url: Option<String>,
}

/// JSON that is posted to an address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookNotifier {
    pub url: String,
    /// What the body is signed with: `X-Morningai-Signature: sha256=…`.
    #[serde(default)]
    pub secret: Option<SecretSource>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailNotifier {
    pub from: String,
    pub to: Vec<String>,
    /// The SMTP server: `smtp.example.org:587`.
    pub server: String,
    #[serde(default)]
    pub security: EmailSecurity,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub password: Option<SecretSource>,
}

/// How the connection to the server is kept private.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmailSecurity {
    /// Begins unencrypted and must go over to TLS.
    #[default]
    StartTls,
    Tls,
    /// Only for a server on this machine.
    None,
}

impl Notifiers {
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let (slack, pagerduty) = (self.slack.keys(), self.pagerduty.keys());
        slack.chain(pagerduty).chain(self.webhook.keys()).chain(self.email.keys())
    }

    pub(super) fn secrets(&self) -> Vec<(String, &SecretSource)> {
        let mut secrets = Vec::new();
        let mut add = |name: &str, source: Option<_>| {
            secrets.extend(source.map(|source| (format!("secret of the notifier {name}"), source)))
        };
        for (name, slack) in &self.slack {
            add(name, slack.token.as_ref());
            add(name, slack.webhook_url.as_ref());
        }
        self.pagerduty.iter().for_each(|(name, service)| add(name, Some(&service.routing_key)));
        self.webhook.iter().for_each(|(name, hook)| add(name, hook.secret.as_ref()));
        self.email.iter().for_each(|(name, email)| add(name, email.password.as_ref()));
        secrets
    }
}
