//! Being paged, with the real program and stand-ins for what it pages by: step after step, through an outage and a crash,
//! once by two workers, until somebody takes it up; deciding in Slack; mail.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use ring::hmac;
use serde_json::{Value, json};

use crate::story_attach::Served;
use crate::story_incidents::{body, until};
use crate::support::machine::Machine;
use crate::support::postgres::{Database, PROGRAM};
use crate::support::sink::{Arrived, MailSink, Reply, Sink};

/// Ana is on call all week, and bo in a second schedule.
const SCHEDULES: &str = r#"
[oncall.schedules.primary]
zone = "Europe/Berlin"
layers = [{ people = ["ana"], shift = "weekly", from = "2026-01-05T09:00" }]

[oncall.schedules.secondary]
zone = "Europe/Berlin"
layers = [{ people = ["bo", "ana"], shift = "weekly", from = "2026-01-05T09:00" }]
"#;

fn configure(machine: &Machine, text: &str) {
    let dir = machine.path(".config/morningai");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("config.toml"), text).unwrap();
    let secret = dir.join("secret");
    std::fs::write(&secret, "it-is-a-secret-of-this-test\n").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn serve(machine: &Machine) -> Served {
    Served::start_by(machine.command(&["serve", "--json", "--listen", "127.0.0.1:0"]))
}

fn ingest(machine: &Machine, status: &str) {
    machine.run_with_input(&["ingest", "alertmanager", "-"], &body(status, "/var/tmp")).ended(0);
}

fn pages(machine: &Machine) -> Vec<Value> {
    machine.run(&["pages", "--json"]).ended(0).json()
}

/// What arrived of one kind.
fn with(sink: &Sink, field: &str, action: &str) -> Vec<Value> {
    let told = sink.arrived().iter().map(Arrived::json).collect::<Vec<_>>();
    told.into_iter().filter(|told| told[field] == action).collect()
}

fn pages_until_taken_up(machine: &Machine) {
    let service = Sink::start(|_, before| match before {
        0 => Reply::With(500, "{}"),
        _ => Reply::With(202, r#"{"status":"success","message":"Event processed"}"#),
    });
    let hook = Sink::start(|_, _| Reply::With(200, "{}"));
    let mut config = SCHEDULES.to_owned();
    write!(
        config,
        r#"
[oncall]
incidents = "usual"

[oncall.people]
ana = {{ notify = ["pd"] }}
bo = {{ notify = ["hook"] }}

[oncall.policies.usual]
steps = [{{ notify = ["primary"] }}, {{ after = "7s", notify = ["bo"] }}]

[oncall.notifiers.pagerduty.pd]
routing_key = {{ file = "secret" }}
url = "{}/v2/enqueue"

[oncall.notifiers.webhook.hook]
url = "{}/oncall"
secret = {{ file = "secret" }}
"#,
        service.url, hook.url
    )
    .unwrap();
    // A header of its own stands once, before the tables below it.
    configure(machine, &config);
    let served = serve(machine);
    ingest(machine, "firing");
    ingest(machine, "firing");
    until("the page after the outage", || Some(()).filter(|()| with(&service, "event_action", "trigger").len() == 2));
    let triggers = with(&service, "event_action", "trigger");
    assert_eq!(triggers[0], triggers[1], "the same key, and all else");
    assert_eq!(triggers[0]["payload"]["summary"], "DiskFilling: /var is 91 % full");
    let key = triggers[0]["dedup_key"].clone();
    assert!(key.as_str().unwrap().starts_with("morningai-incident-"));
    until("the next step", || Some(()).filter(|()| !hook.arrived().is_empty()));
    let first = hook.arrived().remove(0);
    let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"it-is-a-secret-of-this-test"), first.body.as_bytes());
    assert_eq!(first.header("x-morningai-signature"), format!("sha256={}", hex::encode(signed)));
    assert_eq!((&first.json()["person"], &first.json()["key"]), (&json!("bo"), &key));

    let id = machine.run(&["incidents", "--json"]).json()[0]["id"].as_str().unwrap().to_owned();
    machine.run(&["incidents", "acknowledge", &id]).ended(0);
    let told = |sink: &Sink, field: &str, action: &str| {
        let name = format!("{action} in {}", sink.url);
        let told = until(&name, || with(sink, field, action).into_iter().next());
        assert_eq!(told[if field == "action" { "key" } else { "dedup_key" }], key);
    };
    told(&service, "event_action", "acknowledge");
    told(&hook, "action", "acknowledge");
    ingest(machine, "resolved");
    told(&service, "event_action", "resolve");
    told(&hook, "action", "resolve");
    until("the end of the pages", || Some(()).filter(|()| pages(machine).iter().all(|page| page["state"] == "ended")));
    let (told, before) = (service.arrived().len() + hook.arrived().len(), pages(machine));
    assert_eq!((told, before.len()), (7, 2), "nobody is told anything twice: {:?}", hook.arrived());
    drop(served);
    let log = machine.run(&["log", "export"]).ended(0).out;
    assert!(log.contains("page.delivered") && !log.contains("it-is-a-secret"));
    machine.run(&["db", "rebuild"]).ended(0);
    assert_eq!(pages(machine), before);
    machine.run(&["log", "verify"]).ended(0);
}

