//! Sheets over the foot of the page: palette, prompts, confirmations, the form for a goal.

use super::editor;
use super::editor::Typed;
use super::scene::Scene;
use crate::console::role::Role;
use crate::console::state::{
    Arguments, Choice, Confirm, Drafting, Field, Goal, Item, Palette, Progress, Prompt, PromptFor, Screen, Sheet,
    ThingVerb,
};
use crate::console::view::text::{Align, Row};
use crate::console::view::wrap::Line;
use crate::domain::{Ask, Untrusted};
use crate::kinds::Surface;

/// Files offered at once for a word behind `@`.
const FILES_SHOWN: usize = 6;

/// Rows of a sheet, and where its cursor stands in them.
#[derive(Clone, Debug, Default)]
pub struct SheetRows {
    pub rows: Vec<Row>,
    pub cursor: Option<(u16, usize)>,
}

impl SheetRows {
    /// Appends an editor's rows; its cursor is the sheet's when it has the keys.
    fn append(&mut self, typed: Typed, has_keys: bool) {
        if has_keys {
            self.cursor = Some((typed.cursor.0, self.rows.len() + typed.cursor.1));
        }
        self.rows.extend(typed.rows);
    }
}

pub fn rows(scene: &Scene<'_>, width: usize, height: usize) -> SheetRows {
    match &scene.state.sheet {
        None | Some(Sheet::Help(_)) => SheetRows::default(),
        Some(Sheet::Palette(open)) => palette(scene, open, width, height),
        Some(Sheet::Prompt(open)) => prompt(scene, open, width),
        Some(Sheet::Confirm(open)) => confirm(scene, *open, width),
        Some(Sheet::Goal(open)) => goal(scene, open, width, height),
        Some(Sheet::Arguments(open)) => arguments(open, width, height),
    }
}

fn lead() -> Row {
    Row::of(Role::Key, " › ")
}

fn palette(scene: &Scene<'_>, palette: &Palette, width: usize, height: usize) -> SheetRows {
    let most = (height / 2).max(6);
    let note = Row::of(Role::Dim, format!("{} found", palette.found().len()));
    let mut sheet = SheetRows { rows: vec![Row::section("Find", note, width)], cursor: None };
    sheet.append(editor::rows(&palette.query, &lead(), width, 1), true);
    let skip = (palette.cursor + 1).saturating_sub(most);
    for (place, item) in palette.found().enumerate().skip(skip).take(most) {
        let row = found(scene, item, width);
        sheet.rows.push(if place == palette.cursor { row.filled(Role::Selected) } else { row });
    }
    sheet
}

/// What kind of thing it is, the key that does the same, and what it is.
fn found(scene: &Scene<'_>, item: &Item, width: usize) -> Row {
    let label = (width * 2 / 5).max(24);
    let key = match item.choice {
        Choice::Do(intent) | Choice::GoAndDo(intent) => scene.keymap.hint(intent),
        _ => String::new(),
    };
    let mut name = Row::of(Role::Strong, item.label.as_str());
    item.aliases.iter().for_each(|alias| name.push(Role::Dim, format!(" :{alias}")));
    let mut row = Row::new();
    row.blank(1);
    row.push_cell(Role::Dim, item.kind, 10, Align::Left);
    row.push_cell(Role::Key, key, 9, Align::Left);
    row.blank(1);
    row.push_row_cell(name, label);
    row.blank(1);
    row.push(Role::Dim, item.detail.as_str());
    row.cut(width)
}

fn prompt(scene: &Scene<'_>, prompt: &Prompt, width: usize) -> SheetRows {
    let (title, keys) = match &prompt.wanted {
        PromptFor::Filter if scene.state.screen == Screen::Log => {
            ("Search all of the log", "enter keeps it, esc shows everything")
        }
        PromptFor::Filter => ("Show only what contains", "enter keeps it, esc shows everything"),
        PromptFor::Reason(_) => ("Deny, and tell the agent why", "enter denies, esc goes back to the card"),
        PromptFor::Verb(wanted) => return verb(prompt, wanted, width),
        PromptFor::Answer(_) => ("Answer", "enter sends, ^J starts a new line, esc goes back to the card"),
        PromptFor::Target { .. } => ("This is critical: type its target to approve", "^Y approves, esc goes back"),
    };
    let mut sheet = SheetRows { rows: vec![Row::section(title, Row::of(Role::Dim, keys), width)], cursor: None };
    match &prompt.wanted {
        PromptFor::Answer(approval) => sheet.rows.extend(choices(scene, *approval, width)),
        PromptFor::Target { target, .. } => {
            let mut row = Row::new();
            row.blank(3);
            row.push_untrusted(Role::Code, &Untrusted::from(target.as_str()));
            if prompt.editor.text() == *target {
                row.push(Role::Good, "  ✓ that is it");
            }
            sheet.rows.push(row.cut(width));
        }
        PromptFor::Filter | PromptFor::Reason(_) | PromptFor::Verb(_) => {}
    }
    sheet.append(editor::rows(&prompt.editor, &lead(), width, 5), true);
    sheet
}

