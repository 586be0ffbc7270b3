//! The last rows: what just came of something, the replay's controls, and the keys that work here.

use std::time::Duration;

use super::scene::Scene;
use crate::console::anchor::Anchor;
use crate::console::intent::{Context, Intent};
use crate::console::role::Role;
use crate::console::state::{Direction, Extent, Page, Screen, Sheet, Tone, by_urgency};
use crate::console::view::format;
use crate::console::view::text::Row;
use crate::domain::RunState;
use crate::kinds::Run;
use crate::ports::{Link, Moment};

/// One line about what was just done, while it is shown.
pub fn toast(scene: &Scene<'_>, width: usize) -> Option<Row> {
    let toast = scene.state.toast.as_ref()?;
    let (role, mark) = match toast.tone {
        Tone::Good => (Role::Good, " ✓ "),
        Tone::Note => (Role::Accent, " • "),
        Tone::Bad => (Role::Bad, " ✗ "),
    };
    let mut row = Row::of(role, mark).with(Role::Strong, toast.text.as_str());
    if !toast.hint.is_empty() {
        row.push(Role::Dim, format!("  {}", toast.hint));
    }
    Some(row.cut(width))
}

/// Where the replay is and what moves it.
pub fn replay_bar(scene: &Scene<'_>, width: usize) -> Option<Row> {
    let moment = scene.replay?;
    let mut row = Row::new();
    let (role, mark) = match (&moment.ended, moment.playing) {
        (Some(_), _) => (Role::Dim, " ■ "),
        (None, true) => (Role::Running, " ▶ "),
        (None, false) => (Role::Waiting, " ‖ "),
    };
    row.push(role, mark);
    row.push(Role::Strong, clock(moment.at));
    row.push(Role::Dim, format!(" / {}", clock(moment.length)));
    row.push(Role::Dim, format!("  ×{}", moment.speed));
    row.blank(2);
    if let Some(reason) = &moment.ended {
        row.push(Role::Warning, format!("over: {reason}"));
        row.push(Role::Dim, format!(" ({} back)", scene.keymap.hint(Intent::ReplayBack)));
        return Some(row.cut(width));
    }
    if moment.held {
        let toggle = scene.keymap.hint(Intent::ReplayToggle);
        row.push(Role::Waiting, "it waits: ");
        row.push(Role::Dim, format!("decide on the card, or {toggle} to continue as recorded"));
        return Some(row.cut(width));
    }
    let mut keys = Row::new();
    for (intents, what) in [
        (&[Intent::ReplayToggle][..], if moment.playing { "pause" } else { "play" }),
        (&[Intent::ReplayBack, Intent::ReplayForward], "10 s"),
        (&[Intent::ReplaySlower, Intent::ReplayFaster], "speed"),
        (&[Intent::ReplayStep], "step"),
    ] {
        let chords: Vec<_> = intents.iter().map(|intent| scene.keymap.hint(*intent)).collect();
        keys.push(Role::Key, chords.join(" "));
        keys.push(Role::Dim, format!(" {what}  "));
    }
    let room = width.saturating_sub(row.width() + keys.width() + 2);
    let done = progress(moment, room);
    row.push(Role::Accent, "━".repeat(done));
    row.push(Role::Rule, "─".repeat(room - done));
    row.blank(2);
    row.append(keys);
    Some(row.cut(width))
}

fn progress(moment: &Moment, room: usize) -> usize {
    let length = moment.length.as_millis().max(1);
    let done = moment.at.as_millis().min(length) * room as u128 / length;
    usize::try_from(done).unwrap_or(room)
}

fn clock(at: Duration) -> String {
    let seconds = at.as_secs();
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
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
    if scene.state.store_down.is_some() {
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
            Context::Effect | Context::Doubt | Context::Question if scene.state.store_down.is_some() => {}
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
            Context::Run if !is_live(scene) => {}
            Context::Run => wanted.extend([Intent::PauseOrResume, Intent::CancelRun]),
            Context::Incident if scene.replay.is_some() || !has_rows(scene) => {}
            Context::Incident => wanted.extend([
                Intent::Acknowledge,
                Intent::StartRunbook,
                Intent::Assign,
                Intent::Note,
                Intent::Resolve,
            ]),
            Context::Log => wanted.extend([Intent::ShowEvent, Intent::Follow, Intent::Filter]),
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
    if matches!(scene.status.link, Link::Ended { .. }) {
        // Who is signed out can look at what was there.
        let acts = |intent: &Intent| {
            intent.decides() || matches!(intent.context(), Context::Home | Context::Run | Context::Incident)
        };
        wanted.retain(|intent| !acts(intent));
    }
    if !matches!(scene.state.page(), Some(Page::Card(_))) {
        wanted.push(Intent::Palette);
        wanted.push(Intent::Quit);
    }
    wanted
}

/// Whether the run that is open or selected can still be steered.
fn is_live(scene: &Scene<'_>) -> bool {
    if scene.replay.is_some() {
        return false;
    }
    current(scene).is_some_and(|run| !run.state.is_final())
}

/// The run that is open or selected.
fn current<'a>(scene: &Scene<'a>) -> Option<&'a Run> {
    let run = match (scene.state.page(), scene.state.pane().cursor) {
        (Some(Page::Run(open)), _) => open.run,
        (_, Some(Anchor::Run(run))) => run,
        _ => return None,
    };
    scene.snapshot.runs.get(&run)
}

/// Whether the screen has anything to open.
fn has_rows(scene: &Scene<'_>) -> bool {
    let (runs, approvals) = (!scene.snapshot.runs.is_empty(), !scene.snapshot.approvals.is_empty());
    match scene.state.screen {
        Screen::Overview => runs || approvals,
        Screen::Runs => runs,
        Screen::Approvals => approvals,
        Screen::Log => !scene.state.log.events.is_empty(),
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
    if scene.replay.is_none() && !scene.status.observe.is_on() {
        wanted.extend([Intent::NewGoal, Intent::CheckMachine]);
    }
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
