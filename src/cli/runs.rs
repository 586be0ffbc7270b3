//! `morningai runs`: what goes on and what went on.

use super::args::RunsOptions;
use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::Part;
use super::table::table;
use super::{find, outcome, time};
use crate::domain::Untrusted;
use crate::fold::{CallStatus, Snapshot, Thread, TimelineItem};
use crate::kinds::Run;
use crate::ports::Client;
use crate::shape;
use crate::shape::{RunDetail, RunShape};

pub async fn runs(mut context: Context<'_>, options: RunsOptions) -> Result<Exit, Failure> {
    let session = context.host.session(Part::Reader).await?;
    let shown = match &options.show {
        Some(show) => show_one(&mut context, session.client(), show.id()).await,
        None => list(&mut context, session.client(), &options).await,
    };
    session.close().await;
    shown.map(|()| Exit::Done)
}

async fn list(context: &mut Context<'_>, client: &dyn Client, options: &RunsOptions) -> Result<(), Failure> {
    let runs = shape::runs(client, options.state, options.limit).await?;
    match context.form {
        Form::Json => runs.iter().try_for_each(|run| context.output.json(&RunShape::of(run))),
        Form::Text if runs.is_empty() => context.output.line("no runs; `morningai run GOAL` starts one"),
        Form::Text => context.output.line(&page(&runs)),
    }
}

fn page(runs: &[Run]) -> String {
    let row = |run: &Run| {
        vec![
            run.id.short(),
            run.state.to_string(),
            visible(&run.agent),
            format!("{}/{}", run.steps_done, run.steps),
            cost(run),
            time::shown(run.started_at),
            run.goal.visible().into_owned(),
        ]
    };
    table(&["ID", "STATE", "AGENT", "STEPS", "COST", "STARTED", "GOAL"], &runs.iter().map(row).collect::<Vec<_>>())
}

async fn show_one(context: &mut Context<'_>, client: &dyn Client, given: &str) -> Result<(), Failure> {
    let (snapshot, _) = client.open().await?;
    let run = find::run(client, &snapshot, given).await?;
    let thread = shape::thread(client, run.id).await?;
    match context.form {
        Form::Json => context.output.json(&RunDetail::of(&run, thread.as_ref())),
        Form::Text => context.output.write(&detail(&run, thread.as_ref(), &snapshot)),
    }
}

fn detail(run: &Run, thread: Option<&Thread>, snapshot: &Snapshot) -> String {
    let mut lines = vec![format!("run {}  {}", run.id, run.state), format!("  goal       {}", run.goal.visible())];
    let mut field = |name: &str, value: String| lines.push(format!("  {name:<10} {value}").trim_end().to_owned());
    field("agent", visible(&run.agent));
    field("started", format!("{} by {}", time::shown(run.started_at), run.started_by));
    if let Some(ended) = run.ended_at {
        field("ended", format!("{}, after {}", time::shown(ended), time::span(ended - run.started_at)));
    }
    field("used", format!("{} turns, {} tokens, {}", run.turns, run.tokens, cost(run)));
    if let Some(workspace) = &run.workspace {
        field("workspace", visible(&workspace.root));
        if let Some(branch) = &workspace.branch {
            field("branch", visible(branch));
        }
    }
    if !run.note.is_empty() {
        field("note", run.note.visible().into_owned());
    }
    if !run.hint.is_empty() {
        field("next", run.hint.clone());
    }
    for line in thread.iter().flat_map(|thread| &thread.timeline) {
        if let TimelineItem::Recovered(left) = &line.item
            && !left.is_empty()
        {
            field("cleared up", left.visible().into_owned());
        }
    }
    for approval in run.awaited().filter_map(|id| snapshot.approvals.get(&id)) {
        field("waits for", format!("{}  {}", approval.id, super::card::headline(approval)));
    }
    if let Some(thread) = thread {
        lines.extend(plan_lines(thread));
        lines.extend(call_lines(thread));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn plan_lines(thread: &Thread) -> Vec<String> {
    let Some(plan) = &thread.plan else { return Vec::new() };
    let step = |step: &crate::domain::PlanStep| {
        let state = thread.step_states.get(&step.step).copied().unwrap_or_default();
        format!("    {}. [{}] {}", step.step, step_name(state), step.action.visible())
    };
    std::iter::once("  plan:".to_owned()).chain(plan.steps.iter().map(step)).collect()
}

fn step_name(state: crate::domain::StepState) -> &'static str {
    match state {
        crate::domain::StepState::Pending => "pending",
        crate::domain::StepState::Running => "running",
        crate::domain::StepState::Done => "done",
        crate::domain::StepState::Failed => "failed",
        crate::domain::StepState::Skipped => "skipped",
    }
}

fn call_lines(thread: &Thread) -> Vec<String> {
    if thread.calls.is_empty() {
        return Vec::new();
    }
    let call = |entry: &crate::fold::CallEntry| {
        let label = entry.card.as_ref().map_or_else(|| entry.call.tool.to_string(), |card| super::card::action(card));
        let status = match &entry.status {
            CallStatus::Requested => "requested".to_owned(),
            CallStatus::Parked => "waits for a person".to_owned(),
            CallStatus::Running => "running".to_owned(),
            CallStatus::InDoubt => "in doubt".to_owned(),
            CallStatus::Settled(result) => outcome::of(result),
        };
        format!("    {} {label}: {status}", entry.call.call)
    };
    std::iter::once("  calls:".to_owned()).chain(thread.calls.values().map(call)).collect()
}

fn cost(run: &Run) -> String {
    if run.unpriced_turns > 0 { "?".to_owned() } else { run.cost.display() }
}

fn visible(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}
