//! JSON to any address, signed where there is something to sign with.

use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::message::Message;
use super::request::{JsonAnswer, JsonRequest};
use super::secret::Secret;
use super::undelivered::{Undelivered, of_status};

/// An address that takes messages as JSON.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub url: String,
    pub secret: Option<Secret>,
}

impl Webhook {
    pub(super) fn request(&self, message: &Message, secret: Option<&SecretString>) -> JsonRequest {
        let body = json!({
            "version": 1,
            "id": message.id,
            "key": message.key,
            "action": message.tidings.name(),
            "about": message.about.map(|about| about.to_string()),
            "severity": message.severity.name(),
            "title": message.title,
            "person": message.person,
            "at": message.at,
            "facts": message.facts.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "text": message.text,
        });
        let body = body.to_string().into_bytes();
        let mut headers = vec![("idempotency-key", message.id.clone())];
        headers.extend(secret.map(|secret| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
            ("x-morningai-signature", format!("sha256={}", hex::encode(hmac::sign(&key, &body))))
        }));
        JsonRequest { url: self.url.clone(), headers, body }
    }

    pub(super) fn taken(&self, answer: &JsonAnswer) -> Result<(), Undelivered> {
        of_status(answer, "")
    }
}
