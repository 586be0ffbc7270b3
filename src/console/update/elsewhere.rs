//! Commands of other screens: where each is found from here, and going there before it is done. A decision is never
//! among what is done: the palette opens the card, and the key on it decides.

use super::{Request, World, navigate, toast};
use crate::console::anchor::Anchor;
use crate::console::intent::{Context, Intent};
use crate::console::state::{Page, Screen, State, Tone, by_urgency};
use crate::domain::{ApprovalId, Ask, RunId};
use crate::kinds::Approval;

/// Where a command can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Screen(Screen),
    Card(ApprovalId),
    Run(RunId),
}

impl Place {
    /// `on the log`
    pub fn said(self) -> String {
        match self {
            Self::Screen(screen) => format!("on {}", screen.title()),
            Self::Card(id) => format!("on card {}", id.short()),
            Self::Run(id) => format!("on run {}", id.short()),
        }
    }
}

/// Where `intent` can be given that cannot be given here; `None` where there is nothing it could be for.
pub fn place(state: &State, world: &World<'_>, intent: Intent) -> Option<Place> {
    match intent.context() {
        Context::Log if intent == Intent::NextError => None,
        Context::Log => Some(Place::Screen(Screen::Log)),
        Context::Usage => Some(Place::Screen(Screen::Usage)),
        Context::Billing => Some(Place::Screen(Screen::Billing)),
        Context::List => (!world.snapshot.runs.is_empty()).then_some(Place::Screen(Screen::Runs)),
        Context::Run => run_meant(state, world).map(Place::Run),
        Context::Effect | Context::Doubt | Context::Question if world.status.observe.is_on() => None,
        context @ (Context::Effect | Context::Doubt | Context::Question) => {
            card_meant(state, world, context).map(|approval| Place::Card(approval.id))
        }
        // What moves, what is everywhere, and what is only for what is already open.
        Context::Everywhere
        | Context::Move
        | Context::Home
        | Context::RunPage
        | Context::Card
        | Context::Incident
        | Context::Handover
        | Context::Document
        | Context::Replay => None,
    }
}

/// Goes to where `intent` can be given, and does it there unless it decides.
pub fn go(state: &mut State, world: &World<'_>, intent: Intent) -> Vec<Request> {
    let Some(place) = place(state, world, intent) else {
        toast(state, world, Tone::Note, "there is nothing here that it could be for", "");
        return Vec::new();
    };
    let mut requests = match place {
        Place::Screen(screen) => navigate::show(state, screen),
        Place::Run(run) => navigate::open_run(state, run),
        Place::Card(id) if state.review().is_some_and(|review| review.approval == id) => Vec::new(),
        Place::Card(id) => navigate::open_card(state, id),
    };
    if intent.decides() {
        toast(state, world, Tone::Note, "nothing is decided yet", "read the card, then press the key shown below");
    } else {
        requests.push(Request::Intend(intent));
    }
    requests
}

/// The run of the card that is open or selected.
fn run_meant(state: &State, world: &World<'_>) -> Option<RunId> {
    let card = match (state.page(), state.pane().cursor) {
        (Some(Page::Card(review)), _) => review.approval,
        (None, Some(Anchor::Approval(selected))) => selected,
        _ => return None,
    };
    let run = world.snapshot.approvals.get(&card)?.run;
    world.snapshot.runs.get(&run).filter(|run| !run.state.is_final()).map(|run| run.id)
}

/// The card that a decision would be for: the one that is open, one of the run that is open or selected, else the most
/// pressing.
fn card_meant<'a>(state: &State, world: &World<'a>, context: Context) -> Option<&'a Approval> {
    let fits = |approval: &&Approval| match approval.ask {
        Ask::Effect { .. } => context == Context::Effect,
        Ask::InDoubt { .. } => context == Context::Doubt,
        Ask::Question { .. } => context == Context::Question,
    };
    let waiting: Vec<_> = by_urgency(world.snapshot).into_iter().filter(fits).collect();
    let open = state.review().map(|review| review.approval);
    let run = match state.page() {
        Some(Page::Run(open)) => Some(open.run),
        _ => state.run(),
    };
    let here = waiting.iter().find(|approval| Some(approval.id) == open);
    let of_run = waiting.iter().find(|approval| Some(approval.run) == run);
    here.or(of_run).or(waiting.first()).copied()
}
