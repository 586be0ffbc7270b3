//! The form for a new goal: opening it, its keys, and starting what it describes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Edit, Launch, LaunchKind, Request, World, Written, toast};
use crate::console::state::{Field, Goal, Progress, Sheet, State, Tone};
use crate::ports::Sought;

/// The procedure that `check-machine` starts.
pub const CHECK_MACHINE: &str = "check-this-machine";

/// Opens the form, with `agent` chosen where one is given.
pub fn open(state: &mut State, world: &World<'_>, agent: Option<&str>) -> Vec<Request> {
    if world.replay.is_some() {
        return launch(state, world, LaunchKind::Agent(String::new()), String::new());
    }
    if world.offers.agents.is_empty() {
        toast(state, world, Tone::Bad, "no agents are installed", "add one to the agents directory, or press m");
        return Vec::new();
    }
    let offers = world.offers;
    let mut goal = Goal::new(offers.agents.clone(), offers.past_goals.clone(), &offers.workspace);
    agent.into_iter().for_each(|name| goal.choose_agent(name));
    state.sheet = Some(Sheet::Goal(Box::new(goal)));
    Vec::new()
}

/// Looks at the machine: a procedure, so it works without a model.
pub fn check_machine(state: &mut State, world: &World<'_>) -> Vec<Request> {
    launch(state, world, LaunchKind::Procedure(CHECK_MACHINE.to_owned()), String::new())
}

/// Starts what needs no form.
pub fn launch(state: &mut State, world: &World<'_>, kind: LaunchKind, goal: String) -> Vec<Request> {
    if let Some(reason) = refusal(state, world) {
        toast(state, world, Tone::Bad, reason.0, reason.1);
        return Vec::new();
    }
    vec![Request::Launch(Launch { kind, goal, workspace: String::new() })]
}

/// A key while the form is open.
pub fn typed(state: &mut State, world: &World<'_>, key: KeyEvent) -> Vec<Request> {
    let refusal = refusal(state, world);
    let Some(Sheet::Goal(goal)) = &mut state.sheet else { return Vec::new() };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    if goal.offers_files() && !control {
        match key.code {
            KeyCode::Tab | KeyCode::Enter if !alt => goal.take_file(),
            KeyCode::Down => goal.next_file(),
            KeyCode::Up => goal.previous_file(),
            KeyCode::Esc => goal.close_files(),
            _ => return write(goal, key),
        }
        return Vec::new();
    }
    match key.code {
        KeyCode::Esc => {
            state.sheet = None;
            return Vec::new();
        }
        KeyCode::Char('c') if control => {
            state.sheet = None;
            return Vec::new();
        }
        _ if goal.progress == Progress::Preparing => return Vec::new(),
        _ => {}
    }
    match key.code {
        KeyCode::Enter if alt => goal.goal.new_line(),
        KeyCode::Enter => return start(goal, refusal),
        KeyCode::Char('s') if control => return start(goal, refusal),
        KeyCode::Char('o') if control => {
            return vec![Request::Edit(Edit { text: goal.goal.text(), written: Written::Markdown })];
        }
        KeyCode::Tab if goal.field == Field::Workspace && wants_completion(goal) => {
            return vec![Request::Complete(Sought::Directories { path: goal.workspace.text() })];
        }
        KeyCode::Tab => goal.next_field(),
        KeyCode::BackTab => goal.previous_field(),
        _ => return write(goal, key),
    }
    Vec::new()
}

/// Changes the field, and looks for files when it ends in `@` and a part of a path.
fn write(goal: &mut Goal, key: KeyEvent) -> Vec<Request> {
    edit(goal, key);
    goal.seek_files().map(Request::Complete).into_iter().collect()
}

/// The first tab completes the path; the next one, when nothing was added, leaves the field.
fn wants_completion(goal: &Goal) -> bool {
    !goal.workspace.is_empty() && goal.completions.is_none()
}

fn edit(goal: &mut Goal, key: KeyEvent) {
    match (goal.field, key.code) {
        (Field::Goal, KeyCode::Up) if goal.goal.is_on_first_line() => goal.earlier(),
        (Field::Goal, KeyCode::Down) if goal.goal.is_on_last_line() => goal.later(),
        (Field::Goal, _) => goal.goal.key(key),
        (Field::Agent, KeyCode::Left | KeyCode::Up | KeyCode::Char('k' | 'h')) => goal.previous_agent(),
        (Field::Agent, KeyCode::Right | KeyCode::Down | KeyCode::Char('j' | 'l' | ' ')) => goal.next_agent(),
        (Field::Agent, _) => {}
        (Field::Workspace, _) => {
            goal.workspace.key(key);
            goal.completions = None;
        }
    }
    if !matches!(key.code, KeyCode::Up | KeyCode::Down) {
        goal.progress = Progress::Editing;
    }
}

fn start(goal: &mut Goal, refusal: Option<(String, String)>) -> Vec<Request> {
    let missing = goal.goal.text().trim().is_empty();
    let refusal = refusal.or_else(|| {
        missing.then(|| ("a goal needs words".to_owned(), "say what should be true in the end".to_owned()))
    });
    if let Some((message, hint)) = refusal {
        goal.progress = Progress::Refused { message, hint };
        return Vec::new();
    }
    let Some(agent) = goal.agent_name() else { return Vec::new() };
    let kind = LaunchKind::Agent(agent.to_owned());
    let launch = Launch { kind, goal: goal.goal.text(), workspace: goal.workspace.text().trim().to_owned() };
    goal.progress = Progress::Preparing;
    vec![Request::Launch(launch)]
}

/// Why nothing can be started here now, and what to do.
fn refusal(state: &State, world: &World<'_>) -> Option<(String, String)> {
    if let Some(hint) = world.status.observe.hint() {
        return Some(("this console is read-only".to_owned(), hint.to_owned()));
    }
    if world.replay.is_some() {
        let what = "nothing can be started in a replay".to_owned();
        return Some((what, "start `morningai` without `demo` for that".to_owned()));
    }
    let reason = state.store_down.as_ref()?;
    let shown = crate::domain::Untrusted::from(reason.as_str()).visible().into_owned();
    Some((format!("not saved: {shown}"), "nothing can start until the store takes writes again".to_owned()))
}
