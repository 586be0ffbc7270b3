//! Stores that are made once and tried to spoil as often as wanted, each time a copy of the same one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use morningai::domain::{BlobId, CallNo, Output, Tenant, ToolResult};
use morningai::kinds::{Envelope, Event, RunEvent, Stream};
use morningai::ports::{Log, NewEvent, StoredOutput, StoredOutputs};
use morningai::store::{Encryption, OpenMode, PostgresLog, SqliteLog, StoreKey};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use uuid::Uuid;

use super::store::store_of;
use crate::store_contract::batch;
use crate::support::machine::{Machine, Ran};
use crate::support::postgres::{Database, OWNER};

/// Who is erased.
pub const PERSON: &str = "ana-canaryname";
/// How often each run is there: enough for some portions of a pruning, and for an erasure to have some to remove.
const TIMES_TO_PRUNE: u128 = 40;
const TIMES_TO_ERASE: u128 = 8;
const MOST: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    Sqlite,
    Postgres,
}

/// With which key a store is encrypted.
type Key = Option<&'static str>;

const KEY: &str = "6d6f726e6d6f726e6d6f726e6d6f726e6d6f726e6d6f726e6d6f726e6d6f726e";

pub struct Original {
    machine: Machine,
    database: Option<Database>,
    key: Key,
}

impl Original {
    /// Many runs that ended, each with an output, and one that waits.
    pub async fn to_be_pruned(ground: Ground) -> Self {
        let machine = Machine::new();
        let run = |arguments: &[&str]| started(&machine, None, arguments);
        run(&["run", "--runbook", "check-this-machine", "--until-waiting"]).ended(4);
        deny(&machine, None, &[]);
        multiply(&machine, None, TIMES_TO_PRUNE).await;
        run(&["run", "--runbook", "check-this-machine", "--until-waiting"]).ended(4);
        Self::on(ground, machine, None).await
    }

    /// Many runs of the person who is erased, some of somebody else, and accounts of both.
    pub async fn to_be_erased(ground: Ground) -> Self {
        let machine = Machine::new();
        let key = Some(KEY);
        for who in [PERSON, "bo"] {
            started(&machine, key, &["--as", who, "run", "--runbook", "check-this-machine", "--until-waiting"])
                .ended(4);
            deny(&machine, key, &["--as", who]);
        }
        for (name, role) in [("ana", "owner"), (PERSON, "operator")] {
            started(&machine, key, &["accounts", "add", name, "--role", role, "--no-password"]).ended(0);
        }
        multiply(&machine, key, TIMES_TO_ERASE).await;
        Self::on(ground, machine, key).await
    }

    async fn on(ground: Ground, machine: Machine, key: Key) -> Self {
        started(&machine, key, &["db", "rebuild"]).ended(0);
        let database = match ground {
            Ground::Sqlite => None,
            Ground::Postgres => {
                let database = Database::migrated().await;
                started(&machine, key, &["db", "copy", &database.url(OWNER)]).ended(0);
                Some(database)
            }
        };
        Self { machine, database, key }
    }

    /// A copy, on a machine of its own.
    pub async fn trial(&self) -> Trial {
        let machine = Machine::new();
        let database = match &self.database {
            None => {
                std::fs::create_dir_all(machine.path("data")).unwrap();
                std::fs::copy(store_of(&self.machine), store_of(&machine)).unwrap();
                None
            }
            Some(database) => Some(database.copied().await),
        };
        let machine = match &database {
            None => machine,
            Some(database) => machine.with_store(&database.url(OWNER)),
        };
        Trial { machine, database, key: self.key }
    }

    /// The keys in it, by whose they are, as they lie in the store.
    pub async fn keys(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        // On Postgres they are the same, for a copy takes them along.
        let mut file = SqliteConnectOptions::new().filename(store_of(&self.machine)).connect().await.unwrap();
        let keys: Vec<_> =
            sqlx::query_as("SELECT subject, wrapped FROM subject_key").fetch_all(&mut file).await.unwrap();
        keys.into_iter().collect()
    }
}

pub struct Trial {
    machine: Machine,
    database: Option<Database>,
    key: Key,
}

