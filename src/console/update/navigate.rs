//! Opening and closing screens and pages, folding, and reading on where a list ends.

use super::toasts::toast_about;
use super::turn::Turn;
use super::{Request, World, log, things, toast};
use crate::console::anchor::Anchor;
use crate::console::state::{
    Evidence, Hold, Landing, Loading, Matter, Page, Pane, Payment, Reading, Review, RunPage, Screen, Sheet, State,
    Step, Tone, UsagePane, by_urgency,
};
use crate::domain::{ApprovalId, CallNo, RunId};
use crate::fold::TurnStatus;
use crate::kinds::{CallStage, Stream};

/// Closes what was opened last; on a bare screen it takes the filter away.
pub fn back(state: &mut State) -> Vec<Request> {
    if matches!(state.sheet, Some(Sheet::Help(_))) {
        state.sheet = None;
        return Vec::new();
    }
    match state.pages.last() {
        Some(Page::Run(open)) => {
            let run = open.run;
            state.pages.pop();
            drop_run(state, run)
        }
        Some(Page::Card(_)) => close_card(state),
        Some(Page::Thing(_) | Page::Document(_)) => {
            state.pages.pop();
            Vec::new()
        }
        Some(Page::Things(open)) if open.list.arrangement.is_narrowed() => clear_filter(state),
        Some(Page::Things(_)) => {
            state.pages.pop();
            Vec::new()
        }
        None if state.screen == Screen::Usage && state.usage.leave() => Vec::new(),
        None => {
            state.payment = Payment::Closed;
            clear_filter(state)
        }
    }
}

/// Shows more of a list that was narrowed, or ends a search.
pub fn clear_filter(state: &mut State) -> Vec<Request> {
    if let Some(list) = state.list_mut() {
        list.widen();
        return Vec::new();
    }
    if state.screen == Screen::Log { log::widen(state) } else { Vec::new() }
}

/// Goes to a screen; pages opened over the old one are closed.
pub fn show(state: &mut State, screen: Screen) -> Vec<Request> {
    state.sheet = None;
    let mut requests: Vec<_> = state.open_runs().into_iter().map(Request::DropRun).collect();
    state.pages.clear();
    state.screen = screen;
    state.payment = Payment::Closed;
    if screen == Screen::Log && state.log.reading == Reading::Never {
        requests.push(log::read_end(&mut state.log));
    }
    requests
}

/// Reads the history of the run that the cursor rests on, where it stands beside the list; and lets go of the one
/// before. One at a time: a cursor on its way asks for nothing.
pub fn follow_cursor(state: &mut State) -> Vec<Request> {
    let wanted = match state.list_width().and(state.pane().cursor) {
        Some(Anchor::Run(run)) => Some(run),
        _ => None,
    };
    let shown = state.preview.as_ref().map(|preview| preview.run);
    let is_reading = state.preview.as_ref().is_some_and(|preview| preview.loading == Loading::Asked);
    if wanted == shown || wanted.is_some() && is_reading {
        return Vec::new();
    }
    state.preview = wanted.map(|run| Evidence { run, loading: Loading::Asked });
    let mut requests = shown.map(|run| drop_run(state, run)).unwrap_or_default();
    requests.extend(wanted.map(Request::ReadRun));
    requests
}

/// The history of a run is here: its page goes to where it is read first.
pub fn land(state: &mut State, world: &World<'_>, run: RunId) {
    let Some(thread) = world.snapshot.threads.get(&run) else { return };
    let costs = thread.turns.iter().filter_map(|turn| match &turn.status {
        TurnStatus::Answered(reply) => Some((reply.cost?, turn.turn)),
        TurnStatus::Open | TurnStatus::Failed(_) => None,
    });
    let dearest = costs.max();
    for page in &mut state.pages {
        if let (Page::Run(open), Some((_, turn))) = (page, dearest)
            && open.run == run
            && std::mem::take(&mut open.landing) == Landing::DearestTurn
        {
            open.pane.bring_up(Anchor::Turn(turn));
        }
    }
}

