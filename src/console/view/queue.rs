//! Requests as a list: what waits for a person, the most pressing first, and behind it what was settled lately.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::diff::Counts;
use super::list::{Cell, Column, List, ListRow};
use super::text::{Align, Row};
use super::{card, format, run_list, words};
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::console::state::by_urgency;
use crate::domain::{ApprovalId, ApprovalState, Ask, EffectCard, Environment, Payload, Reversibility, Timestamp};
use crate::fold::Snapshot;
use crate::kinds::{Approval, Run};

const COLUMNS: &[Column] = &[
    Column::whole("", Align::Left, 12),
    Column::name("what", 34),
    Column::whole("size", Align::Left, 7),
    Column::text("for", 14, 48, 3),
    Column::whole("where", Align::Left, 8),
    Column::whole("risk", Align::Left, 6),
    Column::text("asked by", 5, 16, 2),
    Column::whole("age", Align::Right, 4),
    Column::text("decision", 11, 60, 10),
];

const CHIPS: &[&str] = &["waiting", "approved", "denied", "closed"];

/// How much each request would change, in a few words. Counted once for each, since a change may be long.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    known: BTreeMap<ApprovalId, Row>,
}

impl Sizes {
    pub fn of(&mut self, approval: &Approval) -> Row {
        self.known.entry(approval.id).or_insert_with(|| approval.ask.card().map(size).unwrap_or_default()).clone()
    }

    /// Lets go of what is no longer in memory.
    pub fn keep(&mut self, snapshot: &Snapshot) {
        if self.known.len() > snapshot.approvals.len() {
            self.known.retain(|id, _| snapshot.approvals.contains_key(id));
        }
    }
}

/// `+3 −2, 2 files`, `14 paths`; nothing where what runs does not say.
fn size(card: &EffectCard) -> Row {
    let counts = match (&card.change, &card.payload) {
        (Some(change), _) => Counts::of(change),
        (None, Payload::Patch { diff, .. }) => Counts { files: 1, ..Counts::of(diff) },
        (None, Payload::Delete { paths }) => {
            return Row::of(Role::Warning, format::count(paths.len(), "path", "paths"));
        }
        (None, Payload::Exec { .. } | Payload::Arguments { .. }) => return Row::new(),
    };
    let row = Counts { files: 0, ..counts }.row();
    match counts.files {
        0 | 1 => row,
        files => row.with(Role::Dim, format!(", {files} files")),
    }
}

/// Every request in memory: the open ones, and behind them the settled ones, newest first.
pub fn list(snapshot: &Snapshot, sizes: &mut Sizes, now: Timestamp) -> List {
    sizes.keep(snapshot);
    let mut all = by_urgency(snapshot);
    let mut settled: Vec<_> = snapshot.approvals.values().filter(|approval| !approval.state.is_open()).collect();
    settled.sort_by_key(|approval| Reverse(approval.decided_at));
    all.extend(settled);
    let rows = all.into_iter().map(|approval| row(snapshot, approval, sizes, now)).collect();
    List { title: "Approvals", columns: COLUMNS.to_vec(), chips: CHIPS, rows, empty: "Nothing waits for you." }
}

fn row(snapshot: &Snapshot, approval: &Approval, sizes: &mut Sizes, now: Timestamp) -> ListRow {
    let sign = words::outcome(approval);
    let run = snapshot.runs.get(&approval.run);
    let title = card::title(&approval.ask);
    let title = if approval.state.is_open() { title } else { Row::of(Role::Dim, title.text()) };
    let (place, risk) = place_and_risk(approval);
    let cells = vec![
        Cell::text(Row::of(sign.role, sign.glyph)),
        Cell::text(title),
        Cell::text(sizes.of(approval)),
        Cell::text(run.map(|run| run_list::name(run, Role::Dim)).unwrap_or_default()),
        Cell::text(place),
        risk,
        Cell::text(asker(run, approval)),
        Cell::number(
            Row::of(Role::Dim, format::ago(approval.requested_at, now)),
            approval.requested_at.timestamp_millis(),
        ),
        decision(approval, now),
    ];
    let goal = run.map(|run| run.goal.visible()).unwrap_or_default();
    let words = [goal.as_ref(), &approval.tool.0, approval.state.name(), &approval.rule, &approval.id.to_string()];
    ListRow { anchor: Some(Anchor::Approval(approval.id)), cells, chip: chip(approval.state), words: words.join(" ") }
}

/// Who asks; a procedure is named by what the request is for.
fn asker(run: Option<&Run>, approval: &Approval) -> Row {
    match run {
        Some(run) if run.is_procedure => run_list::agent(run),
        _ => Row::of(Role::Agent, approval.requested_by.name()),
    }
}

