//! Slack: a message with its parts as plain text, and buttons where it can be decided there.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::message::{Decision, Message, cut};
use super::request::{JsonAnswer, JsonRequest};
use super::secret::Secret;
use super::undelivered::{Again, Undelivered, of_status};
use crate::domain::Untrusted;
use crate::kinds::{Follows, Tidings};

/// Bytes of one section; Slack takes 3000 characters.
const SECTION: usize = 2_900;
/// Sections that show a card. A longer one cannot be approved there, since nobody could have read it.
const MOST_SECTIONS: usize = 4;

/// A channel, or a person.
#[derive(Clone, Debug)]
pub struct Slack {
    pub way: SlackWay,
}

/// By which door a message gets there.
#[derive(Clone, Debug)]
pub enum SlackWay {
    /// `chat.postMessage` of an app.
    App { api: String, token: Secret, channel: String },
    /// An incoming webhook, whose address is the secret.
    Webhook { url: Secret },
}

impl Slack {
    /// Where Slack's API is.
    pub const API: &str = "https://slack.com/api";

    pub(super) fn secret(&self) -> &Secret {
        match &self.way {
            SlackWay::App { token, .. } => token,
            SlackWay::Webhook { url } => url,
        }
    }

    /// An address on its server.
    pub(super) fn place<'a>(&'a self, secret: &'a SecretString) -> &'a str {
        match &self.way {
            SlackWay::App { api, .. } => api,
            SlackWay::Webhook { .. } => secret.expose_secret(),
        }
    }

    pub(super) fn about(&self) -> String {
        match &self.way {
            SlackWay::App { channel, .. } => format!("Slack, {channel}"),
            SlackWay::Webhook { .. } => "Slack, an incoming webhook".to_owned(),
        }
    }

    /// An app can change its messages; what came by an incoming webhook stays as it is.
    pub(super) fn follows(&self) -> Follows {
        match self.way {
            SlackWay::App { .. } => Follows::All,
            SlackWay::Webhook { .. } => Follows::Not,
        }
    }

    /// `None` where there is nothing to change: the message is not known.
    pub(super) fn request(&self, message: &Message, secret: &SecretString) -> Option<JsonRequest> {
        let is_new = message.tidings == Tidings::Trigger;
        let known = message.receipt.split_once(' ');
        if !is_new && known.is_none() {
            return None;
        }
        let mut body = json!({
            "text": escaped(&message.headline()),
            "blocks": blocks(message),
            "unfurl_links": false,
            "unfurl_media": false,
        });
        match &self.way {
            SlackWay::App { api, channel, .. } => {
                let method = match known.filter(|_| !is_new) {
                    None => {
                        body["channel"] = channel.as_str().into();
                        "chat.postMessage"
                    }
                    Some((channel, time)) => {
                        body =
                            json!({ "text": body["text"], "blocks": body["blocks"], "channel": channel, "ts": time });
                        "chat.update"
                    }
                };
                let url = format!("{}/{method}", api.trim_end_matches('/'));
                let headers = vec![("authorization", format!("Bearer {}", secret.expose_secret()))];
                Some(JsonRequest { url, headers, body: body.to_string().into_bytes() })
            }
            SlackWay::Webhook { .. } => {
                let url = secret.expose_secret().to_owned();
                Some(JsonRequest { url, headers: Vec::new(), body: body.to_string().into_bytes() })
            }
        }
    }

    /// What it calls the message. The API answers with status 200 also where it refuses.
    pub(super) fn taken(&self, answer: &JsonAnswer) -> Result<String, Undelivered> {
        let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let error = Untrusted::from(told["error"].as_str().unwrap_or_default()).cut(100);
        of_status(answer, &error.visible())?;
        match (&self.way, told["ok"].as_bool()) {
            (SlackWay::Webhook { .. }, _) => Ok(String::new()),
            (SlackWay::App { .. }, Some(true)) => Ok(receipt(&told)),
            (SlackWay::App { .. }, Some(false)) => {
                let passes = matches!(
                    error.raw(),
                    "ratelimited" | "rate_limited" | "internal_error" | "fatal_error" | "service_unavailable"
                );
                let again = if passes { Again::After(answer.retry_after.unwrap_or_default()) } else { Again::Never };
                Err(Undelivered { reason: format!("Slack refuses it: {}", error.visible()), again })
            }
            (SlackWay::App { .. }, None) => Err(Undelivered::for_now("its answer is not Slack's")),
        }
    }
}

