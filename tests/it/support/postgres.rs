//! A throwaway PostgreSQL server for this test binary, and a database of its own for each test.
//!
//! The server listens on a socket in a temporary directory and nowhere else, syncs to the disk as in earnest, and ends
//! with the test process however that ends: a shell holds the other end of a pipe and stops it when the pipe closes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use morningai::domain::Tenant;
use morningai::ports::LogError;
use morningai::store::{Encryption, OpenMode, PostgresAddress, PostgresLog};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use tempfile::TempDir;

/// Owns the schema; may not bypass anything.
pub const OWNER: &str = "owner";
/// What the program runs as.
pub const PROGRAM: &str = "program";
/// Has to give a password, which is this name too.
pub const LOCKED: &str = "locked";

/// Names the socket; no two servers share a directory.
const PORT: u16 = 5432;

/// A running server.
pub struct Cluster {
    pub dir: PathBuf,
    port: u16,
    /// Closing its input ends the server.
    guard: Child,
}

impl Cluster {
    /// The server of this test binary, started when first asked for.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| {
            let cluster = Self::start();
            cluster.make_roles();
            cluster
        })
    }

    /// A new server with nothing in it.
    pub fn start() -> Self {
        Self::start_with(PORT, |_| String::new())
    }

    /// The same with settings, made once the directory of its data is there.
    pub fn start_with(port: u16, settings: impl FnOnce(&Path) -> String) -> Self {
        let (dir, data) = new_directory();
        let options =
            ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"];
        run(unprivileged(&Self::programs().join("initdb")).args(options).arg("--pgdata").arg(&data));
        let access = format!("local all {LOCKED} scram-sha-256\nlocal all all trust\nlocal replication all trust\n");
        let access = access + "hostssl all all 127.0.0.1/32 trust\n";
        fs::write(data.join("pg_hba.conf"), access).unwrap();
        let settings = settings(&data);
        Self::run_in(dir, port, &settings)
    }

    /// A server that follows this one.
    pub fn start_standby(&self) -> Self {
        let (dir, data) = new_directory();
        let mut command = unprivileged(&Self::programs().join("pg_basebackup"));
        command.args(["--username=postgres", "--write-recovery-conf", "--checkpoint=fast"]);
        command.args(["--port", &self.port.to_string(), "--host"]).arg(&self.dir);
        run(command.arg("--pgdata").arg(&data));
        Self::run_in(dir, self.port, "")
    }

    fn run_in(dir: PathBuf, port: u16, more: &str) -> Self {
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 200\nfsync = on\n\
             synchronous_commit = on\nport = {port}\n{more}\n",
            dir.display()
        );
        let file = dir.join("data/postgresql.conf");
        let config = fs::read_to_string(&file).unwrap();
        fs::write(&file, config + &settings).unwrap();
        let cluster = Self { guard: guard(&Self::programs(), &dir), dir, port };
        cluster.go();
        cluster
    }

    pub fn go(&self) {
        let log = self.dir.join("data/log");
        self.pg_ctl(&["start", "--wait", "--log", &log.to_string_lossy()]);
    }

    /// As by a power cut: no goodbye, no checkpoint.
    pub fn crash(&self) {
        self.pg_ctl(&["stop", "--wait", "--mode=immediate"]);
    }

    pub fn pg_ctl(&self, args: &[&str]) {
        run(unprivileged(&Self::programs().join("pg_ctl")).args(args).arg("--pgdata").arg(self.dir.join("data")));
    }

    pub fn make_roles(&self) {
        self.psql(&format!(
            "CREATE ROLE {OWNER} LOGIN; CREATE ROLE {PROGRAM} LOGIN; CREATE ROLE {LOCKED} LOGIN PASSWORD '{LOCKED}'"
        ));
    }

    fn psql(&self, sql: &str) {
        let mut command = unprivileged(&Self::programs().join("psql"));
        run(command.args(["--no-psqlrc", "--quiet", "--username=postgres", "--host"]).arg(&self.dir).args([
            "--port",
            &self.port.to_string(),
            "--command",
            sql,
        ]));
    }

    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@/{database}?host={}&port={}", self.dir.display(), self.port)
    }
}

/// Runs a program as the server's user, in a directory.
pub fn run_for_server(program: &str, args: &[&str], dir: &Path) {
    run(unprivileged(Path::new(program)).args(args).current_dir(dir));
}

/// A directory that the server's user may write to, and the place of its data in it.
fn new_directory() -> (PathBuf, PathBuf) {
    let dir = tempfile::Builder::new().prefix("mpg-").tempdir_in("/tmp").unwrap().keep();
    if rustix::process::geteuid().is_root() {
        run(Command::new("chown").arg(format!("{}:", unprivileged_user())).arg(&dir));
    }
    let data = dir.join("data");
    (dir, data)
}

