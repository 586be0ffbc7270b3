//! Runbooks on another host, over SSH: a real `sshd` and the system's `ssh`. The other host is this machine, with a
//! service under a supervisor that the program itself does not look at.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::story_runbooks::{Served, run_and_approve};
use crate::support::machine::Machine;
use crate::support::scripted_model::{Script, ScriptedModel, Turn};
use crate::support::sshd::Sshd;

const WRITES: &str = "---\nname: writes\ndescription: Writes down what it is told\nneeds: scratch\n---\n\
                      ## Write\n```sh timeout=60s\nprintf '%s' \"$LABEL_text\" > TOLD; echo \"$HOST\"; cat\n```\n";
const LASTS: &str = "---\nname: lasts\ndescription: Takes its time\nneeds: scratch\n---\n\
                     ## Take it\n```sh timeout=60s\necho begun >> BEGUN; sleep 50; echo done >> BEGUN\n```\n";

const LOOKS: &str = "---\nname: looks\ndescription: Looks\nneeds: scratch\n---\n\
                     ## Load\n```tool host_check\nwhat = \"load\"\nsave = true\n```\n\
                     ## Disks\n```tool host_check\nwhat = \"disks\"\n```\n\
                     ## Logs\n```tool search_logs\npath = \"LOG\"\n```\n\
                     ## Certificate\n```tool check_certificate on_failure=continue\nfrom = \"file\"\nname = \"LOG\"\n```\n";

fn configure(machine: &Machine, hosts: &str) {
    let directory = machine.path(".config/morningai");
    fs::create_dir_all(directory.join("procedures")).unwrap();
    fs::write(directory.join("config.toml"), hosts).unwrap();
    for (name, text) in [("writes", WRITES), ("lasts", LASTS), ("looks", LOOKS)] {
        let text = text.replace("TOLD", &machine.path("told").display().to_string());
        let text = text.replace("LOG", &machine.path("app.log").display().to_string());
        let text = text.replace("BEGUN", &machine.path("begun").display().to_string());
        fs::write(directory.join(format!("procedures/{name}.md")), text).unwrap();
    }
}

fn pending(machine: &Machine) -> Value {
    machine.run(&["approvals", "--json"]).ended(0).json().remove(0)
}

fn text<'a>(card: &'a Value, name: &str) -> &'a str {
    card[name].as_str().unwrap()
}

