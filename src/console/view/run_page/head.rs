//! The top of a run's page, which scrolls: its goal where that is long, who works on it and where, what it has used of
//! its limits, and its plan. On a wide screen most of that stands beside the history instead.

use super::context::{PlanPlace, RunPageContext};
use super::plan;
use super::plan::Extent;
use crate::console::role::Role;
use crate::console::view::text::{Align, Row};
use crate::console::view::wrap::Line;
use crate::console::view::{format, run_list, words};
use crate::kinds::{Run, ToFinish};

/// Columns of the labels.
const LABEL: usize = 12;
/// Signs of the bars of what was used.
const BAR: usize = 8;

/// The top of the page, with what stands beside the history where there is room.
pub fn rows(context: &RunPageContext<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    goal(context, &mut rows);
    if context.plan == PlanPlace::Above {
        facts(context, &mut rows);
        fact("used", used(context), context.width, &mut rows);
        to_finish(context, &mut rows);
    }
    if !rows.is_empty() {
        rows.push(Row::new());
    }
    match context.thread {
        Some(_) if context.plan == PlanPlace::Beside => {}
        Some(thread) => plan::lay(thread, context, Extent::Folds, &mut rows),
        None => rows.push(Row::of(Role::Dim, "Loading the history of this run…")),
    }
    rows
}

/// What stands beside the history on a wide screen: plan, budget, who and where, in at most `room` rows.
pub fn rail(context: &RunPageContext<'_>, room: usize) -> Vec<Row> {
    let mut below = vec![Row::new(), Row::section("Used", Row::new(), context.width)];
    for use_of in uses(context) {
        let mut row = Row::new();
        row.push_cell(Role::Dim, use_of.what, LABEL, Align::Left);
        row.push(use_of.role(), words::bar(use_of.part(), use_of.whole(), BAR));
        row.blank(1);
        row.append(use_of.row());
        below.push(row.cut(context.width));
    }
    to_finish(context, &mut below);
    below.push(Row::new());
    below.push(Row::section("Where", Row::new(), context.width));
    facts(context, &mut below);
    let mut rows = Vec::new();
    if let Some(thread) = context.thread {
        plan::lay(thread, context, Extent::Rows(room.saturating_sub(below.len())), &mut rows);
    }
    rows.extend(below);
    rows.truncate(room);
    rows
}

/// In full where it is too long for the line that names the run.
fn goal(context: &RunPageContext<'_>, rows: &mut Vec<Row>) {
    let mut goal = Row::new();
    goal.push_untrusted(Role::Strong, &context.run.goal);
    if context.run.is_procedure || goal.width() * 2 > context.width {
        fact("goal", goal, context.width, rows);
    }
}

fn facts(context: &RunPageContext<'_>, rows: &mut Vec<Row>) {
    let run = context.run;
    fact(worker(run), who(context), context.width, rows);
    let Some(workspace) = &run.workspace else { return };
    let mut row = Row::new();
    if let Some(branch) = &workspace.branch {
        row.push(Role::Code, branch.as_str());
        row.push(Role::Dim, " of ");
    }
    row.push(Role::Text, workspace.repository.as_deref().unwrap_or(&workspace.root));
    fact("workspace", row, context.width, rows);
    for what in &workspace.left_out {
        let mut row = Row::new();
        row.push_untrusted(Role::Warning, &what.as_str().into());
        fact("not there", row, context.width, rows);
    }
}

/// The same in so many rows whatever it says, each cut: what stands beside a list, where the cursor moves fast.
pub fn glance(context: &RunPageContext<'_>) -> Vec<Row> {
    let run = context.run;
    let sign = words::run(run.state);
    let mut title = Row::of(sign.role, format!("{} ", sign.glyph));
    title.push_cell(sign.role, sign.word, LABEL - 2, Align::Left);
    title.append(run_list::name(run, Role::Strong).cut_middle(context.width.saturating_sub(LABEL)));
    let mut place = Row::new();
    if let Some(workspace) = &run.workspace {
        if let Some(branch) = workspace.branch.as_deref() {
            place.push(Role::Code, run_list::short_branch(branch));
            place.push(Role::Dim, " of ");
        }
        let repository = workspace.repository.as_deref().unwrap_or(&workspace.root);
        place.push(Role::Dim, repository.rsplit('/').next().unwrap_or(repository));
    }
    let mut next = Row::of(Role::Text, words::activity(run));
    if next.is_empty() {
        next.push_untrusted(Role::Text, &run.note);
    }
    let line = |label: &str, value: Row| {
        let mut row = Row::new();
        row.push_cell(Role::Dim, label, LABEL, Align::Left);
        row.append(value);
        row.cut(context.width)
    };
    let now = if run.state.is_final() { "came to" } else { "now" };
    let mut rows = vec![
        title,
        line(now, next),
        line(worker(run), who(context)),
        line("workspace", place),
        line("used", used(context)),
        Row::new(),
    ];
    if let Some(thread) = context.thread {
        plan::lay(thread, context, Extent::Folds, &mut rows);
    }
    rows
}