/// Stops the server and removes its directory when this process closes the pipe, or ends.
fn guard(programs: &Path, dir: &Path) -> Child {
    let script =
        "cat >/dev/null; \"$1/pg_ctl\" stop --mode=immediate --pgdata \"$2/data\" >/dev/null 2>&1; rm -rf \"$2\"";
    let mut command = unprivileged(Path::new("sh"));
    command.args(["-c", script, "guard"]).args([programs, dir]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The server refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        let mut command = Command::new(program);
        command.current_dir("/");
        return command;
    }
    let user = unprivileged_user();
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={user}"), "--clear-groups", "--"]).arg(program).current_dir("/");
    command
}

fn unprivileged_user() -> &'static str {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    if users.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "nobody" }
}

impl Cluster {
    /// Where the server's programs are: where Debian puts them, or in PATH.
    pub fn programs() -> PathBuf {
        let mut debian: Vec<_> = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("bin"))
            .collect();
        debian.sort();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let is_whole = |dir: &PathBuf| ["initdb", "pg_ctl", "psql"].iter().all(|name| dir.join(name).exists());
        let found = debian.into_iter().rev().chain(std::env::split_paths(&path)).find(is_whole);
        found.expect(
            "these tests need a PostgreSQL server: run `tests/run --install-only`, or install Debian's `postgresql`",
        )
    }
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A database of its own, owned by `OWNER`, empty at first.
pub struct Database {
    pub name: String,
    cluster: Place,
    /// Where heads are saved.
    pub data: TempDir,
}

/// The server that a database is on.
#[derive(Clone)]
enum Place {
    Shared(&'static Cluster),
    Own(Arc<Cluster>),
}

impl Database {
    pub async fn empty() -> Self {
        Self::empty_on(Place::Shared(Cluster::shared())).await
    }

    /// Migrated, on a server that the test may crash.
    pub async fn migrated_on(cluster: &Arc<Cluster>) -> Self {
        let database = Self::empty_on(Place::Own(cluster.clone())).await;
        database.grant(PROGRAM).await.unwrap();
        database
    }

    async fn empty_on(cluster: Place) -> Self {
        Self::made(cluster, "").await
    }

    async fn made(cluster: Place, how: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut connection = connect(cluster.get(), "postgres", "postgres").await;
        let sql = format!("CREATE DATABASE {name} OWNER {OWNER} {how}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        Self { name, cluster, data: tempfile::tempdir().unwrap() }
    }

    /// One for a file that a test would keep its store in: the same one for the same path.
    pub async fn standing_in_for(path: &Path) -> Arc<Self> {
        static KNOWN: tokio::sync::Mutex<BTreeMap<PathBuf, Arc<Database>>> =
            tokio::sync::Mutex::const_new(BTreeMap::new());
        let mut known = KNOWN.lock().await;
        if !known.contains_key(path) {
            known.insert(path.to_owned(), Arc::new(Self::migrated().await));
        }
        known[path].clone()
    }

    /// With the schema made by its owner, and the program's role let in.
    pub async fn migrated() -> Self {
        let database = Self::empty().await;
        database.grant(PROGRAM).await.unwrap();
        database
    }

    /// Another one with the same in it. Nobody may be using this one meanwhile.
    pub async fn copied(&self) -> Self {
        Self::made(self.cluster.clone(), &format!("TEMPLATE {}", self.name)).await
    }

    /// As `db migrate --grant` does.
    pub async fn grant(&self, role: &str) -> Result<(), LogError> {
        let log = self.log(OWNER, "local", OpenMode::ReadWrite).await?;
        log.grant(role).await?;
        log.close().await
    }

    pub fn url(&self, role: &str) -> String {
        self.cluster.get().url(role, &self.name)
    }

    pub fn address(&self, role: &str) -> PostgresAddress {
        self.url(role).parse().unwrap()
    }

    pub async fn log(&self, role: &str, tenant: &str, mode: OpenMode) -> Result<PostgresLog, LogError> {
        PostgresLog::open(&self.address(role), Tenant(tenant.into()), mode, self.data.path()).await
    }

    pub async fn sealed_log(&self, role: &str, tenant: &str, key: &Encryption) -> PostgresLog {
        let (address, tenant, mode) = (self.address(role), Tenant(tenant.into()), OpenMode::ReadWrite);
        PostgresLog::open_with(&address, tenant, mode, self.data.path(), key).await.unwrap()
    }

    /// As the program opens it.
    pub async fn open_log(&self) -> PostgresLog {
        self.log(PROGRAM, "local", OpenMode::ReadWrite).await.unwrap()
    }

    /// With nothing of ours in between; the superuser passes every policy.
    pub async fn sql(&self, role: &str, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connect(role).await).await.unwrap();
    }

    pub async fn connect(&self, role: &str) -> PgConnection {
        connect(self.cluster.get(), role, &self.name).await
    }
}

impl Place {
    fn get(&self) -> &Cluster {
        match self {
            Self::Shared(cluster) => cluster,
            Self::Own(cluster) => cluster,
        }
    }
}

async fn connect(cluster: &Cluster, role: &str, database: &str) -> PgConnection {
    let options = PgConnectOptions::new_without_pgpass().socket(&cluster.dir).port(cluster.port);
    options.username(role).database(database).connect().await.unwrap()
}
