//! Pruning: what ended long ago is gone, what is left verifies, and nothing passes for pruned that was not.

use std::collections::BTreeMap;

use morningai::domain::{BlobId, FinishReason, ModelReply, Usage};
use morningai::kinds::{Event, RunEvent};
use morningai::ports::{Log, NewEvent};
use serde_json::Value;

use super::originals::{Ground, Original};
use super::store::{add_output, database_rows, open, rows, store_of};
use crate::store_contract::{batch, paused, run};
use crate::store_tamper::raw_sql;
use crate::support::machine::Machine;
use crate::support::postgres::{Database, OWNER, PROGRAM};

/// A machine whose store has one run that ended, with a settled request, one that waits, and an output of each.
async fn with_an_ended_run() -> Machine {
    let machine = Machine::new();
    machine.run(&["run", "--runbook", "check-this-machine", "--until-waiting"]).ended(4);
    let waiting = machine.run(&["approvals", "--json"]).ended(0).json().remove(0);
    let field = |name: &str| waiting[name].as_str().unwrap().to_owned();
    machine.run(&["deny", &field("id"), "--reason", "a secret reason", "--until-waiting"]).ended(0);
    machine.run(&["run", "--runbook", "check-this-machine", "--until-waiting"]).ended(4);

    // Outputs as of long processes; one of them is named by a run that goes on, too.
    let ended: morningai::domain::RunId = field("run").parse().unwrap();
    let log = open(&store_of(&machine), "local").await;
    let next = log.read_stream(morningai::kinds::Stream::Run(ended), 0, 1000).await.unwrap().len() as u64 + 1;
    add_output(&log, ended, next, b"only the ended run").await;
    add_output(&log, ended, next + 1, b"both of them").await;
    add_output(&log, run(1), 1, b"both of them").await;
    let usage = Usage { input: 7, ..Usage::default() };
    let reply = ModelReply {
        model: "m".to_owned(),
        text: "a secret answer".into(),
        refusal: None,
        calls: Vec::new(),
        finish: FinishReason::Stop,
        usage: Some(usage),
        cost: None,
        carried: None,
    };
    let event = Event::Run(RunEvent::TurnFinished { turn: 1, attempt: 1, reply });
    let after = log.head().await.unwrap().seq;
    log.append(batch(after, vec![NewEvent { event, ..paused(ended, next + 2, "") }])).await.unwrap();
    log.close().await.unwrap();
    machine.run(&["db", "rebuild"]).ended(0);
    machine
}

fn verified(machine: &Machine, db: &str) -> Value {
    let verified = machine.run(&["--json", "--db", db, "log", "verify"]).ended(0).json().remove(0);
    assert_eq!(verified["intact"], true);
    verified
}

fn states(machine: &Machine, db: &str) -> BTreeMap<String, String> {
    let runs = machine.run(&["--json", "--db", db, "runs"]).ended(0).json();
    runs.iter().map(|run| (run["id"].to_string(), run["state"].as_str().unwrap().to_owned())).collect()
}