/// `C024BE91L 1503435956.000247`: the channel and the time that name a message; empty where the answer has none.
fn receipt(told: &Value) -> String {
    let part = |name: &str, is_fine: fn(char) -> bool| {
        told[name].as_str().filter(|text| !text.is_empty() && text.len() <= 40 && text.chars().all(is_fine))
    };
    let channel = part("channel", |sign| sign.is_ascii_alphanumeric());
    let time = part("ts", |sign| sign.is_ascii_digit() || sign == '.');
    channel.zip(time).map(|(channel, time)| format!("{channel} {time}")).unwrap_or_default()
}

/// Everything in them is plain text, which Slack neither formats nor links.
fn blocks(message: &Message) -> Vec<Value> {
    let plain = |text: &str| json!({ "type": "plain_text", "text": text, "emoji": false });
    let mut blocks = vec![json!({ "type": "section", "text": plain(&cut(&message.headline(), SECTION)) })];
    let facts: Vec<_> = message.facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let parts = sections(&facts.join("\n")).into_iter().chain(sections(&message.text));
    let mut parts: Vec<_> = parts.collect();
    let is_whole = parts.len() <= MOST_SECTIONS;
    parts.truncate(MOST_SECTIONS);
    blocks.extend(parts.iter().map(|part| json!({ "type": "section", "text": plain(part) })));
    let Some(decision) = &message.decision else { return blocks };
    let only_deny = decision.only_deny.or_else(|| (!is_whole).then_some("the card is too long to be shown here"));
    if let Some(why) = only_deny {
        let note = format!("It can be approved in the console only: {why}.");
        blocks.push(json!({ "type": "section", "text": plain(&note) }));
    }
    let verbs: &[_] = if only_deny.is_some() { &["deny"] } else { &["approve", "deny"] };
    let buttons: Vec<_> = verbs.iter().map(|verb| button(verb, decision)).collect();
    blocks.push(json!({ "type": "actions", "block_id": "morningai", "elements": buttons }));
    blocks
}

/// What is pressed names the request and the card that was seen.
fn button(verb: &str, decision: &Decision) -> Value {
    let label = if verb == "approve" { "Approve" } else { "Deny" };
    let style = if verb == "approve" { "primary" } else { "danger" };
    json!({
        "type": "button",
        "action_id": verb,
        "style": style,
        "text": { "type": "plain_text", "text": label, "emoji": false },
        "value": format!("{} {}", decision.approval, decision.digest),
        "confirm": {
            "title": { "type": "plain_text", "text": format!("{label}?") },
            "text": { "type": "plain_text", "text": format!("{label} the card with the digest {}.", decision.digest.shown()) },
            "confirm": { "type": "plain_text", "text": label },
            "deny": { "type": "plain_text", "text": "Not now" },
        },
    })
}

/// In pieces of at most a section, broken at lines where that is possible.
fn sections(text: &str) -> Vec<String> {
    let mut sections: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut rest = line;
        while !rest.is_empty() {
            let end = rest.floor_char_boundary(SECTION);
            let (piece, after) = rest.split_at(end);
            match sections.last_mut() {
                Some(last) if last.len() + piece.len() < SECTION => {
                    last.push('\n');
                    last.push_str(piece);
                }
                _ => sections.push(piece.to_owned()),
            }
            rest = after;
        }
    }
    sections
}

/// What Slack would take for a mention or a link in a text that is shown where blocks are not.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
