//! The first page: what needs me, what runs, what it costs today, what ended; or, on a new machine, what to do.

use std::collections::BTreeSet;

use super::text::{Align, Row};
use super::wrap::Line;
use super::{format, queue, run_list, words};
use crate::console::anchor::Anchor;
use crate::console::intent::Intent;
use crate::console::keymap::Keymap;
use crate::console::role::Role;
use crate::domain::{RunState, Timestamp};
use crate::fold::Snapshot;
use crate::kinds::Run;
use crate::ports::Status;

/// Ended runs shown.
const MOST_ENDED: usize = 6;
/// Models named before the rest is only counted.
const MOST_MODELS: usize = 6;

/// From this width on, what it costs stands beside what goes on.
const WIDE: usize = 160;
/// Columns between the two.
const GAP: usize = 4;

/// What the page is drawn from.
#[derive(Clone, Copy)]
pub struct OverviewContext<'a> {
    pub snapshot: &'a Snapshot,
    pub status: &'a Status,
    pub keymap: &'a Keymap,
    pub now: Timestamp,
    pub width: usize,
}

/// The whole page. Rows of requests and runs carry their anchors.
pub fn rows(context: &OverviewContext<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    if context.snapshot.runs.is_empty() && context.snapshot.approvals.is_empty() {
        first_run(context, &mut rows);
        return rows;
    }
    if context.status.model.is_none() {
        no_model(context, &mut rows);
    }
    if context.width >= WIDE {
        rows.extend(side_by_side(context));
        return rows;
    }
    needs_me(context, &mut rows);
    running(context, &mut rows);
    costs(context, &mut rows);
    ended(context, &mut rows);
    rows
}

/// On the left all that can be opened, so that the cursor walks down one column; on the right what it costs.
fn side_by_side(context: &OverviewContext<'_>) -> Vec<Row> {
    let right = OverviewContext { width: context.width * 2 / 5, ..*context };
    let left = OverviewContext { width: context.width - right.width - GAP, ..*context };
    let (mut rows, mut beside) = (Vec::new(), Vec::new());
    needs_me(&left, &mut rows);
    running(&left, &mut rows);
    ended(&left, &mut rows);
    costs(&right, &mut beside);
    rows.resize(rows.len().max(beside.len()), Row::new());
    for (row, other) in rows.iter_mut().zip(beside) {
        if !other.is_empty() {
            row.pad_to(left.width + GAP);
            row.append(other);
        }
    }
    rows
}

fn needs_me(context: &OverviewContext<'_>, rows: &mut Vec<Row>) {
    let open = queue::open(context.snapshot);
    let note = match open.len() {
        0 => Row::of(Role::Good, "nothing waits"),
        some => Row::of(Role::Waiting, format!("{some} waiting")),
    };
    rows.push(Row::section("Needs you", note, context.width));
    let marks = BTreeSet::new();
    for approval in open {
        rows.push(queue::line(context.snapshot, approval, &marks, context.now, context.width));
    }
    rows.push(Row::new());
}

fn running(context: &OverviewContext<'_>, rows: &mut Vec<Row>) {
    let mut live: Vec<_> = context.snapshot.runs_newest_first().filter(|run| !run.state.is_final()).collect();
    // What moves comes first; what waits for a person stands above already.
    live.sort_by_key(|run| !matches!(run.state, RunState::Planning | RunState::Running));
    rows.push(Row::section("Runs", Row::of(Role::Dim, format!("{} open", live.len())), context.width));
    if live.is_empty() {
        let key = context.keymap.hint(Intent::NewGoal);
        rows.push(Row::of(Role::Dim, "Nothing runs. ").with(Role::Key, key).with(Role::Dim, " gives an agent a goal."));
    }
    for run in live {
        run_lines(run, context, rows);
    }
    rows.push(Row::new());
}

