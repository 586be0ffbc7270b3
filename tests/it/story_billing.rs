//! A plan from end to end: what is used of it, the next invoice in each of its forms, and the run that is one too many.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::machine::Machine;

const RUNBOOK: &str = "---\nname: look\ndescription: Looks at the memory\n---\n\n# Look\n\n## Memory\n\n\
                       ```tool host_check\nwhat = \"memory\"\n```\n";

/// Three plans: one refuses the fourth run, one charges for it, and one has everything.
const PLANS: &str = r#"
[[plan]]
name = "small"
title = "Small"
price_usd = "0.00"
runs = 3
users = 1

[[plan]]
name = "paid"
title = "Paid"
price_usd = "12.34"
runs = 3
users = 2
beyond = "charge"
includes = ["custom_agents"]

[[plan]]
name = "whole"
title = "Whole"
includes = ["custom_agents", "api_access", "on_premises"]

[overage]
mode = "graduated"
cap_times_price = 2

[[overage.band]]
up_to = 1
price_usd = "0.505"

[[overage.band]]
price_usd = "0.25"

[[add_on]]
name = "help"
title = "Help"
price_usd = "5.00"
"#;

fn configure(machine: &Machine, billing: &str) {
    let dir = machine.path(".config/morningai");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("plans.toml"), PLANS).unwrap();
    std::fs::write(dir.join("config.toml"), format!("[billing]\nplans = \"plans.toml\"\n{billing}")).unwrap();
    std::fs::write(machine.path("look.md"), RUNBOOK).unwrap();
}

const LOOK: [&str; 3] = ["run", "--runbook", "look.md"];

fn plan(machine: &Machine) -> Value {
    machine.run(&["billing", "plan", "--json"]).ended(0).json().remove(0)
}

#[test]
fn runs_are_counted_warned_of_refused_and_charged_and_every_form_says_the_same() {
    let machine = Machine::new();
    assert_eq!(plan(&machine), json!({"kind": "no_plan"}));
    configure(&machine, "plan = \"small\"");
    for _ in 0..3 {
        machine.run(&LOOK).ended(0);
    }
    let refused = machine.run(&LOOK).ended(3);
    assert!(refused.err.contains("3 of 3 runs of the plan Small are used (100 %)"), "{}", refused.err);
    assert!(refused.err.contains("the plan Small includes 3 runs a month, and 3 have begun"), "{}", refused.err);
    assert!(refused.err.contains("UTC") && refused.err.contains("Whole has unlimited runs"), "{}", refused.err);
    assert_eq!(plan(&machine)["used_runs"], 3);
    assert!(machine.run(&["billing", "plan"]).ended(0).out.contains("3 of 3 used (100 %)"));

    configure(&machine, "plan = \"paid\"\nadd_ons = [\"help\"]");
    machine.run(&LOOK).ended(0);
    machine.run(&LOOK).ended(0);
    let told = plan(&machine);
    // 0.505 is rounded to 0.51, and the next costs 0.25.
    assert_eq!(told["overage"], json!({"runs": 2, "amount_usd": "0.76", "cap_usd": "24.68"}));
    let lines = machine.run(&["billing", "invoice", "--json"]).ended(0).json();
    let (head, lines) = lines.split_first().unwrap();
    assert_eq!((&head["total_usd"], &head["complete"]), (&json!("18.10"), &json!(true)));
    let amounts: Vec<_> = lines.iter().map(|line| line["amount_usd"].as_str().unwrap()).collect();
    assert_eq!(amounts, ["12.34", "5.00", "0.51", "0.25"]);
    let csv = machine.run(&["billing", "invoice", "--csv"]).ended(0).out;
    let column: Vec<_> = csv.lines().skip(1).map(|line| line.rsplit(',').next().unwrap()).collect();
    assert_eq!(column, amounts);
    let shown = machine.run(&["billing", "invoice"]).ended(0).out;
    assert!(shown.contains("$18.10") && shown.contains("as it would be issued now"), "{shown}");

    machine.run(&["db", "rebuild"]).ended(0);
    machine.run(&["log", "verify"]).ended(0);
    assert_eq!(plan(&machine), told);
}

