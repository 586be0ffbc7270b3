//! What the real program looks at by itself: probes, logs, its own runs, and a real Prometheus.

use std::io::Write;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::story_incidents::{http, serve, until};
use crate::support::machine::Machine;
use crate::support::prometheus::Prometheus;

fn configured(config: &str) -> Machine {
    let machine = Machine::new();
    let directory = machine.path(".config/morningai");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("config.toml"), config).unwrap();
    machine
}

/// The incident whose title begins like this, in this state.
fn find(machine: &Machine, title: &str, state: &str) -> Option<Value> {
    let listed = machine.run(&["incidents", "--json"]).ended(0).json();
    let is_it = |incident: &Value| incident["title"].as_str().unwrap().starts_with(title) && incident["state"] == state;
    listed.into_iter().find(is_it)
}

const PROCEDURE: &str = "---\nname: breaks\ndescription: Fails\n---\n\n## Break\n\n```sh\nfalse\n```\n";

#[test]
fn what_does_not_answer_what_is_logged_and_a_run_that_failed_are_incidents() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let machine = configured(&format!(
        "[[probe]]\nname = \"web\"\nurl = \"tcp://{address}\"\nevery = \"1s\"\nmisses = 2\n\
         [[watch]]\nname = \"app\"\nfile = \"app.log\"\npattern = 'ERROR \\d+'\nquiet = \"2s\"\n"
    ));
    let log = machine.path(".config/morningai/app.log");
    std::fs::write(&log, "ERROR 1 of before\n").unwrap();
    std::fs::write(machine.path("breaks.md"), PROCEDURE).unwrap();
    machine.run(&["run", "--runbook", "breaks.md", "--until-waiting"]).ended(1);
    let listed = machine.run(&["probes"]).ended(1).out;
    assert!(listed.contains("failing") && listed.contains("100.00 %"), "{listed}");

    let served = serve(&machine, &[]);
    until("a failed probe", || find(&machine, "ProbeFailed: web does not answer", "firing"));
    let tell =
        |text: &str| std::fs::File::options().append(true).open(&log).unwrap().write_all(text.as_bytes()).unwrap();
    tell("all is well\nERROR 500 \u{1b}[2Jsecret\n");
    until("a pattern", || find(&machine, "LogPattern: app: ERROR 500 \u{1b}[2J", "firing"));
    let shown = machine.run(&["incidents"]).ended(0).out;
    assert!(shown.contains("ERROR 500 ␛[2J"), "{shown}");
    until("the end of the pattern", || find(&machine, "LogPattern", "resolved"));
    until("a run that failed", || find(&machine, "RunFailed: run ", "firing"));
    let token = std::fs::read_to_string(machine.path("data/serve.token")).unwrap();
    let answer = || http("GET", &format!("{}/v1/probes", served.url), Some(token.trim()), "").unwrap().1;
    let probes = || serde_json::from_str::<Value>(&answer()).unwrap()["probes"][0].clone();
    assert_eq!((&probes()["name"], &probes()["state"]), (&json!("web"), &json!("down")));
    let _listening = TcpListener::bind(address).unwrap();
    until("the end of it", || find(&machine, "ProbeFailed", "resolved"));
    assert_eq!(probes()["state"], "up");
    assert!(probes()["uptime_24h"].as_f64().unwrap() < 100.0);
    machine.run(&["probes", "--json"]).ended(0);
}

#[test]
fn a_real_prometheus_is_asked_what_fires() {
    let place = Machine::new();
    let Some(prometheus) = Prometheus::start(&place, "") else {
        eprintln!("not tested: there is no prometheus here");
        return;
    };
    prometheus.rules(
        &place,
        "groups:\n  - name: test\n    rules:\n      - alert: AlwaysOn\n        expr: vector(1)\n        labels: { severity: critical }\n        \
         annotations: { summary: it is on }\n",
    );
    let machine = configured(&format!("[incidents]\nprometheus = \"{}\"\n", prometheus.url));
    let _served = serve(&machine, &[]);
    let incident = until("an incident", || find(&machine, "AlwaysOn: it is on", "firing"));
    assert_eq!(incident["severity"], "critical");
    let procedures = machine.path(".config/morningai/procedures");
    std::fs::create_dir_all(&procedures).unwrap();
    let procedure = |name: &str, block: &str| {
        let text = format!("---\nname: {name}\ndescription: Asks\n---\n\n## Ask\n\n{block}");
        std::fs::write(procedures.join(format!("{name}.md")), text).unwrap();
    };
    procedure("asks", "```tool check_alert\n```\n");
    procedure("waits", "```sh\ntrue\n```\n\n```verify tool check_alert every=1s within=1m\n```\n");
    let id = incident["id"].as_str().unwrap();
    let shown = || machine.run(&["incidents", "show", id]).ended(0).out;
    let runs = || machine.run(&["incidents", "show", id, "--json"]).ended(0).json()[0]["runs"].clone();
    machine.run(&["incidents", "runbook", id, "--name", "asks"]).ended(0);
    until("that it still fires", || Some(()).filter(|()| runs()[0]["ended"] == "failed"));
    assert!(shown().contains("still fires"), "{}", shown());
    machine.run(&["incidents", "runbook", id, "--name", "waits"]).ended(0);
    prometheus.rules(&place, "groups: []\n");
    until("that it does not", || Some(()).filter(|()| runs()[1]["ended"] == "succeeded"));
    until("the end of it", || find(&machine, "AlwaysOn", "resolved"));
    let card =
        until("a change of the runbook", || machine.run(&["approvals", "--json"]).ended(0).json().into_iter().next());
    assert_eq!(card["tool"], "propose_runbook");
    machine.run(&["approve", card["id"].as_str().unwrap(), "--digest", card["digest"].as_str().unwrap()]).ended(0);
    let changed = || std::fs::read_to_string(procedures.join("waits.md")).unwrap();
    until("the change", || {
        Some(()).filter(|()| changed().contains("description: Asks\nmatch:\n  alertname: AlwaysOn\n---\n"))
    });
    until("that it is told", || Some(()).filter(|()| shown().contains("runbook waits approved by ana")));
    drop(prometheus);
    until("that it tells nothing", || find(&machine, "PrometheusSilent: no alerts arrive", "firing"));
}
