//! The server goes away, or another one takes its place, in the middle of appending: nothing acknowledged is lost,
//! nothing saved is denied, and the log goes on by itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use morningai::domain::{RejectionKind, Tenant};
use morningai::kinds::RunVerb;
use morningai::ports::{FeedItem, Log, LogErrorKind};
use morningai::runtime::Role;
use morningai::store::{OpenMode, PostgresAddress, PostgresLog};

use crate::runtime::desk::{Desk, ana};
use crate::store_contract;
use crate::store_contract::{append_one, batch, paused, run};
use crate::support::postgres::{Cluster, Database, PROGRAM};

const MOST: Duration = Duration::from_secs(60);

/// Appends one event after the other until told to stop. What was acknowledged, and what was said not to be saved.
async fn keep_appending(log: &PostgresLog, stop: &AtomicBool) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let (mut saved, mut denied) = (BTreeSet::new(), BTreeSet::new());
    let mut version = 1;
    while !stop.load(Ordering::SeqCst) {
        let Ok(head) = log.head().await else { continue };
        // The text names the attempt, so that each is told from the others whatever becomes of it.
        let event = paused(run(u128::from(version)), 1, &version.to_string());
        match log.append(batch(head.seq, vec![event])).await {
            Ok(_) => saved.insert(version),
            Err(error) => match error.kind {
                LogErrorKind::NotSaved | LogErrorKind::Busy | LogErrorKind::Conflict => denied.insert(version),
                LogErrorKind::Unknown => false,
                other => panic!("{other:?}: {error}"),
            },
        };
        version += 1;
    }
    (saved, denied)
}

async fn stored(log: &dyn Log) -> BTreeSet<u64> {
    let events = log.read(0, 100_000).await.unwrap();
    let attempt = |event: &morningai::kinds::Event| match event {
        morningai::kinds::Event::Run(morningai::kinds::RunEvent::Paused { reason, .. }) => reason.parse().unwrap(),
        other => panic!("{other:?}"),
    };
    events.iter().map(|envelope| attempt(&envelope.event)).collect()
}

