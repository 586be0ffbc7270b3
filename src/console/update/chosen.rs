//! What choosing from the palette does.

use super::request::{LaunchKind, Request};
use super::world::{Pressed, World};
use super::{elsewhere, goal, navigate, things};
use crate::console::state::{Choice, State};

/// Does what was chosen.
pub fn choose(state: &mut State, world: &World<'_>, choice: Choice, pressed: Pressed) -> Vec<Request> {
    state.sheet = None;
    state.chosen_lately.retain(|known| *known != choice);
    state.chosen_lately.insert(0, choice.clone());
    state.chosen_lately.truncate(State::MOST_CHOSEN);
    match choice {
        Choice::Do(intent) => super::intent(state, world, intent, pressed),
        Choice::GoAndDo(intent) => elsewhere::go(state, world, intent),
        Choice::OpenRun(run) => navigate::open_run(state, run),
        Choice::OpenCard(approval) => navigate::open_card(state, approval),
        Choice::OpenThings(kind) => things::open_list(state, kind),
        Choice::OpenSurvey(kind, name) => things::open_survey(state, kind, name),
        Choice::OpenThing(stream) => things::open(state, stream),
        Choice::Ask(wanted) => things::ask(state, world, wanted),
        Choice::StartAgent(name) => goal::open(state, world, Some(&name)),
        Choice::StartProcedure(name) => goal::launch(state, world, LaunchKind::Procedure(name), String::new()),
        Choice::UseTheme(name) => vec![Request::UseTheme(name)],
    }
}