/// What a verb takes, with what is to be given for it, and where that is typed.
fn verb(prompt: &Prompt, wanted: &ThingVerb, width: usize) -> SheetRows {
    let keys = Row::of(Role::Dim, "enter submits, esc cancels");
    let mut sheet = SheetRows { rows: vec![Row::section(wanted.verb.about, keys, width)], cursor: None };
    let fields = Surface::of_kind(wanted.kind).map(|surface| surface.fields(wanted.verb)).unwrap_or_default();
    let (required, others): (Vec<_>, Vec<_>) = fields.iter().partition(|field| field.is_required);
    for field in others.into_iter().chain(required) {
        let name = if field.is_required { field.name.to_uppercase() } else { format!("--{} …", field.name) };
        let mut row = Row::of(Role::Text, "   ");
        row.push_cell(Role::Key, name, 16, Align::Left);
        row.push(Role::Dim, field.about.as_str());
        sheet.rows.push(row.cut(width));
    }
    sheet.append(editor::rows(&prompt.editor, &lead(), width, 5), true);
    sheet
}

fn choices(scene: &Scene<'_>, approval: crate::domain::ApprovalId, width: usize) -> Vec<Row> {
    let Some(approval) = scene.snapshot.approvals.get(&approval) else { return Vec::new() };
    let Ask::Question { choices, .. } = &approval.ask else { return Vec::new() };
    let numbered = choices.iter().enumerate().map(|(place, choice)| {
        let mut row = Row::of(Role::Key, format!(" {:>2} ", place + 1));
        row.push_untrusted(Role::Text, choice);
        row.cut(width)
    });
    numbered.collect()
}

fn confirm(scene: &Scene<'_>, confirm: Confirm, width: usize) -> SheetRows {
    let mut question = Row::new();
    question.blank(1);
    match confirm {
        Confirm::CancelRun(run) => {
            question.push(Role::Strong, "Cancel this run after its current call? ");
            if let Some(run) = scene.snapshot.runs.get(&run) {
                question.push_untrusted(Role::Agent, &run.goal);
            }
        }
        Confirm::Quit => question.push(Role::Strong, "A run is active. Quit? It continues when you start again."),
    }
    let mut keys = Row::new();
    keys.blank(1);
    keys.push(Role::Key, "y");
    keys.push(Role::Dim, " yes   ");
    keys.push(Role::Key, "any other key");
    keys.push(Role::Dim, " no");
    let rows = vec![Row::section("Sure?", Row::new(), width), question.cut(width), keys];
    SheetRows { rows, cursor: None }
}

fn goal(scene: &Scene<'_>, goal: &Goal, width: usize, height: usize) -> SheetRows {
    let keys = match goal.offers_files() {
        true => "enter inserts the file  ↑ ↓ choose  esc closes the list",
        false => "enter starts  ^J new line  @ file  tab next  ^O editor  esc close",
    };
    let mut sheet = SheetRows { rows: vec![Row::section("New goal", Row::of(Role::Dim, keys), width)], cursor: None };
    if scene.status.model.is_none() {
        let text = Row::of(Role::Warning, "No model is configured, so no agent can run. ");
        let text = text.with(Role::Dim, "Set OPENAI_API_KEY or OPENAI_BASE_URL, and start again.");
        Line::led(Row::of(Role::Warning, " ! "), text).lay(width, &mut sheet.rows);
    }
    let most = (height / 3).clamp(2, 12);
    sheet.append(
        editor::rows(&goal.goal, &label("goal", goal.field == Field::Goal), width, most),
        goal.field == Field::Goal,
    );
    sheet.rows.extend(files(goal, width));
    sheet.rows.push(agent(goal, width));
    let has_keys = goal.field == Field::Workspace;
    sheet.append(editor::rows(&goal.workspace, &label("where", has_keys), width, 2), has_keys);
    sheet.rows.extend(completions(goal, width));
    sheet.rows.push(progress(goal).cut(width));
    sheet
}