#[test]
fn a_critical_incident_pages_until_somebody_takes_it_up_on_sqlite() {
    pages_until_taken_up(&Machine::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_critical_incident_pages_until_somebody_takes_it_up_on_postgres() {
    let database = Database::migrated().await;
    let url = database.url(PROGRAM);
    tokio::task::spawn_blocking(move || pages_until_taken_up(&Machine::new().with_store(&url))).await.unwrap();
}

#[test]
fn two_workers_page_once_and_after_a_crash_it_is_sent_again_under_the_same_key() {
    let hook = Sink::start(|_, before| if before == 0 { Reply::Never } else { Reply::With(200, "{}") });
    let machine = Machine::new();
    let text = format!(
        "[oncall]\nincidents = \"usual\"\npeople.ana.notify = [\"hook\"]\npolicies.usual.steps = [{{ notify = [\"ana\"] \
         }}]\nnotifiers.webhook.hook.url = \"{}\"\n",
        hook.url
    );
    configure(&machine, &text);
    let workers = [serve(&machine), serve(&machine)];
    ingest(&machine, "firing");
    until("the page", || Some(()).filter(|()| !hook.arrived().is_empty()));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!((hook.arrived().len(), pages(&machine).len()), (1, 1), "one sends it");
    assert_eq!(pages(&machine)[0]["state"], "sending");
    // Killed while it waits for the answer.
    drop(workers);
    let _worker = serve(&machine);
    until("the page again", || Some(()).filter(|()| pages(&machine)[0]["state"] == "delivered"));
    let arrived = hook.arrived();
    assert_eq!(arrived.len(), 2);
    let key = |arrived: &Arrived| arrived.header("idempotency-key").to_owned();
    assert_eq!(key(&arrived[0]), key(&arrived[1]));
    assert_eq!(pages(&machine)[0]["attempts"], 2);
}

/// What Slack posts when somebody presses a button, signed.
fn press(url: &str, user: &str, action: &str, value: &str) -> (u16, String) {
    let payload = json!({ "type": "block_actions", "user": { "id": user }, "team": { "id": "T1" },
        "actions": [{ "type": "button", "action_id": action, "block_id": "morningai", "value": value }] });
    let payload = payload.to_string();
    let body =
        format!("payload={}", percent_encoding::utf8_percent_encode(&payload, percent_encoding::NON_ALPHANUMERIC));
    let time = chrono::Utc::now().timestamp().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"it-is-a-secret-of-this-test");
    let signature = hex::encode(hmac::sign(&key, format!("v0:{time}:{body}").as_bytes()));
    post(url, &[("X-Slack-Request-Timestamp", &time), ("X-Slack-Signature", &format!("v0={signature}"))], &body)
}

fn post(url: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let url = format!("{url}/v1/hooks/slack");
    let request = crate::server::post::reqwest_client().post(url).body(body.to_owned());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    })
}

