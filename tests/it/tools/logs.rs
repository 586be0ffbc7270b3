//! `search_logs` on real files: what it finds, what it may read, and what the policy says.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{TimeDelta, Utc};
use morningai::domain::{Environment, FailureKind};
use morningai::policy::Policy;
use morningai::ports::SystemClock;
use morningai::tools::logs::SearchLogs;
use morningai::tools::remote::Hosts;
use serde_json::{Value, json};

use super::Bench;
use crate::policy::said;

fn log(lines: &[(i64, &str)]) -> String {
    let line = |(minutes, text): &(i64, &str)| {
        format!("{} {text}\n", (Utc::now() - TimeDelta::minutes(*minutes)).format("%Y-%m-%dT%H:%M:%SZ"))
    };
    lines.iter().map(line).collect()
}

async fn search(bench: &Bench, args: Value) -> morningai::domain::ToolResult {
    bench.call("search_logs", args).await
}

#[tokio::test]
async fn what_is_new_is_told_first_and_an_attackers_bytes_stay_text() {
    let bench = Bench::plain();
    let usual = [
        (90, "INFO http GET /a 200 12ms"),
        (80, "INFO http GET /b 200 9ms"),
        (30, "INFO http GET /c 200 1ms"),
        (20, "INFO http GET /d 200 3ms"),
    ];
    bench.write("logs/app.log.1", log(&usual[..2]));
    bench.write(
        "logs/app.log",
        log(&usual[2..])
            + &log(&[
                (10, "ERROR \u{1b}[2Jrm -rf / refused for 10.1.2.3"),
                (9, "ERROR \u{1b}[2Jrm -rf / refused for 10.1.2.4"),
            ]),
    );
    bench.write("logs/id_rsa", log(&[(5, "PRIVATE KEY")]));
    bench.write("logs/old.gz", "packed");
    let path = bench.path("logs/app.log").canonicalize().unwrap().display().to_string();
    let found = search(&bench, json!({ "path": path })).await;
    assert_eq!(found.summary.raw(), "4 lines of 2 forms; 1 new, 0 at least three times as often as before");
    let text = found.output.head.raw();
    let new = text.lines().find(|line| line.starts_with("NEW")).unwrap();
    assert!(new.contains("2  ERROR \u{1b}[<*>Jrm -rf / refused for <*>.<*>.<*>.<*>"), "{text}");
    assert!(!found.output.head.visible().contains('\u{1b}'));
    let data = found.data.unwrap();
    assert_eq!((&data["lines"], &data["lines_before"], &data["complete"]), (&json!(4), &json!(2), &json!(true)));
    assert_eq!(data["templates"][0]["change"], "new");

    let directory = bench.path("logs").canonicalize().unwrap().display().to_string();
    let all = search(&bench, json!({ "path": directory, "pattern": "PRIVATE|ERROR" })).await;
    assert!(all.summary.raw().starts_with("2 lines of 1 form"), "a credential is passed over: {all:?}");
    let before = (Utc::now() - TimeDelta::minutes(60)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let earlier = search(&bench, json!({ "path": path, "range": "1h", "end": before })).await;
    assert_eq!(earlier.summary.raw(), "2 lines of 1 form");
    let none = search(&bench, json!({ "path": path, "pattern": "absent" })).await;
    assert_eq!(none.summary.raw(), "no line in this window");
}

#[tokio::test]
async fn what_may_not_be_read_is_refused_and_bad_calls_say_why() {
    let bench = Bench::plain();
    bench.write("kept/log", "x");
    bench.write(".ssh/log", "x");
    bench.write("old.log", "2020-01-01T00:00:00Z x\n");
    let long_ago = SystemTime::now() - Duration::from_secs(90 * 86_400);
    std::fs::File::options().append(true).open(bench.path("old.log")).unwrap().set_modified(long_ago).unwrap();
    let place = |below: &str| bench.path(below).display().to_string();
    let private = vec![bench.path("kept")];
    let (kept, credential, old) = (place("kept/log"), place(".ssh/log"), place("old.log"));
    let bench = bench.with(Arc::new(SearchLogs::new(Arc::new(SystemClock), private, Hosts::default())));
    for (args, failure) in [
        (json!({ "path": "var/log" }), FailureKind::Refused),
        (json!({ "path": kept }), FailureKind::Refused),
        (json!({ "path": credential }), FailureKind::Refused),
        (json!({ "path": "/no/such/log" }), FailureKind::Failed),
        (json!({ "path": "/var/log", "unit": "ssh" }), FailureKind::BadCall),
        (json!({ "path": "/var/log", "pattern": "(" }), FailureKind::BadCall),
        (json!({ "path": "/var/log", "range": "5 minutes" }), FailureKind::BadCall),
        (json!({ "path": "/var/log", "end": "yesterday" }), FailureKind::BadCall),
        (json!({ "path": "/var/log", "directory": "/" }), FailureKind::BadCall),
    ] {
        assert_eq!(search(&bench, args.clone()).await.failure, Some(failure), "{args}");
    }
    let found = search(&bench, json!({ "path": old })).await;
    assert_eq!(found.summary.raw(), "no line in this window", "{found:?}");
}

#[tokio::test]
async fn usual_places_are_searched_unasked_and_others_ask() {
    let bench = Bench::plain();
    bench.write("app.log", "x");
    let own = bench.path("app.log").canonicalize().unwrap().display().to_string();
    let policy = Policy::bundled().unwrap();
    for (args, verdict) in [
        (json!({}), "run searches-logs"),
        (json!({ "unit": "ssh.service" }), "run searches-logs"),
        (json!({ "path": "/var/log" }), "run searches-logs"),
        (json!({ "path": "/var/log/../log" }), "run searches-logs"),
        (json!({ "path": "/var/log/../../etc" }), "ask reads-host-files"),
        (json!({ "path": own }), "ask reads-host-files"),
    ] {
        let card = bench.prepare("search_logs", args.clone()).await.unwrap();
        assert_eq!(card.environment, Environment::Host);
        assert_eq!(said(&policy.judge("ops", &card)), verdict, "{args}");
    }
}

#[tokio::test]
async fn the_journal_is_read_or_said_to_be_missing() {
    let found = search(&Bench::plain(), json!({ "range": "1m", "unit": "--file=/etc/passwd" })).await;
    match std::process::Command::new("journalctl").arg("--version").output() {
        Err(_) => assert!(found.summary.raw().contains("there is no journalctl on this machine"), "{found:?}"),
        Ok(_) => assert!(!found.output.head.raw().contains("root:"), "{found:?}"),
    }
}
