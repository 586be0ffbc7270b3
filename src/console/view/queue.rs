//! The approval queue: what waits for a person, the most pressing first, and below it what was settled lately.

use std::collections::BTreeSet;

use super::text::{Align, Row};
use super::{card, format, words};
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::domain::{ApprovalId, Environment, Risk, Timestamp, Untrusted};
use crate::fold::Snapshot;
use crate::kinds::Approval;

/// Settled requests shown below the open ones.
const MOST_SETTLED: usize = 50;

/// What a person chose on the queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueOptions<'a> {
    pub marks: &'a BTreeSet<ApprovalId>,
    /// Only what contains this text is shown; empty for everything.
    pub filter: &'a str,
}

/// Open requests: production and high risk first, then what has waited longest.
pub fn open(snapshot: &Snapshot) -> Vec<&Approval> {
    let mut open: Vec<_> = snapshot.open_approvals().collect();
    open.sort_by_key(|approval| (std::cmp::Reverse(weight(approval)), approval.requested_at, approval.id));
    open
}

fn weight(approval: &Approval) -> (Risk, Environment) {
    approval.ask.card().map_or((Risk::Low, Environment::Workspace), |card| (card.risk, card.environment))
}

/// The whole page. Rows of requests carry their anchor.
pub fn rows(snapshot: &Snapshot, options: QueueOptions<'_>, now: Timestamp, width: usize) -> Vec<Row> {
    let matches = |approval: &&Approval| is_match(snapshot, approval, options.filter);
    let open: Vec<_> = open(snapshot).into_iter().filter(matches).collect();
    let mut rows = Vec::new();
    let marked = open.iter().filter(|approval| options.marks.contains(&approval.id)).count();
    let note = match marked {
        0 => Row::of(Role::Dim, format!("{} open", open.len())),
        _ => Row::of(Role::Accent, format!("{marked} marked")).with(Role::Dim, format!(" of {} open", open.len())),
    };
    rows.push(Row::section("Waiting for you", note, width));
    if open.is_empty() {
        let text =
            if options.filter.is_empty() { "Nothing waits for you." } else { "Nothing here contains that text." };
        rows.push(Row::of(Role::Dim, text).cut(width));
    }
    for approval in open {
        rows.push(line(snapshot, approval, options.marks, now, width));
    }
    let mut settled: Vec<_> =
        snapshot.approvals.values().filter(|approval| !approval.state.is_open()).filter(matches).collect();
    settled.sort_by_key(|approval| std::cmp::Reverse(approval.decided_at));
    if !settled.is_empty() {
        rows.push(Row::new());
        let note = Row::of(Role::Dim, "newest first");
        rows.push(Row::section("Settled lately", note, width));
    }
    rows.extend(settled.into_iter().take(MOST_SETTLED).map(|approval| settled_line(approval, now, width)));
    rows
}

/// Whether a request contains a text, in anything its row or its run says.
pub fn is_match(snapshot: &Snapshot, approval: &Approval, filter: &str) -> bool {
    if filter.is_empty() {
        return true;
    }
    let wanted = filter.to_lowercase();
    let mut text = card::title(&approval.ask).text().to_lowercase();
    for part in [approval.tool.0.as_str(), approval.requested_by.name(), approval.state.name(), &approval.rule] {
        text.push(' ');
        text.push_str(&part.to_lowercase());
    }
    if let Some(run) = snapshot.runs.get(&approval.run) {
        text.push_str(&run.goal.visible().to_lowercase());
    }
    text.push_str(&approval.id.to_string());
    text.contains(&wanted)
}

/// One open request on one row: what, where, how bad, who, since when and for how long.
pub fn line(
    snapshot: &Snapshot,
    approval: &Approval,
    marks: &BTreeSet<ApprovalId>,
    now: Timestamp,
    width: usize,
) -> Row {
    let sign = words::approval(approval.state);
    let mut left = Row::new();
    if marks.contains(&approval.id) {
        left.push(Role::Accent, "▪ ");
    } else {
        left.push(sign.role, format!("{} ", sign.glyph));
    }
    left.append(card::title(&approval.ask));
    let mut right = Row::new();
    if width >= 150 {
        push_goal(&mut right, snapshot, approval, width / 3);
    }
    push_place(&mut right, approval);
    if width >= 70 {
        right.blank(1);
        right.push_cell(Role::Agent, approval.requested_by.name(), if width < 100 { 6 } else { 10 }, Align::Left);
        right.push_cell(Role::Dim, age(approval.requested_at, now), 8, Align::Right);
    }
    right.append(left_of(approval, now));
    Row::spread(left, right, width).anchored(Anchor::Approval(approval.id))
}

