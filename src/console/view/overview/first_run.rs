//! A new machine: what this is, what is missing, what can be done at once.

use super::context::OverviewContext;
use crate::console::intent::Intent;
use crate::console::role::Role;
use crate::console::view::text::{Align, Row};
use crate::console::view::wrap::Line;

pub fn rows(context: &OverviewContext<'_>, rows: &mut Vec<Row>) {
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
            let row =
                Row::of(Role::Warning, "! Sandbox  ").with(Role::Text, "none works here, so programs cannot be run; ");
            Line::new(row.with(Role::Code, "morningai doctor").with(Role::Text, " says why")).lay(width, rows);
        }
        rung => rows.push(Row::of(Role::Good, "✓ Sandbox  ").with(Role::Text, rung).cut(width)),
    }
    rows.push(Row::new());
    for (intent, note) in [
        (Intent::CheckMachine, "reads, reports, and asks before one small clean-up"),
        (Intent::NewGoal, "plans, works and asks; needs a model"),
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
        Row::of(Role::Dim, "To look around first, replay a recorded session: ")
            .with(Role::Code, "morningai demo")
            .cut(width),
    );
}

fn set_a_model(width: usize, rows: &mut Vec<Row>) {
    let row = Row::of(Role::Warning, "! No model is configured.");
    Line::new(row.with(Role::Text, " Agents need one. Quit, set one of these, and start again:")).lay(width, rows);
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
