//! Accounts in Postgres: the contract, and what is particular to a server that others share and that may go away.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use morningai::domain::{Actor, RefusalCause};
use morningai::kinds::{AccessEvent, Event, Stream};
use morningai::ports::{
    AccessChange, AccessRecord, AccessWrite, Account, AccountRows, AccountSecrets, Accounts, Log, LogErrorKind, Token,
    TotpSecret,
};
use morningai::store::{OpenMode, PostgresLog};

use crate::accounts_contract;
use crate::accounts_contract::{AccountStorage, Commit, account, accounts_of, created, token, updated, writes};
use crate::store_contract::{append_one, at, batch, paused, run};
use crate::support::postgres::{Cluster, Database, OWNER, PROGRAM};

#[async_trait]
impl AccountStorage for Database {
    async fn open_accounts(&self, tenant: &str) -> (Arc<dyn Accounts>, Arc<dyn Log>) {
        let log = Arc::new(self.log(PROGRAM, tenant, OpenMode::ReadWrite).await.unwrap());
        (accounts_of(log.clone()), log)
    }
}

macro_rules! contract {
    ($($clause:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                accounts_contract::$clause(&Database::migrated().await).await;
            }
        )*
    };
}

contract![
    an_account_is_read_back_as_it_was_written,
    a_change_and_what_the_log_says_of_it_are_one,
    of_two_changes_to_one_version_one_is_a_conflict,
    a_name_is_taken_once,
    a_witness_that_changed_stops_the_change,
    of_two_changes_that_rest_on_each_other_one_is_done,
    a_change_elsewhere_is_noticed_in_time,
    a_token_is_found_by_its_hash_until_it_is_revoked_and_after,
    sessions_are_found_used_ended_and_swept,
    tenants_share_no_account_token_or_session,
    access_events_and_others_share_one_dense_log,
];

/// A change and its event, both with the number of the attempt in them.
fn attempt(number: u64, account: &Account) -> AccessChange {
    let totp = TotpSecret { secret: vec![1], last_step: number };
    let secrets = AccountSecrets { totp: Some(totp), ..AccountSecrets::default() };
    let next = Account { version: account.version + 1, secrets, ..account.clone() };
    let count = u32::try_from(number).unwrap();
    let event = AccessEvent::SignInRefused { cause: RefusalCause::WrongPassword, from: None, count };
    let record = AccessRecord { account: account.id, at: at(9), by: Actor::System, event };
    AccessChange { writes: vec![AccessWrite::Update(next)], records: vec![record] }
}

/// Changes one account again and again until told to stop. What was acknowledged, and what was said not to be saved.
async fn keep_changing(log: &PostgresLog, stop: &AtomicBool) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let (mut saved, mut denied) = (BTreeSet::new(), BTreeSet::new());
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        let Ok(found) = log.account(account(1, "ana").id).await else { continue };
        number += 1;
        match log.commit(attempt(number, &found.unwrap())).await {
            Ok(_) => saved.insert(number),
            Err(error) => match error.kind {
                LogErrorKind::NotSaved | LogErrorKind::Busy | LogErrorKind::Conflict => denied.insert(number),
                LogErrorKind::Unknown => false,
                other => panic!("{other:?}: {error}"),
            },
        };
    }
    (saved, denied)
}

