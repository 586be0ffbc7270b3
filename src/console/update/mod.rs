//! (state, world, intent) → changed state and requests. Pure: nothing here performs I/O or reads a clock.

mod budget;
mod charts;
mod chosen;
mod contexts;
mod copy;
mod decide;
mod document;
mod edit;
mod elsewhere;
mod goal;
mod heard;
mod lock;
mod log;
mod navigate;
mod palette;
mod payment;
mod replied;
mod request;
mod submit;
mod things;
mod toasts;
mod turn;
mod typing;
mod world;

use std::time::Duration;

pub use charts::chart_wanted;
pub use contexts::{contexts, takes_text};
pub use heard::{heard, reopened, watch};
pub use lock::{interrupted, lock, lock_key, lock_pasted};
pub use navigate::follow_cursor;
pub use replied::replied;
pub use request::{Edit, Launch, LaunchKind, Reply, Request, Written};
use submit::submit;
pub use toasts::{take_stale_toast, toast};
pub use typing::{pasted, typed};
pub use world::{Pressed, World};

use turn::Turn;

use crate::console::intent::Intent;
use crate::console::state::{Confirm, ListPane, Mouse, Pane, Prompt, PromptFor, Screen, Sheet, State, Step, Tone};
use crate::domain::RunState;
use crate::kinds::{RowKind, RunVerb};

/// Does what a person asked for, as far as that is the console's own; the rest it requests.
pub fn intent(state: &mut State, world: &World<'_>, intent: Intent, pressed: Pressed) -> Vec<Request> {
    match intent {
        Intent::Help => toggle_help(state),
        Intent::Palette => palette::open(state, world),
        Intent::Back => navigate::back(state),
        Intent::ShowOverview => navigate::show(state, Screen::Overview),
        Intent::ShowRuns => navigate::show(state, Screen::Runs),
        Intent::ShowApprovals => navigate::show(state, Screen::Approvals),
        Intent::ShowLog => navigate::show(state, Screen::Log),
        Intent::ShowIncidents => navigate::show(state, Screen::Incidents),
        Intent::ShowUsage => navigate::show(state, Screen::Usage),
        Intent::ShowBilling => navigate::show(state, Screen::Billing),
        Intent::NextScreen => navigate::show(state, state.screen.next()),
        Intent::PreviousScreen => navigate::show(state, state.screen.previous()),
        Intent::NextWaiting => navigate::next_waiting(state, world),
        Intent::Copy => copy::copy(state, world),
        Intent::NextTheme => next_theme(state, world),
        Intent::ToggleMouse => toggle_mouse(state, world),
        Intent::Redraw => vec![Request::Redraw],
        Intent::Suspend => vec![Request::Suspend],
        Intent::Quit | Intent::Interrupt => quit(state, world),
        Intent::Down => step(state, Step::Down),
        Intent::Up => step(state, Step::Up),
        Intent::HalfPageDown => step(state, Step::HalfDown),
        Intent::HalfPageUp => step(state, Step::HalfUp),
        Intent::PageDown => step(state, Step::PageDown),
        Intent::PageUp => step(state, Step::PageUp),
        Intent::Top => step(state, Step::Top),
        Intent::Bottom => step(state, Step::Bottom),
        Intent::Open => navigate::open_selected(state, world),
        Intent::Filter => filter(state),
        Intent::Sort => arrange(state, ListPane::sort_by_next),
        Intent::ReverseOrder => arrange(state, ListPane::reverse),
        Intent::NextState => arrange(state, ListPane::show_next_chip),
        Intent::NewGoal => goal::open(state, world, None),
        Intent::CheckMachine => goal::check_machine(state, world),
        Intent::PauseOrResume => pause_or_resume(state, world),
        Intent::CancelRun => ask_to_cancel(state, world),
        Intent::Fold => navigate::fold(state, world),
        Intent::FoldAll => navigate::fold_all(state),
        Intent::Acknowledge
        | Intent::StartRunbook
        | Intent::Assign
        | Intent::Note
        | Intent::Resolve
        | Intent::Merge
        | Intent::Split
        | Intent::Silence
        | Intent::Snooze
        | Intent::Reopen
        | Intent::Link
        | Intent::Sign => things::ask_by_name(state, world, intent.name()),
        Intent::Handover => things::begin(state, world, RowKind::Handover, "write"),
        Intent::Postmortem => document::open(state, intent.name()),
        Intent::Noise => things::open_survey(state, RowKind::Incident, intent.name()),
        Intent::EditDocument => document::edit(state),
        Intent::ShowEvent => log::show_event(state),
        Intent::FoldRuns => log::fold_runs(state),
        Intent::GroupOrNot => log::narrow(state, world, log::group),
        Intent::NextKind => log::narrow(state, world, log::next_kind),
        Intent::NextActor => log::narrow(state, world, |log| log.narrowing.next_doer()),
        Intent::NextLevel => log::narrow(state, world, |log| log.narrowing.next_level()),
        Intent::NextError => log::turn_error(state, world, Turn::Next),
        Intent::PreviousError => log::turn_error(state, world, Turn::Previous),
        Intent::TurnTable => turn_table(state),
        Intent::SetBudget => budget::ask(state, world),
        Intent::PaymentLink => payment::ask(state, world),
        Intent::Everything => decide::everything(state, world),
        Intent::OpenRun => navigate::open_run_of_card(state, world),
        Intent::NextCard => navigate::turn_card(state, world, Turn::Next),
        Intent::PreviousCard => navigate::turn_card(state, world, Turn::Previous),
        Intent::Approve => decide::approve(state, world, pressed),
        Intent::Deny | Intent::Dismiss => decide::deny(state, world, pressed),
        Intent::DenyWithReason => decide::ask_reason(state, world, pressed),
        Intent::Edit => edit::open(state, world, pressed),
        Intent::SettleHappened | Intent::SettleRetry | Intent::SettleGiveUp => {
            decide::settle(state, world, intent, pressed)
        }
        Intent::Answer => decide::ask_answer(state, world, pressed),
        Intent::ReplayToggle
        | Intent::ReplayBack
        | Intent::ReplayForward
        | Intent::ReplayFaster
        | Intent::ReplaySlower
        | Intent::ReplayStep => replay(world, intent),
    }
}

