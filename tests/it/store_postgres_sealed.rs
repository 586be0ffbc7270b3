//! The encrypted Postgres store: the contract again, what encryption adds to it, and what a dump of it shows.

use std::sync::Arc;

use async_trait::async_trait;
use morningai::domain::{Actor, Tenant};
use morningai::ports::{Erasure, Log, LogError, NewEvent};
use morningai::runtime::Turns;
use morningai::store::{Encryption, OpenMode, PostgresLog};
use sqlx::AssertSqlSafe;

use crate::sealed_contract::{Opened, SealedStorage, key};
use crate::store_contract::{Storage, at, batch, paused, run};
use crate::support::postgres::{Database, OWNER, PROGRAM};
use crate::{sealed_contract, store_contract};

struct Sealed(Database);

impl Sealed {
    async fn log(&self, tenant: &str, encryption: &Encryption) -> Result<Arc<PostgresLog>, LogError> {
        let (address, tenant) = (self.0.address(PROGRAM), Tenant(tenant.into()));
        let data = self.0.data.path();
        PostgresLog::open_with(&address, tenant, OpenMode::ReadWrite, data, encryption).await.map(Arc::new)
    }
}

#[async_trait]
impl Storage for Sealed {
    async fn open(&self, tenant: &str) -> Arc<dyn Log> {
        self.log(tenant, &key(1)).await.unwrap()
    }
}

#[async_trait]
impl SealedStorage for Sealed {
    async fn open_with(&self, tenant: &str, encryption: &Encryption) -> Result<Opened, LogError> {
        let log = self.log(tenant, encryption).await?;
        Ok(Opened { log: log.clone(), subjects: Turns::default().subjects(log.clone(), log) })
    }

    async fn tamper(&self, sql: &str) {
        for table in ["event", "projection", "blob", "subject_key"] {
            let (table, kept) = (format!("morningai.{table}"), format!("public.kept_{table}"));
            match sql {
                "SAVE" => self.0.sql("postgres", &format!("CREATE TABLE {kept} AS SELECT * FROM {table}")).await,
                "RESTORE" => {
                    let back = format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM {kept};");
                    self.0.sql("postgres", &format!("{back} DROP TABLE {kept}")).await;
                }
                sql => return self.0.sql("postgres", sql).await,
            }
        }
    }

    /// What a dump would hold.
    async fn everything(&self) -> Vec<u8> {
        let mut connection = self.0.connect("postgres").await;
        let tables =
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'morningai'::regnamespace AND relkind = 'r'";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
        assert!(tables.len() >= 8, "{tables:?}");
        let mut everything = String::new();
        for table in tables {
            let sql = format!("SELECT coalesce(string_agg(t::text, '\n'), '') FROM morningai.{table} AS t");
            let rows: String = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap();
            everything.push_str(&rows);
        }
        everything.into_bytes()
    }
}

macro_rules! clauses {
    ($contract:ident: $($clause:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                $contract::$clause(&Sealed(Database::migrated().await)).await;
            }
        )*
    };
}

clauses![store_contract:
    what_is_appended_is_read_back_the_same,
    several_writers_get_dense_numbers,
    a_batch_decided_on_an_old_log_is_a_conflict,
    an_append_without_its_lease_is_fenced,
    rows_are_found_newest_first_by_state,
    a_request_is_remembered_with_what_came_of_it_and_never_carried_out_twice,
    rows_are_found_by_their_state_their_parent_and_the_time_they_wait_for,
    a_row_is_replaced_under_its_key_and_all_of_them_at_once,
    reading_back_goes_page_by_page,
    a_search_takes_its_text_literally,
    a_blob_is_found_under_its_hash,
    tenants_do_not_see_each_other,
];

clauses![sealed_contract:
    nothing_that_was_said_is_stored_in_clear,
    only_the_right_key_opens_it,
    a_log_is_plain_or_encrypted_from_its_first_event,
    somebody_is_erased_and_nobody_else,
    who_is_erased_can_begin_anew_in_every_process,
    nobody_is_erased_while_a_run_of_theirs_goes_on,
];

#[tokio::test]
async fn rows_of_an_earlier_version_are_found_like_others() {
    let forget = ["projection", "listing"]
        .map(|table| format!("UPDATE morningai.{table} SET state = NULL, parent = NULL, due = NULL"));
    let forget = forget.each_ref().map(String::as_str);
    let storage = Sealed(Database::migrated().await);
    sealed_contract::rows_of_an_earlier_version_are_found_like_others(&storage, &forget).await;
}

#[tokio::test]
async fn what_was_moved_or_changed_does_not_open() {
    let statements = [
        "UPDATE morningai.event SET body = (SELECT body FROM morningai.event WHERE seq = 7) WHERE seq = 1",
        "UPDATE morningai.event SET actor = (SELECT actor FROM morningai.event WHERE seq = 5) WHERE seq = 1",
        r#"UPDATE morningai.event SET body = '{"type":"run.resumed"}' WHERE seq = 1"#,
        "UPDATE morningai.projection SET body = '{}' WHERE kind = 'run'",
        "UPDATE morningai.blob SET content = substr(content, 1, 20) || '\\x00'",
        "UPDATE morningai.subject_key SET wrapped = (SELECT max(wrapped::text)::bytea FROM morningai.subject_key)",
        "DELETE FROM morningai.subject_key",
    ];
    let storage = Sealed(Database::migrated().await);
    sealed_contract::what_was_moved_or_changed_does_not_open(&storage, &statements).await;
}

/// What the server itself keeps is not the program's to destroy; it says so, and who can.
#[tokio::test]
async fn what_is_left_in_the_server_is_told() {
    let storage = Sealed(Database::migrated().await);
    let words = "VACUUM FULL morningai.subject_key";
    for (name, role, is_owner) in [("ana", PROGRAM, false), ("bo", OWNER, true)] {
        let log = Arc::new(storage.0.sealed_log(role, "local", &key(1)).await);
        let after = log.head().await.unwrap().seq;
        let event = NewEvent { by: Actor::Person(name.into()), ..paused(run(after.into()), 1, "x") };
        log.append(batch(after, vec![event])).await.unwrap();
        let subjects = Turns::default().subjects(log.clone(), log.clone());
        let erased = subjects.erase(Erasure { name: name.into(), by: Actor::System, at: at(9) }).await.unwrap();
        assert_eq!(erased.leftovers.contains(words), !is_owner, "{role}: {}", erased.leftovers);
        assert!(erased.leftovers.contains("write-ahead log"), "{}", erased.leftovers);
        log.close().await.unwrap();
    }
    let mut connection = storage.0.connect("postgres").await;
    let sql = "SELECT count(*) FROM morningai.subject_key WHERE lookup IS NULL AND wrapped = ''";
    assert_eq!(sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut connection).await.unwrap(), 2);
}
