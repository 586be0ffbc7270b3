//! The default policies on the cards that the real tools draw, and the bundled files against the real toolbox.

use std::sync::Arc;

use morningai::config::{Agents, Procedures};
use morningai::domain::EffectClass;
use morningai::policy::Policy;
use morningai::tools::Toolbox;
use morningai::tools::sandbox::{Rung, Sandbox, SandboxSettings};
use serde_json::{Value, json};

use crate::policy::said;
use crate::tools::Bench;

/// What the defaults say to a call, as `ask leaves-machine`.
async fn verdict(bench: &Bench, tool: &str, args: Value) -> String {
    let card = bench.prepare(tool, args).await.unwrap_or_else(|result| panic!("{tool}: {result:?}"));
    said(&Policy::bundled().unwrap().judge("dev", &card))
}

#[tokio::test]
async fn a_credential_is_neither_read_nor_committed() {
    let bench = Bench::repository().await;
    bench.write(".env", "TOKEN=1\n");
    assert_eq!(verdict(&bench, "read_file", json!({"path": ".env"})).await, "refuse no-credentials");
    assert_eq!(verdict(&bench, "write_file", json!({"path": ".env", "content": ""})).await, "refuse no-credentials");
    // The tool may leave such a file out on its own account; what it proposes must not get through either way.
    if let Ok(card) = bench.prepare("git_commit", json!({"message": "Oops"})).await {
        let committed = card.facts.get("credential") == Some(&json!(true));
        let verdict = said(&Policy::bundled().unwrap().judge("dev", &card));
        assert_eq!(verdict, if committed { "refuse no-credentials" } else { "run commits-own-branch" });
    }
}

#[tokio::test]
async fn every_rung_of_the_sandbox_that_confines_counts_and_none_does_not() {
    let bench = Bench::plain();
    let mut card = bench.prepare("list_files", json!({})).await.unwrap();
    card.verb = "run".to_owned();
    card.class = EffectClass::Workspace;
    let policy = Policy::bundled().unwrap();
    for (rung, expected) in [
        (Rung::Bubblewrap, "run runs-confined"),
        (Rung::Namespaces, "run runs-confined"),
        (Rung::LandlockSeccomp, "run runs-confined"),
        (Rung::None { reason: String::new() }, "refuse no-unconfined"),
    ] {
        card.confinement = rung.name().to_owned();
        assert_eq!(said(&policy.judge("dev", &card)), expected, "{rung:?}");
    }
}

#[tokio::test]
async fn the_bundled_procedure_runs_up_to_its_clean_up_which_asks() {
    let bench = Bench::plain();
    let procedures = Procedures::load(None);
    let mut verdicts = Vec::new();
    for step in &procedures.get("check-this-machine").unwrap().steps {
        let said = verdict(&bench, &step.act.tool.0, step.act.args.clone()).await;
        verdicts.push(format!("{}: {said}", step.title));
        if said.starts_with("run") {
            bench.call(&step.act.tool.0, step.act.args.clone()).await;
        }
    }
    let (last, before) = verdicts.split_last().unwrap();
    assert_eq!(last, "Clean up: ask deletes-for-good");
    assert!(before.iter().all(|said| said.contains(": run ")), "{verdicts:?}");
    assert!(bench.read("report.md").starts_with("# The state of this machine"));
}

#[test]
fn the_bundled_agents_and_procedures_name_tools_that_exist() {
    let sandbox = Arc::new(Sandbox::detect(SandboxSettings::default()));
    let toolbox = Toolbox::new(&sandbox);
    let known: Vec<_> = toolbox.specs().map(|spec| spec.name.0.as_str()).collect();
    for (name, agent) in Agents::load(None).iter() {
        agent.check_tools(&known).unwrap_or_else(|faults| panic!("{name}:\n{}", faults.rendered()));
    }
    for (name, procedure) in Procedures::load(None).iter() {
        procedure.check_tools(&known).unwrap_or_else(|faults| panic!("{name}:\n{}", faults.rendered()));
    }
}
