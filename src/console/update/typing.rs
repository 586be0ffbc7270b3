//! Keys and pasted text while a sheet is open that takes them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Pressed, Request, World, chosen, decide, edit, goal, log, navigate, submit, things, toast};
use crate::console::state::{Confirm, Drafting, Field, Palette, Prompt, PromptFor, Sheet, State, Tone};
use crate::kinds::RunVerb;

/// A key while `takes_text` says that the sheet has it.
pub fn typed(state: &mut State, world: &World<'_>, key: KeyEvent, pressed: Pressed) -> Vec<Request> {
    let leaves = key.code == KeyCode::Esc || is_control(key, 'c');
    match state.sheet.take() {
        Some(Sheet::Confirm(confirm)) => confirmed(state, world, confirm, key),
        Some(Sheet::Goal(form)) => {
            state.sheet = Some(Sheet::Goal(form));
            goal::typed(state, world, key)
        }
        Some(Sheet::Arguments(draft)) => {
            state.sheet = Some(Sheet::Arguments(draft));
            edit::typed(state, world, key)
        }
        Some(Sheet::Palette(_)) if leaves => Vec::new(),
        Some(Sheet::Palette(open)) => palette_key(state, world, open, key, pressed),
        Some(Sheet::Prompt(prompt)) if leaves => match prompt.wanted {
            PromptFor::Filter => navigate::clear_filter(state),
            PromptFor::Reason(_) | PromptFor::Answer(_) | PromptFor::Target { .. } | PromptFor::Verb(_) => Vec::new(),
        },
        Some(Sheet::Prompt(prompt)) => prompt_key(state, world, prompt, key, pressed),
        other => {
            state.sheet = other;
            Vec::new()
        }
    }
}

/// Pasted text goes where text is typed and nowhere else: it never asks for anything and never decides.
pub fn pasted(state: &mut State, world: &World<'_>, text: &str) -> Vec<Request> {
    match &mut state.sheet {
        Some(Sheet::Goal(goal)) => match goal.field {
            Field::Goal => goal.goal.insert(text),
            Field::Workspace => goal.workspace.insert(text),
            Field::Agent => {}
        },
        Some(Sheet::Arguments(draft)) if draft.drafting == Drafting::Editing => draft.editor.insert(text),
        Some(Sheet::Arguments(_)) => {}
        Some(Sheet::Palette(palette)) => {
            palette.query.insert(text);
            palette.search();
        }
        Some(Sheet::Prompt(prompt)) if matches!(prompt.wanted, PromptFor::Target { .. }) => {
            toast(state, world, Tone::Note, "the target's name must be typed", "type it, so that you read it");
        }
        Some(Sheet::Prompt(prompt)) => {
            prompt.editor.insert(text);
            return apply_filter(state);
        }
        Some(Sheet::Help(_) | Sheet::Confirm(_)) | None => {
            toast(state, world, Tone::Note, "pasted text does nothing here", "n opens a form to paste a goal into");
        }
    }
    Vec::new()
}

fn confirmed(state: &mut State, world: &World<'_>, confirm: Confirm, key: KeyEvent) -> Vec<Request> {
    let yes = matches!(key.code, KeyCode::Char('y')) && !key.modifiers.contains(KeyModifiers::CONTROL);
    match confirm {
        Confirm::Quit if yes || is_control(key, 'c') => vec![Request::Quit],
        Confirm::CancelRun(run) if yes => {
            let command = RunVerb::Cancel { reason: "cancelled in the console".to_owned() }.on(run);
            submit(state, world, command, format!("run {} is cancelled after its current call", run.short()))
        }
        Confirm::Quit | Confirm::CancelRun(_) => Vec::new(),
    }
}

fn palette_key(
    state: &mut State,
    world: &World<'_>,
    mut open: Box<Palette>,
    key: KeyEvent,
    pressed: Pressed,
) -> Vec<Request> {
    match key.code {
        KeyCode::Enter => {
            if let Some(choice) = open.chosen().map(|item| item.choice.clone()) {
                return chosen::choose(state, world, choice, pressed);
            }
        }
        KeyCode::Down | KeyCode::Tab => open.down(),
        KeyCode::Up | KeyCode::BackTab => open.up(),
        _ if is_control(key, 'n') => open.down(),
        _ if is_control(key, 'p') => open.up(),
        _ => {
            open.query.key(key);
            open.search();
        }
    }
    state.sheet = Some(Sheet::Palette(open));
    Vec::new()
}

fn prompt_key(
    state: &mut State,
    world: &World<'_>,
    mut prompt: Box<Prompt>,
    key: KeyEvent,
    pressed: Pressed,
) -> Vec<Request> {
    let text = prompt.editor.text();
    match (&prompt.wanted, key.code) {
        (PromptFor::Target { approval, target }, _) if is_control(key, 'y') => {
            let (approval, matches) = (*approval, text == *target);
            state.sheet = Some(Sheet::Prompt(prompt));
            if matches {
                return decide::approve_typed(state, world, approval, pressed);
            }
            toast(state, world, Tone::Note, "what you typed is not the target's name", "esc leaves the card undecided");
            return Vec::new();
        }
        (PromptFor::Target { .. }, KeyCode::Enter) => {}
        (PromptFor::Filter, KeyCode::Enter) => return Vec::new(),
        (PromptFor::Verb(wanted), KeyCode::Enter) => {
            let wanted = *wanted;
            state.sheet = Some(Sheet::Prompt(prompt));
            return things::perform(state, world, wanted, &text);
        }
        (PromptFor::Reason(approval), KeyCode::Enter) => return decide::deny_because(state, world, *approval, &text),
        (PromptFor::Answer(_), KeyCode::Enter) if key.modifiers.contains(KeyModifiers::ALT) => {
            prompt.editor.new_line();
        }
        (PromptFor::Answer(approval), KeyCode::Enter) => {
            let requests = decide::answer(state, world, *approval, &text);
            if requests.is_empty() {
                state.sheet = Some(Sheet::Prompt(prompt));
            }
            return requests;
        }
        _ => prompt.editor.key(key),
    }
    state.sheet = Some(Sheet::Prompt(prompt));
    apply_filter(state)
}

/// A filter narrows the list while it is typed, and a search looks through all of the log.
fn apply_filter(state: &mut State) -> Vec<Request> {
    let Some(Sheet::Prompt(prompt)) = &state.sheet else { return Vec::new() };
    if prompt.wanted != PromptFor::Filter {
        return Vec::new();
    }
    let text = prompt.editor.text();
    if let Some(list) = state.list_mut() {
        list.arrangement.filter = text;
        return Vec::new();
    }
    log::search(state, text)
}

fn is_control(key: KeyEvent, letter: char) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char(letter)
}
