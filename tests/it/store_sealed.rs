//! The encrypted SQLite store: the contracts again, what encryption adds to them, and what is left in the files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use morningai::domain::{Actor, Tenant};
use morningai::ports::{
    AccessWrite, Account, AccountRows, AccountSecrets, Accounts, Erasure, Log, LogError, Token, TotpSecret,
};
use morningai::runtime::Turns;
use morningai::store::{Encryption, OpenMode, SqliteLog};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use crate::accounts_contract::{AccountStorage, Commit, accounts_of};
use crate::sealed_contract::{ANA, CANARY, Desk, Opened, SealedStorage, key};
use crate::store_contract::{Storage, at, run};
use crate::store_tamper::raw_sql;
use crate::{accounts_contract, sealed_contract, store_contract};

struct SealedFile(TempDir);

impl SealedFile {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("store.db")
    }

    async fn log(&self, tenant: &str, encryption: &Encryption) -> Result<Arc<SqliteLog>, LogError> {
        SqliteLog::open_with(&self.path(), Tenant(tenant.into()), OpenMode::ReadWrite, encryption).await.map(Arc::new)
    }
}

/// All files below a directory, one after the other.
fn files_in(dir: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).flat_map(|path| std::fs::read(path).unwrap()).collect()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[async_trait]
impl Storage for SealedFile {
    async fn open(&self, tenant: &str) -> Arc<dyn Log> {
        self.log(tenant, &key(1)).await.unwrap()
    }
}

#[async_trait]
impl AccountStorage for SealedFile {
    async fn open_accounts(&self, tenant: &str) -> (Arc<dyn Accounts>, Arc<dyn Log>) {
        let log = self.log(tenant, &key(1)).await.unwrap();
        (accounts_of(log.clone()), log)
    }
}

#[async_trait]
impl SealedStorage for SealedFile {
    async fn open_with(&self, tenant: &str, encryption: &Encryption) -> Result<Opened, LogError> {
        let log = self.log(tenant, encryption).await?;
        Ok(Opened { log: log.clone(), subjects: Turns::default().subjects(log.clone(), log) })
    }

    async fn tamper(&self, sql: &str) {
        let tables = ["event", "projection", "blob", "subject_key"];
        match sql {
            "SAVE" => {
                for table in tables {
                    raw_sql(&self.path(), &format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await;
                }
            }
            "RESTORE" => {
                for table in tables {
                    let back = format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table};");
                    raw_sql(&self.path(), &format!("{back} DROP TABLE kept_{table}")).await;
                }
            }
            sql => raw_sql(&self.path(), sql).await,
        }
    }

    async fn everything(&self) -> Vec<u8> {
        files_in(self.0.path())
    }
}

macro_rules! clauses {
    ($contract:ident: $($clause:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                $contract::$clause(&SealedFile::new()).await;
            }
        )*
    };
}

clauses![store_contract:
    what_is_appended_is_read_back_the_same,
    several_writers_get_dense_numbers,
    a_batch_decided_on_an_old_log_is_a_conflict,
    a_lease_has_one_holder_and_growing_tokens,
    an_append_without_its_lease_is_fenced,
    rows_are_found_newest_first_by_state,
    a_request_is_remembered_with_what_came_of_it_and_never_carried_out_twice,
    rows_are_found_by_their_state_their_parent_and_the_time_they_wait_for,
    a_row_is_replaced_under_its_key_and_all_of_them_at_once,
    reading_back_goes_page_by_page,
    a_search_takes_its_text_literally,
    a_blob_is_found_under_its_hash,
    tenants_do_not_see_each_other,
    a_commit_elsewhere_is_noticed_in_time,
    ones_own_commit_is_announced_before_append_returns,
];

clauses![accounts_contract:
    an_account_is_read_back_as_it_was_written,
    a_change_and_what_the_log_says_of_it_are_one,
    of_two_changes_to_one_version_one_is_a_conflict,
    a_name_is_taken_once,
    a_witness_that_changed_stops_the_change,
    a_token_is_found_by_its_hash_until_it_is_revoked_and_after,
    sessions_are_found_used_ended_and_swept,
    tenants_share_no_account_token_or_session,
    access_events_and_others_share_one_dense_log,
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
    let forget = "UPDATE projection SET state = NULL, parent = NULL, due = NULL";
    sealed_contract::rows_of_an_earlier_version_are_found_like_others(&SealedFile::new(), &[forget]).await;
}

