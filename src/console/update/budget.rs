//! Setting a budget on the usage screen: for the agent or the person that the cursor is on, else for all runs.

use super::{Request, World, things};
use crate::console::anchor::Anchor;
use crate::console::state::{State, UsagePane};
use crate::kinds::{Period, RowKind, UsageBy};

pub fn ask(state: &mut State, world: &World<'_>) -> Vec<Request> {
    let words = whose(state, world).unwrap_or_default();
    things::begin_with(state, RowKind::Budget, "set", &words)
}

/// The words that name whose budget it is.
fn whose(state: &State, world: &World<'_>) -> Option<String> {
    let (by, name) = match (&state.usage.within, state.pane().cursor) {
        (Some(within), _) => (within.by, within.name.clone()),
        (None, Some(Anchor::Entry(place))) => {
            let line = UsagePane::lines(&world.snapshot.spend, state.usage.by, world.now).into_iter().nth(place)?;
            (state.usage.by, line.name.raw().to_owned())
        }
        (None, _) => return None,
    };
    let option = match by {
        UsageBy::Agent => "agent",
        UsageBy::Person => "person",
        UsageBy::Model | UsageBy::Run | UsageBy::Day => return None,
    };
    // A name with a blank in it would be taken for two words.
    let is_word = name != Period::NOT_RECORDED && !name.contains(char::is_whitespace);
    is_word.then(|| format!("--{option} {name} "))
}
