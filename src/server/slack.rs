//! What Slack posts when somebody presses a button: whether it is Slack, who pressed, and what on which card.
//!
//! Whether they may is asked elsewhere, as of anybody.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use percent_encoding::percent_decode_str;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::domain::{AccountName, ApprovalId, Timestamp, Untrusted};
use crate::kinds::{ApprovalVerb, Command};

/// How far the time of a request may be from now: one that is older may be a replay.
const TOLERANCE: TimeDelta = TimeDelta::seconds(300);

/// What opens it, and who its people are here.
#[derive(Clone, Debug, Default)]
pub struct SlackDoor {
    secrets: Vec<SecretString>,
    /// By their user ids there.
    people: BTreeMap<String, AccountName>,
}

/// Why a request is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSlack {
    #[error("no signing secret of Slack is configured here")]
    Closed,
    #[error("this is not signed as Slack signs")]
    Unsigned,
    #[error("the signature is more than five minutes old, or the clock here is wrong")]
    Late,
    #[error("this is not a button that was pressed")]
    Unreadable,
}

impl SlackDoor {
    /// Without a secret it is closed.
    pub fn new(secrets: Vec<SecretString>, people: BTreeMap<String, AccountName>) -> Self {
        Self { secrets, people }
    }

    /// Whether the body is Slack's, by the two headers beside it.
    pub(super) fn check(
        &self,
        (time, signature): (Option<&str>, Option<&str>),
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), NotSlack> {
        if self.secrets.is_empty() {
            return Err(NotSlack::Closed);
        }
        let time = time.ok_or(NotSlack::Unsigned)?;
        let sent =
            time.parse().ok().and_then(|seconds| Timestamp::from_timestamp(seconds, 0)).ok_or(NotSlack::Unsigned)?;
        let signature =
            signature.and_then(|text| hex::decode(text.strip_prefix("v0=")?).ok()).ok_or(NotSlack::Unsigned)?;
        let signed = [b"v0:", time.as_bytes(), b":", body].concat();
        let fits = |secret: &SecretString| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
            hmac::verify(&key, &signed, &signature).is_ok()
        };
        // All of them are tried, whichever fits.
        if self.secrets.iter().filter(|secret| fits(secret)).count() == 0 {
            return Err(NotSlack::Unsigned);
        }
        if (now - sent).abs() > TOLERANCE { Err(NotSlack::Late) } else { Ok(()) }
    }

    /// The account that somebody there is here.
    pub(super) fn person(&self, id: &str) -> Option<&AccountName> {
        self.people.get(id)
    }
}

/// A button that was pressed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pressed {
    /// Who, by their id there.
    pub(super) user: String,
    pub(super) command: Command,
    /// Where an answer to them goes.
    pub(super) response_url: Option<String>,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    user: User,
    #[serde(default)]
    actions: Vec<Button>,
    #[serde(default)]
    response_url: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: String,
}

#[derive(Deserialize)]
struct Button {
    action_id: String,
    #[serde(default)]
    value: String,
}

