//! What stands above the log: what it can be narrowed to and is, what is searched for, and how far back that was read.

use std::collections::BTreeMap;

use crate::console::role::Role;
use crate::console::state::{Doer, Grouping, Level, LogPane, Looking, Reading};
use crate::console::view::format;
use crate::console::view::text::Row;
use crate::domain::Untrusted;
use crate::kinds::Envelope;

/// ` Log  all 412 · approval 12 · run 400      /parser 14 found`, and below it who did it and how grave it is.
pub fn rows(log: &LogPane, width: usize) -> Vec<Row> {
    let chosen = &log.narrowing;
    let mut kinds = Row::of(Role::Heading, " Log").with(Role::Text, "  ");
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    log.events.iter().for_each(|event| *counts.entry(event.stream.parts().0).or_default() += 1);
    // What is chosen is shown even where nothing of it was read.
    chosen.kind.into_iter().for_each(|kind| *counts.entry(kind).or_default() += 0);
    let counts: Vec<_> = counts.into_iter().map(|(kind, count)| (kind, count, chosen.kind == Some(kind))).collect();
    kinds.append(chips(&format!("all {}", log.events.len()), &counts));

    let count = |is: &dyn Fn(&Envelope) -> bool| log.events.iter().filter(|event| is(event)).count();
    let doers = Doer::ALL.map(|doer| (doer.name(), count(&|event| doer.did(event)), chosen.doer == Some(doer)));
    let levels =
        Level::ALL.map(|level| (level.name(), count(&|event| level.holds(event)), chosen.level == Some(level)));
    let mut others = Row::of(Role::Dim, " by   ");
    others.append(chips("all", &doers));
    others.push(Role::Rule, "  │  ");
    others.append(chips("all", &levels));
    vec![Row::spread(kinds, note(log), width), others.cut(width)]
}

/// `all 14 · live 2 · failed 1`, of which the chosen one stands out.
fn chips(all: &str, chips: &[(&'static str, usize, bool)]) -> Row {
    let role = |is_chosen: bool| if is_chosen { Role::Tab } else { Role::Dim };
    let is_narrowed = chips.iter().any(|(_, _, is_chosen)| *is_chosen);
    let mut row = Row::of(role(!is_narrowed), all);
    for (name, count, is_chosen) in chips {
        row.push(Role::Rule, " · ");
        row.push(role(*is_chosen), format!("{name} {count}"));
    }
    row
}

/// What is searched for, how much of it was found, and whether there may be more.
fn note(log: &LogPane) -> Row {
    let mut row = Row::new();
    let is_narrowed = log.narrowing.is_any();
    if !log.search.is_empty() {
        row.push(Role::Key, "/");
        row.push_untrusted(Role::Match, &Untrusted::from(log.search.as_str()));
        row.blank(1);
    }
    let is_looking = is_narrowed || !log.search.is_empty() || log.looking != Looking::ForRows;
    let back_to = log.events.front().map(|event| format::clock(event.at));
    match (log.reading, back_to) {
        (Reading::Asked, Some(at)) if is_looking => row.push(Role::Running, format!("searching… back to {at} ")),
        (Reading::Asked, None) if is_looking => row.push(Role::Running, "searching… "),
        (Reading::More, Some(at)) if is_looking => {
            row.push(Role::Dim, format!("{}, searched back to {at} ", found(log)));
        }
        (Reading::Complete, _) if is_looking => row.push(Role::Dim, format!("{} ", found(log))),
        (Reading::Never | Reading::Asked | Reading::More | Reading::Complete, _) => row.push(
            Role::Dim,
            match log.grouping {
                Grouping::ByRun => "by run ",
                Grouping::ByTime => "by time ",
            },
        ),
    }
    row
}

fn found(log: &LogPane) -> String {
    format!("{} found", log.shown().count())
}