/// Opens the card before or after the one that is open, as they stand in the queue; from a settled one, the first.
pub fn turn_card(state: &mut State, world: &World<'_>, turn: Turn) -> Vec<Request> {
    let Some(here) = state.review().map(|review| review.approval) else { return Vec::new() };
    let waiting: Vec<_> = by_urgency(world.snapshot).iter().map(|approval| approval.id).collect();
    let place = waiting.iter().position(|id| *id == here);
    let next = match (place, turn) {
        (Some(place), Turn::Next) => waiting.get(place + 1),
        (Some(place), Turn::Previous) => place.checked_sub(1).and_then(|place| waiting.get(place)),
        (None, _) => waiting.first(),
    };
    let Some(next) = next.copied() else {
        let text = if waiting.is_empty() { "nothing waits for you" } else { "this is the last card" };
        toast(state, world, Tone::Note, text, "");
        return Vec::new();
    };
    let mut requests = close_card(state);
    requests.extend(open_card(state, next));
    requests
}

/// Opens the card that has waited longest, or the next one after the card that is open.
pub fn next_waiting(state: &mut State, world: &World<'_>) -> Vec<Request> {
    let here = state.review().map(|review| review.approval);
    let waiting: Vec<_> = world.snapshot.open_approvals().map(|approval| approval.id).collect();
    let after = waiting.iter().find(|id| here.is_none_or(|here| **id > here)).or(waiting.first());
    match after {
        Some(id) if Some(*id) != here => {
            let mut requests = close_card(state);
            requests.extend(open_card(state, *id));
            requests
        }
        Some(_) => Vec::new(),
        None => {
            toast_about(state, world, Matter::NothingWaits, Tone::Good, "nothing waits for you", "");
            Vec::new()
        }
    }
}

pub fn open_selected(state: &mut State, world: &World<'_>) -> Vec<Request> {
    if state.sheet.is_some() {
        return Vec::new();
    }
    match state.pane().cursor {
        Some(Anchor::Run(run)) => {
            let requests = open_run(state, run);
            if state.screen == Screen::Usage
                && let Some(Page::Run(open)) = state.pages.last_mut()
                && open.loading == Loading::Asked
            {
                open.landing = Landing::DearestTurn;
            }
            requests
        }
        Some(Anchor::Entry(place)) if state.pages.is_empty() && state.screen == Screen::Usage => {
            let lines = UsagePane::lines(&world.snapshot.spend, state.usage.by, world.now);
            if let Some(line) = lines.into_iter().nth(place) {
                state.usage.enter(line.name.raw().to_owned());
            }
            Vec::new()
        }
        Some(Anchor::Approval(approval)) => open_card(state, approval),
        Some(Anchor::Call(call)) => match parked_card(state, world, call) {
            Some(approval) => open_card(state, approval),
            None => fold(state, world),
        },
        Some(Anchor::Plan | Anchor::Turn(_) | Anchor::Entry(_)) => fold(state, world),
        Some(Anchor::Thing(stream)) => open_stream(state, world, stream),
        Some(Anchor::Event(seq)) => open_event(state, world, seq),
        None => Vec::new(),
    }
}

/// The card that a call of the open run waits for.
fn parked_card(state: &State, world: &World<'_>, call: CallNo) -> Option<ApprovalId> {
    let run = world.snapshot.runs.get(&state.run()?)?;
    match &run.open_call(call)?.stage {
        CallStage::Parked { approval, .. } | CallStage::InDoubt { approval, .. } => Some(*approval),
        CallStage::Requested | CallStage::Delegated { .. } | CallStage::Started { .. } => None,
    }
}

fn open_event(state: &mut State, world: &World<'_>, seq: u64) -> Vec<Request> {
    let Some(event) = state.log.events.iter().find(|event| event.seq == seq) else { return Vec::new() };
    open_stream(state, world, event.stream)
}

/// Opens the page of what a stream is about, or says why there is none.
fn open_stream(state: &mut State, world: &World<'_>, stream: Stream) -> Vec<Request> {
    if let Stream::Run(run) = stream {
        return open_run(state, run);
    }
    if let Stream::Approval(id) = stream
        && world.snapshot.approvals.contains_key(&id)
    {
        return open_card(state, id);
    }
    if let Some(requests) = things::open_stream(state, world, stream) {
        return requests;
    }
    let (text, hint) = if matches!(stream, Stream::Approval(_)) {
        ("this request is no longer in memory", "3 lists all requests")
    } else if matches!(stream, Stream::Account(_)) {
        ("accounts have no page here", "`morningai audit` shows its history")
    } else {
        ("this is no longer in memory", "the log still has its whole history")
    };
    toast(state, world, Tone::Note, text, hint);
    Vec::new()
}