#[tokio::test]
async fn what_was_moved_or_changed_does_not_open() {
    let statements = [
        "UPDATE event SET body = (SELECT body FROM event WHERE seq = 7) WHERE seq = 1",
        "UPDATE event SET actor = (SELECT actor FROM event WHERE seq = 5) WHERE seq = 1",
        "UPDATE event SET body = replace(body, 'run.started', 'run.resumed') WHERE seq = 1",
        r#"UPDATE event SET body = '{"type":"run.resumed"}' WHERE seq = 1"#,
        "UPDATE projection SET body = (SELECT max(body) FROM projection WHERE kind = 'approval') WHERE kind = 'run'",
        "UPDATE projection SET body = '{}' WHERE kind = 'run'",
        "UPDATE blob SET content = CAST(substr(content, 1, 20) || x'00' AS BLOB)",
        "UPDATE subject_key SET wrapped = (SELECT max(wrapped) FROM subject_key)",
        "DELETE FROM subject_key",
    ];
    sealed_contract::what_was_moved_or_changed_does_not_open(&SealedFile::new(), &statements).await;
}

fn ana() -> Account {
    let secrets = AccountSecrets {
        password: Some(format!("$argon2id${CANARY}")),
        totp: Some(TotpSecret { secret: CANARY.as_bytes().to_vec(), last_step: 1 }),
        recovery: Vec::new(),
    };
    Account { secrets, ..accounts_contract::account(1, ANA) }
}

async fn with_account(log: &SqliteLog) {
    log.commit(accounts_contract::created(&ana())).await.unwrap();
    let token = Token { label: CANARY.to_owned(), ..accounts_contract::token(3, &ana()) };
    log.commit(accounts_contract::writes(vec![AccessWrite::Issue(token)])).await.unwrap();
}

#[tokio::test]
async fn an_account_and_its_secrets_are_in_no_file_and_no_backup() {
    let file = SealedFile::new();
    let log = file.log("local", &key(1)).await.unwrap();
    with_account(&log).await;
    log.backup_to(&file.0.path().join("copy.db")).await.unwrap();
    for closed in [false, true] {
        for text in [CANARY, ANA] {
            assert!(!sealed_contract::is_stored(&file, text).await, "{text}, closed: {closed}");
        }
        assert!(sealed_contract::is_stored(&file, "access.account_created").await);
        log.close().await.unwrap();
    }
    let copy =
        SqliteLog::open_with(&file.0.path().join("copy.db"), Tenant::default(), OpenMode::ReadOnly, &key(1)).await;
    let copy = copy.unwrap();
    assert_eq!(copy.accounts().await.unwrap(), [ana()]);
    assert_eq!(copy.tokens().await.unwrap()[0].label, CANARY);
}

async fn column(path: &Path, sql: &'static str) -> Vec<Vec<u8>> {
    let mut connection = SqliteConnectOptions::new().filename(path).read_only(true).connect().await.unwrap();
    sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
}

/// The key is what makes the rest readable; so it is looked for where SQLite leaves things: pages, their unused bytes,
/// free pages, the write-ahead log.
#[tokio::test]
async fn a_destroyed_key_is_left_in_no_file() {
    let file = SealedFile::new();
    let log = file.log("local", &key(1)).await.unwrap();
    with_account(&log).await;
    let mut desk = Desk::new(&(file.log("desk", &key(1)).await.unwrap() as Arc<dyn Log>));
    for number in 0..40 {
        // Enough people that their keys fill pages and move between them.
        desk.whole_run(run(number), &format!("person{number}"), "bo", "words").await;
    }
    let wrapped =
        column(&file.path(), "SELECT wrapped FROM subject_key WHERE tenant = 'local' AND length(wrapped) > 61").await;
    let found = wrapped.iter().filter(|wrapped| holds(&files_in(file.0.path()), wrapped)).count();
    assert_eq!((wrapped.len(), found), (2, 2), "root's and ana's");
    let erasure = Erasure { name: ANA.into(), by: Actor::Person("root".into()), at: at(99) };
    let erased = Turns::default().subjects(log.clone(), log.clone()).erase(erasure).await.unwrap();
    assert_eq!(erased.leftovers, "");
    let left = column(&file.path(), "SELECT wrapped FROM subject_key WHERE tenant = 'local'").await;
    let destroyed: Vec<_> = wrapped.iter().filter(|wrapped| !left.contains(wrapped)).collect();
    assert_eq!((left.len(), destroyed.len()), (3, 1));
    assert!(!holds(&files_in(file.0.path()), destroyed[0]), "the key is still in a file");
    // In part it would do no good, and is not there either.
    assert!(!holds(&files_in(file.0.path()), &destroyed[0][..24]));
    assert_eq!(log.accounts().await.unwrap(), []);
    assert_eq!(log.tokens().await.unwrap(), []);
    log.close().await.unwrap();
    assert!(!holds(&files_in(file.0.path()), destroyed[0]));
    assert_eq!(file.log("desk", &key(1)).await.unwrap().read(0, 999).await.unwrap().len(), 240);
}