fn age(then: Timestamp, now: Timestamp) -> String {
    match format::ago(then, now).as_str() {
        "now" => "now".to_owned(),
        age => format!("{age} ago"),
    }
}

fn push_goal(row: &mut Row, snapshot: &Snapshot, approval: &Approval, width: usize) {
    let mut goal = Row::new();
    if let Some(run) = snapshot.runs.get(&approval.run) {
        goal.push(Role::Dim, "for: ");
        goal.push_untrusted(Role::Dim, &run.goal);
    }
    row.push_row_cell(goal, width);
    row.blank(2);
}

/// Environment and risk, each told by its word.
fn push_place(row: &mut Row, approval: &Approval) {
    match approval.ask.card() {
        Some(card) => {
            row.push_cell(words::environment(card.environment), card.environment.name(), 10, Align::Left);
            let risk = words::risk(card.risk);
            row.push(Role::Text, " ");
            row.push_cell(risk.role, format!("{} {}", risk.glyph, risk.word), 10, Align::Left);
        }
        None => row.push_cell(Role::Person, "question", 21, Align::Left),
    }
}

/// Time left, in a column of ten.
fn left_of(approval: &Approval, now: Timestamp) -> Row {
    let mut row = Row::new();
    match approval.expires_at {
        None => row.push_cell(Role::Dim, "no limit", 10, Align::Right),
        Some(at) => {
            let minutes = (at - now).num_minutes();
            let role = match minutes {
                ..2 => Role::Bad,
                2..10 => Role::Warning,
                _ => Role::Dim,
            };
            let text = if at > now { format!("{} left", format::ago(now, at)) } else { "expiring".to_owned() };
            row.push_cell(role, text, 10, Align::Right);
        }
    }
    row
}

/// One settled request on one row, standing back.
fn settled_line(approval: &Approval, now: Timestamp, width: usize) -> Row {
    let sign = words::outcome(approval);
    let mut left = Row::of(sign.role, format!("{} ", sign.glyph));
    left.push_cell(Role::Dim, sign.word, 12, Align::Left);
    left.push(Role::Dim, card::title(&approval.ask).text());
    if !approval.words.is_empty() {
        left.push(Role::Dim, ": ");
        left.push_untrusted(Role::Dim, &approval.words);
    }
    let mut right = Row::new();
    if let (Some(by), Some(at)) = (&approval.decided_by, approval.decided_at) {
        right.push_untrusted(Role::Dim, &Untrusted::from(by.name()));
        right.push_cell(Role::Dim, format::ago(at, now), 5, Align::Right);
    }
    Row::spread(left, right, width).anchored(Anchor::Approval(approval.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::view::fixtures::{approval_id, night, picture};

    #[test]
    fn a_night_of_requests() {
        let story = night();
        let marks = BTreeSet::from([approval_id(1)]);
        for width in [80, 120, 200] {
            let options = QueueOptions { marks: &marks, filter: "" };
            let rows = rows(&story.snapshot, options, story.now(), width);
            insta::assert_snapshot!(format!("night_{width}"), picture(&rows, width));
        }
    }

    #[test]
    fn the_riskiest_stands_first() {
        let story = night();
        let order: Vec<_> = open(&story.snapshot).iter().map(|approval| approval.id).collect();
        assert_eq!(order, [2, 5, 1, 6].map(approval_id));
    }

    #[test]
    fn a_filter_looks_at_everything_the_row_says() {
        let story = night();
        let found = |filter: &str| {
            let options = QueueOptions { marks: &BTreeSet::new(), filter };
            let rows = rows(&story.snapshot, options, story.now(), 80);
            rows.iter().filter(|row| row.anchor.is_some()).count()
        };
        assert_eq!((found("EU-WEST"), found("denied"), found("nowhere")), (3, 1, 0));
    }
}
