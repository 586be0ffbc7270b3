//! Recomputes the chain from the first event, in pieces, and says where it does not hold.
//!
//! All of it reads one state of the database, so that commits going on meanwhile do not look like damage. Holds one
//! number per stream in memory, and one piece of events.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::Place;
use super::Store;
use super::from_sql;
use super::read_place;
use super::to_sql;
use crate::domain::Stream;
use crate::domain::Tenant;
use crate::ports::Head;
use crate::ports::LogError;
use crate::ports::VerifyReport;
use crate::store::chain::Chain;
use crate::store::chain::Columns;
use crate::store::chain::Link;
use crate::store::chain::stream_from_bytes;
use crate::store::heads;

/// Events read at a time.
const PIECE: i64 = 1_000;

/// After this many problems only their number is of interest.
const MOST_PROBLEMS: usize = 200;

const READ: &str = "SELECT seq, stream, version, at, actor, prev, body FROM event
     WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3";

pub(super) async fn verify(store: &Store, saved: &[Head]) -> Result<VerifyReport, LogError> {
    let mut examiner = Examiner::new(&store.tenant);
    // Read before the log is, which therefore reaches at least as far as they do.
    let mut checked = saved.to_vec();
    match heads::load(&store.path, &store.tenant) {
        Ok(kept) => checked.extend(kept),
        Err(error) => examiner.note(0, error.message),
    }
    checked.sort_by(|a, b| (a.seq, &a.hash).cmp(&(b.seq, &b.hash)));
    checked.dedup();

    let failed = |error| store.explain("verify", &error);
    let mut snapshot = store.readers.begin().await.map_err(failed)?;
    let head = read_place(&mut snapshot, &store.tenant).await.map_err(failed)?;
    let mut wanted = checked.iter().peekable();
    loop {
        let rows = piece(&mut snapshot, &store.tenant, examiner.last.seq).await.map_err(failed)?;
        for row in &rows {
            examiner.take(row);
            while let Some(saved) = wanted.next_if(|saved| saved.seq <= examiner.last.seq) {
                examiner.compare(saved);
            }
        }
        if rows.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    examiner.finish(head, wanted);
    Ok(examiner.report(head, checked))
}

async fn piece(connection: &mut SqliteConnection, tenant: &Tenant, after: u64) -> Result<Vec<SqliteRow>, sqlx::Error> {
    sqlx::query(READ).bind(tenant.0.clone()).bind(to_sql(after)).bind(PIECE).fetch_all(connection).await
}

/// What the examination has come to so far.
struct Examiner {
    chain: Chain,
    /// The row taken last; its link is unknown when it could not be read.
    last: Place,
    last_is_sound: bool,
    events: u64,
    versions: HashMap<Stream, u64>,
    problems: Vec<(u64, String)>,
    unlisted: usize,
}

impl Examiner {
    fn new(tenant: &Tenant) -> Self {
        Self {
            chain: Chain::after(tenant, Link::NONE),
            last: Place::default(),
            last_is_sound: true,
            events: 0,
            versions: HashMap::new(),
            problems: Vec::new(),
            unlisted: 0,
        }
    }

    fn note(&mut self, seq: u64, problem: String) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push((seq, problem));
        } else {
            self.unlisted += 1;
        }
    }

    fn take(&mut self, row: &SqliteRow) {
        self.events += 1;
        let seq = row.try_get(0).map(from_sql).unwrap_or(self.last.seq + 1);
        match Examined::read(row) {
            Ok(examined) => self.follow(seq, &examined),
            Err(why) => {
                self.note(seq, format!("event {seq} cannot be read: {why}"));
                self.last = Place { seq, link: Link::NONE };
                self.last_is_sound = false;
            }
        }
    }

    fn follow(&mut self, seq: u64, row: &Examined<'_>) {
        let follows_directly = seq == self.last.seq + 1;
        match seq - self.last.seq {
            0 | 1 => {}
            2 => self.note(seq - 1, format!("event {} is missing", seq - 1)),
            _ => self.note(self.last.seq + 1, format!("events {} to {} are missing", self.last.seq + 1, seq - 1)),
        }
        if follows_directly && self.last_is_sound && row.prev != self.last.link {
            self.note(seq - 1, broken_link(seq));
        }
        let version = self.versions.entry(row.stream).or_default();
        let expected = *version + 1;
        *version = row.version;
        if row.version != expected {
            let (stream, found) = (row.stream, row.version);
            self.note(seq, format!("event {seq} has version {found} of {stream}, where {expected} should follow"));
        }
        let columns =
            Columns { seq, stream: row.stream, version: row.version, at: row.at, actor: row.actor, body: row.body };
        self.last = Place { seq, link: self.chain.push(row.prev, &columns) };
        self.last_is_sound = true;
    }

    /// A saved head whose place has just been reached or passed.
    fn compare(&mut self, saved: &Head) {
        let seq = saved.seq;
        // Nothing precedes the first event, and every log agrees on that.
        if seq == 0 {
            return;
        }
        if seq != self.last.seq {
            self.note(seq, format!("the head saved at event {seq} has no such event any more"));
        } else if self.last_is_sound && Link::from_hex(&saved.hash) != Some(self.last.link) {
            self.note(seq, format!("the log up to event {seq} is not the one whose head was saved there"));
        }
    }

    fn finish<'a>(&mut self, head: Place, unreached: impl Iterator<Item = &'a Head>) {
        let end = self.last;
        if head.seq != end.seq {
            self.note(
                head.seq.min(end.seq) + 1,
                format!("the head row names event {}, the last one is event {}", head.seq, end.seq),
            );
        } else if self.last_is_sound && head.link != end.link {
            self.note(end.seq, format!("the head row carries another SHA-256 than that of event {}", end.seq));
        }
        for saved in unreached.filter(|saved| saved.seq > 0) {
            let (from, seq) = (end.seq, saved.seq);
            self.note(
                from + 1,
                format!("a head was saved at event {seq}, but the log ends at event {from}: it was cut"),
            );
        }
    }

    fn report(mut self, head: Place, checked: Vec<Head>) -> VerifyReport {
        self.problems.sort_by_key(|(seq, _)| *seq);
        let mut problems: Vec<_> = self.problems.into_iter().map(|(_, problem)| problem).collect();
        if self.unlisted > 0 {
            problems.push(format!("and {} more", self.unlisted));
        }
        VerifyReport { events: self.events, head: head.into(), checked, problems }
    }
}

fn broken_link(seq: u64) -> String {
    match seq {
        1 => "event 1 names a row before it, but it is the first".to_owned(),
        _ => format!("event {} is not the row that event {seq} follows: one of the two was changed or moved", seq - 1),
    }
}

/// A row's columns, as far as the chain needs them.
struct Examined<'a> {
    stream: Stream,
    version: u64,
    at: i64,
    actor: &'a str,
    prev: Link,
    body: &'a str,
}

impl<'a> Examined<'a> {
    fn read(row: &'a SqliteRow) -> Result<Self, String> {
        let column = |error: sqlx::Error| error.to_string();
        Ok(Self {
            stream: stream_from_bytes(row.try_get(1).map_err(column)?).ok_or("its stream is none")?,
            version: from_sql(row.try_get(2).map_err(column)?),
            at: row.try_get(3).map_err(column)?,
            actor: row.try_get(4).map_err(column)?,
            prev: Link::from_bytes(row.try_get(5).map_err(column)?).ok_or("its prev is no SHA-256")?,
            body: row.try_get(6).map_err(column)?,
        })
    }
}
