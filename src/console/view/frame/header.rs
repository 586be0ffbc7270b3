//! The first rows: screens, what needs somebody, what runs, what today costs, and where all this comes from.

use std::ops::Range;

use super::replay_bar;
use super::scene::Scene;
use crate::console::intent::Intent;
use crate::console::role::Role;
use crate::console::state::{Screen, Source};
use crate::console::view::text::{Row, fit_middle};
use crate::console::view::{format, overview, words};
use crate::domain::{BudgetPeriod, RunState, Untrusted};
use crate::ports::{Link, Moment};
use chrono::TimeDelta;

/// Columns from which the product's name has room.
const ROOMY: usize = 92;

/// Rows from which the page keeps a distance.
const TALL: usize = 30;
/// Columns from which its numbers have room for their words.
const WIDE: usize = 100;

/// What cannot be done in a replay, and the same in fewer words.
const REPLAY: &str = "a replay: nothing is started, changed or saved ";
const REPLAY_SHORT: &str = "a replay: nothing is started or saved ";

type Tabs = Vec<(Range<usize>, Screen)>;

/// The header's rows, and where its tabs are.
pub fn rows(scene: &Scene<'_>, width: usize, height: usize) -> (Vec<Row>, Tabs) {
    let activity = activity(scene, width);
    let (left, tabs) = match tabs(scene, width, Screen::title) {
        (left, _) if left.width() + 1 + activity.width() > width => tabs(scene, width, Screen::short_title),
        fitting => fitting,
    };
    let mut rows = vec![Row::spread(left, activity, width), source(scene, width)];
    if let Some(reason) = &scene.state.store_down {
        let text = " NOT SAVED  nothing can be decided or started until the store takes writes again";
        rows.push(Row::of(Role::Banner, text).filled(Role::Banner).cut(width));
        // The cause stands at the end of the message, after a path that may be long.
        let reason = Untrusted::from(reason.as_str()).visible().into_owned();
        let text = format!(" {}", fit_middle(&reason, width.saturating_sub(2)));
        rows.push(Row::of(Role::Banner, text).filled(Role::Banner));
    }
    if height >= TALL {
        rows.push(Row::new());
    }
    (rows, tabs)
}

fn tabs(scene: &Scene<'_>, width: usize, title: fn(Screen) -> &'static str) -> (Row, Tabs) {
    let mut row = Row::new();
    if width >= ROOMY {
        row.push(Role::Accent, " morningai ");
    }
    let waiting = scene.snapshot.open_approvals().count();
    let needs = overview::needs(scene.snapshot, scene.state, scene.status, scene.now);
    let mut tabs = Vec::new();
    // Without a plan there is nothing on that screen but how to set one.
    let has_plan = scene.status.billing.is_some() || scene.state.screen == Screen::Billing;
    for screen in Screen::ALL.into_iter().filter(|screen| has_plan || *screen != Screen::Billing) {
        let start = row.width();
        row.blank(1);
        row.push(Role::Key, scene.keymap.hint(intent_of(screen)));
        row.blank(1);
        let role = if screen == scene.state.screen { Role::Tab } else { Role::Dim };
        row.push(role, title(screen));
        let count = match screen {
            Screen::Overview => needs,
            Screen::Approvals => waiting,
            Screen::Incidents => overview::untaken(scene.snapshot, screen.kind()),
            Screen::Runs | Screen::Log | Screen::Usage | Screen::Billing => 0,
        };
        if count > 0 {
            row.blank(1);
            row.push(Role::Waiting, format!("●{count}"));
        }
        row.blank(1);
        tabs.push((start..row.width(), screen));
    }
    (row, tabs)
}

fn intent_of(screen: Screen) -> Intent {
    match screen {
        Screen::Overview => Intent::ShowOverview,
        Screen::Runs => Intent::ShowRuns,
        Screen::Approvals => Intent::ShowApprovals,
        Screen::Log => Intent::ShowLog,
        Screen::Incidents => Intent::ShowIncidents,
        Screen::Usage => Intent::ShowUsage,
        Screen::Billing => Intent::ShowBilling,
    }
}

fn activity(scene: &Scene<'_>, width: usize) -> Row {
    let active = |state: RunState| matches!(state, RunState::Planning | RunState::Running);
    let running = scene.snapshot.runs.values().filter(|run| active(run.state)).count();
    let today = scene.snapshot.spend.get(&scene.now.date_naive());
    let mut row = Row::new();
    if running > 0 {
        let word = if width < WIDE { "" } else { " running" };
        row.push(Role::Running, format!("▶ {running}{word}"));
        row.blank(2);
    }
    let cost = today.map_or_else(|| "$0.00".to_owned(), |day| format::cost(day.cost(), day.unpriced()));
    if !cost.contains('$') {
        row.push(Role::Dim, "cost ");
    }
    let budget = scene
        .snapshot
        .gauges(scene.now)
        .into_iter()
        .find(|gauge| gauge.period == BudgetPeriod::Day && gauge.scope.is_all());
    row.push(budget.as_ref().map_or(Role::Money, words::gauge), cost);
    match &budget {
        Some(gauge) if width >= ROOMY => row.push(Role::Dim, format!(" of {}", gauge.budget.display())),
        Some(gauge) if gauge.is_near() => row.push(words::gauge(gauge), format!(" {}%", gauge.percent())),
        Some(_) | None => {}
    }
    row.push(Role::Dim, if width < ROOMY { " " } else { " today " });
    row
}

