//! What is sent, held against what the services say they take; and what their answers mean.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::message::{Decision, Message};
use super::request::{JsonAnswer, JsonRequest};
use super::undelivered::Again;
use super::{PagerDuty, Secret, Slack, SlackWay, Webhook};
use crate::domain::{ApprovalId, CardDigest};
use crate::kinds::{Severity, Tidings};

fn secret() -> SecretString {
    SecretString::from("it-is-secret".to_owned())
}

fn unused() -> Secret {
    Secret::new(|| Err("not fetched here".to_owned()))
}

fn message(tidings: Tidings) -> Message {
    Message {
        id: "page.trigger".to_owned(),
        key: "morningai-incident-7".to_owned(),
        tidings,
        about: None,
        severity: Severity::Critical,
        title: "errors & <!channel> <https://evil|ok>".to_owned(),
        facts: vec![("svc".to_owned(), "api".to_owned())],
        text: "one\ntwo".to_owned(),
        person: Some("ana".to_owned()),
        at: "2026-11-30T03:00:00Z".parse().unwrap(),
        outcome: String::new(),
        receipt: String::new(),
        decision: None,
    }
}

fn body(request: &JsonRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn answer(status: u16, body: &str) -> JsonAnswer {
    JsonAnswer { status, body: body.as_bytes().to_vec(), retry_after: Some(std::time::Duration::from_secs(30)) }
}

/// A published contract, where it is.
fn contract(file: &str) -> Option<Value> {
    let path = format!("{}/../shared/contracts/{file}", env!("CARGO_MANIFEST_DIR"));
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(_) => {
            eprintln!("not tested: there is no {path}");
            None
        }
    }
}

/// What an object has that a schema does not, and the other way around.
fn misfits(schema: &Value, object: &Value) -> Vec<String> {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let missing = required.filter(|name| object[name].is_null()).map(|name| format!("{name} is missing"));
    let mut found: Vec<_> = missing.collect();
    for (name, value) in object.as_object().unwrap() {
        let property = &schema["properties"][name];
        if property.is_null() {
            found.push(format!("{name} is not known"));
        }
        if let Some(allowed) = property["enum"].as_array().filter(|allowed| !allowed.contains(value)) {
            found.push(format!("{name} is none of {allowed:?}"));
        }
        if property["type"] == "string" && !value.is_string() {
            found.push(format!("{name} is not text"));
        }
    }
    found
}

#[test]
fn pagerduty_gets_events_as_its_description_has_them() {
    let service = PagerDuty { url: PagerDuty::URL.to_owned(), routing_key: unused() };
    let keyless = Message { key: String::new(), ..message(Tidings::Resolve) };
    assert!(service.request(&keyless, &secret()).is_err(), "it would be accepted and do nothing");
    let trigger = body(&service.request(&message(Tidings::Trigger), &secret()).ok().unwrap());
    assert_eq!(
        (&trigger["dedup_key"], &trigger["payload"]["severity"]),
        (&json!("morningai-incident-7"), &json!("critical"))
    );
    let Some(description) = contract("pagerduty/events-v2.openapi.json") else { return };
    let operation = &description["paths"]["/enqueue"]["post"]["requestBody"];
    let event = &operation["content"]["application/json"]["schema"];
    let payload = &description["components"]["schemas"]["Payload"];
    for tidings in [Tidings::Trigger, Tidings::Acknowledge, Tidings::Resolve] {
        let sent = body(&service.request(&message(tidings), &secret()).ok().unwrap());
        assert_eq!(misfits(event, &sent), Vec::<String>::new());
        if tidings == Tidings::Trigger {
            assert_eq!(misfits(payload, &sent["payload"]), Vec::<String>::new());
        }
    }
}

#[test]
fn what_a_service_answers_says_whether_to_try_again() {
    let service = PagerDuty { url: PagerDuty::URL.to_owned(), routing_key: unused() };
    assert!(service.taken(&answer(202, "{\"status\":\"success\"}")).is_ok());
    let wrong = service.taken(&answer(400, "{\"message\":\"Event object is invalid\\u001b\"}")).unwrap_err();
    assert_eq!(
        (wrong.again, wrong.reason.as_str()),
        (Again::Never, "it answers with status 400: Event object is invalid␛")
    );
    let busy = service.taken(&answer(429, "")).unwrap_err();
    assert_eq!(busy.again, Again::After(std::time::Duration::from_secs(30)));
    assert_eq!(service.taken(&answer(302, "")).unwrap_err().again, Again::Never, "nothing is followed elsewhere");
    let slack = app();
    assert!(slack.taken(&answer(200, "{\"ok\":true}")).is_ok());
    assert_eq!(
        slack.taken(&answer(200, "{\"ok\":false,\"error\":\"not_in_channel\"}")).unwrap_err().again,
        Again::Never
    );
    assert!(matches!(
        slack.taken(&answer(200, "{\"ok\":false,\"error\":\"ratelimited\"}")).unwrap_err().again,
        Again::After(_)
    ));
    assert!(slack.taken(&answer(200, "<html>")).is_err());
}