/// The form that is posted, with one field of JSON. The button's value names the request and its card's digest.
pub(super) fn read(body: &[u8]) -> Result<Pressed, NotSlack> {
    let text = std::str::from_utf8(body).map_err(|_| NotSlack::Unreadable)?;
    let field = text.split('&').find_map(|pair| pair.strip_prefix("payload=")).ok_or(NotSlack::Unreadable)?;
    let field = field.replace('+', " ");
    let json = percent_decode_str(&field).decode_utf8().map_err(|_| NotSlack::Unreadable)?;
    let payload: Payload = serde_json::from_str(&json).map_err(|_| NotSlack::Unreadable)?;
    let [button] = payload.actions.as_slice() else { return Err(NotSlack::Unreadable) };
    let (id, digest) = button.value.split_once(' ').ok_or(NotSlack::Unreadable)?;
    let approval: ApprovalId = id.parse().map_err(|_| NotSlack::Unreadable)?;
    let verb = match (payload.kind.as_str(), button.action_id.as_str()) {
        ("block_actions", "approve") => ApprovalVerb::Approve { digest: digest.to_owned() },
        ("block_actions", "deny") => ApprovalVerb::Deny { reason: Untrusted::from("denied in Slack") },
        _ => return Err(NotSlack::Unreadable),
    };
    Ok(Pressed { user: payload.user.id, command: verb.on(approval), response_url: payload.response_url })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn door(secrets: &[&str]) -> SlackDoor {
        let secrets = secrets.iter().map(|secret| SecretString::from((*secret).to_owned())).collect();
        SlackDoor::new(secrets, BTreeMap::from([("U1".to_owned(), AccountName::parse("ana").unwrap())]))
    }

    fn signed(secret: &str, time: &str, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        format!("v0={}", hex::encode(hmac::sign(&key, format!("v0:{time}:{body}").as_bytes())))
    }

    #[test]
    fn only_what_slack_signed_lately_is_taken() {
        let (time, body) = ("1531420618", "payload=x");
        let now = Timestamp::from_timestamp(1_531_420_618, 0).unwrap();
        let good = signed("new", time, body);
        let check = |door: &SlackDoor, signature: &str, body: &str, now| {
            door.check((Some(time), Some(signature)), body.as_bytes(), now)
        };
        assert_eq!(check(&door(&["old", "new"]), &good, body, now), Ok(()));
        assert_eq!(check(&door(&["old"]), &good, body, now), Err(NotSlack::Unsigned));
        assert_eq!(check(&door(&["new"]), &good, "payload=y", now), Err(NotSlack::Unsigned));
        for bad in ["", "v0=", "v0=zz", &good[3..], &good[..good.len() - 2]] {
            assert_eq!(check(&door(&["new"]), bad, body, now), Err(NotSlack::Unsigned), "{bad}");
        }
        for (seconds, taken) in [(300, Ok(())), (301, Err(NotSlack::Late)), (-301, Err(NotSlack::Late))] {
            assert_eq!(check(&door(&["new"]), &good, body, now + TimeDelta::seconds(seconds)), taken, "{seconds}");
        }
        assert_eq!(check(&SlackDoor::default(), &good, body, now), Err(NotSlack::Closed));
        assert_eq!(door(&["new"]).check((None, Some(&good)), body.as_bytes(), now), Err(NotSlack::Unsigned));
    }

    #[test]
    fn a_signature_of_slacks_own_library_is_believed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/contracts/signing-vectors.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("not tested: there is no {path}");
            return;
        };
        let vectors: Value = serde_json::from_str(&text).unwrap();
        let vector = |field: &str| vectors["slack"][field].as_str().unwrap().to_owned();
        let now = Timestamp::from_timestamp(vector("timestamp").parse().unwrap(), 0).unwrap();
        let headers = (vector("timestamp"), vector("header_X-Slack-Signature"));
        let headers = (Some(headers.0.as_str()), Some(headers.1.as_str()));
        assert_eq!(door(&[&vector("secret")]).check(headers, vector("body").as_bytes(), now), Ok(()));
    }

    #[test]
    fn a_button_names_a_request_and_the_card_that_was_seen() {
        let id = ApprovalId(uuid::Uuid::from_u128(7));
        let form = |kind: &str, action: &str, value: &str| {
            let payload = json!({ "type": kind, "user": { "id": "U1", "username": "a b+c&d" }, "response_url": "https://x",
                "actions": [{ "type": "button", "action_id": action, "value": value }] });
            let payload = payload.to_string();
            let encoded = percent_encoding::utf8_percent_encode(&payload, percent_encoding::NON_ALPHANUMERIC);
            format!("payload={encoded}").into_bytes()
        };
        let pressed = read(&form("block_actions", "approve", &format!("{id} abcdef0123"))).unwrap();
        assert_eq!(pressed.command, ApprovalVerb::Approve { digest: "abcdef0123".to_owned() }.on(id));
        assert_eq!((pressed.user.as_str(), pressed.response_url.as_deref()), ("U1", Some("https://x")));
        for bad in [
            form("view_submission", "approve", &format!("{id} abcdef0123")),
            form("block_actions", "settle", &format!("{id} abcdef0123")),
            form("block_actions", "approve", "card-123"),
            b"payload=%7B".to_vec(),
            b"token=x".to_vec(),
            vec![0xff],
        ] {
            assert_eq!(read(&bad), Err(NotSlack::Unreadable));
        }
    }
}
