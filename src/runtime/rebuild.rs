//! Computing all projection rows from the log again: to replace the stored ones, or to say where those differ.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::domain::Untrusted;
use crate::fold::Snapshot;
use crate::kinds::{AccessEvent, DaySpend, Envelope, Event, Row, RowKey, RowKind, Run};
use crate::ports::{Log, LogError, LogErrorKind, RowFilter, RowPlace, RowQuery};

/// How often to fold on because somebody appended meanwhile.
const TRIES: usize = 100;
/// Events read at once.
const PAGE: u32 = 5_000;
/// Stored rows read at once.
const ROWS: u32 = 500;
/// After this many differences only their number is of interest.
const MOST_TOLD: usize = 200;
/// Longest value that is quoted.
const LONGEST_VALUE: usize = 60;

/// What a rebuild did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuildReport {
    pub events: u64,
    pub rows: usize,
}

/// Folds the whole log and replaces the stored rows with what comes out, also while others append.
pub async fn rebuild(log: &dyn Log) -> Result<RebuildReport, LogError> {
    let mut folded = Folded::default();
    let mut tries = 0;
    loop {
        folded.go_on(log).await?;
        let rows: Vec<_> = std::mem::take(&mut folded.rows).into_values().collect();
        match log.replace_rows(folded.snapshot.cursor, &rows).await {
            Ok(()) => return Ok(RebuildReport { events: folded.events, rows: rows.len() }),
            // Only what was appended since has to be folded.
            Err(error) if error.kind == LogErrorKind::Conflict && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
        folded.rows = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
    }
}

/// Folds the whole log and says of each stored row that is not what comes out, which it is and what differs. Holds as
/// much in memory as a rebuild. Rows that change meanwhile are left out.
pub async fn compare_rows(log: &dyn Log) -> Result<Vec<String>, LogError> {
    let mut folded = Folded::default();
    folded.go_on(log).await?;
    // Taken out, so that all rows are held once; what is folded later goes into a new map.
    let expected = std::mem::take(&mut folded.rows);
    let mut differences = BTreeMap::new();
    let mut stored = BTreeSet::new();
    for kind in RowKind::ALL.iter().copied() {
        let mut wanted = RowQuery::first(kind, RowFilter::All, ROWS);
        loop {
            let page = log.rows(wanted.clone()).await?;
            for row in page.rows {
                wanted.after = Some(RowPlace { sort: row.sort, id: row.key.id.clone() });
                let difference = expected.get(&row.key).map_or_else(|| Some(no_such()), |right| differs(&row, right));
                differences.extend(difference.map(|what| (row.key.clone(), what)));
                stored.insert(row.key);
            }
            if !page.more {
                break;
            }
        }
    }
    let missing = expected.into_keys().filter(|key| !stored.contains(key));
    differences.extend(missing.map(|key| (key, "it is missing".to_owned())));
    // What was appended since the fold may have been in the rows already.
    let moved = folded.go_on(log).await?;
    Ok(told(differences.into_iter().filter(|(key, _)| !moved.contains(key))))
}

/// The log as rows, as far as it was read.
#[derive(Default)]
struct Folded {
    snapshot: Snapshot,
    rows: BTreeMap<RowKey, Row>,
    events: u64,
}

impl Folded {
    /// Reads on to the end; the rows this touched.
    async fn go_on(&mut self, log: &dyn Log) -> Result<BTreeSet<RowKey>, LogError> {
        let mut touched = BTreeSet::new();
        loop {
            let page = log.read(self.snapshot.cursor, PAGE).await?;
            self.events += page.len() as u64;
            touched.extend(self.take(&page));
            if page.len() < PAGE as usize {
                return Ok(touched);
            }
        }
    }

    fn take(&mut self, page: &[Envelope]) -> BTreeSet<RowKey> {
        let mut touched = BTreeSet::new();
        for envelope in page {
            touched.extend(self.snapshot.apply(envelope));
            if let Event::Account(AccessEvent::LogPruned { spent, began, .. }) = &envelope.event {
                touched.extend(self.snapshot.count_pruned(spent));
                touched.extend(self.snapshot.count_pruned_runs(began));
            }
        }
        for key in &touched {
            self.rows.extend(self.snapshot.row(key).map(|row| (key.clone(), row)));
        }
        touched
    }
}

fn told(differences: impl Iterator<Item = (RowKey, String)>) -> Vec<String> {
    let mut told: Vec<_> =
        differences.map(|(key, what)| format!("{} {}: {what}", key.kind.name(), visible(&key.id))).collect();
    if told.len() > MOST_TOLD {
        let more = told.len() - MOST_TOLD;
        told.truncate(MOST_TOLD);
        told.push(format!("and {more} more"));
    }
    told
}

fn no_such() -> String {
    "the log has nothing of it".to_owned()
}

/// What is different in a stored row, or nothing. A row that an earlier version wrote in another form is the same.
fn differs(stored: &Row, right: &Row) -> Option<String> {
    if stored == right {
        return None;
    }
    let mut snapshot = Snapshot::default();
    if let Err(error) = snapshot.load(stored) {
        return Some(format!("it cannot be read: {}", visible(&error.to_string())));
    }
    let Some(meant) = snapshot.row(&stored.key) else {
        return Some("it is stored under the id of another".to_owned());
    };
    let fields = |body: &str| match serde_json::from_str(body) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (meant, rightly) = (fields(&meant.body), fields(&right.body));
    let names: BTreeSet<_> = meant.keys().chain(rightly.keys()).collect();
    let mut found: Vec<String> = names
        .into_iter()
        .filter(|name| meant.get(*name) != rightly.get(*name))
        .filter(|name| !may_differ(stored, name))
        .map(|name| difference(name, meant.get(name), rightly.get(name)))
        .collect();
    let columns = found_by(stored).into_iter().zip(found_by(right)).filter(|(stored, right)| stored != right);
    found.extend(columns.map(|((name, stored), (_, right))| difference(name, Some(&stored), Some(&right))));
    (!found.is_empty()).then(|| found.join("; "))
}

/// Whether a field is one that the log cannot be held to, or one that there was none of when the row was written.
fn may_differ(stored: &Row, field: &str) -> bool {
    let of_run = stored.key.kind == RowKind::Run && Run::ADDED.contains(&field);
    let of_day = stored.key.kind == RowKind::Spend && DaySpend::ADDED.contains(&field);
    let summed = stored.key.kind == RowKind::Spend && DaySpend::MAY_DIFFER.contains(&field);
    summed || (of_run || of_day) && !stored.body.contains(&format!("\"{field}\":"))
}

/// What a row is found by, by the names that its columns are told under.
fn found_by(row: &Row) -> [(&'static str, Value); 5] {
    [
        ("is_open", row.is_open.into()),
        ("sort", row.sort.to_string().into()),
        ("indexed state", row.state.as_str().into()),
        ("indexed parent", row.parent.map(|parent| parent.to_string()).into()),
        ("indexed due time", row.due.map(|due| due.to_string()).into()),
    ]
}

fn difference(name: &str, stored: Option<&Value>, right: Option<&Value>) -> String {
    let name = visible(name);
    match (quoted(stored), quoted(right)) {
        (Some(stored), Some(right)) => format!("its {name} is {stored}, by the log {right}"),
        _ => format!("its {name} is not that of the log"),
    }
}

/// A value short enough to stand in a sentence.
fn quoted(value: Option<&Value>) -> Option<String> {
    let text = value.map_or_else(|| "absent".to_owned(), Value::to_string);
    (text.len() <= LONGEST_VALUE).then(|| visible(&text))
}

fn visible(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}
