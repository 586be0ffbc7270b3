//! The last rows: what just came of something, and the keys that work here.

use super::scene::Scene;
use crate::console::intent::{Context, Intent};
use crate::console::role::Role;
use crate::console::state::{Direction, Extent, Page, Screen, Sheet, Tone, by_urgency};
use crate::console::view::format;
use crate::console::view::text::Row;
use crate::console::view::wrap::Line;
use crate::domain::RunState;
use crate::kinds::{Run, first_called};

/// What was just done, while it is said: on as many rows as it needs, and never cut.
pub fn toast(scene: &Scene<'_>, width: usize) -> Vec<Row> {
    let Some(toast) = &scene.state.toast else { return Vec::new() };
    let (role, mark) = match toast.tone {
        Tone::Good => (Role::Good, " ✓ "),
        Tone::Note => (Role::Accent, " • "),
        Tone::Bad => (Role::Bad, " ✗ "),
    };
    let mut text = Row::of(Role::Strong, toast.text.as_str());
    if !toast.hint.is_empty() {
        text.push(Role::Dim, format!("  {}", toast.hint));
    }
    let mut rows = Vec::new();
    Line::led(Row::of(role, mark), text).lay(width, &mut rows);
    rows
}

/// Keys that work here, most wanted first; as many as fit.
pub fn hints(scene: &Scene<'_>, width: usize) -> Row {
    let mut row = Row::new();
    row.blank(1);
    let last = hint(scene, Intent::Help);
    let room = width.saturating_sub(last.width() + 1);
    for part in parts(scene) {
        if row.width() + part.width() + 2 > room {
            break;
        }
        row.append(part);
        row.blank(2);
    }
    row.append(last);
    row.cut(width)
}

fn parts(scene: &Scene<'_>) -> Vec<Row> {
    let typed = |keys: &[(&str, &str)]| keys.iter().map(|(key, what)| labelled(key, what)).collect();
    match &scene.state.sheet {
        Some(Sheet::Help(_)) => vec![labelled("esc", "close")],
        Some(Sheet::Palette(_)) => typed(&[("enter", "choose"), ("↑ ↓", "move"), ("esc", "close")]),
        Some(Sheet::Prompt(_) | Sheet::Confirm(_) | Sheet::Goal(_) | Sheet::Arguments(_)) => typed(&[("esc", "close")]),
        None => {
            let mut parts = card_state(scene);
            let wanted = wanted(scene);
            parts.extend(wanted.into_iter().map(|intent| hint(scene, intent)).filter(|row| !row.is_empty()));
            parts
        }
    }
}

/// What keeps a card from being approved, in place of a key that would do nothing.
fn card_state(scene: &Scene<'_>) -> Vec<Row> {
    let Some(review) = scene.state.review() else { return Vec::new() };
    if !scene.contexts.contains(&Context::Effect) && !scene.contexts.contains(&Context::Doubt) {
        return Vec::new();
    }
    if !scene.state.can_decide(scene.status) {
        return vec![Row::of(Role::Bad, "nothing can be decided now")];
    }
    match review.unread() {
        Some(0) | None => Vec::new(),
        Some(rows) => {
            let moves = match review.unread_lies() {
                Direction::Up => [Intent::Up, Intent::HalfPageUp],
                Direction::Down => [Intent::Down, Intent::HalfPageDown],
            };
            let keys = moves.map(|intent| scene.keymap.hint(intent)).join(" ");
            vec![labelled_as(Role::Waiting, &keys, &format!("{} to read", format::count(rows, "row", "rows")))]
        }
    }
}

