//! Exactly what will run, as it will run: every argument, line, path and fact that the digest covers.

use serde_json::Value;

use crate::console::role::Role;
use crate::console::view::markdown::Highlighting;
use crate::console::view::text::Row;
use crate::console::view::wrap::{Line, Wrap, sentence};
use crate::console::view::{diff, json, markdown};
use crate::domain::{ApprovalState, Ask, EffectCard, Payload, Untrusted};
use crate::kinds::Approval;

pub fn rows(approval: &Approval, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let effect_title = match approval.state {
        ApprovalState::Pending | ApprovalState::InDoubt => "Exactly this will run",
        ApprovalState::Approved => "Exactly this was approved",
        ApprovalState::Denied
        | ApprovalState::Edited
        | ApprovalState::Expired
        | ApprovalState::Withdrawn
        | ApprovalState::Superseded => "Exactly this was requested",
    };
    match &approval.ask {
        Ask::Effect { card } => effect(card, effect_title, width, &mut rows),
        Ask::InDoubt { card, .. } => effect(card, "Exactly this was started", width, &mut rows),
        Ask::Question { text, choices, budget: None } => question(text, choices, width, &mut rows),
        Ask::Question { text, choices, budget: Some(_) } => budget(text, choices, width, &mut rows),
    }
    rows
}

fn effect(card: &EffectCard, title: &str, width: usize, rows: &mut Vec<Row>) {
    let mut tool = Row::of(Role::Dim, "tool ");
    tool.push(Role::Tool, card.tool.to_string());
    rows.push(Row::section(title, tool, width));
    match &card.payload {
        Payload::Exec { argv, cwd, env } => exec(argv, cwd, env, width, rows),
        Payload::Patch { path, before, diff } => {
            labelled("file", path, width, rows);
            match before.as_str() {
                "" => rows.push(label("it is now").with(Role::Dim, "nothing: it does not exist yet")),
                before => labelled("it is now", &before.into(), width, rows),
            }
            diff::lay(diff, &Row::new(), width, rows);
        }
        Payload::Delete { paths } => numbered(paths, width, rows),
        Payload::Arguments { args } => json::lay(args, &indent(), width, rows),
    }
    let is_told = matches!(&card.payload, Payload::Delete { paths } if *paths == card.targets);
    // One that fills the title is listed too: the title need not have been on the screen as a whole.
    let fills_title = |target: &Untrusted| card.verb.len() + target.visible().len() + 4 > width;
    if (card.targets.len() > 1 || card.targets.iter().any(fills_title)) && !is_told {
        rows.push(Row::of(Role::Dim, "targets"));
        numbered(&card.targets, width, rows);
    }
    if !card.facts.is_empty() {
        rows.push(Row::of(Role::Dim, "facts used by the policy"));
        json::lay(&Value::Object(card.facts.clone()), &indent(), width, rows);
    }
}

fn indent() -> Row {
    Row::of(Role::Text, "  ")
}

/// One argument a row, numbered, with its boundaries; then where and with what changed environment.
fn exec(argv: &[Untrusted], cwd: &Untrusted, env: &[Untrusted], width: usize, rows: &mut Vec<Row>) {
    if argv.is_empty() {
        rows.push(indent().with(Role::Bad, "no program is named"));
    }
    numbered(argv, width, rows);
    labelled("in", cwd, width, rows);
    if env.is_empty() {
        rows.push(label("environment").with(Role::Dim, "clean, nothing added"));
    }
    for (index, name) in env.iter().enumerate() {
        let lead = label(if index == 0 { "environment" } else { "" });
        json::quoted(name, lead, width, rows);
    }
}

fn numbered(items: &[Untrusted], width: usize, rows: &mut Vec<Row>) {
    let digits = items.len().to_string().len();
    for (number, item) in (1..).zip(items) {
        json::quoted(item, indent().with(Role::Dim, format!("{number:>digits$}  ")), width, rows);
    }
}

fn label(name: &str) -> Row {
    let mut row = indent();
    row.push_cell(Role::Dim, name, 13, crate::console::view::text::Align::Left);
    row
}

fn labelled(name: &str, text: &Untrusted, width: usize, rows: &mut Vec<Row>) {
    json::quoted(text, label(name), width, rows);
}

fn question(text: &Untrusted, choices: &[Untrusted], width: usize, rows: &mut Vec<Row>) {
    rows.push(Row::section("The agent asks", Row::of(Role::Warning, "its own words, not verified"), width));
    markdown::lay(text, Highlighting::Plain, &Row::of(Role::Agent, "┆ "), width, rows);
    if !choices.is_empty() {
        rows.push(Row::new());
        rows.push(Row::of(Role::Dim, "It suggests these answers; you may write any other."));
    }
    listed(choices, Role::Agent, width, rows);
}

/// What the program asks by itself, each choice explained in it.
fn budget(text: &Untrusted, choices: &[Untrusted], width: usize, rows: &mut Vec<Row>) {
    rows.push(Row::section("A budget is used up", Row::of(Role::Dim, "the run is paused"), width));
    for line in text.visible_lines() {
        sentence(Role::Text, &*line, width, rows);
    }
    rows.push(Row::new());
    listed(choices, Role::Text, width, rows);
}

fn listed(choices: &[Untrusted], role: Role, width: usize, rows: &mut Vec<Row>) {
    for (number, choice) in (1..).zip(choices) {
        let mut row = indent().with(Role::Key, format!("{number}  "));
        let mut hang = Row::new();
        hang.blank(row.width());
        row.push_untrusted(role, choice);
        Line { row, hang, wrap: Wrap::Words }.lay(width, rows);
    }
}
