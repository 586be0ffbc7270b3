//! Opening things of kinds that are told by their surfaces, and asking their verbs.

use super::{Request, World, submit, toast};
use crate::console::state::{Page, Prompt, PromptFor, Sheet, State, SurveyPage, ThingList, ThingPage, ThingVerb, Tone};
use crate::kinds::{RowKind, Stream, Surface, Survey, SurveyLine, Takes, complete_ids, read_words};
use crate::ports::ClientError;

pub fn open_list(state: &mut State, kind: RowKind) -> Vec<Request> {
    let open = state.pages.iter().position(|page| matches!(page, Page::Things(list) if list.kind == kind));
    match open {
        Some(place) => state.pages.truncate(place + 1),
        None => state.pages.push(Page::Things(ThingList::new(kind))),
    }
    Vec::new()
}

/// Opens the table of this name over all of a kind.
pub fn open_survey(state: &mut State, kind: RowKind, name: &str) -> Vec<Request> {
    let surveys = Surface::of_kind(kind).map(|surface| surface.surveys).unwrap_or_default();
    let Some(survey) = surveys.iter().find(|survey| survey.name == name) else { return Vec::new() };
    state.pages.push(Page::Survey(SurveyPage::new(survey)));
    vec![Request::ReadSurvey { survey }]
}

/// It was counted, or could not be.
pub fn surveyed(state: &mut State, survey: &Survey, result: &Result<Vec<SurveyLine>, ClientError>) {
    for page in &mut state.pages {
        if let Page::Survey(open) = page
            && open.survey == survey
        {
            open.lines = Some(result.clone().map_err(|error| super::toasts::shown(&error.message)));
        }
    }
}

pub fn open(state: &mut State, stream: Stream) -> Vec<Request> {
    state.pages.push(Page::Thing(ThingPage::new(stream)));
    Vec::new()
}

/// Asks the verb of this name of what is open or selected, with words where it needs them.
pub fn ask_by_name(state: &mut State, world: &World<'_>, name: &str) -> Vec<Request> {
    let Some(of) = state.thing() else { return Vec::new() };
    let Some((surface, verb)) = Surface::of_stream(of).and_then(|surface| Some((surface, surface.verb(name)?))) else {
        return Vec::new();
    };
    let wanted = ThingVerb { kind: surface.kind, of: Some(of), verb };
    let fields = surface.fields(verb);
    match (surface.takes(world.snapshot, of.parts().1, name), fields.first()) {
        (Takes::Words, Some(first)) if !first.is_required => prompt(state, wanted, &format!("--{} ", first.name)),
        _ if fields.iter().any(|field| field.is_required) => prompt(state, wanted, ""),
        _ => perform(state, world, wanted, ""),
    }
}

/// Asks the verb of this name that begins a new thing.
pub fn begin(state: &mut State, world: &World<'_>, kind: RowKind, name: &str) -> Vec<Request> {
    match Surface::of_kind(kind).and_then(|surface| surface.verb(name)) {
        Some(verb) => ask(state, world, ThingVerb { kind, of: None, verb }),
        None => Vec::new(),
    }
}

/// The same, with words to begin with in the sheet.
pub fn begin_with(state: &mut State, kind: RowKind, name: &str, words: &str) -> Vec<Request> {
    match Surface::of_kind(kind).and_then(|surface| surface.verb(name)) {
        Some(verb) => prompt(state, ThingVerb { kind, of: None, verb }, words),
        None => Vec::new(),
    }
}

/// Asks a verb: at once where it takes nothing, else after its words were typed.
pub fn ask(state: &mut State, world: &World<'_>, wanted: ThingVerb) -> Vec<Request> {
    let takes = Surface::of_kind(wanted.kind).map(|surface| surface.fields(wanted.verb)).unwrap_or_default();
    if takes.is_empty() {
        return perform(state, world, wanted, "");
    }
    prompt(state, wanted, "")
}

fn prompt(state: &mut State, wanted: ThingVerb, text: &str) -> Vec<Request> {
    state.sheet = Some(Sheet::Prompt(Box::new(Prompt::new(PromptFor::Verb(wanted), text))));
    Vec::new()
}

/// Asks a verb with what was typed for it. What is wrong with that is said, and the sheet stays.
pub fn perform(state: &mut State, world: &World<'_>, wanted: ThingVerb, words: &str) -> Vec<Request> {
    let Some(surface) = Surface::of_kind(wanted.kind) else { return Vec::new() };
    let asked = read_words(&surface.fields(wanted.verb), words).and_then(|given| {
        let mut given = given;
        complete_ids(&surface.fields(wanted.verb), &mut given, world.snapshot)?;
        let id = wanted.of.map(|stream| stream.parts().1).unwrap_or_default();
        Ok((surface.command(id, wanted.verb, given.clone())?, given))
    });
    let (command, given) = match asked {
        Ok(asked) => asked,
        Err(wrong) => {
            toast(state, world, Tone::Bad, wrong, "esc leaves it");
            return Vec::new();
        }
    };
    state.sheet = None;
    // What happened is said by the events that come back.
    let requests = submit(state, world, command, String::new());
    match wanted.of {
        // The id of a new one is drawn where it is sent.
        None if !requests.is_empty() => vec![Request::Begin { kind: wanted.kind, verb: wanted.verb, given }],
        None | Some(_) => requests,
    }
}

/// Opens the page of what a stream is about, where it has one and is in memory.
pub fn open_stream(state: &mut State, world: &World<'_>, stream: Stream) -> Option<Vec<Request>> {
    let surface = Surface::of_stream(stream)?;
    surface.thing(world.snapshot, stream.parts().1)?;
    Some(open(state, stream))
}