fn wanted(scene: &Scene<'_>) -> Vec<Intent> {
    let read = scene.state.review().is_some_and(|review| review.unread() == Some(0));
    let mut wanted = Vec::new();
    for context in scene.contexts {
        match context {
            Context::Effect if read => {
                wanted.extend([Intent::Approve, Intent::Deny, Intent::DenyWithReason, Intent::Edit])
            }
            Context::Effect => wanted.extend([Intent::Deny, Intent::DenyWithReason, Intent::Edit]),
            Context::Doubt if read => {
                wanted.extend([Intent::SettleHappened, Intent::SettleRetry, Intent::SettleGiveUp]);
            }
            Context::Doubt => wanted.push(Intent::SettleGiveUp),
            Context::Question => wanted.extend([Intent::Answer, Intent::Dismiss]),
            Context::Card => wanted.extend(turning(scene).into_iter().chain([
                Intent::Everything,
                Intent::OpenRun,
                Intent::Copy,
                Intent::Back,
            ])),
            Context::RunPage => wanted.extend([Intent::Open, Intent::Fold]),
            Context::Run if current(scene).is_none() => {}
            Context::Run => wanted.extend([Intent::PauseOrResume, Intent::CancelRun]),
            Context::Incident if scene.state.thing().is_none() => {}
            Context::Incident => wanted.extend([
                Intent::Acknowledge,
                Intent::StartRunbook,
                Intent::Assign,
                Intent::Note,
                Intent::Resolve,
                Intent::Reopen,
                Intent::Postmortem,
            ]),
            Context::Handover => wanted.push(Intent::Sign),
            Context::Document => wanted.extend([Intent::EditDocument, Intent::Copy, Intent::Back]),
            Context::Log => wanted.extend([
                Intent::Filter,
                Intent::NextKind,
                Intent::NextActor,
                Intent::NextLevel,
                Intent::NextError,
                Intent::GroupOrNot,
                Intent::ShowEvent,
            ]),
            Context::Usage => wanted.extend([Intent::TurnTable, Intent::SetBudget]),
            Context::Billing => wanted.push(Intent::PaymentLink),
            Context::List if !has_rows(scene) => {}
            Context::List => wanted.extend([Intent::Filter, Intent::NextState, Intent::Sort]),
            Context::Home => wanted.extend(home(scene)),
            Context::Replay | Context::Move | Context::Everywhere => {}
        }
    }
    if scene.replay.is_some() {
        // Nothing can be changed in it.
        wanted.retain(|intent| *intent != Intent::Edit);
    }
    wanted.retain(|intent| scene.state.can_do(*intent, scene.snapshot, scene.status, scene.replay));
    if !matches!(scene.state.page(), Some(Page::Card(_))) {
        wanted.push(Intent::Palette);
        wanted.push(Intent::Quit);
    }
    wanted
}

/// The run that is open or selected.
fn current<'a>(scene: &Scene<'a>) -> Option<&'a Run> {
    scene.snapshot.runs.get(&scene.state.run()?)
}

/// Whether the screen has anything to open.
fn has_rows(scene: &Scene<'_>) -> bool {
    let (runs, approvals) = (!scene.snapshot.runs.is_empty(), !scene.snapshot.approvals.is_empty());
    match scene.state.screen {
        Screen::Overview => runs || approvals,
        Screen::Runs => runs,
        Screen::Approvals => approvals,
        Screen::Log => !scene.state.log.events.is_empty(),
        Screen::Usage => first_called(&scene.snapshot.spend).is_some(),
        Screen::Billing => false,
        Screen::Incidents => !scene.snapshot.incidents.is_empty(),
    }
}

/// The way to another card, where one waits.
fn turning(scene: &Scene<'_>) -> Option<Intent> {
    let here = scene.state.review().map(|review| review.approval);
    let place = by_urgency(scene.snapshot).iter().position(|approval| Some(approval.id) == here);
    let waiting = scene.snapshot.open_approvals().count();
    match place {
        Some(place) if place + 1 < waiting => Some(Intent::NextCard),
        Some(place) => (place > 0).then_some(Intent::PreviousCard),
        None => (waiting > 0).then_some(Intent::NextCard),
    }
}

fn home(scene: &Scene<'_>) -> Vec<Intent> {
    let waiting = scene.snapshot.open_approvals().next().is_some();
    let mut wanted = Vec::new();
    wanted.extend((scene.state.page().is_none() && has_rows(scene)).then_some(Intent::Open));
    wanted.extend(waiting.then_some(Intent::NextWaiting));
    wanted.extend([Intent::NewGoal, Intent::CheckMachine]);
    if scene.state.page().is_some() {
        wanted.push(Intent::Back);
    }
    wanted
}

fn hint(scene: &Scene<'_>, intent: Intent) -> Row {
    let chord = scene.keymap.hint(intent);
    if chord.is_empty() {
        return Row::new();
    }
    let everything = scene.state.review().is_some_and(|review| review.extent == Extent::Everything);
    let what = match intent {
        Intent::Everything if everything => "less".to_owned(),
        Intent::PauseOrResume if current(scene).is_some_and(|run| run.state == RunState::Paused) => "resume".to_owned(),
        other => other.name().replace('-', " "),
    };
    labelled(&chord, &what)
}

fn labelled(key: &str, what: &str) -> Row {
    labelled_as(Role::Dim, key, what)
}

fn labelled_as(role: Role, key: &str, what: &str) -> Row {
    Row::of(Role::Key, key).with(role, format!(" {what}"))
}
