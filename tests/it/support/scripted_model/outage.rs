//! An agent on call: a service is down and no runbook is for it. The model checks the alert, looks at the service, proposes
//! to restart it, checks the alert until it has cleared, and proposes a runbook: first a faulty one.

use std::time::Duration;

use serde_json::{Value, json};

use super::story::{Done, Saying, end, forced_if_asked, mark, say, step};
use super::{Script, Turn};

pub const FINDINGS: &str = "Cause: `web` was stopped.\nDone: restarted it, as approved. Verified: the alert cleared.";

/// What it says that a runbook should have; the alert's text belongs in no script.
pub const FAULTY: &str = "---\nname: web-gone\ndescription: Restarts web\nmatch:\n  alertname: WebGone\n---\n\n## Restart\n\n\
                          ```sh\nsv restart {{service}}\n```\n";
pub const RUNBOOK: &str = "---\nname: web-gone\ndescription: Restarts web when it is gone\nmatch:\n  alertname: WebGone\n---\n\n\
                           ## Restart\n\n```tool restart_service\n```\n\n```verify tool check_alert every=1s within=1m\n```\n";

/// Between two looks at the alert.
const PAUSE: Duration = Duration::from_millis(200);

/// How long it thinks for people to watch.
const THINKS: Duration = Duration::from_millis(2_200);

pub fn outage() -> Script {
    Script::new().forever(Turn::computed(|request| forced_if_asked(request, answer(request, FAULTY)).after(PAUSE)))
}

/// The same at a pace to follow, with tokens to be paid for, and with the sound runbook at once.
pub fn for_viewers() -> Script {
    Script::new().forever(Turn::computed(|request| {
        forced_if_asked(request, answer(request, RUNBOOK)).usage(6_400, 4_100, 190).after(THINKS)
    }))
}

/// `first` is the runbook that it proposes first.
fn answer(request: &Value, first: &str) -> Saying {
    if request["response_format"]["json_schema"]["name"] == json!("plan") {
        let steps = json!([
            step("Find the cause", "check_service", "the cause is known", "ask the person", json!([])),
            step("Restore service", "restart_service", "the alert has cleared", "leave it to a person", json!([1])),
        ]);
        return say("", vec![("plan", json!({ "steps": steps }))]);
    }
    let done = Done::of(request);
    let restarted = done.ever("restart_service");
    match done.last() {
        None => say("First whether it still fires.", vec![mark(1, "running"), ("check_alert", json!({}))]),
        Some(("check_alert", true)) => {
            say("It has cleared. The next one needs no model.", vec![mark(2, "done"), runbook(first)])
        }
        Some(("propose_runbook", false)) if first == FAULTY && done.times("propose_runbook") == 1 => {
            say("The label goes in as a variable; the tool does that.", vec![runbook(RUNBOOK)])
        }
        Some(("propose_runbook", _)) => end(FINDINGS, Vec::new()),
        Some(("check_service", false)) if !restarted => {
            say("It is down. A restart is the smallest change.", vec![("restart_service", json!({}))])
        }
        Some(("check_alert", false)) => say("", vec![("check_service", json!({}))]),
        Some(("restart_service" | "check_service", true)) => say("", vec![("check_alert", json!({}))]),
        Some((tool, _)) => {
            let summary = format!("Stopped: {tool} did not work.");
            say("", vec![("finish", json!({ "summary": summary, "outcome": "failed" }))])
        }
    }
}

fn runbook(text: &str) -> (&'static str, Value) {
    ("propose_runbook", json!({ "name": "web-gone", "text": text }))
}