#[test]
fn starts_of_many_processes_at_once_admit_exactly_the_limit() {
    let machine = Machine::new();
    configure(&machine, "plan = \"small\"");
    machine.run(&["db", "migrate"]).ended(0);
    let start = |_| {
        let mut command = machine.command(&["run", "--runbook", "look.md", "--detach"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let running: Vec<_> = (0..12).map(start).collect();
    let codes: Vec<_> = running.into_iter().map(|mut child| child.wait().unwrap().code()).collect();
    let ended = |code| codes.iter().filter(|other| **other == Some(code)).count();
    assert_eq!((ended(0), ended(3)), (3, 9), "{codes:?}");
    assert_eq!(machine.run(&["runs", "--json"]).ended(0).json().len(), 3);
    assert_eq!(plan(&machine)["used_runs"], 3);
}

#[test]
fn what_the_plan_does_not_include_is_refused_with_the_one_that_does() {
    let machine = Machine::new();
    let own = machine.path(".config/morningai/agents");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(
        Path::new(&own).join("mine.md"),
        "---\nname: mine\ndescription: Mine\ntools: [read_file]\n---\nBe careful.\n",
    )
    .unwrap();
    configure(&machine, "plan = \"small\"");
    let refused = machine.run(&["run", "a goal", "--agent", "mine"]).ended(3);
    assert!(refused.err.contains("does not include agents of your own"), "{}", refused.err);
    assert!(refused.err.contains("Paid does; "), "{}", refused.err);
    machine.run(&["accounts", "add", "ana", "--role", "owner", "--no-password"]).ended(0);
    let refused = machine.run(&["accounts", "add", "bo", "--role", "viewer", "--no-password"]).ended(3);
    assert!(refused.err.contains("includes 1 user, and 1 have an account"), "{}", refused.err);
    let token = ["tokens", "issue", "ana", "--label", "ci", "--scope", "runs.read"];
    assert!(machine.run(&token).ended(3).err.contains("Whole does; "));
    configure(&machine, "plan = \"whole\"");
    machine.run(&["accounts", "add", "bo", "--role", "viewer", "--no-password"]).ended(0);
    machine.run(&token).ended(0);
}

#[test]
fn budgets_are_listed_with_how_far_they_are_used() {
    let machine = Machine::new();
    let config = machine.path(".config/morningai/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    let text = "[budgets]\nday = \"25.00\"\n[budgets.agents.dev]\nmonth = \"5\"\nsoft = true\n[budgets.people.ana]\nday = \"0\"\n";
    std::fs::write(&config, text).unwrap();
    let lines = machine.run(&["budgets", "--json"]).ended(0).json();
    let told =
        |line: &Value| ["scope", "name", "period", "budget_usd", "once_used_up", "state"].map(|key| line[key].clone());
    assert_eq!(
        told(&lines[0]),
        ["all", "", "day", "25", "pause", "ok"].map(|text| if text.is_empty() { Value::Null } else { json!(text) })
    );
    assert_eq!(told(&lines[1]), ["agent", "dev", "month", "5", "warn", "ok"].map(|text| json!(text)));
    assert_eq!(told(&lines[2]), ["person", "ana", "day", "0", "pause", "used_up"].map(|text| json!(text)));
    let shown = machine.run(&["budgets"]).ended(0).out;
    assert!(shown.contains("all runs") && shown.contains("used up, agents pause"), "{shown}");

    let set = ["budgets", "set", "7.50", "--agent", "dev", "--period", "month", "--json"];
    let id = machine.run(&set).ended(0).json()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(machine.run(&set).ended(0).json()[0]["version"], 1, "set once");
    machine.run(&["budgets", "set", "1e400"]).ended(2);
    machine.run(&["budgets", "set", "--", "-5"]).ended(2);
    let held = machine.run(&["budgets", "--json"]).ended(0).json();
    assert_eq!(told(&held[1]), ["agent", "dev", "month", "7.5", "pause", "ok"].map(|text| json!(text)));
    assert!(held[1]["source"].as_str().unwrap().starts_with("set by ") && held[1]["id"] == *id, "{}", held[1]);
    let doctor = machine.run(&["doctor", "--offline"]).out;
    assert!(doctor.contains("$7.50 for this month of agent dev"), "{doctor}");
    machine.run(&["db", "rebuild"]).ended(0);
    assert_eq!(machine.run(&["budgets", "--json"]).ended(0).json(), held);
    machine.run(&["budgets", "remove", &id]).ended(0);
    let lines = machine.run(&["budgets", "--json"]).ended(0).json();
    assert_eq!((&lines[1]["budget_usd"], &lines[1]["source"]), (&json!("5"), &json!("configuration")));
}

#[test]
fn a_plan_that_contradicts_itself_and_one_that_is_not_there_are_refused_with_file_and_line() {
    let machine = Machine::new();
    configure(&machine, "plan = \"large\"");
    let refused = machine.run(&["billing", "plan"]).ended(2).err;
    assert!(refused.contains("config.toml:3:8: billing.plan: there is no plan `large`"), "{refused}");
    configure(&machine, "plan = \"small\"");
    let plans = machine.path(".config/morningai/plans.toml");
    std::fs::write(&plans, PLANS.replace("runs = 3\nusers = 2", "runs = 2\nusers = 2")).unwrap();
    let refused = machine.run(&["runs"]).ended(2).err;
    assert!(refused.contains("plans.toml:13:8: it includes fewer runs than `small`"), "{refused}");
}
