//! Durable steps on a throwaway Postgres, beside the rate at which one client commits single rows to the same server.
//!
//! Prints ratios to a raw limit taken in the same run; it asserts nothing, for an fsync here takes what it takes.
//! `cargo bench --bench postgres [SECONDS]`, where SECONDS is how long load goes on under a held snapshot (30; the goal
//! is stated for 600).

#[allow(dead_code)]
#[path = "support/desk.rs"]
mod desk;
#[allow(dead_code)]
#[path = "../tests/it/support/postgres.rs"]
mod postgres;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use morningai::domain::RunId;
use morningai::ports::Log;
use sqlx::{Connection, Executor};

use desk::{Desk, cpu_time, median, micros};
use postgres::Database;

fn main() {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(30);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let raw = raw_commits().await;
        println!("one client, single-row commits p50 {:>9.1} µs   {:>8.0}/s", micros(raw.p50), raw.rate);
        one_run(&raw).await;
        many_runs(&raw).await;
        two_workers().await;
        notifying().await;
        held_snapshot(Duration::from_secs(seconds)).await;
    });
}

struct Raw {
    p50: Duration,
    rate: f64,
}

/// What `pgbench` does with one client, one prepared statement and rows of a kilobyte.
async fn raw_commits() -> Raw {
    let database = Database::empty().await;
    let mut connection = database.connect("postgres").await;
    connection.execute("CREATE TABLE t (id bigserial PRIMARY KEY, body text)").await.unwrap();
    let body = "x".repeat(1024);
    let mut times = Vec::new();
    let began = Instant::now();
    for _ in 0..1000 {
        let began = Instant::now();
        sqlx::query("INSERT INTO t (body) VALUES ($1)").bind(&body).execute(&mut connection).await.unwrap();
        times.push(began.elapsed());
    }
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    Raw { p50: median(&mut times), rate }
}

async fn open() -> (Desk, Database) {
    let database = Database::migrated().await;
    let log = Arc::new(database.open_log().await);
    (Desk::on(log, 0).await, database)
}

async fn one_run(raw: &Raw) {
    let (desk, _database) = open().await;
    let (cpu, commits) = (cpu_time(), desk.log.appends.load(Ordering::Relaxed));
    let began = Instant::now();
    desk.carry_through(1, 1000).await;
    let rate = 1000.0 / began.elapsed().as_secs_f64();
    println!(
        "one run, 1000 steps                             {rate:>8.0}/s   {:.0} % of the raw rate   {:.0} µs CPU a step   {:.2} commits a step",
        100.0 * rate / raw.rate,
        micros(cpu_time() - cpu) / 1000.0,
        (desk.log.appends.load(Ordering::Relaxed) - commits) as f64 / 1000.0,
    );
}

async fn many_runs(raw: &Raw) {
    let (desk, _database) = open().await;
    let cpu = cpu_time();
    let (rate, steps) = steps_a_second(&desk, 100).await;
    println!(
        "32 runs × 100 steps                             {rate:>8.0}/s   {:.1}× the raw rate   {:.0} µs CPU a step   {:.1} steps a commit",
        rate / raw.rate,
        micros(cpu_time() - cpu) / steps,
        steps / desk.log.appends.load(Ordering::Relaxed) as f64,
    );
}

/// Of 32 runs at once: the rate, and how many steps there were.
async fn steps_a_second(desk: &Desk, steps: u32) -> (f64, f64) {
    let began = Instant::now();
    desk.carry_through(32, steps).await;
    let steps = f64::from(32 * steps);
    (steps / began.elapsed().as_secs_f64(), steps)
}

/// What notifying costs, told by doing it twice as often: another connection notifies the same listeners at the same
/// pace, by turns. Taking the right to notify away instead would measure the errors that this makes.
async fn notifying() {
    let (desk, database) = open().await;
    let mut extra = database.connect("postgres").await;
    let mut costs = Vec::new();
    for _ in 0..15 {
        let usual = steps_a_second(&desk, 30).await.0;
        let twice = async {
            loop {
                tokio::time::sleep(GATHERED).await;
                extra.execute(NOTIFY).await.unwrap();
            }
        };
        let twice = tokio::select! {
            (rate, _) = steps_a_second(&desk, 30) => rate,
            () = twice => unreachable!("it goes on until the steps are done"),
        };
        costs.push(100.0 * (1.0 - twice / usual));
    }
    costs.sort_by(f64::total_cmp);
    let [low, middle, high] = [costs.len() / 4, costs.len() / 2, costs.len() * 3 / 4].map(|place| costs[place]);
    println!(
        "32 runs, notifying others twice as often        {middle:>8.1} % slower   (quartiles {low:.1} and {high:.1})"
    );
}