async fn check(log: &PostgresLog, saved: &BTreeSet<u64>, denied: &BTreeSet<u64>) {
    let stored = stored(log).await;
    assert_eq!(saved.difference(&stored).count(), 0, "acknowledged and lost");
    assert_eq!(denied.intersection(&stored).collect::<Vec<_>>(), Vec::<&u64>::new(), "saved and denied");
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_cut_at_any_moment_lose_nothing_and_deny_nothing() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    let stop = AtomicBool::new(false);
    let cut = async {
        let mut superuser = database.connect("postgres").await;
        let mut head = log.watch_head();
        for round in 0..20 {
            head.borrow_and_update();
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            sqlx::raw_sql(cut).execute(&mut superuser).await.unwrap();
            // Once it goes on, and then at one moment or another.
            tokio::time::timeout(MOST, head.changed()).await.expect("it does not go on").unwrap();
            tokio::time::sleep(Duration::from_millis(round * 7 % 20)).await;
        }
        stop.store(true, Ordering::SeqCst);
    };
    let ((saved, denied), ()) = tokio::join!(keep_appending(&log, &stop), cut);
    assert!(saved.len() > 10, "hardly anything was appended: {}", saved.len());
    check(&log, &saved, &denied).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_and_comes_back_has_all_that_was_acknowledged() {
    let cluster = Arc::new(Cluster::start());
    cluster.make_roles();
    let database = Database::migrated_on(&cluster).await;
    let log = Arc::new(database.open_log().await);
    let stop = Arc::new(AtomicBool::new(false));
    let appending = tokio::spawn({
        let (log, stop) = (log.clone(), stop.clone());
        async move { keep_appending(&log, &stop).await }
    });
    let rounds = tokio::task::spawn_blocking({
        let cluster = cluster.clone();
        move || {
            for _ in 0..5 {
                std::thread::sleep(Duration::from_millis(100));
                cluster.crash();
                cluster.go();
            }
        }
    });
    rounds.await.unwrap();
    let before = log.head().await.unwrap().seq;
    let mut head = log.watch_head();
    tokio::time::timeout(Duration::from_secs(20), head.wait_for(|seq| *seq > before)).await.unwrap().unwrap();
    stop.store(true, Ordering::SeqCst);
    let (saved, denied) = appending.await.unwrap();
    check(&log, &saved, &denied).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_is_read_only_until_it_is_promoted_and_then_goes_on() {
    let primary = Arc::new(Cluster::start());
    primary.make_roles();
    let database = Database::migrated_on(&primary).await;
    let standby = primary.start_standby();
    let both = format!(
        "postgres://{PROGRAM}@/{}?host={}&host={}",
        database.name,
        standby.dir.display(),
        primary.dir.display()
    );
    let open = |url: &str, mode: OpenMode| {
        let address: PostgresAddress = url.parse().unwrap();
        let data = database.data.path();
        async move { PostgresLog::open(&address, Tenant::default(), mode, data).await }
    };

    let refused = open(&standby.url(PROGRAM, &database.name), OpenMode::ReadWrite).await.unwrap_err();
    assert_eq!(refused.kind, LogErrorKind::Busy);
    assert!(refused.message.contains("a standby, in recovery"), "{refused}");
    let log = open(&both, OpenMode::ReadWrite).await.unwrap();
    append_one(&log, run(1), 1, "1").await;

    let reading = open(&standby.url(PROGRAM, &database.name), OpenMode::ReadOnly).await.unwrap();
    let mut seen = reading.watch_head();
    tokio::time::timeout(Duration::from_secs(20), seen.wait_for(|seq| *seq == 1)).await.unwrap().unwrap();
    let weaknesses = reading.weaknesses().await.unwrap();
    assert!(weaknesses.iter().any(|weakness| weakness.contains("standby")), "{weaknesses:?}");

    primary.crash();
    let denied = log.append(batch(1, vec![paused(run(1), 2, "2")])).await;
    standby.pg_ctl(&["promote", "--wait"]);
    // Never saved, for nobody took it; but it may not be known yet.
    assert!(matches!(denied.unwrap_err().kind, LogErrorKind::Unknown | LogErrorKind::Busy));
    assert_eq!(append_one(&log, run(1), 2, "2").await, 2);
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_elsewhere_are_noticed_in_time_though_the_first_host_is_gone() {
    let database = Database::migrated().await;
    let nowhere = tempfile::tempdir().unwrap();
    let dead = format!("postgres://{PROGRAM}@/{}?host={}&host=", database.name, nowhere.path().display());
    let address: PostgresAddress = (dead + &Cluster::shared().dir.display().to_string()).parse().unwrap();
    let watching =
        PostgresLog::open(&address, Tenant::default(), OpenMode::ReadWrite, database.data.path()).await.unwrap();
    let mut head = watching.watch_head();
    let writing = database.open_log().await;
    for version in 1..=3 {
        let seq = append_one(&writing, run(1), version, "x").await;
        let noticed = tokio::time::timeout(Duration::from_secs(1), head.wait_for(|known| *known >= seq)).await;
        noticed.expect("not noticed in time").unwrap();
    }
}

/// What nobody is promised whose commits do not wait for a standby. It is noticed, by who goes on and by who looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_standby_never_received_is_missed_and_nothing_is_appended_in_its_place() {
    let primary = Cluster::start_to_be_killed();
    let database = Database::migrated_on(&primary).await;
    let standby = primary.start_standby();
    let address: PostgresAddress = database.url_on(&[&primary, &standby]).parse().unwrap();
    let open = || PostgresLog::open(&address, Tenant::default(), OpenMode::ReadWrite, database.data.path());
    let [writer, reader, idle] = [open().await.unwrap(), open().await.unwrap(), open().await.unwrap()];
    append_one(&writer, run(1), 1, "1").await;
    assert_eq!(idle.read(0, 9).await.unwrap().len(), 1);
    standby.pg_ctl(&["stop", "--wait", "--mode=fast"]);
    append_one(&writer, run(1), 2, "2").await;
    append_one(&writer, run(1), 3, "3").await;
    assert_eq!(reader.read(0, 9).await.unwrap().len(), 3);
    let saved = writer.head().await.unwrap();
    primary.kill();
    standby.go();
    standby.pg_ctl(&["promote", "--wait"]);

    let late = || batch(3, vec![paused(run(1), 4, "4")]);
    let refused = |error: morningai::ports::LogError, why: &str| {
        assert_eq!(error.kind, LogErrorKind::Lost, "{error}");
        assert!(error.message.contains("has lost what was saved") && error.message.contains(why), "{error}");
    };
    for log in [&writer, &reader, &writer] {
        refused(log.append(late()).await.unwrap_err(), "it ends with event 1, and was saved up to 3");
    }
    // Who never saw what is lost goes on, and even a log as long as before is not taken for the same.
    for version in 2..=5 {
        append_one(&idle, run(1), version, "instead").await;
        let missed = if version == 2 { "it ends with event 2" } else { "another event has the place of event 3" };
        for log in [&writer, &reader] {
            refused(log.append(late()).await.unwrap_err(), missed);
        }
    }
    let problems = open().await.unwrap().verify(&[saved]).await.unwrap().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
}

/// The same as a person sees it: it is said once, with what to do, and nothing is decided any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_whose_server_lost_what_was_saved_says_so_and_stays_with_it() {
    let primary = Cluster::start_to_be_killed();
    let database = Database::migrated_on(&primary).await;
    let standby = primary.start_standby();
    let address: PostgresAddress = database.url_on(&[&primary, &standby]).parse().unwrap();
    let open = || PostgresLog::open(&address, Tenant::default(), OpenMode::ReadWrite, database.data.path());
    let desk = Desk::start(Arc::new(open().await.unwrap()), &[], Vec::new(), Role::Clerk).await;
    standby.pg_ctl(&["stop", "--wait", "--mode=fast"]);
    let run = desk.begin().await;
    let (_, mut feed) = desk.runtime.open();
    primary.kill();
    standby.go();
    standby.pg_ctl(&["promote", "--wait"]);
    let cancel = || desk.runtime.submit(RunVerb::Cancel { reason: "enough".to_owned() }.on(run), ana());
    let first = cancel().await.unwrap_err();
    assert!(first.message.contains("has lost what was saved"), "{first}");

    // Somebody else goes on with the log as it is now, and more than one look at the store goes by.
    let other = open().await.unwrap();
    for version in 1..=3 {
        append_one(&other, store_contract::run(9), version, "instead").await;
    }
    let mut told = Vec::new();
    while let Ok(Ok(item)) = tokio::time::timeout(Duration::from_millis(2_500), feed.recv()).await {
        told.push(item);
    }
    let Some((FeedItem::StoreDown { reason }, before)) = told.split_last() else { panic!("{told:?}") };
    assert!(reason.contains("has lost what was saved") && reason.contains("start it again"), "{reason}");
    assert!(before.iter().all(|item| matches!(item, FeedItem::StoreDown { .. })) && before.len() < 2, "{before:?}");
    let again = cancel().await.unwrap_err();
    assert_eq!((again.kind, &again.message), (RejectionKind::NotSaved, &first.message));
    assert!(desk.runtime.open().0.runs.contains_key(&run), "what follows on another log is not shown on this one");
    // Started again it goes on with the log as it is.
    let anew = Desk::start(Arc::new(open().await.unwrap()), &[], Vec::new(), Role::Clerk).await;
    assert!(!anew.runtime.open().0.runs.contains_key(&run));
    anew.begin().await;
}