#[test]
fn a_card_is_approved_in_slack_with_the_rights_of_the_account_and_nobody_elses() {
    let slack = Sink::start(|_, _| Reply::With(200, r#"{"ok":true,"channel":"C1","ts":"1","message":{}}"#));
    let machine = Machine::new();
    let text = format!(
        r##"[oncall]
approvals = "cards"
slack_signing_secrets = [{{ file = "secret" }}]
people.ana = {{ notify = ["ops"], slack = "UANA" }}
people.bo = {{ notify = ["ops"], slack = "UBO" }}
people.cy = {{ notify = ["ops"], slack = "UCY" }}
policies.cards.steps = [{{ notify = ["bo"] }}]
notifiers.slack.ops = {{ token = {{ file = "secret" }}, channel = "#ops", api = "{}/api" }}
"##,
        slack.url
    );
    configure(&machine, &text);
    for (name, role) in [("ana", "owner"), ("bo", "admin"), ("cy", "viewer")] {
        machine.run(&["accounts", "add", name, "--role", role, "--no-password"]).ended(0);
    }
    let served = serve(&machine);
    machine.run(&["run", "--runbook", "check-this-machine", "--detach"]).ended(0);
    let told = until("a message in Slack", || slack.arrived().into_iter().next());
    assert_eq!(
        (told.path.as_str(), told.header("authorization")),
        ("/api/chat.postMessage", "Bearer it-is-a-secret-of-this-test")
    );
    let blocks = told.json()["blocks"].clone();
    let buttons = blocks.as_array().unwrap().last().unwrap()["elements"].clone();
    assert_eq!((&buttons[0]["action_id"], &buttons[1]["action_id"]), (&json!("approve"), &json!("deny")));
    let value = buttons[0]["value"].as_str().unwrap();
    let approval = machine.run(&["approvals", "--json"]).json()[0].clone();
    assert_eq!(value, format!("{} {}", approval["id"].as_str().unwrap(), approval["digest"].as_str().unwrap()));
    assert!(blocks.to_string().contains("readings"), "the card is shown: {blocks}");

    let said = |user: &str, action: &str, value: &str| {
        let (status, text) = press(&served.url, user, action, value);
        assert_eq!(status, 200, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()["text"].as_str().unwrap().to_owned()
    };
    let refused =
        |said: String, why: &str| assert!(said.starts_with("Nothing was decided") && said.contains(why), "{said}");
    refused(said("UANA", "approve", value), "nobody decides on what they asked for themselves");
    refused(said("UCY", "approve", value), "viewer may not");
    refused(said("UEVE", "approve", value), "UEVE is nobody here");
    let (id, digest) = value.split_once(' ').unwrap();
    refused(said("UBO", "approve", &format!("{id} {}", digest.replace(|_| true, "0"))), "is not the card's digest");
    assert_eq!(post(&served.url, &[], "payload=%7B%7D").0, 401);
    let stale = [("X-Slack-Request-Timestamp", "1531420618"), ("X-Slack-Signature", "v0=00")];
    assert_eq!(post(&served.url, &stale, "payload=%7B%7D").0, 401);
    assert_eq!(machine.run(&["approvals", "--json"]).json().len(), 1, "nothing is decided yet");
    assert_eq!(said("UBO", "approve", value), "Approved as bo.");
    refused(said("UBO", "deny", value), "already approved (by bo)");
    let decided = machine.run(&["approvals", "show", id, "--json"]).json()[0].clone();
    assert_eq!((&decided["state"], &decided["decided_by"]), (&json!("approved"), &json!("bo")));
    until("the end of the page", || Some(()).filter(|()| pages(&machine)[0]["state"] == "ended"));
    let changed = slack.arrived().into_iter().find(|told| told.path == "/api/chat.update").unwrap().json();
    assert_eq!((&changed["channel"], &changed["ts"]), (&json!("C1"), &json!("1")));
    assert!(changed["text"].as_str().unwrap().contains("approved by bo: "), "{changed}");
    assert!(!changed.to_string().contains("\"button\""), "there is nothing to press any more: {changed}");
}

#[test]
fn who_is_on_call_is_said_and_a_test_page_arrives() {
    let (mail, machine) = (MailSink::start(), Machine::new());
    let people = "[oncall.people]\nana = { notify = [\"mail\"] }\nbo = { notify = [\"mail\"] }\n";
    let notifier = format!(
        "[oncall.notifiers.email.mail]\nfrom = \"morningai@example.org\"\nto = [\"Ana <ana@example.org>\"]\nserver = \
         \"{}\"\nsecurity = \"none\"\n",
        mail.server
    );
    configure(&machine, &format!("{SCHEDULES}{people}{notifier}"));
    let on_call = machine.run(&["oncall", "--json", "--at", "2026-03-30T08:59:00+02:00"]).ended(0).json();
    assert_eq!((&on_call[1]["schedule"], &on_call[1]["person"]), (&json!("secondary"), &json!("ana")));
    assert_eq!(on_call[1]["until"], "2026-03-30T07:00:00Z", "09:00 also after the clock went forward");
    assert!(machine.run(&["oncall"]).ended(0).out.contains("primary    ana"));
    machine.run(&["oncall", "--at", "2025-01-01"]).ended(1);
    machine.run(&["oncall", "--at", "soon"]).ended(2);
    let sent = machine.run(&["oncall", "test", "mail"]).ended(0).out;
    assert!(sent.contains("e-mail to ana@example.org"), "{sent}");
    let arrived = mail.mails().remove(0);
    assert!(
        arrived.contains("Subject: [info] A test of morningai") && arrived.contains(".trigger@morningai>"),
        "{arrived}"
    );
    assert!(machine.run(&["oncall", "test", "pager"]).ended(2).err.contains("there is mail"));
    let doctor = machine.run(&["doctor", "--offline"]).out;
    assert!(doctor.contains("primary: ana") && doctor.contains("notifier   mail: e-mail to"), "{doctor}");
    let gap = SCHEDULES.replacen("from = \"2026-01-05T09:00\"", "from = \"2026-01-05T09:00\", days = [\"mon\"]", 1);
    configure(&machine, &format!("{gap}{people}{notifier}"));
    let refused = machine.run(&["oncall"]).ended(2).err;
    assert!(
        refused.contains("config.toml:4:") && refused.contains("nobody is on call on Tuesday from 00:00"),
        "{refused}"
    );
}
