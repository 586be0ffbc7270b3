//! Checks of the machine the tests run on, and the whole of what `check-this-machine` does.

use morningai::domain::{EffectClass, FailureKind, Reversibility, Risk};
use morningai::ports::Checked;
use serde_json::json;

use super::Bench;

const ALL: [&str; 7] = ["system", "load", "memory", "disks", "services", "processes", "ports"];

#[tokio::test]
async fn every_check_reads_this_host_and_changes_nothing() {
    let bench = Bench::plain();
    for what in ALL {
        let card = bench.prepare("host_check", json!({"what": what})).await.unwrap();
        assert_eq!((card.class, &card.reversible), (EffectClass::Observe, &Reversibility::NothingToUndo));
        let result = bench.done("host_check", json!({"what": what})).await;
        let data = result.data.unwrap();
        assert!(!data["findings"].as_array().unwrap().is_empty(), "{what}: {data}");
        assert!(!data["numbers"].is_null() && result.output.bytes > 0, "{what}: {data}");
    }
    assert_eq!(std::fs::read_dir(bench.path("")).unwrap().count(), 0);
}

#[tokio::test]
async fn figures_agree_with_what_this_process_knows() {
    let bench = Bench::plain();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ports = bench.done("host_check", json!({"what": "ports"})).await.data.unwrap();
    let mine = |entry: &&serde_json::Value| entry["port"] == port;
    let entry = ports["numbers"]["ports"].as_array().unwrap().iter().find(mine).unwrap().clone();
    assert_eq!(entry["address"], "127.0.0.1");
    assert!(entry["process"].as_str().unwrap().ends_with(&format!("({})", std::process::id())), "{entry}");
    let memory = bench.done("host_check", json!({"what": "memory"})).await.data.unwrap();
    let (total, available) = (&memory["numbers"]["total"], &memory["numbers"]["available"]);
    assert!(available.as_u64().unwrap() > 0 && available.as_u64() < total.as_u64());
    let disks = bench.done("host_check", json!({"what": "disks"})).await.data.unwrap();
    assert!(disks["numbers"].as_array().unwrap().iter().any(|disk| disk["mount"] == "/"), "{disks}");
}

#[tokio::test]
async fn checks_become_a_report_and_the_clean_up_is_one_irreversible_card() {
    let bench = Bench::plain();
    for what in ALL {
        let args = json!({"what": what, "save": true});
        let card = bench.prepare("host_check", args).await.unwrap();
        assert_eq!((card.class, card.verb.as_str()), (EffectClass::Workspace, "check"));
        assert_eq!(card.targets[1].raw(), format!("readings/{what}.json"));
        bench.done("host_check", json!({"what": what, "save": true})).await;
    }
    let args = json!({"title": "This machine"});
    let card = bench.prepare("write_report", args.clone()).await.unwrap();
    let report = bench.perform("write_report", args, &card).await;
    assert!(report.succeeded(), "{report:?}");
    assert_eq!(report.output.head.raw(), bench.read("report.md"));
    assert!(report.output.head.raw().starts_with("# This machine\n\n**"));
    assert!(report.summary.raw().ends_with("in 7 checks."), "{report:?}");
    assert!(matches!(bench.check("write_report", &card).await, Checked::Happened(_)));
    let clean_up = bench.prepare("delete_files", json!({"paths": ["readings"]})).await.unwrap();
    assert_eq!((clean_up.risk, &clean_up.reversible), (Risk::Medium, &Reversibility::Irreversible));
    assert_eq!(clean_up.facts["count"], 7);
    bench.done("delete_files", json!({"paths": ["readings"]})).await;
    assert!(bench.path("report.md").exists() && !bench.path("readings").exists());
}

#[tokio::test]
async fn a_report_without_readings_or_of_forged_ones_fails() {
    let bench = Bench::plain();
    let nothing = bench.call("write_report", json!({"title": "x"})).await;
    assert!(nothing.summary.raw().contains("no reading is saved"), "{nothing:?}");
    bench.write("readings/load.json", "{\"what\": 1}");
    let forged = bench.call("write_report", json!({"title": "x"})).await;
    assert_eq!(forged.failure, Some(FailureKind::Failed));
    std::fs::remove_dir_all(bench.path("readings")).unwrap();
    std::os::unix::fs::symlink("/tmp", bench.path("readings")).unwrap();
    let escaped = bench.call("host_check", json!({"what": "load", "save": true})).await;
    assert_eq!(escaped.failure, Some(FailureKind::Refused));
}
