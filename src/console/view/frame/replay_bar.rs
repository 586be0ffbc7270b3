//! Where a replay is, where cards are in it, and what moves it.

use std::time::Duration;

use super::scene::Scene;
use crate::console::intent::Intent;
use crate::console::role::Role;
use crate::console::state::Page;
use crate::console::view::format;
use crate::console::view::text::Row;
use crate::ports::Moment;

/// Columns that a bar needs to say anything.
const LEAST_BAR: usize = 8;

/// One row; `None` where nothing is replayed.
pub fn row(scene: &Scene<'_>, width: usize) -> Option<Row> {
    let moment = scene.replay?;
    let (role, mark) = match (&moment.ended, moment.playing) {
        (Some(_), _) => (Role::Dim, " ■ "),
        (None, true) => (Role::Running, " ▶ "),
        (None, false) => (Role::Waiting, " ‖ "),
    };
    let mut row = Row::of(role, mark).with(Role::Strong, clock(moment.at));
    if moment.ended.is_none() {
        row.push(Role::Dim, format!(" / {}  ×{}", clock(moment.length), moment.speed));
    }
    row.blank(2);
    let says = says(scene, moment);
    let room = width.saturating_sub(row.width() + says.width() + 3);
    if room >= LEAST_BAR {
        row.append(bar(moment, room));
        row.blank(2);
    }
    row.append(says);
    Some(row.cut(width))
}

/// Place and length, as `00:12 / 01:58`.
pub fn position(moment: &Moment) -> String {
    format!("{} / {}", clock(moment.at), clock(moment.length))
}

fn says(scene: &Scene<'_>, moment: &Moment) -> Row {
    let key = |intent: Intent| scene.keymap.hint(intent);
    if let Some(reason) = &moment.ended {
        let row = Row::of(Role::Warning, format!("over: {reason}  ")).with(Role::Key, key(Intent::ReplayBack));
        return row
            .with(Role::Dim, " back  ")
            .with(Role::Key, key(Intent::Quit))
            .with(Role::Dim, " leave, then: morningai");
    }
    if moment.held {
        let mut row = Row::of(Role::Waiting, "it waits: ");
        match scene.state.page() {
            Some(Page::Card(_)) => row.push(Role::Dim, "decide, or "),
            _ => row = row.with(Role::Key, key(Intent::NextWaiting)).with(Role::Dim, " opens the card, "),
        }
        return row.with(Role::Key, key(Intent::ReplayToggle)).with(Role::Dim, " continues as recorded");
    }
    if let Some(lasted) = moment.passing {
        let lasted = format::whole_span(chrono::TimeDelta::from_std(lasted).unwrap_or(chrono::TimeDelta::MAX));
        return Row::of(Role::Accent, format!("… {lasted} later"));
    }
    let mut keys = Row::new();
    for (intents, what) in [
        (&[Intent::ReplayToggle][..], if moment.playing { "pause" } else { "play" }),
        (&[Intent::ReplayBack, Intent::ReplayForward], "10 s"),
        (&[Intent::ReplaySlower, Intent::ReplayFaster], "speed"),
        (&[Intent::ReplayStep], "step"),
    ] {
        let chords: Vec<_> = intents.iter().map(|intent| key(*intent)).collect();
        keys.push(Role::Key, chords.join(" "));
        keys.push(Role::Dim, format!(" {what}  "));
    }
    keys
}

/// What was played, what is to come, and the cards in both.
fn bar(moment: &Moment, room: usize) -> Row {
    let place = |at: Duration| {
        let length = moment.length.as_millis().max(1);
        usize::try_from(at.as_millis().min(length) * room as u128 / length).unwrap_or(room)
    };
    let done = place(moment.at);
    let cards: Vec<_> = moment.requests.iter().map(|at| place(*at).min(room - 1)).collect();
    let mut row = Row::new();
    for column in 0..room {
        match (cards.contains(&column), column < done) {
            (true, true) => row.push(Role::Accent, "◆"),
            (true, false) => row.push(Role::Waiting, "◆"),
            (false, true) => row.push(Role::Accent, "━"),
            (false, false) => row.push(Role::Rule, "─"),
        }
    }
    row
}

fn clock(at: Duration) -> String {
    let seconds = at.as_secs();
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}
