//! One line for each event: of runs and requests in words of the console, of all else in its own.

use crate::console::role::Role;
use crate::console::view::text::Row;
use crate::console::view::{card, format, words};
use crate::domain::{Authority, ModelReply, PurposeOfTurn, Settlement, ToolCall, ToolResult, Untrusted};
use crate::kinds::{ApprovalEvent, Event, RunEvent};

/// What an event says, on one line of any length.
pub fn summary(event: &Event) -> Row {
    if let Event::Run(event) = event {
        return of_run(event);
    }
    if let Event::Approval(event) = event {
        return of_approval(event);
    }
    let lead = if matches!(event, Event::Erased(_)) { "was " } else { "" };
    said(lead.to_owned(), if lead.is_empty() { Role::Text } else { Role::Dim }, &event.remark())
}

fn of_run(event: &RunEvent) -> Row {
    match event {
        RunEvent::Started { spec } => {
            let mut row = Row::new();
            row.push_untrusted(Role::Agent, &spec.agent.as_str().into());
            row.push(Role::Dim, ": ");
            row.push_untrusted(Role::Text, &spec.goal);
            row
        }
        RunEvent::PlanAdopted { plan } => plain(format::count(plan.steps.len(), "step", "steps")),
        RunEvent::StepMarked { step, state } => plain(format!("step {step} {}", words::step(*state).word)),
        RunEvent::TurnStarted { turn, attempt, purpose } => turn_started(*turn, *attempt, *purpose),
        RunEvent::TurnFinished { turn, reply, .. } => turn_finished(*turn, reply),
        RunEvent::TurnFailed { turn, failure, .. } => said(format!("turn {turn}: "), Role::Bad, &failure.message),
        RunEvent::CallsRequested { calls } => calls_requested(calls),
        RunEvent::CallParked { call, approval, .. } => plain(format!("{call} waits for approval {}", approval.short())),
        RunEvent::CallDelegated { call, agent, goal, .. } => {
            let agent = Untrusted::from(agent.as_str());
            said(format!("{call} is for the agent {}: ", agent.visible()), Role::Text, goal)
        }
        RunEvent::DelegateEnded { call, run, state, summary, .. } => {
            said(format!("{call}: run {} {state}: ", run.short()), Role::Text, summary)
        }
        RunEvent::CallEdited { call, args, .. } => {
            said(format!("{call} is now called with "), Role::Text, &args.to_string().into())
        }
        RunEvent::EffectStarted { call, card, under, .. } => {
            let mut row = plain(format!("{call} "));
            row.append(card::effect_title(card));
            match under {
                Authority::Rule(rule) => row.append(said(" by rule ".to_owned(), Role::Dim, &rule.as_str().into())),
                Authority::Approval(id) => row.push(Role::Dim, format!(" by approval {}", id.short())),
            }
            row
        }
        RunEvent::EffectInDoubt { call, attempt, approval } => {
            plain(format!("{call} attempt {attempt}: outcome unknown, see {}", approval.short()))
        }
        RunEvent::CallSettled { call, result, .. } => call_settled(&call.to_string(), result),
        RunEvent::LimitReached { limit } => plain(format!("on {}", limit.name())),
        RunEvent::Paused { reason, .. } | RunEvent::CancelRequested { reason } | RunEvent::Cancelled { reason } => {
            said(String::new(), Role::Text, &reason.as_str().into())
        }
        RunEvent::Resumed {} => plain("goes on".to_owned()),
        RunEvent::SetAside {} => plain("its program was told to stop".to_owned()),
        RunEvent::Recovered { lost, left } => {
            let taken = if *lost { "resumed after its last worker was lost" } else { "resumed by another worker" };
            let lead = if left.is_empty() { taken.to_owned() } else { format!("{taken}; ") };
            said(lead, Role::Text, left)
        }
        RunEvent::Succeeded { summary } => said(String::new(), Role::Text, summary),
        RunEvent::Failed { reason, .. } => said(String::new(), Role::Bad, reason),
    }
}

fn of_approval(event: &ApprovalEvent) -> Row {
    match event {
        ApprovalEvent::Requested { ask, rule, edit, .. } => {
            let mut row = card::title(ask);
            row.append(said(" by rule ".to_owned(), Role::Dim, &rule.as_str().into()));
            if let Some(edit) = edit {
                row.append(said(", as changed by ".to_owned(), Role::Person, &edit.by.name().into()));
            }
            row
        }
        ApprovalEvent::Approved { digest } => plain(format!("card {}", digest.shown())),
        ApprovalEvent::Edited { args, .. } => {
            said("to be requested again with ".to_owned(), Role::Person, &args.to_string().into())
        }
        ApprovalEvent::Denied { reason } if reason.is_empty() => plain("without a reason".to_owned()),
        ApprovalEvent::Denied { reason } => said(String::new(), Role::Person, reason),
        ApprovalEvent::Answered { text } => said(String::new(), Role::Person, text),
        ApprovalEvent::Settled { settlement, note } => {
            let word = match settlement {
                Settlement::Happened => "it happened",
                Settlement::Retry => "do it again",
                Settlement::GiveUp => "given up",
            };
            if note.is_empty() { plain(word.to_owned()) } else { said(format!("{word}: "), Role::Person, note) }
        }
        ApprovalEvent::Expired {} => plain("no decision in time".to_owned()),
        ApprovalEvent::Withdrawn { reason } => said(String::new(), Role::Text, &reason.as_str().into()),
        ApprovalEvent::Superseded { by } => plain(format!("requested again as {}", by.short())),
    }
}

fn plain(text: String) -> Row {
    Row::of(Role::Text, text)
}

fn said(lead: String, role: Role, text: &Untrusted) -> Row {
    let mut row = Row::of(Role::Dim, lead);
    row.push_untrusted(role, text);
    row
}

fn turn_started(turn: u32, attempt: u32, purpose: PurposeOfTurn) -> Row {
    let purpose = match purpose {
        PurposeOfTurn::Plan => "to plan",
        PurposeOfTurn::Act => "to act",
    };
    let again = if attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
    plain(format!("turn {turn} {purpose}{again}"))
}

fn turn_finished(turn: u32, reply: &ModelReply) -> Row {
    let mut row = plain(format!("turn {turn} "));
    row.push(Role::Money, reply.cost.map_or("price unknown".to_owned(), |cost| cost.display()));
    row.push(Role::Dim, format!(" {}", reply.model));
    if let Some(usage) = reply.usage {
        row.push(Role::Dim, format!(" {} in {} out", format::quantity(usage.input), format::quantity(usage.output)));
    }
    row
}

fn calls_requested(calls: &[ToolCall]) -> Row {
    let named: Vec<_> = calls.iter().map(|call| format!("{} {}", call.call, call.tool)).collect();
    plain(named.join(", "))
}

fn call_settled(call: &str, result: &ToolResult) -> Row {
    let mut row = plain(format!("{call} "));
    if let Some(kind) = result.failure {
        let sign = words::failure(kind);
        row.push(sign.role, format!("{} ", sign.word));
    }
    row.push_untrusted(Role::Text, &result.summary);
    row
}
