//! Webhooks of others with the real program: signed, told twice, replayed after a restart, and of a form of their own.

use ring::hmac;
use serde_json::{Value, json};

use crate::story_incidents::{hook_token, http_with, only, serve};
use crate::support::machine::Machine;

const SECRET: &str = "the-secret-that-github-signs-with";
const JSON_TOKEN: &str = "the-token-of-the-json-receiver";

fn machine() -> Machine {
    let machine = Machine::new();
    let config = machine.path(".config/morningai");
    std::fs::create_dir_all(&config).unwrap();
    let text = "[incidents.receivers.github]\nsecrets = [{ command = [\"echo\", \"SECRET\"] }]\n\
                [incidents.receivers.json]\nsecrets = [{ command = [\"echo\", \"TOKEN\"] }]\n\
                [[incidents.mapping]]\nname = \"cron\"\nalerts = \"/jobs\"\nalertname = \"/job\"\nstarted = \"/at\"\n\
                state = \"/state\"\nseverity = \"/how_bad\"\n";
    std::fs::write(config.join("config.toml"), text.replace("SECRET", SECRET).replace("TOKEN", JSON_TOKEN)).unwrap();
    machine
}

fn run(conclusion: &str, at: &str) -> String {
    json!({
        "action": "completed", "repository": { "full_name": "octo/repo", "default_branch": "main" },
        "workflow_run": {
            "workflow_id": 7, "name": "CI", "head_branch": "main", "head_sha": "5779607b49aab1200488439f02372c57",
            "head_repository": { "full_name": "octo/repo" }, "conclusion": conclusion, "updated_at": at,
        },
    })
    .to_string()
}

fn signed(body: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), body.as_bytes());
    format!("X-Hub-Signature-256: sha256={}", hex::encode(tag))
}

fn events(answer: (u16, String)) -> u64 {
    assert_eq!(answer.0, 200, "{}", answer.1);
    serde_json::from_str::<Value>(&answer.1).unwrap()["events"].as_u64().unwrap()
}

#[test]
fn github_is_heard_by_its_signature_and_a_replay_changes_nothing() {
    let machine = machine();
    let (failed, passed) = (run("failure", "2026-11-30T07:00:00Z"), run("success", "2026-11-30T07:30:00Z"));
    let mut served = serve(&machine, &[]);
    let post = |url: &str, header: &str, body: &str| {
        http_with("POST", &format!("{url}/v1/hooks/github"), Some(header), body).unwrap()
    };
    for header in ["X-Other: none".to_owned(), signed("{}"), format!("Authorization: Bearer {}", hook_token(&machine))]
    {
        assert_eq!(post(&served.url, &header, &failed).0, 401, "{header}");
    }
    assert_eq!(post(&served.url, &signed("{\"zen\":1}"), "{\"zen\":1}").0, 202);
    assert_eq!(post(&served.url, &signed("{"), "{").0, 400);
    assert_eq!(events(post(&served.url, &signed(&failed), &failed)), 2);
    assert_eq!(events(post(&served.url, &signed(&failed), &failed)), 0, "a delivery that arrives twice");
    let incident = only(&machine).unwrap();
    assert_eq!(
        (&incident["title"], &incident["state"]),
        (&json!("WorkflowFailed: CI failed on main in octo/repo"), &json!("firing"))
    );
    drop(served);
    served = serve(&machine, &[]);
    assert_eq!(events(post(&served.url, &signed(&failed), &failed)), 0, "one that arrives again after a restart");
    assert_eq!(events(post(&served.url, &signed(&passed), &passed)), 2);
    assert_eq!(only(&machine).unwrap()["state"], "resolved");
    for replayed in [&failed, &passed] {
        assert_eq!(events(post(&served.url, &signed(replayed), replayed)), 0, "one that is replayed when it is over");
    }
    std::fs::write(machine.path("run.json"), run("failure", "2026-11-30T07:40:00Z")).unwrap();
    let taken = machine.run(&["ingest", "github", "run.json"]).ended(0).out;
    assert!(taken.contains("is firing: WorkflowFailed"), "{taken}");
}

#[test]
fn json_is_read_by_its_mapping_and_a_token_opens_its_own_receiver_alone() {
    let machine = machine();
    let served = serve(&machine, &[]);
    let post = |receiver: &str, token: &str, body: &Value| {
        let header = format!("Authorization: Bearer {token}");
        http_with("POST", &format!("{}/v1/hooks/{receiver}", served.url), Some(&header), &body.to_string()).unwrap()
    };
    let body =
        json!({ "jobs": [{ "job": "backup", "at": "2026-11-30T07:00:00Z", "state": "down", "how_bad": "critical" }] });
    assert_eq!(post("json", &hook_token(&machine), &body).0, 401);
    assert_eq!(post("alertmanager", JSON_TOKEN, &body).0, 401);
    assert_eq!(post("sentry", JSON_TOKEN, &body).0, 401, "a receiver without a secret is closed");
    let (status, answer) = post("json", JSON_TOKEN, &json!({ "checks": [] }));
    assert!(status == 422 && answer.contains("cron: \\\"/jobs\\\" is not a list"), "{status} {answer}");
    assert_eq!(events(post("json", JSON_TOKEN, &body)), 2);
    assert_eq!(only(&machine).unwrap()["severity"], "critical");
    let doctor = machine.run(&["doctor", "--offline"]).out;
    assert!(doctor.contains("github: open") && doctor.contains("sentry: closed: it has no secret"), "{doctor}");
}