/// All that there is of both kinds of store.
#[tokio::test(flavor = "multi_thread")]
async fn an_ended_run_is_gone_and_the_chain_still_verifies_from_the_first_event() {
    let machine = with_an_ended_run().await;
    let file = store_of(&machine).display().to_string();
    let database = Database::migrated().await;
    let (owner, program) = (database.url(OWNER), database.url(PROGRAM));
    machine.run(&["db", "copy", &program]).ended(0);
    for db in [file, owner] {
        let (before, ran) = (verified(&machine, &db), states(&machine, &db));
        assert_eq!((before["pruned"].as_u64(), ran.len()), (Some(0), 2));
        let tried = machine.run(&["--json", "--db", &db, "db", "prune", "--before", "0s", "--dry-run"]).ended(0).json();
        assert_eq!(verified(&machine, &db), before, "a trial changes nothing");
        let pruned = machine.run(&["--json", "--db", &db, "db", "prune", "--before", "0s"]).ended(0).json();
        assert_eq!((&pruned[0]["runs"], &pruned[0]["events"]), (&1.into(), &tried[0]["events"]));
        assert_eq!((&pruned[0]["outputs"], &tried[0]["outputs"]), (&1.into(), &1.into()), "{pruned:?}");

        let after = verified(&machine, &db);
        let number = |report: &Value, name: &str| report[name].as_u64().unwrap();
        assert_eq!(number(&after, "events"), number(&before, "events") + 1, "and the one that tells of it");
        assert_eq!(after["pruned"], pruned[0]["events"]);
        let left = states(&machine, &db);
        assert_eq!(left.values().collect::<Vec<_>>(), ["waiting"]);
        let export = machine.run(&["--db", &db, "log", "export"]).ended(0).out;
        assert!(!export.contains("a secret") && export.contains("access.log_pruned"), "{export}");
        let audit = machine.run(&["--db", &db, "audit"]).ended(0).out;
        assert!(audit.contains("access.log_pruned") && audit.contains("person:ana"), "{audit}");
        machine.run(&["--db", &db, "db", "rebuild"]).ended(0);
        assert_eq!(states(&machine, &db), left);

        // Once more there is nothing to do, and nothing is done.
        let again = machine.run(&["--json", "--db", &db, "db", "prune", "--before", "0s"]).ended(0).json();
        assert_eq!(again[0]["runs"], 0);
        assert_eq!(verified(&machine, &db)["head"], after["head"]);
        // A head saved before it lies on the chain as ever, and work goes on.
        machine.run(&["--db", &db, "run", "--runbook", "check-this-machine", "--until-waiting"]).ended(4);
        verified(&machine, &db);
    }
    let rows = rows(&store_of(&machine), "local").await;
    assert_eq!(rows["blob"].len(), 1);
    assert!(rows["blob"][0].to_lowercase().contains(&BlobId::of(b"both of them").0));
    // What the removed answer cost is still told, day by day.
    assert!(rows["projection"].iter().any(|row| row.contains("\"input\":7")), "{rows:?}");
    assert!(!format!("{rows:?}").contains("a secret"));
    assert!(!format!("{:?}", database_rows(&database, "local").await).contains("a secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pruned_log_is_copied_backed_up_and_restored_like_any_other() {
    let machine = with_an_ended_run().await;
    machine.run(&["db", "prune", "--before", "0s"]).ended(0);
    let database = Database::migrated().await;
    let program = database.url(PROGRAM);
    machine.run(&["db", "copy", &program]).ended(0);
    let head = verified(&machine, &store_of(&machine).display().to_string())["head"].clone();
    assert_eq!(verified(&machine, &program)["head"], head);
    machine.run(&["--db", &program, "db", "backup", "backup.db"]).ended(0);
    machine.run(&["db", "restore", "backup.db", "--verify"]).ended(0);
    machine.run(&["--db", "new.db", "db", "restore", "backup.db"]).ended(0);
    assert_eq!(rows(&machine.path("new.db"), "local").await, rows(&store_of(&machine), "local").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_can_only_add_prunes_nothing() {
    let machine = with_an_ended_run().await;
    let database = Database::migrated().await;
    let program = database.url(PROGRAM);
    machine.run(&["db", "copy", &program]).ended(0);
    let before = database_rows(&database, "local").await;
    let refused = machine.run(&["--db", &program, "db", "prune", "--before", "0s"]).ended(2);
    assert!(
        refused.err.contains("the role program may add events") && refused.err.contains("as the owner"),
        "{}",
        refused.err
    );
    assert_eq!(database_rows(&database, "local").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_removed_that_nobody_asked_for() {
    let machine = with_an_ended_run().await;
    let before = rows(&store_of(&machine), "local").await;
    let refused = machine.run(&["db", "prune"]).ended(2);
    assert!(refused.err.contains("[retention]"), "{}", refused.err);
    for slip in ["1y", "tomorrow", "2999-01-01"] {
        machine.run(&["db", "prune", "--before", slip]).ended(2);
    }
    std::fs::write(machine.path("config.toml"), "[retention]\nended_runs = \"365d\"\n").unwrap();
    let config = machine.path("config.toml").display().to_string();
    let pruned = machine.run(&["--config", &config, "--json", "db", "prune"]).ended(0).json();
    assert_eq!(pruned[0]["runs"], 0, "it ended just now");
    assert_eq!(rows(&store_of(&machine), "local").await, before);
    std::fs::write(machine.path("config.toml"), "[retention]\nended_runs = \"0s\"\n").unwrap();
    let pruned = machine.run(&["--config", &config, "--json", "db", "prune"]).ended(0).json();
    assert_eq!(pruned[0]["runs"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_stay_while_somebody_works_on_a_run() {
    let machine = with_an_ended_run().await;
    let log = open(&store_of(&machine), "local").await;
    let lease = log.claim(run(1), "a worker", std::time::Duration::from_secs(10)).await.unwrap().unwrap();
    let pruned = machine.run(&["db", "prune", "--before", "0s"]).ended(0);
    assert!(
        pruned.out.contains("1 runs")
            && pruned.out.contains(" 0 outputs")
            && pruned.err.contains("the next `db prune`"),
        "{}",
        pruned.out
    );
    log.release(&lease).await.unwrap();
    log.close().await.unwrap();
    assert_eq!(rows(&store_of(&machine), "local").await["blob"].len(), 2);
    // Though no run is left to be pruned, the outputs are.
    let pruned = machine.run(&["db", "prune", "--before", "0s"]).ended(0);
    assert!(pruned.out.contains("0 runs") && pruned.out.contains(" 1 outputs"), "{}", pruned.out);
    assert_eq!(rows(&store_of(&machine), "local").await["blob"].len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_pruned_does_not_pass_for_it() {
    let leave = "INSERT INTO pruned SELECT tenant, seq, stream, version, at, prev,
        (SELECT prev FROM event AS next WHERE next.seq = event.seq + 1), {by} FROM event WHERE seq = {seq};
        DELETE FROM event WHERE seq = {seq}";
    let leave = |by: &str| leave.replace("{by}", by).replace("{seq}", "(SELECT min(seq) + 1 FROM event)");
    let told = "(SELECT min(prune_seq) FROM pruned)";
    for (change, why) in [
        ("DELETE FROM event WHERE seq = (SELECT min(seq) + 1 FROM event)".to_owned(), "is missing"),
        ("UPDATE event SET body = '' WHERE seq = (SELECT min(seq) + 1 FROM event)".to_owned(), "is not the row"),
        (leave("1"), "does not tell of it"),
        (leave("999"), "does not tell of it"),
        (leave(told), "somebody changed it"),
        ("DELETE FROM pruned WHERE seq = (SELECT min(seq) + 1 FROM pruned)".to_owned(), "is missing"),
        ("DELETE FROM pruned".to_owned(), "are missing"),
        ("UPDATE pruned SET at = at + 1 WHERE seq = (SELECT min(seq) FROM pruned)".to_owned(), "somebody changed it"),
        (
            "UPDATE pruned SET hash = zeroblob(32) WHERE seq = (SELECT min(seq) FROM pruned)".to_owned(),
            "is not the row",
        ),
        ("UPDATE pruned SET prune_seq = 1 WHERE seq = (SELECT min(seq) FROM pruned)".to_owned(), "does not tell of it"),
        (
            "INSERT INTO pruned SELECT tenant, seq, stream, version, at, prev, prev, 1 FROM event
             WHERE seq = (SELECT max(seq) FROM event)"
                .to_owned(),
            "is there twice",
        ),
    ] {
        let machine = with_pruned_once().await;
        raw_sql(&store_of(&machine), &change).await;
        let found = machine.run(&["log", "verify"]).ended(1);
        assert!(found.err.contains(why), "{change}: {}", found.err);
        // And what was changed is not pruned away.
        let refused = machine.run(&["db", "prune", "--before", "0s"]).ended(1);
        assert!(refused.err.contains("so nothing was pruned"), "{}", refused.err);
    }
}

/// A store that was pruned, made once and copied.
async fn with_pruned_once() -> Machine {
    static PRUNED: tokio::sync::OnceCell<Vec<u8>> = tokio::sync::OnceCell::const_new();
    let made = PRUNED
        .get_or_init(|| async {
            let machine = with_an_ended_run().await;
            machine.run(&["db", "prune", "--before", "0s"]).ended(0);
            machine.run(&["db", "backup", "made.db"]).ended(0);
            std::fs::read(machine.path("made.db")).unwrap()
        })
        .await;
    let machine = Machine::new();
    std::fs::create_dir_all(machine.path("data")).unwrap();
    std::fs::write(store_of(&machine), made).unwrap();
    machine
}

#[tokio::test(flavor = "multi_thread")]
async fn in_postgres_too_a_row_moved_or_removed_by_hand_is_found() {
    let machine = with_an_ended_run().await;
    for (change, why) in [
        ("DELETE FROM morningai.pruned WHERE seq = (SELECT min(seq) + 1 FROM morningai.pruned)", "is missing"),
        ("UPDATE morningai.pruned SET at = at + 1", "somebody changed it"),
        (
            "WITH gone AS (DELETE FROM morningai.event WHERE seq = (SELECT max(seq) - 2 FROM morningai.event) RETURNING *)
             INSERT INTO morningai.pruned SELECT tenant, seq, stream, version, at, prev, hash,
                 (SELECT max(prune_seq) FROM morningai.pruned) FROM gone",
            "somebody changed it",
        ),
    ] {
        let database = Database::migrated().await;
        let owner = database.url(OWNER);
        machine.run(&["db", "copy", &owner]).ended(0);
        machine.run(&["--db", &owner, "db", "prune", "--before", "0s"]).ended(0);
        verified(&machine, &owner);
        database.sql("postgres", change).await;
        let found = machine.run(&["--db", &owner, "log", "verify"]).ended(1);
        assert!(found.err.contains(why), "{change}: {}", found.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_of_an_encrypted_store_go_with_the_runs_that_name_them() {
    for ground in [Ground::Sqlite, Ground::Postgres] {
        let trial = Original::to_be_erased(ground).await.trial().await;
        let opened = trial.open().await;
        let named = add_output(opened.log(), run(5), 1, b"of a run that goes on").await;
        let before = opened.stored_outputs().await.len();
        let pruned = trial.run(&["--json", "db", "prune", "--before", "0s"]).ended(0).json().remove(0);
        assert!(before > 10 && pruned["outputs"] == before - 1, "{before} {pruned}");
        assert_eq!(opened.stored_outputs().await.len(), 1);
        let kept = opened.log().get_blob(&named).await.unwrap();
        assert_eq!(kept.as_deref(), Some(b"of a run that goes on".as_slice()));
        opened.close().await;
        trial.run(&["log", "verify"]).ended(0);
    }
}
