//! Setting a budget on the usage screen: for the agent or the person that the cursor is on, else for all runs.

use super::{Request, World, things};
use crate::console::anchor::Anchor;
use crate::console::state::State;
use crate::kinds::{RowKind, UsageBy};

pub fn ask(state: &mut State, world: &World<'_>) -> Vec<Request> {
    let words = whose(state, world).unwrap_or_default();
    things::begin_with(state, RowKind::Budget, "set", &words)
}

/// The words that name whose budget it is.
fn whose(state: &State, world: &World<'_>) -> Option<String> {
    let option = match state.usage.by {
        UsageBy::Agent => "agent",
        UsageBy::Person => "person",
        UsageBy::Model | UsageBy::Run | UsageBy::Day => return None,
    };
    let Some(Anchor::Entry(place)) = state.pane().cursor else { return None };
    let name = state.usage.by.spenders(&world.snapshot.spend).into_iter().nth(place)?;
    // A name with a blank in it would be taken for two words.
    (!name.contains(char::is_whitespace)).then(|| format!("--{option} {name} "))
}