fn arguments(draft: &Arguments, width: usize, height: usize) -> SheetRows {
    let keys = Row::of(Role::Dim, "^S submits  ^O editor  esc cancels");
    let title = format!("Edit the arguments of {}", draft.tool);
    let mut sheet = SheetRows { rows: vec![Row::section(title, keys, width)], cursor: None };
    let has_keys = matches!(draft.drafting, Drafting::Editing | Drafting::Refused { .. });
    sheet.append(editor::rows(&draft.editor, &lead(), width, (height / 2).clamp(4, 20)), has_keys);
    let mark = Row::of(Role::Dim, "   ");
    let (role, text) = match &draft.drafting {
        Drafting::Reading => (Role::Running, "▶ loading its arguments"),
        Drafting::Sending => (Role::Running, "▶ preparing and judging it"),
        Drafting::Editing => {
            (Role::Dim, "the policy judges it again, and nothing runs until you approve the changed card")
        }
        Drafting::Refused { message, hint } => {
            let mut text = Row::of(Role::Bad, format!("✗ {message}"));
            text.push(Role::Dim, format!("  {hint}"));
            Line::led(mark, text).lay(width, &mut sheet.rows);
            return sheet;
        }
    };
    sheet.rows.push(mark.with(role, text).cut(width));
    sheet
}

fn label(name: &str, has_keys: bool) -> Row {
    let (mark, role) = if has_keys { (" › ", Role::Key) } else { ("   ", Role::Dim) };
    let mut row = Row::of(Role::Key, mark);
    row.push_cell(role, name, 6, Align::Left);
    row
}

fn agent(goal: &Goal, width: usize) -> Row {
    let has_keys = goal.field == Field::Agent;
    let mut row = label("agent", has_keys);
    for (place, offer) in goal.agents.iter().enumerate() {
        let name = Untrusted::from(offer.name.as_str());
        if place == goal.agent {
            row.push(Role::Accent, "● ");
            row.push_untrusted(Role::Strong, &name);
        } else {
            row.push(Role::Dim, "○ ");
            row.push_untrusted(Role::Dim, &name);
        }
        row.blank(2);
    }
    if has_keys {
        row.push(Role::Dim, "← → choose");
    } else if let Some(offer) = goal.agents.get(goal.agent) {
        row.push_untrusted(Role::Dim, &Untrusted::from(offer.description.as_str()));
    }
    row.cut(width)
}

/// The files that fit what stands behind an `@`, those around the cursor.
fn files(goal: &Goal, width: usize) -> Vec<Row> {
    let Some(files) = &goal.files else { return Vec::new() };
    let mark = Row::of(Role::Dim, "         ");
    let Some(found) = &files.found else {
        return vec![mark.with(Role::Dim, "looking for files")];
    };
    let skip = (files.cursor + 1).saturating_sub(FILES_SHOWN);
    let shown = found.iter().enumerate().skip(skip).take(FILES_SHOWN);
    let mut rows: Vec<_> = shown
        .map(|(place, path)| {
            let mut row = mark.clone();
            row.push_untrusted(Role::Text, &Untrusted::from(path.as_str()));
            let row = row.cut(width);
            if place == files.cursor { row.filled(Role::Selected) } else { row }
        })
        .collect();
    if found.len() > FILES_SHOWN {
        rows.push(mark.with(Role::Dim, format!("{} of {}", files.cursor + 1, found.len())));
    }
    rows
}

fn completions(goal: &Goal, width: usize) -> Option<Row> {
    let found = goal.completions.as_ref()?;
    let mut row = Row::new();
    row.blank(9);
    if found.is_empty() {
        row.push(Role::Warning, "no directory begins with this");
    }
    for path in found.iter().take(8) {
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
        row.push_untrusted(Role::Dim, &Untrusted::from(name));
        row.blank(2);
    }
    Some(row.cut(width))
}

fn progress(goal: &Goal) -> Row {
    let mut row = Row::new();
    row.blank(3);
    match &goal.progress {
        Progress::Editing if goal.field == Field::Workspace => {
            row.push(Role::Dim, "a run in a git repository gets its own worktree; tab completes");
        }
        Progress::Editing => row.push(Role::Dim, "↑ ↓ earlier goals"),
        Progress::Preparing => row.push(Role::Running, "▶ preparing a workspace"),
        Progress::Refused { message, hint } => {
            row.push(Role::Bad, format!("✗ {message}"));
            row.push(Role::Dim, format!("  {hint}"));
        }
    }
    row
}