#[test]
fn a_service_of_another_host_is_restarted_there_after_approval() {
    let Some(mut served) = Served::start(|_| "exec sleep 1000".to_owned()) else { return };
    let services = served.machine.path("services");
    let Some(mut sshd) = Sshd::start(&[("SVDIR", &services)]) else { return };
    served.machine.set("PATH", sshd.path());
    served.machine.set("SVDIR", served.machine.path("no-services-here"));
    let machine = &served.machine;
    configure(machine, "[hosts.web3]\nssh = \"web3-alias\"\n[hosts.down]\nssh = \"down-alias\"\n");
    served.order("d");
    served.until("the service down", |served| !served.is_up());

    let start = ["run", "--runbook", "service-down", "--until-waiting", "--label", "instance=web3:9100", "--label"];
    machine.run(&[&start[..], &["service=web"]].concat());
    let card = pending(machine);
    assert_eq!((text(&card, "environment"), &card["targets"]), ("remote", &json!(["web on web3"])), "{card}");
    let shown = machine.run(&["approvals", "show", text(&card, "id")]).ended(0).out;
    assert!(shown.contains("on web3 (web3-alias), over SSH"), "{shown}");
    assert!(shown.contains("runs there: sv restart web, by sudo -n"), "{shown}");

    // What was approved is this destination and no other.
    configure(machine, "[hosts.web3]\nssh = \"web3-other\"\n");
    let approve = ["approve", text(&card, "id"), "--digest", text(&card, "digest"), "--until-waiting"];
    machine.run(&approve);
    let again = pending(machine);
    assert_ne!(again["digest"], card["digest"]);
    assert!(!served.is_up(), "nothing ran");
    machine.run(&["approve", text(&again, "id"), "--digest", text(&again, "digest"), "--until-waiting"]).ended(0);
    assert!(served.is_up());
    assert_eq!(machine.run(&["runs", "--json"]).json()[0]["state"], "succeeded");

    // A label stays one text, and the script's own input is empty.
    let hostile = "it's; touch pwned $(touch pwned) `touch pwned` \\ \"quoted\"\nmore";
    let (approved, run) = run_and_approve(machine, "writes", &["instance=web3:9100", &format!("text={hostile}")]);
    assert_eq!((approved.len(), &run["state"]), (1, &json!("succeeded")), "{run}");
    assert_eq!(fs::read_to_string(machine.path("told")).unwrap(), hostile);

    let log = format!("{} ERROR it broke\n", chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ"));
    fs::write(machine.path("app.log"), log).unwrap();
    let (approved, run) = run_and_approve(machine, "looks", &["instance=web3:9100"]);
    let asked = [format!("search {} on web3", machine.path("app.log").display())];
    assert_eq!((&approved[..], &run["state"]), (&asked[..], &json!("succeeded")), "{run}");
    let shown = machine.run(&["runs", "show", text(&run, "id")]).ended(0).out;
    for said in ["1 line of 1 form", "app.log on web3: no certificate in PEM"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }

    let examined = |machine: &Machine| machine.run(&["doctor"]).out;
    assert!(examined(machine).contains("over SSH: web3"));
    sshd.stop();
    let said = examined(machine);
    assert!(said.contains("web3 cannot be reached") && said.contains("`ssh web3-other true`"), "{said}");
    machine.run(&["run", "--runbook", "service-down", "--host", "web3", "--label", "service=web"]).ended(1);
    let run = machine.run(&["runs", "--json"]).json().remove(0);
    let shown = machine.run(&["runs", "show", text(&run, "id")]).ended(0).out;
    assert!(shown.contains("web3 cannot be reached, nothing ran there"), "{shown}");
    let unknown = machine.run(&["run", "--runbook", "service-down", "--host", "web4"]).ended(2);
    assert!(unknown.err.contains("did you mean `web3`?"), "{}", unknown.err);
}

#[test]
fn what_a_model_thinks_of_runs_in_the_sandbox_here_and_on_no_other_host() {
    let machine = Machine::new();
    let place = machine.path("pwned").display().to_string();
    let tried = place.clone();
    let model = ScriptedModel::start(Script::new().forever(Turn::computed(move |request: &Value| {
        if request["response_format"]["json_schema"]["name"] == json!("plan") {
            let step = json!({ "action": "look", "tool": "shell", "success": "", "fallback": "", "after": [] });
            return Turn::text(&json!({ "steps": [step] }).to_string());
        }
        match request.to_string().contains("cannot touch") {
            true => Turn::calling("finish", json!({ "summary": "It cannot be done.", "outcome": "failed" })),
            false => Turn::calling("shell", json!({ "argv": ["touch", tried] })),
        }
    })));
    let machine = machine.with_model(&model.base_url());
    configure(&machine, "[hosts.web3]\nssh = \"nowhere.invalid\"\n");
    fs::write(
        machine.path("asks.md"),
        "---\nname: asks\ndescription: d\n---\n## Ask\n\n```agent ops\nRepair it.\n```\n",
    )
    .unwrap();
    machine.run(&["run", "--runbook", "./asks.md", "--host", "web3", "--until-waiting"]).ended(1);
    assert!(machine.run(&["approvals", "--json"]).ended(0).out.is_empty(), "nothing was asked for");
    assert!(!fs::exists(&place).unwrap());
    let runs = machine.run(&["runs", "--json"]).json();
    assert_eq!(runs.iter().map(|run| text(run, "state")).collect::<Vec<_>>(), ["failed", "failed"]);
}

#[test]
fn a_connection_lost_under_way_leaves_the_outcome_in_doubt_and_nothing_is_repeated() {
    let Some(mut sshd) = Sshd::start(&[]) else { return };
    let machine = Machine::new().with("PATH", sshd.path());
    configure(&machine, "[hosts.web3]\nssh = \"web3-alias\"\n");
    machine.run(&["run", "--runbook", "lasts", "--host", "web3", "--until-waiting"]);
    let card = pending(&machine);
    let approve = ["approve", text(&card, "id"), "--digest", text(&card, "digest"), "--until-waiting"];
    let carried = machine.command(&approve).spawn().unwrap();
    let begun = || fs::read_to_string(machine.path("begun")).unwrap_or_default();
    let end = Instant::now() + Duration::from_secs(30);
    while begun().is_empty() {
        assert!(Instant::now() < end, "it never began");
        std::thread::sleep(Duration::from_millis(50));
    }
    sshd.stop();
    carried.wait_with_output().unwrap();
    let doubt = pending(&machine);
    assert_eq!(text(&doubt, "state"), "in_doubt", "{doubt}");
    let shown = machine.run(&["approvals", "show", text(&doubt, "id")]).ended(0).out;
    assert!(shown.contains("The connection to web3 was lost"), "{shown}");
    sshd.listen();
    let run = machine.run(&["runs", "--json"]).json().remove(0);
    machine.run(&["resume", text(&run, "id"), "--follow", "--until-waiting"]);
    machine.run(&["settle", text(&doubt, "id"), "happened", "--until-waiting"]).ended(0);
    assert_eq!(machine.run(&["runs", "--json"]).json()[0]["state"], "succeeded");
    assert_eq!(begun(), "begun\n", "it ran once, and ended with its connection");
}
