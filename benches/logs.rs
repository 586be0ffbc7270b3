//! How fast lines of a log are put together by form, against only finding their ends and against the crate that compares
//! them. Prints; it asserts nothing.
//!
//! `cargo bench --bench logs`. At least 100 MB/s on one core, or half of what the crate alone does.

use std::hint::black_box;
use std::time::Instant;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use morningai::tools::logs::{Gatherer, Reader, Window};
use tokio_util::sync::CancellationToken;

const BYTES: usize = 64 * 1024 * 1024;
const ROUNDS: usize = 3;

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn message(a: u64, b: u64, c: u64) -> String {
    match a % 12 {
        0 => format!("INFO  http: GET /api/v1/servers/{}/metrics 200 {}ms", b % 5000, c % 300),
        1 => format!("INFO  http: POST /api/v1/orders 201 {}ms client=10.0.{}.{}", c % 300, a % 255, b % 255),
        2 => format!("WARN  db: slow query took {} ms: SELECT * FROM orders WHERE id = {c}", b % 9000),
        3 => format!("ERROR payments: card declined for customer {} (reason: insufficient_funds)", c % 100_000),
        4 => format!("INFO  session: user {} signed in from 192.168.{}.{}", c % 10_000, a % 255, b % 255),
        5 => format!("DEBUG cache: hit key=session:{c:016x} ttl={}", b % 3600),
        6 => format!("INFO  kernel: eth0: link up, {} Mbps", b % 1000),
        7 => format!(
            "INFO  sshd[{}]: Accepted publickey for deploy from 10.1.{}.{} port 22",
            b % 32_768,
            a % 255,
            c % 255
        ),
        8 => format!("INFO  worker-{}: job {:08x}-{:012x} done in {}ms", a % 16, b & 0xffff_ffff, c >> 16, c % 1000),
        9 => format!("WARN  disk: /var is {}% full", b % 100),
        10 => {
            format!("ERROR upstream: connection to 10.2.{}.{}:8080 refused after {} attempts", a % 255, b % 255, c % 9)
        }
        _ => "INFO  health: ok".to_owned(),
    }
}

fn log(start: DateTime<Utc>) -> String {
    let (mut text, mut dice) = (String::with_capacity(BYTES + 200), Dice(42));
    while text.len() < BYTES {
        let at = start + TimeDelta::milliseconds(i64::try_from(text.len() / 20).unwrap_or(0));
        let [a, b, c] = [dice.throw(), dice.throw(), dice.throw()];
        text.push_str(&format!("{} {}\n", at.format("%Y-%m-%dT%H:%M:%S%.3fZ"), message(a, b, c)));
    }
    text
}

/// The best of some rounds, in MB/s.
fn speed(text: &str, mut round: impl FnMut(&str)) -> f64 {
    let once = |_| {
        let start = Instant::now();
        round(text);
        text.len() as f64 / 1e6 / start.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(once).fold(0.0, f64::max)
}

fn main() {
    let now = DateTime::<Utc>::from_timestamp(1_796_008_455, 0).unwrap_or_default();
    let (Some(zone), cancel) = (FixedOffset::east_opt(0), CancellationToken::new()) else { return };
    let text = log(now - TimeDelta::hours(1));
    let raw = speed(&text, |text| {
        black_box(memchr::memchr_iter(b'\n', text.as_bytes()).count());
    });
    println!("ends of lines alone: {raw:.0} MB/s");
    let alone = speed(&text, |text| {
        let Ok(miner) = logdrain::Miner::builder().build() else { return };
        for line in text.lines() {
            miner.add(line.get(25..).unwrap_or_default());
        }
        black_box(miner.len());
    });
    println!("the crate alone, without times: {alone:.0} MB/s");
    let window = Window { start: now.timestamp() - 1800, end: now.timestamp() };
    let mut forms = 0;
    let ours = speed(&text, |text| {
        let Ok(mut gatherer) = Gatherer::new(window, Reader::new(now, zone), None, &cancel) else { return };
        gatherer.text(text.as_bytes());
        forms = black_box(gatherer.finish().templates.into_sorted().len());
    });
    println!("by form, with times and counts: {ours:.0} MB/s, {forms} forms");
    println!("ratio to the ends of lines: 1/{:.0}; to the crate alone: {:.2}", raw / ours, ours / alone);
}
