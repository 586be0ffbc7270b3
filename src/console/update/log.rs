//! The log screen: searching, narrowing, going from error to error, and reading back for what is looked for.

use std::collections::BTreeSet;

use super::toasts::unread;
use super::turn::Turn;
use super::{Request, World, toast};
use crate::console::anchor::Anchor;
use crate::console::state::{Grouping, LogPane, Looking, Reading, Screen, State, Step, Tone, is_error};
use crate::domain::ApprovalId;
use crate::kinds::{Envelope, Stream};
use crate::ports::{ClientError, Page};

/// Reads the end of the log, or of what a search finds in it.
pub fn read_end(log: &mut LogPane) -> Request {
    log.reading = Reading::Asked;
    Request::ReadLog { search: log.search.clone(), before: u64::MAX, limit: log.page() }
}

fn read_back(log: &mut LogPane) -> Vec<Request> {
    log.reading = Reading::Asked;
    vec![Request::ReadLog { search: log.search.clone(), before: log.before(), limit: log.page() }]
}

/// Looks for `text` in all of the log; an empty one shows everything again. One question at a time: while one is on
/// its way, the next waits for its answer.
pub fn search(state: &mut State, text: String) -> Vec<Request> {
    if text == state.log.search {
        return Vec::new();
    }
    let is_asked = state.log.reading == Reading::Asked;
    state.log.search_for(text);
    state.log.look(Looking::ForRows);
    let request = read_end(&mut state.log);
    if is_asked { Vec::new() } else { vec![request] }
}

/// Takes in what was read, and reads on while what is looked for is not there.
pub fn read(
    state: &mut State,
    world: &World<'_>,
    search: &str,
    before: u64,
    result: Result<Page<Envelope>, ClientError>,
) -> Vec<Request> {
    if search != state.log.search {
        return vec![read_end(&mut state.log)];
    }
    if before != state.log.before() && before != u64::MAX {
        return Vec::new();
    }
    match result {
        Ok(page) => {
            let more = if page.more { Reading::More } else { Reading::Complete };
            state.log.prepend(page.rows, more);
            go_on(state, world)
        }
        Err(error) => {
            state.log.reading = Reading::More;
            unread(state, world, &error);
            Vec::new()
        }
    }
}

/// Reads another page where that is wanted; ends a look for an error that was found, or is not there.
fn go_on(state: &mut State, world: &World<'_>) -> Vec<Request> {
    if state.log.looks_on() {
        return read_back(&mut state.log);
    }
    if let Looking::ForErrorBefore(seq) = state.log.looking
        && state.log.reading != Reading::Asked
    {
        state.log.looking = Looking::ForRows;
        let found = state.log.shown().rfind(|event| event.seq < seq && is_error(event)).map(|event| event.seq);
        match found {
            Some(found) => go_to(state, world, found),
            None if state.log.reading == Reading::Complete => {
                toast(state, world, Tone::Note, "there is no error before this one", "");
            }
            None => toast(state, world, Tone::Note, "no error so far", "the same key searches further back"),
        }
    }
    Vec::new()
}

/// What narrows the log changes; older events are read until the screen is full.
pub fn narrow(state: &mut State, world: &World<'_>, change: impl FnOnce(&mut LogPane)) -> Vec<Request> {
    change(&mut state.log);
    state.log.look(Looking::ForRows);
    if state.log.reading == Reading::More { go_on(state, world) } else { Vec::new() }
}

pub fn next_kind(log: &mut LogPane) {
    let kinds: BTreeSet<_> = log.events.iter().map(|event| event.stream.parts().0).collect();
    log.narrowing.next_kind(&kinds);
}

/// By run or by time; the cursor stays on its event.
pub fn group(log: &mut LogPane) {
    log.grouping = match log.grouping {
        Grouping::ByRun => Grouping::ByTime,
        Grouping::ByTime => Grouping::ByRun,
    };
}

/// Takes away what narrows the log: the text first, then the rest.
pub fn widen(state: &mut State) -> Vec<Request> {
    if !state.log.search.is_empty() {
        return search(state, String::new());
    }
    state.log.narrowing = Default::default();
    Vec::new()
}

/// Shows the event under the cursor in full, or on one line again; of a heading, folds what is below it.
pub fn show_event(state: &mut State) -> Vec<Request> {
    let log = &mut state.log;
    match log.pane.cursor {
        Some(Anchor::Event(seq)) => {
            log.whole = Some(seq).filter(|_| log.whole != Some(seq));
            log.pane.bring_up(Anchor::Event(seq));
        }
        Some(Anchor::Thing(stream)) => {
            if !log.folded.remove(&stream) {
                log.folded.insert(stream);
            }
            log.pane.select(Anchor::Thing(stream));
        }
        _ => {}
    }
    Vec::new()
}