fn toggle_help(state: &mut State) -> Vec<Request> {
    state.sheet = match state.sheet.take() {
        Some(Sheet::Help(_)) => None,
        _ => Some(Sheet::Help(Pane::default())),
    };
    Vec::new()
}

fn step(state: &mut State, step: Step) -> Vec<Request> {
    state.pane_mut().step(step);
    navigate::read_on(state, step)
}

/// Changes what a list shows or its order; the cursor stays where it is.
fn arrange(state: &mut State, change: fn(&mut ListPane)) -> Vec<Request> {
    if let Some(list) = state.list_mut() {
        change(list);
    }
    Vec::new()
}

fn turn_table(state: &mut State) -> Vec<Request> {
    state.usage.turn();
    Vec::new()
}

fn filter(state: &mut State) -> Vec<Request> {
    let is_log = state.pages.is_empty() && state.screen == Screen::Log;
    let text = match state.list_mut() {
        Some(list) => list.arrangement.filter.clone(),
        None if is_log => state.log.search.clone(),
        None => return Vec::new(),
    };
    state.sheet = Some(Sheet::Prompt(Box::new(Prompt::new(PromptFor::Filter, &text))));
    Vec::new()
}

fn next_theme(state: &mut State, world: &World<'_>) -> Vec<Request> {
    let themes = &world.offers.themes;
    let place = themes.iter().position(|name| *name == state.theme).map_or(0, |place| place + 1);
    let Some(name) = themes.get(place % themes.len().max(1)) else { return Vec::new() };
    vec![Request::UseTheme(name.clone())]
}

fn toggle_mouse(state: &mut State, world: &World<'_>) -> Vec<Request> {
    let (mouse, text) = match state.mouse {
        Mouse::Terminal => (Mouse::Console, "the mouse selects rows and scrolls"),
        Mouse::Console => (Mouse::Terminal, "the terminal handles the mouse again"),
    };
    state.mouse = mouse;
    toast(state, world, Tone::Note, text, "");
    vec![Request::UseMouse(mouse)]
}

fn quit(state: &mut State, world: &World<'_>) -> Vec<Request> {
    let active = world.snapshot.runs.values().any(|run| {
        matches!(run.state, RunState::Planning | RunState::Running)
            && world.replay.is_none()
            && !world.status.observe.is_on()
    });
    let asked = matches!(state.sheet, Some(Sheet::Confirm(Confirm::Quit)));
    if active && !asked {
        state.sheet = Some(Sheet::Confirm(Confirm::Quit));
        return Vec::new();
    }
    vec![Request::Quit]
}

fn pause_or_resume(state: &mut State, world: &World<'_>) -> Vec<Request> {
    let Some(run) = state.run().and_then(|id| world.snapshot.runs.get(&id)) else { return Vec::new() };
    let (command, done) = match run.state {
        RunState::Succeeded | RunState::Failed | RunState::Cancelled => {
            toast(state, world, Tone::Note, "this run has ended", "");
            return Vec::new();
        }
        RunState::Paused => (RunVerb::Resume.on(run.id), format!("run {} is resumed", run.id.short())),
        RunState::Planning | RunState::Running | RunState::Waiting | RunState::InDoubt => {
            (RunVerb::Pause.on(run.id), format!("run {} pauses after its current call", run.id.short()))
        }
    };
    submit(state, world, command, done)
}

fn ask_to_cancel(state: &mut State, world: &World<'_>) -> Vec<Request> {
    let Some(run) = state.run().and_then(|id| world.snapshot.runs.get(&id)) else { return Vec::new() };
    if run.state.is_final() {
        toast(state, world, Tone::Note, "this run has ended", "");
    } else {
        state.sheet = Some(Sheet::Confirm(Confirm::CancelRun(run.id)));
    }
    Vec::new()
}

fn replay(world: &World<'_>, intent: Intent) -> Vec<Request> {
    const JUMP: Duration = Duration::from_secs(10);
    let Some(moment) = world.replay else { return Vec::new() };
    vec![match intent {
        Intent::ReplayBack => Request::Seek(moment.at.saturating_sub(JUMP)),
        Intent::ReplayForward => Request::Seek((moment.at + JUMP).min(moment.length)),
        Intent::ReplayFaster => Request::SetSpeed((moment.speed * 2.0).min(64.0)),
        Intent::ReplaySlower => Request::SetSpeed((moment.speed / 2.0).max(0.125)),
        Intent::ReplayStep => Request::StepReplay,
        _ => Request::ToggleReplay,
    }]
}