fn worker(run: &Run) -> &'static str {
    if run.is_procedure { "procedure" } else { "agent" }
}

/// Who works on it, and who started it when.
fn who(context: &RunPageContext<'_>) -> Row {
    let run = context.run;
    let mut who = Row::new();
    who.push_untrusted(Role::Agent, &run.agent.as_str().into());
    who.push(Role::Dim, ", started by ");
    who.push_untrusted(words::actor(&run.started_by), &run.started_by.name().into());
    who.push(Role::Dim, format!(" {}", format::ago_in_words(run.started_at, context.now)));
    who.push(Role::Dim, format!(", run {}", run.id.short()));
    who
}

fn fact(label: &str, value: Row, width: usize, rows: &mut Vec<Row>) {
    let mut lead = Row::new();
    lead.push_cell(Role::Dim, label, LABEL, Align::Left);
    Line::led(lead, value).lay(width, rows);
}

/// What was used of a limit.
struct Use {
    what: &'static str,
    text: String,
    limit: String,
    amounts: (u64, u64),
    usual: Role,
}

impl Use {
    /// What is nearly used up stands out.
    fn role(&self) -> Role {
        let (used, most) = self.amounts;
        let is_scarce = most > 0 && used.saturating_mul(5) >= most.saturating_mul(4);
        if is_scarce { Role::Warning } else { self.usual }
    }

    fn part(&self) -> i64 {
        i64::try_from(self.amounts.0).unwrap_or(i64::MAX)
    }

    fn whole(&self) -> i64 {
        i64::try_from(self.amounts.1).unwrap_or(i64::MAX)
    }

    /// `$0.41 of $5.00`
    fn row(&self) -> Row {
        Row::of(self.role(), self.text.as_str()).with(Role::Dim, format!(" of {}", self.limit))
    }
}

/// What it has used of each of its limits.
fn uses(context: &RunPageContext<'_>) -> Vec<Use> {
    let RunPageContext { run, now, .. } = *context;
    let limits = &run.limits;
    let worked = format::worked(run, now);
    let seconds = i64::try_from(limits.seconds).unwrap_or(i64::MAX / 1_000);
    let mut uses = vec![Use {
        what: "time",
        text: format::whole_span(worked),
        limit: format::whole_span(chrono::TimeDelta::seconds(seconds)),
        amounts: (u64::try_from(worked.num_seconds()).unwrap_or(0), limits.seconds),
        usual: Role::Text,
    }];
    if !run.is_procedure {
        uses.push(cost(run));
        uses.push(Use {
            what: "turns",
            text: run.turns.to_string(),
            limit: format!("{} turns", limits.turns),
            amounts: (run.turns.into(), limits.turns.into()),
            usual: Role::Text,
        });
        uses.push(Use {
            what: "tokens",
            text: format::quantity(run.tokens),
            limit: format!("{} tokens", format::quantity(limits.tokens)),
            amounts: (run.tokens, limits.tokens),
            usual: Role::Text,
        });
    }
    uses
}

fn cost(run: &Run) -> Use {
    let amounts = (u64::try_from(run.cost.0).unwrap_or(0), u64::try_from(run.limits.cost.0).unwrap_or(0));
    Use { what: "cost", text: format::run_cost(run), limit: run.limits.cost.display(), amounts, usual: Role::Money }
}

/// `$0.41 of $5.00 ▰▱▱▱▱▱▱▱`, or what it cost where it has ended or nothing limits that.
pub fn budget(run: &Run) -> Row {
    let cost = cost(run);
    if run.state.is_final() || cost.amounts.1 == 0 {
        return Row::of(Role::Money, format::named_run_cost(run));
    }
    let bar = words::bar(cost.part(), cost.whole(), BAR);
    let named = Use { text: format::named_run_cost(run), ..cost };
    let mut row = named.row();
    row.push(named.role(), format!(" {bar}"));
    row
}

/// What runs like it took from here to their ends, where enough of them are known.
fn to_finish(context: &RunPageContext<'_>, rows: &mut Vec<Row>) {
    if let Some(rest) = ToFinish::of(context.days, context.run, context.now.date_naive()) {
        fact("to finish", Row::of(Role::Text, format::to_finish(&rest)), context.width, rows);
    }
}

fn used(context: &RunPageContext<'_>) -> Row {
    let mut row = Row::new();
    for use_of in uses(context) {
        if !row.is_empty() {
            row.push(Role::Rule, " · ");
        }
        row.append(use_of.row());
    }
    row
}