fn chip(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Pending | ApprovalState::InDoubt => "waiting",
        ApprovalState::Approved => "approved",
        ApprovalState::Denied => "denied",
        ApprovalState::Edited | ApprovalState::Expired | ApprovalState::Withdrawn | ApprovalState::Superseded => {
            "closed"
        }
    }
}

/// Environment and risk, each told by its word.
fn place_and_risk(approval: &Approval) -> (Row, Cell) {
    let Some(card) = approval.ask.card() else {
        return (Row::of(Role::Person, "question"), Cell::number(Row::new(), -1));
    };
    let is_open = approval.state.is_open();
    let role = |role: Role| if is_open { role } else { Role::Dim };
    let risk = words::risk(card.risk);
    let text = format!("{} {}", risk.glyph, risk.word);
    let place = Row::of(role(words::environment(card.environment)), card.environment.name());
    (place, Cell::number(Row::of(role(risk.role), text.trim_start()), card.risk as i64))
}

/// The time left to decide, or what was decided, by whom, when and in which words.
fn decision(approval: &Approval, now: Timestamp) -> Cell {
    if approval.state.is_open() {
        let left = approval.expires_at.map_or(i64::MAX / 2, |at| (at - now).num_seconds());
        // The one that expires first comes first, and all that wait come before what is settled.
        return Cell::number(words::time_left(approval, now, 5), i64::MAX - left);
    }
    let sign = words::outcome(approval);
    let mut row = Row::of(sign.role, sign.word);
    if let (Some(by), Some(at)) = (&approval.decided_by, approval.decided_at) {
        row.push(Role::Dim, " by ");
        row.push_untrusted(Role::Dim, &by.name().into());
        row.push(Role::Dim, format!(" {}", format::ago_in_words(at, now)));
    }
    if !approval.words.is_empty() {
        row.push(Role::Dim, ": ");
        row.push_untrusted(Role::Dim, &approval.words);
    }
    Cell::number(row, approval.decided_at.map_or(0, |at| at.timestamp_millis()))
}

/// One request that needs somebody, for the first page: what, how much it changes, what for, how long it can wait.
pub fn need(snapshot: &Snapshot, approval: &Approval, sizes: &mut Sizes, now: Timestamp) -> [Row; 5] {
    let sign = words::approval(approval.state);
    let run = snapshot.runs.get(&approval.run);
    let mut title = Row::of(sign.role, format!("{} ", sign.glyph));
    title.append(card::title(&approval.ask));
    let mut weight = Row::new();
    if let Some(card) = approval.ask.card() {
        if card.environment == Environment::Production {
            weight.push(words::environment(card.environment), card.environment.name());
            weight.blank(1);
        }
        weight.append(match (sizes.of(approval), &card.reversible) {
            (size, Reversibility::Irreversible) if size.is_empty() => Row::of(Role::Bad, "irreversible"),
            (size, _) => size,
        });
    } else if matches!(approval.ask, Ask::Question { .. }) {
        weight.push(Role::Person, "question");
    }
    let goal = run.map(|run| run_list::name(run, Role::Dim)).unwrap_or_default();
    [title, weight, goal, asker(run, approval), words::time_left(approval, now, 7)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::state::Arrangement;
    use crate::console::view::fixtures::{approval_id, night, picture};

    #[test]
    fn a_night_of_requests() {
        let story = night();
        for width in [60, 80, 120, 200] {
            let list = list(&story.snapshot, &mut Sizes::default(), story.now());
            let view = list.lay(&Arrangement::default(), width, width);
            let rows: Vec<_> = view.heading.into_iter().chain(view.rows).collect();
            insta::assert_snapshot!(format!("night_{width}"), picture(&rows, width));
        }
    }

    #[test]
    fn the_riskiest_stands_first() {
        let story = night();
        let order: Vec<_> = by_urgency(&story.snapshot).iter().map(|approval| approval.id).collect();
        assert_eq!(order, [2, 5, 1, 6].map(approval_id));
    }

    #[test]
    fn a_filter_looks_at_everything_the_row_says() {
        let story = night();
        let found = |filter: &str| {
            let arrangement = Arrangement { filter: filter.to_owned(), ..Arrangement::default() };
            let list = list(&story.snapshot, &mut Sizes::default(), story.now());
            list.lay(&arrangement, 80, 80).rows.iter().filter(|row| row.anchor.is_some()).count()
        };
        assert_eq!((found("EU-WEST"), found("denied"), found("nowhere")), (3, 1, 0));
    }
}