/// Folds every run when any is unfolded, else unfolds all.
pub fn fold_runs(state: &mut State) -> Vec<Request> {
    let stops = state.log.pane.laid.stops.iter();
    let headings: Vec<_> =
        stops.filter_map(|(stop, _)| if let Anchor::Thing(s) = stop { Some(*s) } else { None }).collect();
    if headings.iter().all(|stream| state.log.folded.contains(stream)) {
        state.log.folded.clear();
    } else {
        state.log.folded.extend(headings);
    }
    Vec::new()
}

/// Goes to the next error as the log stands, or to the one before: that one may have to be read first.
pub fn turn_error(state: &mut State, world: &World<'_>, turn: Turn) -> Vec<Request> {
    let order: Vec<(Stop, bool)> = in_order(&state.log, world);
    let here = order.iter().position(|(stop, _)| stop.is_at(state.log.pane.cursor));
    let errors = order.iter().enumerate().filter(|(_, (_, is_error))| *is_error);
    let found = match turn {
        Turn::Next => errors.clone().find(|(place, _)| here.is_none_or(|here| *place > here)),
        Turn::Previous => errors.clone().rfind(|(place, _)| here.is_none_or(|here| *place < here)),
    };
    if let Some((_, (Stop { seq: Some(seq), .. }, _))) = found {
        let seq = *seq;
        go_to(state, world, seq);
        return Vec::new();
    }
    match turn {
        // What is read first is on its way.
        Turn::Previous if state.log.reading == Reading::Asked => {
            state.log.look(Looking::ForErrorBefore(state.log.before()));
            Vec::new()
        }
        Turn::Previous if state.log.reading == Reading::More => {
            let before = state.log.before();
            state.log.look(Looking::ForErrorBefore(before));
            go_on(state, world)
        }
        Turn::Previous => {
            toast(state, world, Tone::Note, "there is no error before this one", "");
            Vec::new()
        }
        Turn::Next => {
            toast(state, world, Tone::Note, "there is no error after this one", "");
            Vec::new()
        }
    }
}

/// A row of the log: a heading, or an event below one.
struct Stop {
    stream: Option<Stream>,
    seq: Option<u64>,
}

impl Stop {
    fn is_at(&self, cursor: Option<Anchor>) -> bool {
        match (cursor, self.seq) {
            (Some(Anchor::Event(seq)), Some(here)) => seq == here,
            (Some(Anchor::Thing(stream)), None) => self.stream == Some(stream),
            _ => false,
        }
    }
}

/// All rows as they stand, also folded ones, and which of them are errors.
fn in_order(log: &LogPane, world: &World<'_>) -> Vec<(Stop, bool)> {
    let mut order = Vec::new();
    for group in log.groups(run_of(world)) {
        let stream = group.stream;
        order.extend(stream.map(|stream| (Stop { stream: Some(stream), seq: None }, false)));
        order.extend(group.events.iter().map(|event| (Stop { stream, seq: Some(event.seq) }, is_error(event))));
    }
    order
}

/// Puts the cursor on an event, and unfolds what it stands in.
fn go_to(state: &mut State, world: &World<'_>, seq: u64) {
    let groups = state.log.groups(run_of(world));
    let stream = groups.iter().find(|group| group.events.iter().any(|event| event.seq == seq)).and_then(|g| g.stream);
    if let Some(stream) = stream {
        state.log.folded.remove(&stream);
    }
    state.log.pane.select(Anchor::Event(seq));
}

fn run_of<'a>(world: &World<'a>) -> impl Fn(ApprovalId) -> Option<crate::domain::RunId> + use<'a> {
    let approvals = &world.snapshot.approvals;
    move |id| approvals.get(&id).map(|approval| approval.run)
}

/// Reads older events when one moves up from the first; while something is looked for, also from a page that holds
/// none of it.
pub fn read_on(state: &mut State, step: Step) -> Vec<Request> {
    let goes_up = matches!(step, Step::Up | Step::HalfUp | Step::PageUp | Step::Top);
    if state.screen != Screen::Log || !goes_up || state.log.pane.scroll > 0 || state.log.reading != Reading::More {
        return Vec::new();
    }
    state.log.look(Looking::ForRows);
    read_back(&mut state.log)
}
