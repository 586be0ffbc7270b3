//! Copying one tenant's part of a store into another store, of whatever kind: all of it or nothing, row by row as it is.
//!
//! The source is read as one state of it, the target written in one transaction, in pieces. What comes out is the same
//! log: bodies are copied byte for byte, so that each row has the hash it had. Before anything is copied the source's
//! chain is verified, and before the target's transaction ends the target's, with the heads saved for either. Leases
//! are not copied: they are about processes, not about the log.

mod backup;
mod ends;
mod part;

pub use self::backup::back_up;
pub(super) use self::ends::{Filling, Reading};
pub(super) use self::part::{Cell, EVENTS, Kind, PARTS, Part, ROWS, Record, Start};
use crate::ports::{Head, LogError, LogErrorKind};
use crate::store::examiner::Examination;
use crate::store::{PostgresLog, SqliteLog};

/// A tenant's log in a store of either kind.
#[derive(Clone, Copy, Debug)]
pub enum AnyLog<'a> {
    Sqlite(&'a SqliteLog),
    Postgres(&'a PostgresLog),
}

/// Table and column of everything that a copy takes along, but the tenant's name.
pub fn copied_columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    PARTS.iter().flat_map(|part| part.columns.iter().map(|column| (part.table, column.name)))
}

/// Copies all that `from` has of its tenant into `to`, which must have nothing of its own; all of it, or nothing.
///
/// `Unsound` when either log is not what was written, or not the one whose heads were saved; `Unusable` when `to` is
/// not empty or `from` is.
pub async fn copy(from: AnyLog<'_>, to: AnyLog<'_>) -> Result<CopyReport, LogError> {
    let mut reading: Box<dyn Reading> = match from {
        AnyLog::Sqlite(log) => Box::new(log.begin_reading().await?),
        AnyLog::Postgres(log) => Box::new(log.begin_reading().await?),
    };
    let filling: Box<dyn Filling> = match to {
        AnyLog::Sqlite(log) => Box::new(log.begin_filling().await?),
        AnyLog::Postgres(log) => Box::new(log.begin_filling().await?),
    };
    pour(reading.as_mut(), filling).await
}

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyReport {
    pub head: Head,
    /// Saved heads that lie on the copied log.
    pub checked: Vec<Head>,
    /// How many of each part, by what people call them.
    pub records: Vec<(&'static str, u64)>,
}

async fn pour(from: &mut dyn Reading, mut to: Box<dyn Filling>) -> Result<CopyReport, LogError> {
    check_empty(to.as_mut()).await?;
    let examination = from.examine(&[]).await?;
    let pruned = digests(&examination);
    let source = from.confirm(examination).await?;
    if !source.problems.is_empty() {
        return Err(not_sound(from.place(), &source.problems));
    }
    let mut records = Vec::new();
    for part in PARTS.iter().copied() {
        if from.holds(part) {
            records.push((part.name, copy_part(from, to.as_mut(), part).await?));
        }
    }
    if records.iter().all(|(_, count)| *count == 0) {
        return Err(nothing_there(from.place()));
    }
    to.end_at(&source.head).await?;
    let examination = to.examine(&source.checked).await?;
    let has_all_remains = digests(&examination) == pruned;
    let target = examination.report;
    if !target.problems.is_empty() {
        return Err(does_not_fit(to.place(), &target.problems));
    }
    if target.head != source.head || target.events != source.events || !has_all_remains {
        let problem = format!("it ends at event {} with head {}", target.head.seq, target.head.hash);
        return Err(does_not_fit(to.place(), &[problem]));
    }
    to.commit().await?;
    Ok(CopyReport { head: target.head, checked: target.checked, records })
}

/// What each pruning left, as one hash.
fn digests(examination: &Examination) -> Vec<(u64, String)> {
    examination.remains.iter().map(|(prune_seq, remains)| (*prune_seq, remains.digest())).collect()
}

async fn copy_part(from: &mut dyn Reading, to: &mut dyn Filling, part: &'static Part) -> Result<u64, LogError> {
    let mut last: Option<Record> = None;
    let mut copied = 0;
    loop {
        let piece = from.piece(part, last.as_ref()).await?;
        let Some(end) = piece.last() else { return Ok(copied) };
        if !to.holds(part) {
            return Err(has_no_place(to.place(), part));
        }
        // What is not part of the key may be long, and is not needed to go on.
        last = Some(end.iter().take(part.key).cloned().collect());
        copied += piece.len() as u64;
        to.put(part, piece).await?;
    }
}

async fn check_empty(to: &mut dyn Filling) -> Result<(), LogError> {
    for part in PARTS.iter().copied() {
        if to.holds(part) && !to.piece(part, None).await?.is_empty() {
            return Err(LogError::new(
                LogErrorKind::Unusable,
                format!("{} is not empty: it has {} of this tenant", to.place(), part.name),
                "name a store with nothing of this tenant in it; nothing was changed",
            ));
        }
    }
    Ok(())
}

fn not_sound(place: &str, problems: &[String]) -> LogError {
    LogError::new(
        LogErrorKind::Unsound,
        format!("the log in {place} was changed after it was written, so it was not copied:\n{}", problems.join("\n")),
        "keep the store as it is; compare it with a backup, and find out who else can write to it",
    )
}

fn does_not_fit(place: &str, problems: &[String]) -> LogError {
    LogError::new(
        LogErrorKind::Unsound,
        format!("what was to be copied into {place} is not the log that was known there:\n{}", problems.join("\n")),
        "nothing was copied; if that log is lost for good and this one is to take its place, move the file of saved \
         heads (`.head`, in the data directory or beside the store) away, and repeat",
    )
}

fn nothing_there(place: &str) -> LogError {
    LogError::new(
        LogErrorKind::Unusable,
        format!("there is nothing of this tenant in {place}"),
        "check what --db and --tenant say; nothing was copied",
    )
}

fn has_no_place(place: &str, part: &Part) -> LogError {
    LogError::new(
        LogErrorKind::Unusable,
        format!("{place} has no place for {}, which would be lost", part.name),
        "copy into a store of the kind they come from; nothing was copied",
    )
}