/// Two rows on a narrow screen, one on a wide one.
fn run_lines(run: &Run, context: &OverviewContext<'_>, rows: &mut Vec<Row>) {
    let sign = words::run(run.state);
    let mut left = Row::of(sign.role, format!("{} ", sign.glyph));
    left.push_cell(sign.role, sign.word, 9, Align::Left);
    left.blank(1);
    left.push_untrusted(Role::Strong, &run.goal);
    let mut right = Row::new();
    right.push_cell(Role::Agent, run.agent.as_str(), run_list::agent_width(context.width), Align::Left);
    right.blank(1);
    let steps = if run.steps > 0 { format!("step {}", run_list::steps(run)) } else { String::new() };
    right.push_cell(Role::Text, steps, 10, Align::Left);
    right.push_cell(Role::Money, format::run_cost(run), 9, Align::Right);
    right.push_cell(Role::Dim, format::ago(run.started_at, context.now), 6, Align::Right);
    let activity = words::activity(run);
    if context.width >= 120 {
        let mut wide = Row::new();
        wide.push_cell(Role::Dim, activity, context.width / 4, Align::Left);
        wide.blank(2);
        wide.append(right);
        rows.push(Row::spread(left, wide, context.width).anchored(Anchor::Run(run.id)));
        return;
    }
    rows.push(Row::spread(left, right, context.width).anchored(Anchor::Run(run.id)));
    let is_told_above = matches!(run.state, RunState::Waiting | RunState::InDoubt);
    if !activity.is_empty() && !is_told_above {
        let mut below = Row::new();
        below.blank(12);
        below.push(Role::Dim, activity);
        rows.push(below.cut(context.width));
    }
}

fn costs(context: &OverviewContext<'_>, rows: &mut Vec<Row>) {
    let today = context.now.date_naive();
    let spend = context.snapshot.spend.get(&today).cloned().unwrap_or_default();
    let total = Row::of(Role::Money, format::cost(spend.cost(), spend.unpriced()));
    rows.push(Row::section("Cost today", total.with(Role::Dim, " (UTC)"), context.width));
    let mut models: Vec<_> = spend.by_model.iter().collect();
    models.sort_by_key(|(name, model)| (std::cmp::Reverse(model.cost), *name));
    if models.is_empty() {
        rows.push(Row::of(Role::Dim, "No model was called today."));
    }
    for (name, model) in models.iter().take(MOST_MODELS) {
        let mut left = Row::of(Role::Text, "  ");
        left.push(Role::Text, name.as_str());
        let mut right = Row::new();
        right.push_cell(Role::Dim, format!("{} calls", format::quantity(model.calls)), 11, Align::Right);
        right.push_cell(Role::Dim, format!("{} in", format::quantity(model.input)), 9, Align::Right);
        if context.width >= 100 {
            right.push_cell(Role::Dim, format!("({} cached)", format::quantity(model.cached)), 15, Align::Right);
        }
        right.push_cell(Role::Dim, format!("{} out", format::quantity(model.output)), 10, Align::Right);
        let price = if model.cost.0 == 0 && model.unpriced > 0 {
            "price unknown".to_owned()
        } else {
            format::cost(model.cost, model.unpriced)
        };
        right.push_cell(Role::Money, price, 15, Align::Right);
        rows.push(Row::spread(left, right, context.width));
    }
    let more = models.len().saturating_sub(MOST_MODELS);
    if more > 0 {
        rows.push(Row::of(Role::Dim, format!("  and {}", format::count(more, "more model", "more models"))));
    }
    rows.push(Row::new());
}

fn ended(context: &OverviewContext<'_>, rows: &mut Vec<Row>) {
    let mut ended: Vec<_> = context.snapshot.runs.values().filter(|run| run.state.is_final()).collect();
    ended.sort_by_key(|run| std::cmp::Reverse(run.ended_at));
    if ended.is_empty() {
        return;
    }
    rows.push(Row::section("Ended lately", Row::new(), context.width));
    for run in ended.into_iter().take(MOST_ENDED) {
        let sign = words::run(run.state);
        let mut left = Row::of(sign.role, format!("{} ", sign.glyph));
        left.push_cell(sign.role, sign.word, 9, Align::Left);
        left.blank(1);
        left.push_untrusted(Role::Text, &run.goal);
        if !run.note.is_empty() {
            left.push(Role::Dim, " · ");
            left.push_untrusted(Role::Dim, &run.note);
        }
        let mut right = Row::new();
        right.push_cell(Role::Agent, run.agent.as_str(), run_list::agent_width(context.width), Align::Left);
        right.push_cell(Role::Money, format::run_cost(run), 9, Align::Right);
        let ended = run.ended_at.unwrap_or(run.updated_at);
        right.push_cell(Role::Dim, format::ago(ended, context.now), 6, Align::Right);
        rows.push(Row::spread(left, right, context.width).anchored(Anchor::Run(run.id)));
    }
}