impl Trial {
    pub fn command(&self, arguments: &[&str]) -> Command {
        command(&self.machine, self.key, arguments)
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Where it is one.
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    pub async fn open(&self) -> Opened {
        let (tenant, mode, key) = (Tenant::default(), OpenMode::ReadWrite, encryption(self.key));
        match &self.database {
            None => Opened::Sqlite(SqliteLog::open_with(&store_of(&self.machine), tenant, mode, &key).await.unwrap()),
            Some(database) => {
                let (address, data) = (database.address(OWNER), database.data.path());
                Opened::Postgres(PostgresLog::open_with(&address, tenant, mode, data, &key).await.unwrap())
            }
        }
    }

    /// Until what a killed process had under way in the database is over.
    pub async fn until_nobody_works(&self) {
        let Some(database) = &self.database else { return };
        let mut superuser = database.connect("postgres").await;
        let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                      AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let deadline = Instant::now() + MOST;
        while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut superuser).await.unwrap() > 0 {
            assert!(Instant::now() < deadline, "somebody still works in the database");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Of the keys that were in a store, those whose owner was erased lie nowhere in its files any more.
    pub async fn check_no_destroyed_key(&self, keys: &BTreeMap<Vec<u8>, Vec<u8>>) {
        let (kept, files) = match &self.database {
            None => self.keys_in_file().await,
            Some(database) => keys_in_database(database).await,
        };
        for (subject, wrapped) in keys {
            let is_there = files.windows(wrapped.len()).any(|bytes| bytes == wrapped);
            assert_eq!(is_there, kept.get(subject) == Some(wrapped), "a key that was destroyed, or one that was not");
        }
    }

    async fn keys_in_file(&self) -> (BTreeMap<Vec<u8>, Vec<u8>>, Vec<u8>) {
        let path = store_of(&self.machine);
        let beside = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
        let files = beside.filter(|file| file.is_file()).flat_map(|file| std::fs::read(file).unwrap()).collect();
        let mut file = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        let kept: Vec<_> =
            sqlx::query_as("SELECT subject, wrapped FROM subject_key").fetch_all(&mut file).await.unwrap();
        (kept.into_iter().collect(), files)
    }
}

/// An open store of either kind.
pub enum Opened {
    Sqlite(SqliteLog),
    Postgres(PostgresLog),
}

impl Opened {
    pub fn log(&self) -> &dyn Log {
        match self {
            Self::Sqlite(log) => log,
            Self::Postgres(log) => log,
        }
    }

    pub async fn stored_outputs(&self) -> Vec<StoredOutput> {
        let outputs: &dyn StoredOutputs = match self {
            Self::Sqlite(log) => log,
            Self::Postgres(log) => log,
        };
        outputs.stored_outputs(None, 100_000).await.unwrap()
    }

    pub async fn close(self) {
        match self {
            Self::Sqlite(log) => log.close().await.unwrap(),
            Self::Postgres(log) => log.close().await.unwrap(),
        }
    }
}

/// Of a database the file of the keys; its log is the server's.
async fn keys_in_database(database: &Database) -> (BTreeMap<Vec<u8>, Vec<u8>>, Vec<u8>) {
    let mut superuser = database.connect("postgres").await;
    sqlx::raw_sql("CHECKPOINT").execute(&mut superuser).await.unwrap();
    let file = "SELECT current_setting('data_directory') || '/' || pg_relation_filepath('morningai.subject_key')";
    let file: String = sqlx::query_scalar(file).fetch_one(&mut superuser).await.unwrap();
    let kept = "SELECT subject, wrapped FROM morningai.subject_key";
    let kept: Vec<_> = sqlx::query_as(kept).fetch_all(&mut superuser).await.unwrap();
    (kept.into_iter().collect(), std::fs::read(PathBuf::from(file)).unwrap())
}

fn command(machine: &Machine, key: Key, arguments: &[&str]) -> Command {
    let mut command = machine.command(arguments);
    command.env("MORNINGAI_STORE_KEY", key.unwrap_or_default());
    command
}

fn started(machine: &Machine, key: Key, arguments: &[&str]) -> Ran {
    command(machine, key, arguments).output().unwrap().into()
}

fn encryption(key: Key) -> Encryption {
    key.map_or(Encryption::None, |key| Encryption::Key(StoreKey::parse(key).unwrap()))
}

/// Ends the run that waits.
fn deny(machine: &Machine, key: Key, by: &[&str]) {
    let waiting = started(machine, key, &["approvals", "--json"]).ended(0).json().remove(0);
    let id = waiting["id"].as_str().unwrap();
    started(machine, key, &[by, &["deny", id, "--reason", "not tonight", "--until-waiting"]].concat()).ended(0);
}

/// All runs and what they asked once more, many times, under other names, each with an output of its own.
async fn multiply(machine: &Machine, key: Key, times: u128) {
    let path = store_of(machine);
    let (tenant, mode) = (Tenant::default(), OpenMode::ReadWrite);
    let log = SqliteLog::open_with(&path, tenant, mode, &encryption(key)).await.unwrap();
    let all = log.read(0, 100_000).await.unwrap();
    let all: Vec<_> = all.iter().filter(|envelope| id_of(envelope).is_some()).collect();
    for time in 1..=times {
        let mut text = serde_json::to_string(&all).unwrap();
        for id in all.iter().filter_map(|envelope| id_of(envelope)) {
            text = text.replace(&id.to_string(), &Uuid::from_u128(id.as_u128() ^ time).to_string());
        }
        let copies: Vec<Envelope> = serde_json::from_str(&text).unwrap();
        let events: Vec<_> = copies.into_iter().map(new_event).collect();
        let last: BTreeMap<_, _> = events.iter().map(|event| (event.stream, event.clone())).collect();
        let after = log.head().await.unwrap().seq;
        let appended = log.append(batch(after, events)).await.unwrap();
        let mut named = Vec::new();
        // An output is its person's because the run was begun for them, so the run is there before it.
        for (stream, last) in last {
            let Stream::Run(run) = stream else { continue };
            let content = format!("output {time} of {run}");
            let blob = log.put_output(run, content.as_bytes()).await.unwrap();
            named.push(NewEvent { version: last.version + 1, event: settled(blob), ..last });
        }
        log.append(batch(after + appended.len() as u64, named)).await.unwrap();
    }
    log.close().await.unwrap();
}

fn id_of(envelope: &Envelope) -> Option<Uuid> {
    match envelope.stream {
        Stream::Run(run) => Some(run.0),
        Stream::Approval(approval) => Some(approval.0),
        Stream::Incident(_) | Stream::Page(_) | Stream::Handover(_) => None,
        Stream::Maintenance(_) | Stream::Budget(_) | Stream::Subscription(_) | Stream::Account(_) => None,
    }
}

fn new_event(envelope: Envelope) -> NewEvent {
    let Envelope { stream, version, at, by, event, .. } = envelope;
    NewEvent { stream, version, at, by, event }
}

fn settled(blob: BlobId) -> Event {
    let output = Output { blob: Some(blob), bytes: 100, ..Output::text("a long") };
    Event::Run(RunEvent::CallSettled { call: CallNo(1), attempt: 1, result: ToolResult::success("looked", output) })
}
