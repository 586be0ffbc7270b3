//! Recomputes the chain from the first event, in pieces, and says where it does not hold.
//!
//! All of it reads one state of the database, so that commits going on meanwhile do not look like damage. Holds one
//! number per stream in memory, and one piece of events.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::end::read_place;
use super::store::Store;
use super::{events, prune};
use crate::domain::Tenant;
use crate::ports::{Head, LogError, VerifyReport};
use crate::store::chain::{Link, stream_from_bytes};
use crate::store::examiner::{Examination, Examined, Examiner};
use crate::store::heads;
use crate::store::stored::{from_sql, to_sql};

/// Events read at a time.
const PIECE: i64 = 1_000;

const READ: &str = "
    SELECT seq, stream, version, at, actor, prev, body, NULL AS hash, NULL AS prune_seq
    FROM event WHERE tenant = $1 AND seq > $2
    UNION ALL
    SELECT seq, stream, version, at, NULL, prev, NULL, hash, prune_seq FROM pruned WHERE tenant = $1 AND seq > $2
    ORDER BY seq LIMIT $3";

pub(super) async fn verify(store: &Store, saved: &[Head]) -> Result<VerifyReport, LogError> {
    let kept = heads::load(&store.path, &store.tenant);
    let failed = |error| store.explain("verify", &error);
    let mut snapshot = store.readers.begin().await.map_err(failed)?;
    let examination = examine(&mut snapshot, &store.tenant, saved, kept).await.map_err(failed)?;
    confirm(store, examination).await
}

/// Whether the log tells of all that was pruned. What tells of it is read as any event is.
pub(super) async fn confirm(store: &Store, examination: Examination) -> Result<VerifyReport, LogError> {
    let Examination { mut report, remains } = examination;
    for (prune_seq, remains) in remains {
        let told = events::after(store, prune_seq.saturating_sub(1), 1).await?;
        let told = told.first().filter(|envelope| envelope.seq == prune_seq).map(|envelope| &envelope.event);
        report.problems.extend(remains.problem(prune_seq, told));
    }
    Ok(report)
}

/// Verifies what a transaction sees. The heads `kept` were read before it began, so its log reaches as far as they do.
pub(super) async fn examine(
    snapshot: &mut SqliteConnection,
    tenant: &Tenant,
    saved: &[Head],
    kept: Result<Vec<Head>, LogError>,
) -> Result<Examination, sqlx::Error> {
    let mut examiner = Examiner::new(tenant);
    let mut checked = saved.to_vec();
    match kept {
        Ok(kept) => checked.extend(kept),
        Err(error) => examiner.note(0, error.message),
    }
    checked.sort_by(|a, b| (a.seq, &a.hash).cmp(&(b.seq, &b.hash)));
    checked.dedup();

    let head = read_place(snapshot, tenant).await?;
    let mut wanted = checked.iter().peekable();
    loop {
        let rows = piece(snapshot, tenant, examiner.reached()).await?;
        for row in &rows {
            let seq = row.try_get(0).map(from_sql).unwrap_or(examiner.reached() + 1);
            match row.try_get::<Option<i64>, _>("prune_seq") {
                Ok(Some(prune_seq)) => examiner.take_left(seq, from_sql(prune_seq), prune::left(row)),
                _ => examiner.take(seq, read(row)),
            }
            while let Some(saved) = wanted.next_if(|saved| saved.seq <= examiner.reached()) {
                examiner.compare(saved);
            }
        }
        if rows.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    examiner.check_head_row(head);
    examiner.finish(wanted);
    Ok(Examination { remains: examiner.remains(), report: examiner.report(head.into(), checked) })
}

async fn piece(connection: &mut SqliteConnection, tenant: &Tenant, after: u64) -> Result<Vec<SqliteRow>, sqlx::Error> {
    sqlx::query(READ).bind(tenant.0.clone()).bind(to_sql(after)).bind(PIECE).fetch_all(connection).await
}

fn read(row: &SqliteRow) -> Result<Examined<'_>, String> {
    let column = |error: sqlx::Error| error.to_string();
    Ok(Examined {
        stream: stream_from_bytes(row.try_get(1).map_err(column)?).ok_or("its stream is none")?,
        version: from_sql(row.try_get(2).map_err(column)?),
        at: row.try_get(3).map_err(column)?,
        actor: row.try_get(4).map_err(column)?,
        prev: Link::from_bytes(row.try_get(5).map_err(column)?).ok_or("its prev is not a SHA-256")?,
        hash: None,
        body: row.try_get(6).map_err(column)?,
    })
}
