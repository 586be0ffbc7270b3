//! The plan of a run: on one line once it is done, else the steps around the current one; unfolded, all of it.

use super::context::RunPageContext;
use crate::console::anchor::{Anchor, Fold};
use crate::console::role::Role;
use crate::console::view::text::{Align, Row};
use crate::console::view::{format, words};
use crate::domain::{Plan, PlanStep, StepState};
use crate::fold::Thread;

/// Steps shown around the current one of a long plan.
const MOST_STEPS: usize = 10;

/// How much of a plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// As it is folded.
    Folds,
    /// As many steps as so many rows hold.
    Rows(usize),
}

pub fn lay(thread: &Thread, context: &RunPageContext<'_>, extent: Extent, rows: &mut Vec<Row>) {
    let Some(plan) = thread.plan.as_ref().filter(|plan| !plan.steps.is_empty()) else { return };
    let width = context.width;
    let left = plan.steps.iter().filter(|step| !is_over(thread, step)).count();
    let count = format!("{} of {} done", plan.steps.len() - left, plan.steps.len());
    let most = match (extent, context.folds.of(Anchor::Plan)) {
        (Extent::Rows(room), _) => room.saturating_sub(3),
        (Extent::Folds, Fold::Open) => plan.steps.len(),
        (Extent::Folds, Fold::Closed) if left == 0 => {
            rows.push(Row::of(Role::Heading, "plan: ").with(Role::Good, count).anchored(Anchor::Plan));
            rows.push(Row::new());
            return;
        }
        (Extent::Folds, Fold::Closed) => MOST_STEPS,
    };
    let heading = Row::section("Plan", Row::of(Role::Dim, count), width);
    rows.push(match extent {
        Extent::Folds => heading.anchored(Anchor::Plan),
        Extent::Rows(_) => heading,
    });
    steps(plan, thread, most, width, rows);
    if extent == Extent::Folds {
        rows.push(Row::new());
    }
}

fn state(thread: &Thread, step: &PlanStep) -> StepState {
    thread.step_states.get(&step.step).copied().unwrap_or_default()
}

fn is_over(thread: &Thread, step: &PlanStep) -> bool {
    matches!(state(thread, step), StepState::Done | StepState::Skipped)
}

/// At most so many steps, of which the current one is one, and how many are before and after them.
fn steps(plan: &Plan, thread: &Thread, most: usize, width: usize, rows: &mut Vec<Row>) {
    let current = plan.steps.iter().position(|step| !is_over(thread, step)).unwrap_or(plan.steps.len());
    let from = current.saturating_sub(3).min(plan.steps.len().saturating_sub(most));
    // A single one is named in the row that would count it.
    let (from, most) = if from == 1 { (0, most + 1) } else { (from, most) };
    let most = format::named(plan.steps.len() - from, most);
    if from > 0 {
        rows.push(Row::of(Role::Dim, format!("  … {} earlier", format::count(from, "step", "steps"))));
    }
    rows.extend(plan.steps.iter().skip(from).take(most).map(|step| line(step, state(thread, step), width)));
    let after = plan.steps.len() - from - most;
    if after > 0 {
        rows.push(Row::of(Role::Dim, format!("  … {} after these", format::count(after, "step", "steps"))));
    }
}

fn line(step: &PlanStep, state: StepState, width: usize) -> Row {
    let sign = words::step(state);
    let mut left = Row::of(sign.role, format!("{} ", sign.glyph));
    left.push_cell(Role::Dim, step.step.to_string(), 3, Align::Left);
    let role = match state {
        StepState::Running => Role::Strong,
        StepState::Done | StepState::Skipped => Role::Dim,
        StepState::Pending | StepState::Failed => Role::Text,
    };
    left.push_untrusted(role, &step.action);
    if width >= 110 && !step.success.is_empty() {
        left.push(Role::Dim, ", until ");
        left.push_untrusted(Role::Dim, &step.success);
    }
    Row::spread(left, Row::of(sign.role, sign.word), width)
}