fn no_model(context: &OverviewContext<'_>, rows: &mut Vec<Row>) {
    let row = Row::of(Role::Warning, "! No model is configured.");
    let text = " Agents cannot run until one is; procedures can. Set OPENAI_API_KEY or OPENAI_BASE_URL.";
    Line::new(row.with(Role::Text, text)).lay(context.width, rows);
    rows.push(Row::new());
}

/// A new machine: what this is, what is missing, what can be done at once.
fn first_run(context: &OverviewContext<'_>, rows: &mut Vec<Row>) {
    let width = context.width;
    rows.push(Row::new());
    rows.push(Row::of(Role::Heading, "Nothing has run here yet.").cut(width));
    let what = "Agents work towards goals you give them, in a copy of your repository, and stop here to ask before \
                anything leaves it. You see what they do as they do it, and you decide.";
    Line::new(Row::of(Role::Text, what)).lay(width, rows);
    rows.push(Row::new());
    match &context.status.model {
        Some(model) => {
            let row = Row::of(Role::Good, "✓ Model  ").with(Role::Text, model.as_str());
            rows.push(row.cut(width));
        }
        None => set_a_model(width, rows),
    }
    let sandbox = context.status.sandbox.as_str();
    match sandbox {
        // It is still being looked at.
        "" => {}
        "none" => {
            let row = Row::of(Role::Warning, "! Sandbox  ")
                .with(Role::Text, "none works here, so programs will not be run; ");
            Line::new(row.with(Role::Code, "morningai doctor").with(Role::Text, " says why")).lay(width, rows);
        }
        rung => rows.push(Row::of(Role::Good, "✓ Sandbox  ").with(Role::Text, rung).cut(width)),
    }
    rows.push(Row::new());
    for (intent, note) in [
        (Intent::CheckMachine, "it reads, reports, and asks before one small clean-up"),
        (Intent::NewGoal, "it plans, works and asks; needs a model"),
        (Intent::Help, ""),
    ] {
        let mut row = Row::new();
        row.blank(2);
        row.push_cell(Role::Key, context.keymap.hint(intent), 4, Align::Left);
        row.push(Role::Text, intent.doc());
        rows.push(row.cut(width));
        if !note.is_empty() {
            let mut below = Row::new();
            below.blank(6);
            rows.push(below.with(Role::Dim, note).cut(width));
        }
    }
    rows.push(Row::new());
    rows.push(
        Row::of(Role::Dim, "To only look around, replay a recorded session: ")
            .with(Role::Code, "morningai demo")
            .cut(width),
    );
}

fn set_a_model(width: usize, rows: &mut Vec<Row>) {
    let row = Row::of(Role::Warning, "! No model is configured.");
    Line::new(row.with(Role::Text, " Agents need one. Leave, set one of these, and start again:")).lay(width, rows);
    for (setting, note) in [
        ("export OPENAI_API_KEY=…", "hosted"),
        ("export OPENAI_BASE_URL=http://localhost:8080/v1", "local, needs no key"),
        ("[models] in config.toml", "routes and prices"),
    ] {
        let left = Row::of(Role::Text, "    ").with(Role::Code, setting);
        let mut row = left;
        row.pad_to(if width >= 80 { 54 } else { 4 });
        rows.push(row.with(Role::Dim, note).cut(width));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::view::fixtures::{Story, night, picture};

    fn shown(story: &Story, model: Option<&str>, width: usize) -> String {
        let status = Status { model: model.map(str::to_owned), sandbox: "bubblewrap".to_owned(), ..Status::default() };
        let keymap = Keymap::builtin().unwrap();
        let context =
            OverviewContext { snapshot: &story.snapshot, status: &status, keymap: &keymap, now: story.now(), width };
        picture(&rows(&context), width)
    }

    #[test]
    fn a_night_on_call() {
        for width in [60, 80, 120, 200] {
            insta::assert_snapshot!(format!("night_{width}"), shown(&night(), Some("openai/gpt-5.2"), width));
        }
    }

    #[test]
    fn a_new_machine_says_what_to_do() {
        insta::assert_snapshot!("first_run_80", shown(&Story::new(), None, 80));
        insta::assert_snapshot!("first_run_with_a_model_120", shown(&Story::new(), Some("local/gemma3"), 120));
    }

    #[test]
    fn a_missing_model_is_said_on_a_used_machine_too() {
        assert!(shown(&night(), None, 80).starts_with("! No model is configured."));
    }
}