/// Rows and events tell the same, and no more and no less than was said.
async fn check(log: &PostgresLog, saved: &BTreeSet<u64>, denied: &BTreeSet<u64>) {
    let ana = log.account(account(1, "ana").id).await.unwrap().unwrap();
    let events = log.read_stream(Stream::Account(ana.id), 0, 100_000).await.unwrap();
    let numbers: Vec<_> = events
        .iter()
        .filter_map(|envelope| match &envelope.event {
            Event::Account(AccessEvent::SignInRefused { count, .. }) => Some(u64::from(*count)),
            _ => None,
        })
        .collect();
    let stored: BTreeSet<_> = numbers.iter().copied().collect();
    assert_eq!(stored.len(), numbers.len(), "told twice: {numbers:?}");
    assert_eq!(saved.difference(&stored).count(), 0, "acknowledged and lost");
    assert_eq!(denied.intersection(&stored).collect::<Vec<_>>(), Vec::<&u64>::new(), "saved and denied");
    assert_eq!(ana.version, 1 + numbers.len() as u64, "a row without its event, or an event without its row");
    assert_eq!(ana.secrets.totp.map(|totp| totp.last_step), numbers.last().copied());
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_cut_at_any_moment_lose_no_change_and_do_none_twice() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    log.commit(created(&account(1, "ana"))).await.unwrap();
    let stop = AtomicBool::new(false);
    let mut head = log.watch_head();
    let cut = async {
        let mut superuser = database.connect("postgres").await;
        for round in 0..30 {
            let before = *head.borrow_and_update();
            let moved = head.wait_for(|seq| *seq > before);
            tokio::time::timeout(Duration::from_secs(20), moved).await.unwrap().unwrap();
            // Somewhere in the change that follows, another place each time.
            tokio::time::sleep(Duration::from_millis(round * 7 % 23)).await;
            sqlx::raw_sql(CUT).execute(&mut superuser).await.unwrap();
        }
        stop.store(true, Ordering::SeqCst);
    };
    let ((saved, denied), ()) = tokio::join!(keep_changing(&log, &stop), cut);
    check(&log, &saved, &denied).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_and_comes_back_has_all_changes_that_were_acknowledged() {
    let cluster = Arc::new(Cluster::start());
    cluster.make_roles();
    let database = Database::migrated_on(&cluster).await;
    let log = Arc::new(database.open_log().await);
    log.commit(created(&account(1, "ana"))).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let changing = tokio::spawn({
        let (log, stop) = (log.clone(), stop.clone());
        async move { keep_changing(&log, &stop).await }
    });
    let mut head = log.watch_head();
    for _ in 0..3 {
        let before = *head.borrow_and_update();
        let moved = head.wait_for(|seq| *seq > before);
        tokio::time::timeout(Duration::from_secs(20), moved).await.unwrap().unwrap();
        let cluster = cluster.clone();
        let round = move || {
            cluster.crash();
            cluster.go();
        };
        tokio::task::spawn_blocking(round).await.unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    let (saved, denied) = changing.await.unwrap();
    check(&log, &saved, &denied).await;
}

/// Until a session of the program waits for this.
async fn until_waiting_for(superuser: &mut sqlx::PgConnection, what: &str) -> i32 {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = $1";
    for _ in 0..2_000 {
        let found = sqlx::query_scalar(sql).bind(what).fetch_optional(&mut *superuser).await.unwrap();
        if let Some(pid) = found {
            return pid;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nobody waits for {what}");
}

async fn terminate(superuser: &mut sqlx::PgConnection, pid: i32) {
    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(superuser).await.unwrap();
}

/// A primary that waits in vain for a standby has committed already, and says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_commit_is_not_answered_is_found_and_not_done_again() {
    let cluster = Arc::new(Cluster::start());
    cluster.make_roles();
    let database = Database::migrated_on(&cluster).await;
    let log = Arc::new(database.open_log().await);
    let ana = account(1, "ana");
    log.commit(created(&ana)).await.unwrap();
    let mut superuser = database.connect("postgres").await;
    let wait_for_a_standby = "ALTER SYSTEM SET synchronous_standby_names = 'nobody'";
    let wait_no_more = "ALTER SYSTEM RESET synchronous_standby_names";
    let reload = "SELECT pg_reload_conf()";

    // With an event, what became of it is in the log; without one, nobody can tell.
    let with_event = attempt(7, &ana);
    let without = writes(vec![AccessWrite::Issue(token(3, &ana))]);
    for (change, answer) in [(with_event, None), (without, Some(LogErrorKind::Unknown))] {
        for sql in [wait_for_a_standby, reload] {
            sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
        }
        until_set(&database, "nobody").await;
        let committing = tokio::spawn({
            let log = log.clone();
            async move { log.commit(change).await }
        });
        let pid = until_waiting_for(&mut superuser, "SyncRep").await;
        terminate(&mut superuser, pid).await;
        let done = committing.await.unwrap();
        assert_eq!(done.as_ref().err().map(|error| error.kind), answer, "{done:?}");
        for sql in [wait_no_more, reload] {
            sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
        }
        until_set(&database, "").await;
    }
    check(&log, &[7].into(), &BTreeSet::new()).await;
    assert_eq!(log.tokens().await.unwrap(), [token(3, &ana)]);
}

/// A new session sees what the server was told.
async fn until_set(database: &Database, standby: &str) {
    for _ in 0..2_000 {
        let mut connection = database.connect("postgres").await;
        let sql = "SELECT current_setting('synchronous_standby_names')";
        let set: String = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        if set == standby {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the server does not take its settings");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_cut_off_before_its_commit_is_done_once() {
    let database = Database::migrated().await;
    let log = Arc::new(database.open_log().await);
    let ana = account(1, "ana");
    log.commit(created(&ana)).await.unwrap();
    let mut superuser = database.connect("postgres").await;
    // Another change of the same account that does not come to its end.
    let mut holder = database.connect("postgres").await;
    let hold = "BEGIN; SELECT FROM morningai.account FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let committing = tokio::spawn({
        let (log, change) = (log.clone(), attempt(7, &ana));
        async move { log.commit(change).await }
    });
    let pid = until_waiting_for(&mut superuser, "transactionid").await;
    terminate(&mut superuser, pid).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    assert_eq!(committing.await.unwrap().unwrap().len(), 1);
    check(&log, &[7].into(), &BTreeSet::new()).await;
}

/// Two processes that append without pause, and two that change accounts: nobody has to be let alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_get_through_while_others_append_without_pause() {
    let database = Arc::new(Database::migrated().await);
    let each = 30;
    let stop = Arc::new(AtomicBool::new(false));
    let mut appending = tokio::task::JoinSet::new();
    for worker in 1..=2 {
        let (log, stop) = (database.open_log().await, stop.clone());
        appending.spawn(async move {
            let mut appended = 0;
            while !stop.load(Ordering::SeqCst) {
                let after = log.head().await.unwrap().seq;
                match log.append(batch(after, vec![paused(run(worker), appended + 1, "x")])).await {
                    Ok(_) => appended += 1,
                    Err(error) => assert_eq!(error.kind, LogErrorKind::Conflict, "{error}"),
                }
            }
            appended
        });
    }
    let mut changing = tokio::task::JoinSet::new();
    for process in 0..2 {
        let log = database.open_log().await;
        changing.spawn(async move {
            for number in 1..=each {
                let name = format!("p{process}-{number}");
                log.commit(created(&account(process * 1_000 + number, &name))).await.unwrap();
            }
        });
    }
    changing.join_all().await;
    stop.store(true, Ordering::SeqCst);
    let appended: u64 = appending.join_all().await.into_iter().sum();
    let log = database.open_log().await;
    assert_eq!(log.accounts().await.unwrap().len() as u128, 2 * each);
    assert_eq!(log.head().await.unwrap().seq, appended + 2 * each as u64);
    assert!(appended > 10, "hardly anything was appended: {appended}");
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

/// Our own appends follow a change without reading the log again.
#[tokio::test]
async fn appends_and_changes_of_one_process_follow_each_other() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    for number in 1..=5 {
        let told = log.commit(created(&account(number, &format!("p{number}")))).await.unwrap();
        let next = log.append(batch(told[0].seq, vec![paused(run(1), number as u64, "x")])).await.unwrap();
        assert_eq!(next[0].seq, 2 * number as u64);
    }
    let error = log.append(batch(3, vec![paused(run(1), 6, "stale")])).await.unwrap_err();
    assert_eq!(error.kind, LogErrorKind::Conflict);
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn the_programs_role_takes_nothing_apart_that_keeps_accounts() {
    let database = Database::migrated().await;
    database.open_log().await.commit(created(&account(1, "ana"))).await.unwrap();
    for sql in [
        "TRUNCATE morningai.session",
        "ALTER TABLE morningai.account DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_tenant ON morningai.token",
    ] {
        let refused = sqlx::raw_sql(sql).execute(&mut database.connect(PROGRAM).await).await.unwrap_err();
        assert_eq!(refused.as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"), "{sql}");
    }
}

#[tokio::test]
async fn a_role_without_a_right_to_accounts_is_told_who_must_do_what() {
    let database = Database::migrated().await;
    database.sql(OWNER, "REVOKE SELECT ON morningai.account FROM program").await;
    let refused = database.log(PROGRAM, "local", OpenMode::ReadWrite).await.unwrap_err();
    assert_eq!(refused.kind, LogErrorKind::Unusable);
    assert!(refused.message.contains("program may not write") && refused.hint.contains("--grant program"), "{refused}");
    let log = database.log(PROGRAM, "local", OpenMode::ReadOnly).await.unwrap();
    assert_eq!(log.head().await.unwrap().seq, 0);
    let refused = log.accounts().await.unwrap_err();
    assert!(refused.message.contains("permission denied") && refused.hint.contains("--grant"), "{refused:?}");
    let refused = log.commit(created(&account(1, "ana"))).await.unwrap_err();
    assert!(refused.message.contains("reading only"), "{refused}");
}

#[tokio::test]
async fn a_label_that_postgres_cannot_hold_is_refused_and_nothing_is_told() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    let ana = account(1, "ana");
    log.commit(created(&ana)).await.unwrap();
    let mut change = updated(&Account { version: 2, ..ana.clone() });
    change.writes.push(AccessWrite::Issue(Token { label: "a\0b".into(), ..token(1, &ana) }));
    let refused = log.commit(change).await.unwrap_err();
    assert!(refused.kind == LogErrorKind::Unusable && refused.hint.contains("NUL"), "{refused:?}");
    assert_eq!((log.head().await.unwrap().seq, log.account(ana.id).await.unwrap()), (1, Some(ana)));
}

#[tokio::test]
async fn what_is_closed_changes_nothing() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    log.close().await.unwrap();
    let error = log.commit(created(&account(1, "ana"))).await.unwrap_err();
    assert!(error.message.contains("is closed"), "{error}");
    assert!(log.accounts().await.unwrap_err().message.contains("is closed"));
}

/// The lines of `event_line`, hashed by the server itself, are the chain.
#[tokio::test]
async fn an_auditor_reads_the_streams_of_accounts_too() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    let mut change = created(&account(1, "ana"));
    change.records[0].by = Actor::Person("o\"k\u{8}\u{1f}\n\u{7f}é".into());
    log.commit(change).await.unwrap();
    append_one(&log, run(1), 1, "x").await;
    let sql = "SELECT set_config('morningai.tenant', 'local', false);
               SELECT count(*), bool_and(sha256(convert_to(line || E'\\n', 'UTF8')) = hash)
               FROM morningai.event_line() JOIN morningai.event USING (seq)";
    let rows = sqlx::raw_sql(sql).fetch_all(&mut database.connect(PROGRAM).await).await.unwrap();
    let found: (i64, bool) = sqlx::FromRow::from_row(&rows[1]).unwrap();
    assert_eq!(found, (2, true));
}

type StoredEvent = (String, i64, Vec<u8>, i64, i64, String, Vec<u8>, Vec<u8>, String);

/// As a program that knew no accounts left it.
async fn of_the_first_version() -> Database {
    let today = Database::migrated().await;
    let log = today.open_log().await;
    append_one(&log, run(1), 1, "from before").await;
    append_one(&log, run(1), 2, "from before").await;
    let sql = "SELECT tenant, seq, stream, version, at, actor, prev, hash, body FROM morningai.event ORDER BY seq";
    let events: Vec<StoredEvent> = sqlx::query_as(sql).fetch_all(&mut today.connect("postgres").await).await.unwrap();

    let database = Database::empty().await;
    database.sql(OWNER, include_str!("../../src/store/postgres/migrations/0001_log.sql")).await;
    database.sql(OWNER, "COMMENT ON SCHEMA morningai IS 'morningai store, version 1'").await;
    let rights = "GRANT USAGE ON SCHEMA morningai TO program;
                  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA morningai TO program;
                  GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA morningai TO program";
    database.sql(OWNER, rights).await;
    let mut connection = database.connect("postgres").await;
    for (tenant, seq, stream, version, at, actor, prev, hash, body) in events {
        sqlx::query("INSERT INTO morningai.event VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
            .bind(tenant)
            .bind(seq)
            .bind(stream)
            .bind(version)
            .bind(at)
            .bind(actor)
            .bind(prev)
            .bind(hash)
            .bind(body)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    database
}

#[tokio::test]
async fn a_store_of_the_first_version_gets_accounts_and_keeps_its_log() {
    let database = of_the_first_version().await;
    let refused = database.log(PROGRAM, "local", OpenMode::ReadWrite).await.unwrap_err();
    assert!(refused.message.contains("schema version 1, this program needs version "), "{refused}");
    assert!(refused.hint.contains("db migrate --db URL --grant"), "{refused:?}");

    database.log(OWNER, "local", OpenMode::ReadWrite).await.unwrap().close().await.unwrap();
    // What the owner let the program do then says nothing about the secrets that are kept now.
    let refused = database.log(PROGRAM, "local", OpenMode::ReadWrite).await.unwrap_err();
    assert!(refused.hint.contains("--grant program"), "{refused:?}");
    database.grant(PROGRAM).await.unwrap();
    let log = database.open_log().await;
    let told = log.commit(created(&account(1, "ana"))).await.unwrap();
    assert_eq!((told[0].seq, log.read(0, 9).await.unwrap().len()), (3, 3));
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}
