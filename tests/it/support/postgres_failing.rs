//! A server that dies like a machine that loses its power, one that falls silent, and one that waits for its standby.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use super::postgres::{Cluster, Database, PROGRAM};

/// libpq's own.
const PORT: u16 = 5432;
const MOST: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

impl Cluster {
    /// A server that is soon back after it was killed: it need not go through all its files, for the kernel lived on.
    pub fn start_to_be_killed() -> Arc<Self> {
        let cluster = Self::start_with(PORT, |_| "recovery_init_sync_method = syncfs".to_owned());
        cluster.make_roles();
        Arc::new(cluster)
    }

    /// `kill -9` of the server and of every process of its, at once.
    pub fn kill(&self) {
        let pid_file = self.dir.join("data/postmaster.pid");
        let all = self.stopped_processes();
        all.iter().for_each(|pid| send(*pid, Signal::KILL));
        let began = Instant::now();
        while all.iter().any(|pid| is_running(*pid)) {
            assert!(began.elapsed() < MOST, "some of {all:?} do not die");
            std::thread::sleep(LOOK_AGAIN);
        }
        // Where nobody buries the dead, their numbers look taken to the next server.
        for file in [pid_file, self.dir.join(format!(".s.PGSQL.{PORT}.lock"))] {
            let _ = fs::remove_file(file);
        }
    }

    /// All of them, the first of which was stopped: it forks nothing more, so that none is left out.
    fn stopped_processes(&self) -> Vec<i32> {
        let pid_file = fs::read_to_string(self.dir.join("data/postmaster.pid")).unwrap();
        let postmaster = pid_file.lines().next().unwrap().parse().unwrap();
        send(postmaster, Signal::STOP);
        std::iter::once(postmaster).chain(children_of(postmaster)).collect()
    }

    /// Until that is dropped, every process of the server stands still: it takes what it is sent, and answers nothing.
    pub fn silence(&self) -> Silence {
        let all = self.stopped_processes();
        all.iter().for_each(|pid| send(*pid, Signal::STOP));
        Silence(all)
    }

    /// From now on a commit is acknowledged when a standby has it too. Returns when one has everything.
    pub async fn wait_for_a_standby_at_each_commit(&self) {
        let mut superuser = superuser_at(&self.url("postgres", "postgres")).await;
        sqlx::raw_sql("ALTER SYSTEM SET synchronous_standby_names = '*'").execute(&mut superuser).await.unwrap();
        sqlx::raw_sql("SELECT pg_reload_conf()").execute(&mut superuser).await.unwrap();
        let began = Instant::now();
        let in_step = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'";
        while sqlx::query_scalar::<_, i64>(in_step).fetch_one(&mut superuser).await.unwrap() == 0 {
            assert!(began.elapsed() < MOST, "no standby is in step");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// The processes of a silent server.
pub struct Silence(Vec<i32>);

impl Drop for Silence {
    fn drop(&mut self) {
        self.0.iter().for_each(|pid| send(*pid, Signal::CONT));
    }
}

impl Database {
    /// Where the program finds it, whichever of the servers is the primary.
    pub fn url_on(&self, clusters: &[&Cluster]) -> String {
        let hosts: Vec<_> = clusters.iter().map(|cluster| format!("host={}", cluster.dir.display())).collect();
        format!("postgres://{PROGRAM}@/{}?{}", self.name, hosts.join("&"))
    }
}

/// By the URL of a role that is called `postgres`.
pub async fn superuser_at(url: &str) -> PgConnection {
    // sqlx understands none without a host, but the same written as parameters.
    let (database, rest) = url.strip_prefix("postgres://postgres@/").unwrap().split_once('?').unwrap();
    let options: PgConnectOptions = format!("postgres:?user=postgres&dbname={database}&{rest}").parse().unwrap();
    options.connect().await.unwrap()
}

/// One that has just ended is no fault.
fn send(pid: i32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

fn children_of(parent: i32) -> Vec<i32> {
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|pid| stat(*pid).is_some_and(|(_, its)| its == parent)).collect()
}

fn is_running(pid: i32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z" && state != "X")
}

/// The state of a process and its parent; `None` when there is none.
fn stat(pid: i32) -> Option<(String, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may contain anything.
    let mut rest = stat.rsplit(')').next()?.split_whitespace();
    Some((rest.next()?.to_owned(), rest.next()?.parse().ok()?))
}
