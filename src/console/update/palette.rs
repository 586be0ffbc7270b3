//! What the palette offers, and what choosing does. It never offers a decision.

use super::contexts::contexts;
use super::{LaunchKind, Pressed, Request, World, goal, navigate};
use crate::console::intent::{Context, Intent};
use crate::console::state::{Choice, Item, Offer, Palette, Sheet, State};
use crate::domain::{Ask, Untrusted};
use crate::kinds::Approval;

pub fn open(state: &mut State, world: &World<'_>) -> Vec<Request> {
    state.sheet = Some(Sheet::Palette(Box::new(Palette::new(items(state, world), &state.chosen_lately))));
    Vec::new()
}

/// Does what was chosen.
pub fn choose(state: &mut State, world: &World<'_>, choice: Choice, pressed: Pressed) -> Vec<Request> {
    state.sheet = None;
    state.chosen_lately.retain(|known| *known != choice);
    state.chosen_lately.insert(0, choice.clone());
    state.chosen_lately.truncate(State::MOST_CHOSEN);
    match choice {
        Choice::Do(intent) => super::intent(state, world, intent, pressed),
        Choice::OpenRun(run) => navigate::open_run(state, run),
        Choice::OpenCard(approval) => navigate::open_card(state, approval),
        Choice::StartAgent(name) => goal::open(state, world, Some(&name)),
        Choice::StartProcedure(name) => goal::launch(state, world, LaunchKind::Procedure(name), String::new()),
        Choice::UseTheme(name) => vec![Request::UseTheme(name)],
    }
}

fn items(state: &State, world: &World<'_>) -> Vec<Item> {
    let active = contexts(state, world);
    let offered = |intent: &&Intent| {
        let is_movement = intent.context() == Context::Move && *intent != &Intent::Filter;
        active.contains(&intent.context()) && !intent.decides() && !is_movement && !matches!(intent, Intent::Palette)
    };
    let mut items: Vec<_> = world.snapshot.open_approvals().map(card).collect();
    items.extend(Intent::ALL.iter().filter(offered).map(|intent| Item {
        choice: Choice::Do(*intent),
        kind: "command",
        label: intent.name().to_owned(),
        detail: intent.doc().to_owned(),
    }));
    let offer = |kind, choice: fn(String) -> Choice| {
        move |offer: &Offer| Item {
            choice: choice(offer.name.clone()),
            kind,
            label: shown(&offer.name),
            detail: shown(&offer.description),
        }
    };
    items.extend(world.offers.agents.iter().map(offer("agent", Choice::StartAgent)));
    items.extend(world.offers.procedures.iter().map(offer("procedure", Choice::StartProcedure)));
    items.extend(world.snapshot.runs_newest_first().map(|run| Item {
        choice: Choice::OpenRun(run.id),
        kind: "run",
        label: run.goal.visible().into_owned(),
        detail: format!("{} {} by {}", run.id.short(), run.state, shown(&run.agent)),
    }));
    items.extend(world.offers.themes.iter().map(|name| Item {
        choice: Choice::UseTheme(name.clone()),
        kind: "theme",
        label: shown(name),
        detail: "change to this theme".to_owned(),
    }));
    items
}

fn card(approval: &Approval) -> Item {
    let label = match &approval.ask {
        Ask::Effect { card } | Ask::InDoubt { card, .. } => {
            let target = card.targets.first().map(|target| target.visible()).unwrap_or_default();
            format!("{} {target}", shown(&card.verb))
        }
        Ask::Question { text, .. } => text.visible().into_owned(),
    };
    let detail = format!("{} waits for you", approval.id.short());
    Item { choice: Choice::OpenCard(approval.id), kind: "card", label, detail }
}

fn shown(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}
