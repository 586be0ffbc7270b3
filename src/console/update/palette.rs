//! What the palette offers. It never decides: of a decision it opens the card.

use super::contexts::contexts;
use super::{Request, World, elsewhere};
use crate::console::intent::{Context, Intent};
use crate::console::state::{Choice, Item, Offer, Palette, Screen, Sheet, State, ThingVerb};
use crate::domain::{Ask, Untrusted};
use crate::kinds::{Approval, Surface};

pub fn open(state: &mut State, world: &World<'_>) -> Vec<Request> {
    state.sheet = Some(Sheet::Palette(Box::new(Palette::new(items(state, world), &state.chosen_lately))));
    Vec::new()
}

fn items(state: &State, world: &World<'_>) -> Vec<Item> {
    let mut items: Vec<_> = world.snapshot.open_approvals().map(card).collect();
    items.extend(commands(state, world));
    Surface::all().iter().for_each(|surface| offer_things(state, world, surface, &mut items));
    let offer = |kind, choice: fn(String) -> Choice| {
        move |offer: &Offer| Item {
            choice: choice(offer.name.clone()),
            kind,
            label: shown(&offer.name),
            aliases: &[],
            detail: shown(&offer.description),
        }
    };
    items.extend(world.offers.agents.iter().map(offer("agent", Choice::StartAgent)));
    items.extend(world.offers.procedures.iter().map(offer("procedure", Choice::StartProcedure)));
    items.extend(world.snapshot.runs_newest_first().map(|run| Item {
        choice: Choice::OpenRun(run.id),
        kind: "run",
        label: run.goal.visible().into_owned(),
        aliases: &[],
        detail: format!("{} {} by {}", run.id.short(), run.state, shown(&run.agent)),
    }));
    items.extend(world.offers.themes.iter().map(|name| Item {
        choice: Choice::UseTheme(name.clone()),
        kind: "theme",
        label: shown(name),
        aliases: &[],
        detail: "change to this theme".to_owned(),
    }));
    items
}

/// Commands that can be given here, and behind them those of other screens. What only moves is left out.
fn commands(state: &State, world: &World<'_>) -> Vec<Item> {
    let active = contexts(state, world);
    let is_here = |intent: &Intent| active.contains(&intent.context());
    let is_movement = |intent: &Intent| intent.context() == Context::Move && *intent != Intent::Filter;
    let item = |choice, intent: Intent, detail: String| Item {
        choice,
        kind: "command",
        label: intent.name().to_owned(),
        aliases: intent.aliases(),
        detail,
    };
    let (here, elsewhere): (Vec<_>, Vec<_>) = Intent::ALL
        .iter()
        .filter(|intent| !is_movement(intent) && **intent != Intent::Palette)
        .filter(|intent| state.can_do(**intent, world.snapshot, world.status, world.replay))
        .partition(|intent| is_here(intent) && !intent.decides());
    let mut items: Vec<_> =
        here.into_iter().map(|intent: &Intent| item(Choice::Do(*intent), *intent, intent.doc().to_owned())).collect();
    items.extend(elsewhere.into_iter().filter_map(|intent| {
        let place = elsewhere::place(state, world, *intent)?;
        Some(item(Choice::GoAndDo(*intent), *intent, format!("{}: {}", place.said(), intent.doc())))
    }));
    items
}

/// Of a kind that is told by its surface: its list, its verbs for what is open or selected, and each that is open.
fn offer_things(state: &State, world: &World<'_>, surface: &Surface, items: &mut Vec<Item>) {
    let item = |choice: Choice, kind: &'static str, label: String, detail: String| Item {
        choice,
        kind,
        label,
        aliases: &[],
        detail,
    };
    if Screen::of_kind(surface.kind).is_none() {
        let listed = format!("show all {}", surface.plural);
        items.push(item(Choice::OpenThings(surface.kind), "command", surface.plural.to_owned(), listed));
    }
    for survey in surface.surveys {
        let choice = Choice::OpenSurvey(surface.kind, survey.name);
        items.push(item(choice, "command", format!("{} of {}", survey.name, surface.plural), survey.about.to_owned()));
    }
    let here = state.thing().filter(|stream| stream.row().is_some_and(|key| key.kind == surface.kind));
    let can_ask = |name| here.is_some() && state.can_ask(world.snapshot, name);
    for verb in surface.verbs().filter(|verb| verb.begins || can_ask(verb.name)) {
        let of = here.filter(|_| !verb.begins);
        let asked = Choice::Ask(ThingVerb { kind: surface.kind, of, verb });
        items.push(item(asked, "command", format!("{} {}", verb.name, surface.name()), verb.about.to_owned()));
    }
    for thing in surface.listed(world.snapshot).into_iter().filter(|thing| thing.is_open) {
        let detail = format!("{} {}", thing.short, thing.state);
        let choice = Choice::OpenThing(thing.stream);
        items.push(item(choice, surface.name(), thing.title(surface).visible().into_owned(), detail));
    }
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
    Item { choice: Choice::OpenCard(approval.id), kind: "card", label, aliases: &[], detail }
}

fn shown(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}
