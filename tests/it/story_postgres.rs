//! The command line on a store in Postgres: made by its owner, used by another role, seen from two machines.

use crate::support::machine::Machine;
use crate::support::postgres::{Cluster, Database, LOCKED, OWNER, PROGRAM};

const RUNBOOK: &str = "---\nname: look\ndescription: Looks at one file.\n---\n\n## Look\n\n```tool read_file\n{\"path\": \"a.txt\"}\n```\n";

fn git_repository(machine: &Machine) -> String {
    let path = machine.path("work");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("a.txt"), "hello\n").unwrap();
    std::fs::write(path.join("look.md"), RUNBOOK).unwrap();
    for arguments in [
        &["init", "-q"][..],
        &["add", "."],
        &["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "a"],
    ] {
        let done = std::process::Command::new("git").args(arguments).current_dir(&path).status().unwrap();
        assert!(done.success());
    }
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_migrates_and_another_role_works_there_from_two_machines() {
    let database = Database::empty().await;
    let (one, other) = (Machine::new(), Machine::new());
    let (owner, program) = (database.url(OWNER), database.url(PROGRAM));

    let refused = one.run(&["--db", &program, "runs"]).ended(2);
    assert!(refused.err.contains("db migrate --db URL --grant"), "{}", refused.err);
    one.run(&["--db", &owner, "db", "migrate", "--grant", PROGRAM]).ended(0);
    one.run(&["--db", &owner, "db", "migrate", "--grant", PROGRAM]).ended(0);

    let work = git_repository(&one);
    let runbook = format!("{work}/look.md");
    one.run(&["--db", &program, "run", "--runbook", &runbook, "--workspace", &work]).ended(0);
    let runs = other.run(&["--db", &program, "--json", "runs"]).ended(0).json();
    assert_eq!((runs.len(), runs[0]["state"].as_str()), (1, Some("succeeded")));

    other.run(&["--db", &program, "db", "rebuild"]).ended(0);
    assert_eq!(one.run(&["--db", &program, "--json", "runs"]).ended(0).json(), runs);
    for machine in [&one, &other] {
        machine.run(&["--db", &program, "log", "verify"]).ended(0);
    }
    database.sql("postgres", "DELETE FROM morningai.event WHERE seq > 2").await;
    one.run(&["--db", &program, "log", "verify"]).ended(1);
    let backup = one.run(&["--db", &program, "db", "backup", "copy"]).ended(1);
    assert!(backup.err.contains("was changed after it was written"), "{}", backup.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_made_on_one_machine_are_known_on_another_and_stand_in_the_same_log() {
    let database = Database::migrated().await;
    let url = database.url(PROGRAM);
    let (one, other) = (Machine::new().with_store(&url), Machine::new().with_store(&url));
    let password = "rain on a tin roof\n";
    one.run_with_input(&["accounts", "add", "ana", "--role", "owner"], password).ended(0);
    other.run(&["accounts", "add", "ci", "--role", "viewer", "--no-password"]).ended(0);
    other.run(&["tokens", "issue", "ci", "--label", "nightly", "--scope", "runs.read"]).ended(0);
    let work = git_repository(&one);
    let runbook = format!("{work}/look.md");
    one.run(&["run", "--runbook", &runbook, "--workspace", &work]).ended(0);
    one.run_with_input(&["--as", "root", "accounts", "passwd", "ana"], "another tin roof\n").ended(0);
    let listed = |machine: &Machine| {
        ["accounts", "tokens", "audit", "runs"].map(|list| machine.run(&[list, "--json"]).ended(0).json())
    };
    let before = listed(&one);
    assert_eq!(before.each_ref().map(Vec::len), [2, 1, 4, 1]);
    assert_eq!(listed(&other), before);

    // A rebuild goes through the streams of accounts, and leaves alone what stands in no log.
    let rebuilt = other.run(&["db", "rebuild", "--json"]).ended(0).json().remove(0);
    let verified = one.run(&["log", "verify"]).ended(0).out;
    assert!(verified.starts_with(&format!("intact: {} events", rebuilt["events"])), "{verified} {rebuilt}");
    assert_eq!(listed(&one), before);

    database.sql("postgres", "UPDATE morningai.event SET body = replace(body, 'viewer', 'owner') WHERE seq = 2").await;
    let verified = one.run(&["log", "verify"]).ended(1);
    assert!(
        verified.out.contains("event 2 ") || verified.err.contains("event 2 "),
        "{} {}",
        verified.out,
        verified.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_accounts_cannot_be_had_says_why_and_what_to_do() {
    let database = Database::migrated().await;
    let machine = Machine::new().with_store(&database.url(PROGRAM));
    let commands = [&["accounts"][..], &["tokens"], &["accounts", "add", "ana", "--role", "owner", "--no-password"]];
    database.sql(OWNER, "REVOKE SELECT ON morningai.account FROM program").await;
    for command in commands {
        let refused = machine.run(command).ended(2);
        assert!(refused.out.is_empty() && refused.err.contains("--grant"), "{command:?}: {}", refused.err);
    }
    database.sql(OWNER, "COMMENT ON SCHEMA morningai IS 'morningai store, version 99'").await;
    for command in commands {
        let refused = machine.run(command).ended(2);
        assert!(refused.err.contains("version 99") && refused.err.contains("nothing was changed"), "{}", refused.err);
    }
    let nowhere = format!("postgres:///db?host={}", machine.home().display());
    for command in commands {
        let refused = machine.run(&[&["--db", &nowhere], command].concat()).ended(1);
        assert!(refused.err.contains("check that the server runs"), "{command:?}: {}", refused.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_what_of_the_server_is_not_as_it_should_be() {
    let database = Database::migrated().await;
    let machine = Machine::new();
    let finding = |role: &str| {
        let ran = machine.run(&["--db", &database.url(role), "--json", "doctor", "--offline"]);
        ran.json().into_iter().find(|finding| finding["subject"] == "store").unwrap()
    };
    let good = finding(PROGRAM);
    assert_eq!(good["verdict"], "ok", "{good}");
    assert!(good["detail"].as_str().unwrap().ends_with("0 events, head none, not encrypted"), "{good}");
    let superuser = finding("postgres");
    assert_eq!(superuser["verdict"], "warn");
    assert!(superuser["advice"].as_str().unwrap().contains("passes every row security policy"), "{superuser}");
    let stranger = finding(LOCKED);
    assert_eq!(stranger["verdict"], "fail");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_appears_nowhere() {
    let database = Database::migrated().await;
    database.grant(LOCKED).await.unwrap();
    let machine = Machine::new();
    let host = Cluster::shared().dir.display();
    let url = |password: &str| format!("postgres://{LOCKED}:{password}@/{}?host={host}", database.name);
    let work = git_repository(&machine);
    let runbook = format!("{work}/look.md");
    let mut said = String::new();
    for (db, code) in [(url(LOCKED), 0), (url("hunter2"), 2), (format!("{}&passwd=hunter2", url("hunter2")), 2)] {
        let ran = machine.run(&["--db", &db, "run", "--runbook", &runbook, "--workspace", &work]).ended(code);
        said += &(ran.out + &ran.err);
        let doctor = machine.run(&["--db", &db, "doctor", "--offline"]);
        said += &(doctor.out + &doctor.err);
    }
    for entry in std::fs::read_dir(machine.path("data/logs")).unwrap() {
        said += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(!said.contains("hunter2") && !said.contains(&format!(":{LOCKED}@")), "{said}");
}
