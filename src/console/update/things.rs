//! Opening things of kinds that are told by their surfaces, and asking their verbs.

use serde_json::Map;
use uuid::Uuid;

use super::{Request, World, submit, toast};
use crate::console::anchor::Anchor;
use crate::console::state::{
    Page, Prompt, PromptFor, Sheet, State, ThingList, ThingPage, ThingVerb, Tone, surface_of, surface_of_stream,
};
use crate::kinds::{RowKind, Stream, read_words};

pub fn open_list(state: &mut State, kind: RowKind) -> Vec<Request> {
    let open = state.pages.iter().position(|page| matches!(page, Page::Things(list) if list.kind == kind));
    match open {
        Some(place) => state.pages.truncate(place + 1),
        None => state.pages.push(Page::Things(ThingList::new(kind))),
    }
    Vec::new()
}

pub fn open(state: &mut State, stream: Stream) -> Vec<Request> {
    state.pages.push(Page::Thing(ThingPage::new(stream)));
    Vec::new()
}

/// The thing that is open, or the one under the cursor.
pub fn current(state: &State) -> Option<Stream> {
    match state.page() {
        Some(Page::Thing(open)) => Some(open.stream),
        Some(Page::Run(_) | Page::Card(_)) => None,
        Some(Page::Things(_)) | None => match state.pane().cursor {
            Some(Anchor::Thing(stream)) => Some(stream),
            _ => None,
        },
    }
}

/// Asks a verb: at once where it takes nothing, else after its words were typed.
pub fn ask(state: &mut State, world: &World<'_>, wanted: ThingVerb) -> Vec<Request> {
    let takes = surface_of(wanted.kind).map(|surface| surface.fields(wanted.verb)).unwrap_or_default();
    if takes.is_empty() {
        return perform(state, world, wanted, "");
    }
    state.sheet = Some(Sheet::Prompt(Box::new(Prompt::new(PromptFor::Verb(wanted), ""))));
    Vec::new()
}

/// Asks a verb with what was typed for it. What is wrong with that is said, and the sheet stays.
pub fn perform(state: &mut State, world: &World<'_>, wanted: ThingVerb, words: &str) -> Vec<Request> {
    let Some(surface) = surface_of(wanted.kind) else { return Vec::new() };
    let given = read_words(&surface.fields(wanted.verb), words);
    let asked = given.and_then(|given| match wanted.of.map(|stream| stream.parts().1) {
        Some(id) => surface.command(id, wanted.verb, given).map(Some),
        // Its id is drawn where it is sent; what is given is tried here.
        None => surface.command(Uuid::nil(), wanted.verb, given).map(|_| None),
    });
    let done = format!("{}: {}", surface.name(), wanted.verb.name);
    match asked {
        Ok(Some(command)) => {
            state.sheet = None;
            submit(state, world, command, done)
        }
        Ok(None) => {
            state.sheet = None;
            let given = read_words(&surface.fields(wanted.verb), words).unwrap_or_else(|_| Map::new());
            vec![Request::Begin { kind: wanted.kind, verb: wanted.verb, given, done }]
        }
        Err(wrong) => {
            toast(state, world, Tone::Bad, wrong, "esc leaves it");
            Vec::new()
        }
    }
}

/// Opens the page of what a stream is about, where it has one and is in memory.
pub fn open_stream(state: &mut State, world: &World<'_>, stream: Stream) -> Option<Vec<Request>> {
    let surface = surface_of_stream(stream)?;
    surface.thing(world.snapshot, stream.parts().1)?;
    Some(open(state, stream))
}