fn source(scene: &Scene<'_>, width: usize) -> Row {
    let status = scene.status;
    let mut left = Row::new();
    left.blank(1);
    if let Source::Lost(reason) = &scene.state.source {
        left.push(Role::Bad, "not connected; what you see may be stale: ");
        left.push_untrusted(Role::Bad, &Untrusted::from(reason.as_str()));
        return left.cut(width);
    }
    if let Some(moment) = scene.replay {
        return replayed(&status.source, moment, width);
    }
    left.push_untrusted(Role::Dim, &Untrusted::from(status.source.as_str()));
    match &status.link {
        Link::Down { since, reason } => {
            left.push(Role::Bad, format!(", connection lost {} s ago, trying again: ", since.as_secs()));
            left.push_untrusted(Role::Bad, &Untrusted::from(reason.as_str()));
            return left.cut(width);
        }
        Link::Ended { reason } => {
            left.push(Role::Bad, ", signed out: ");
            left.push_untrusted(Role::Bad, &Untrusted::from(reason.as_str()));
            return left.cut(width);
        }
        link @ Link::Up { behind, .. } if link.is_stale() => {
            left.push(Role::Warning, format!(", {} s behind", behind.as_secs()));
        }
        Link::Up { age, .. } => {
            let age = TimeDelta::from_std(*age).unwrap_or_default();
            let minutes = TimeDelta::minutes(age.num_minutes());
            let age = if minutes.is_zero() {
                String::new()
            } else {
                format!(" {}", format::ago(scene.now - minutes, scene.now))
            };
            left.push(Role::Dim, format!(", connected{age}"));
        }
        Link::Direct => {}
    }
    left.push(Role::Rule, " │ ");
    match &status.model {
        Some(model) => left.push_untrusted(Role::Dim, &Untrusted::from(model.as_str())),
        None => {
            left.push(Role::Warning, "no model");
            let help = scene.keymap.hint(Intent::Help);
            left.push(Role::Dim, format!(": {help} says how to set one"));
        }
    }
    if let Some(oldest) = overview::troubles(scene.snapshot, scene.state).first() {
        left.push(Role::Bad, format!(" ✗ {}", format::ago(oldest.since, scene.now)));
    }
    Row::spread(left, confines(scene), width)
}

/// `read-only │ sandbox bubblewrap │ ana·operator`: what can be done here, and by whom.
fn confines(scene: &Scene<'_>) -> Row {
    let status = scene.status;
    let mut row = Row::new();
    if status.observe.is_on() {
        row.push(Role::Warning, "read-only");
        row.push(Role::Rule, " │ ");
    }
    if !status.sandbox.is_empty() {
        let is_weak = status.sandbox == "none" || !status.sandbox_before.is_empty();
        let role = if is_weak { Role::Warning } else { Role::Dim };
        row.push(Role::Dim, "sandbox ");
        row.push_untrusted(role, &Untrusted::from(status.sandbox.as_str()));
        row.push(role, if is_weak { " ✗" } else { "" });
        row.push(Role::Rule, " │ ");
    }
    row.append(who(scene));
    row
}

/// What is replayed, where it is in it, and what that means.
fn replayed(source: &str, moment: &Moment, width: usize) -> Row {
    let right = Row::of(Role::Warning, if width < WIDE { REPLAY_SHORT } else { REPLAY });
    let position = format!("  {}", replay_bar::position(moment));
    let room = width.saturating_sub(right.width() + position.len() + 3);
    let name = fit_middle(&Untrusted::from(source).visible(), room).to_string();
    Row::spread(Row::of(Role::Dim, format!(" {name}")).with(Role::Strong, position), right, width)
}

/// `ana·operator +1 here`
fn who(scene: &Scene<'_>) -> Row {
    let mut row = Row::new();
    row.push_untrusted(Role::Person, &Untrusted::from(scene.person.name()));
    if !scene.status.role.is_empty() {
        row.push(Role::Dim, "·");
        row.push_untrusted(Role::Dim, &Untrusted::from(scene.status.role.as_str()));
    }
    if scene.status.others > 0 {
        row.push(Role::Accent, format!(" +{} here", scene.status.others));
    }
    row.blank(1);
    row
}