fn app() -> Slack {
    Slack { way: SlackWay::App { api: Slack::API.to_owned(), token: unused(), channel: "#ops".to_owned() } }
}

#[test]
fn slack_gets_a_message_that_can_neither_mention_nor_link_and_buttons_for_the_card_that_is_shown() {
    let decision = Decision {
        approval: ApprovalId(uuid::Uuid::from_u128(7)),
        digest: CardDigest("abcdef0123456789".to_owned()),
        only_deny: None,
    };
    let asked = Message { decision: Some(decision.clone()), ..message(Tidings::Trigger) };
    let request = app().request(&asked, &secret()).unwrap();
    assert_eq!(request.url, "https://slack.com/api/chat.postMessage");
    let sent = body(&request);
    assert_eq!(sent["text"], "[critical] errors &amp; &lt;!channel&gt; &lt;https://evil|ok&gt; (for ana)");
    let sections = sent["blocks"].as_array().unwrap().iter().filter(|block| block["type"] == "section");
    assert!(sections.clone().count() > 2 && sections.clone().all(|block| block["text"]["type"] == "plain_text"));
    let buttons = |sent: &Value| {
        let elements = sent["blocks"].as_array().unwrap().last().unwrap()["elements"].clone();
        elements
            .as_array()
            .unwrap()
            .iter()
            .map(|button| button["action_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(buttons(&sent), ["approve", "deny"]);
    let value = &sent["blocks"].as_array().unwrap().last().unwrap()["elements"][0]["value"];
    assert_eq!(value, "00000000-0000-0000-0000-000000000007 abcdef0123456789");
    let long = Message { text: "word ".repeat(4_000), ..asked.clone() };
    assert_eq!(buttons(&body(&app().request(&long, &secret()).unwrap())), ["deny"], "nobody could have read it");
    let critical = Message { decision: Some(Decision { only_deny: Some("it is critical"), ..decision }), ..asked };
    assert_eq!(buttons(&body(&app().request(&critical, &secret()).unwrap())), ["deny"]);
    let Some(description) = contract("slack/web-api.swagger2.trim.json") else { return };
    let parameters = description["paths"]["/chat.postMessage"]["post"]["parameters"].as_array().unwrap().clone();
    let known: Vec<_> = parameters.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
    let unknown: Vec<_> = sent.as_object().unwrap().keys().filter(|name| !known.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert_eq!(sent["channel"], "#ops");
}

#[test]
fn slack_is_told_how_it_went_on_by_changing_the_message_that_it_has() {
    let posted =
        app().taken(&answer(200, "{\"ok\":true,\"channel\":\"C024BE91L\",\"ts\":\"1503435956.000247\"}")).unwrap();
    assert_eq!(posted, "C024BE91L 1503435956.000247");
    for odd in [
        "{\"ok\":true}",
        "{\"ok\":true,\"channel\":\"C1 2\",\"ts\":\"1\"}",
        "{\"ok\":true,\"channel\":\"C1\",\"ts\":1}",
    ] {
        assert_eq!(app().taken(&answer(200, odd)).unwrap(), "", "{odd}");
    }
    let over = Message { outcome: "approved by ana".to_owned(), receipt: posted, ..message(Tidings::Resolve) };
    let request = app().request(&over, &secret()).unwrap();
    assert_eq!(request.url, "https://slack.com/api/chat.update");
    let sent = body(&request);
    assert!(sent["text"].as_str().unwrap().starts_with("[critical] approved by ana: errors"), "{sent}");
    assert!(sent["blocks"].as_array().unwrap().iter().all(|block| block["type"] == "section"), "nothing to press");
    assert_eq!((&sent["channel"], &sent["ts"]), (&json!("C024BE91L"), &json!("1503435956.000247")));
    assert!(
        app().request(&Message { receipt: String::new(), ..over }, &secret()).is_none(),
        "nothing is known to change"
    );
    let Some(description) = contract("slack/web-api.swagger2.trim.json") else { return };
    let Some(parameters) = description["paths"]["/chat.update"]["post"]["parameters"].as_array() else { return };
    let known: Vec<_> = parameters.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
    let unknown: Vec<_> = sent.as_object().unwrap().keys().filter(|name| !known.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn a_webhook_is_signed_over_its_body_and_says_what_it_is_known_by() {
    let hook = Webhook { url: "https://hooks.example/x".to_owned(), secret: None };
    let plain = hook.request(&message(Tidings::Acknowledge), None);
    assert_eq!(plain.headers, [("idempotency-key", "page.trigger".to_owned())]);
    let sent = body(&plain);
    assert_eq!((&sent["action"], &sent["key"]), (&json!("acknowledge"), &json!("morningai-incident-7")));
    let signed = hook.request(&message(Tidings::Acknowledge), Some(&secret()));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"it-is-secret");
    let expected = format!("sha256={}", hex::encode(ring::hmac::sign(&key, &signed.body)));
    assert_eq!(signed.headers.last(), Some(&("x-morningai-signature", expected)));
}