/// Opens a run's page, or goes back to it where it is open already.
pub fn open_run(state: &mut State, run: RunId) -> Vec<Request> {
    state.looked_at.insert(run);
    let open = state.pages.iter().position(|page| matches!(page, Page::Run(open) if open.run == run));
    if let Some(place) = open {
        let before = state.open_runs();
        state.pages.truncate(place + 1);
        return before.difference(&state.open_runs()).copied().map(Request::DropRun).collect();
    }
    state.pages.push(Page::Run(RunPage {
        run,
        pane: Pane::following(),
        folds: Default::default(),
        loading: Loading::Asked,
        landing: Landing::End,
    }));
    vec![Request::ReadRun(run)]
}

pub fn open_card(state: &mut State, approval: ApprovalId) -> Vec<Request> {
    state.pages.push(Page::Card(Review::new(approval)));
    Vec::new()
}

/// Closes the card, if one is shown.
pub fn close_card(state: &mut State) -> Vec<Request> {
    match state.pages.pop_if(|page| matches!(page, Page::Card(_))) {
        Some(Page::Card(Review { evidence: Some(evidence), .. })) => drop_run(state, evidence.run),
        _ => Vec::new(),
    }
}

/// Closes a card that was decided on where the page below is that of its run, which shows what comes of it.
pub fn close_card_over_its_run(state: &mut State, world: &World<'_>) -> Vec<Request> {
    let run = state.review().and_then(|review| world.snapshot.approvals.get(&review.approval));
    let below = state.pages.iter().rev().nth(1);
    match (run, below) {
        (Some(approval), Some(Page::Run(open))) if open.run == approval.run => close_card(state),
        _ => Vec::new(),
    }
}

pub fn open_run_of_card(state: &mut State, world: &World<'_>) -> Vec<Request> {
    let run = state.review().and_then(|review| world.snapshot.approvals.get(&review.approval));
    match run.map(|approval| approval.run) {
        Some(run) => open_run(state, run),
        None => Vec::new(),
    }
}

/// What streams in stands at the end of the page and cannot be folded; trying to must not end following it.
fn is_being_said(world: &World<'_>, run: RunId, anchor: Anchor) -> bool {
    let open = world.snapshot.runs.get(&run).and_then(|run| run.open_turn.as_ref());
    open.is_some_and(|open| anchor == Anchor::Turn(open.turn))
}

/// Unfolds what the cursor rests on, or folds it.
pub fn fold(state: &mut State, world: &World<'_>) -> Vec<Request> {
    if let Some(Page::Run(open)) = state.pages.last_mut()
        && let Some(cursor) = open.pane.cursor
        && !is_being_said(world, open.run, cursor)
    {
        open.folds.toggle(cursor);
        open.pane.select(cursor);
    }
    Vec::new()
}

/// Folds everything when anything is unfolded, else unfolds everything.
pub fn fold_all(state: &mut State) -> Vec<Request> {
    if let Some(Page::Run(open)) = state.pages.last_mut() {
        open.folds.toggle_all(open.pane.laid.stops.iter().map(|(stop, _)| *stop));
        open.pane.hold = Hold::Cursor;
    }
    Vec::new()
}

/// Reads older rows when one moves towards an end behind which there are more.
pub fn read_on(state: &mut State, step: Step) -> Vec<Request> {
    if !state.pages.is_empty() || state.sheet.is_some() {
        return Vec::new();
    }
    let goes_up = matches!(step, Step::Up | Step::HalfUp | Step::PageUp | Step::Top);
    let pane = state.pane();
    let at_end = pane.scroll + pane.laid.height >= pane.laid.rows;
    match state.screen {
        Screen::Log => log::read_on(state, step),
        Screen::Runs if !goes_up && at_end && can_read(state.runs.reading) => {
            state.runs.reading = Reading::Asked;
            vec![Request::ReadRuns { after: state.runs.read_to.clone() }]
        }
        Screen::Approvals if !goes_up && at_end && can_read(state.approvals.reading) => {
            state.approvals.reading = Reading::Asked;
            vec![Request::ReadApprovals { after: state.approvals.read_to.clone() }]
        }
        _ => Vec::new(),
    }
}

fn can_read(reading: Reading) -> bool {
    matches!(reading, Reading::Never | Reading::More)
}

fn drop_run(state: &State, run: RunId) -> Vec<Request> {
    if state.open_runs().contains(&run) { Vec::new() } else { vec![Request::DropRun(run)] }
}

/// What the log screen reads first after the source began anew.
pub fn reread(state: &mut State) -> Vec<Request> {
    let mut requests: Vec<_> = state.open_runs().into_iter().map(Request::ReadRun).collect();
    state.log.reread();
    if state.screen == Screen::Log {
        requests.push(log::read_end(&mut state.log));
    }
    requests
}