/// Over how long the store gathers commits for one notification, and what it asks for then.
const GATHERED: Duration = Duration::from_millis(15);
const NOTIFY: &str = "SELECT pg_notify('morningai_' || encode(substr(sha256('local'), 1, 16), 'hex'), '')";

/// Two orchestrators on one log, each with as many runs as the one before alone. Steps last 20 ms, so that neither the
/// server nor the cores are the limit, and what is left is what the two cost each other.
async fn two_workers() {
    let (one, database) = open().await;
    let two = Desk::on(Arc::new(database.open_log().await), 0).await;
    slow_steps(&one).await;
    let (began, cpu) = (Instant::now(), cpu_time());
    let alone = slow_steps(&one).await / began.elapsed().as_secs_f64();
    let began = Instant::now();
    let (first, second) = tokio::join!(slow_steps(&one), slow_steps(&two));
    let both = (first + second) / began.elapsed().as_secs_f64();
    println!(
        "two workers, 16 runs each, steps of 20 ms       {both:>8.0}/s   {:.2}× the {alone:.0}/s of one   {:.0} µs CPU a step",
        both / alone,
        micros(cpu_time() - cpu) / (2.0 * first + second),
    );
}

/// How many there were.
async fn slow_steps(desk: &Desk) -> f64 {
    let (runs, steps) = (16, 100);
    let mut started = Vec::new();
    for _ in 0..runs {
        started.push(desk.start(steps, "wait").await);
    }
    desk.until_over(&started).await;
    f64::from(runs * steps)
}

/// Claims beside 32 runs: at first, and after a snapshot has been held open for a while.
async fn held_snapshot(load: Duration) {
    let (desk, database) = open().await;
    let log = Arc::new(database.open_log().await);
    steps_a_second(&desk, 10).await;
    let (before, rate_before) = claims(&desk, log.as_ref()).await;
    let mut holder = database.connect("postgres").await;
    let mut snapshot = holder.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    snapshot.execute("SELECT count(*) FROM pg_class").await.unwrap();
    let (stop, began) = (AtomicBool::new(false), Instant::now());
    let load_runs = async {
        while began.elapsed() < load {
            steps_a_second(&desk, 20).await;
        }
        stop.store(true, Ordering::SeqCst);
    };
    // The same few leases again and again, which is what leaves most dead rows on the way to them.
    let load_leases = async {
        while !stop.load(Ordering::SeqCst) {
            claim_and_release(log.as_ref(), 1).await;
        }
    };
    tokio::join!(load_runs, load_leases);
    let (after, rate_after) = claims(&desk, log.as_ref()).await;
    println!(
        "claim beside 32 runs           p99 {:>9.1} µs   {:.1} µs after {} s of load under a held snapshot",
        micros(before),
        micros(after),
        load.as_secs()
    );
    println!("32 runs meanwhile                               {rate_before:>8.0}/s   {rate_after:.0}/s after it");
    snapshot.rollback().await.unwrap();
}

/// The 99th percentile of a claim while 32 runs go on, and their rate.
async fn claims(desk: &Desk, log: &dyn Log) -> (Duration, f64) {
    let stop = AtomicBool::new(false);
    let measure = async {
        let mut times = Vec::new();
        while !stop.load(Ordering::SeqCst) || times.len() < 100 {
            times.push(claim_and_release(log, times.len() as u128 % 32).await);
        }
        times.sort();
        times[times.len() * 99 / 100]
    };
    let steps = async {
        let rate = steps_a_second(desk, 50).await.0;
        stop.store(true, Ordering::SeqCst);
        rate
    };
    tokio::join!(measure, steps)
}

/// How long the claim took.
async fn claim_and_release(log: &dyn Log, number: u128) -> Duration {
    let run = RunId(uuid::Uuid::from_u128(number));
    let began = Instant::now();
    let lease = log.claim(run, "bench", Duration::from_secs(5)).await.unwrap().unwrap();
    let took = began.elapsed();
    log.release(&lease).await.unwrap();
    took
}
