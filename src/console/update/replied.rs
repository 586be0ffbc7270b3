//! What came of a request: said in a toast where a person asked for it, and never lost when it failed.

use super::toasts::{shown, unread};
use super::{Launch, Reply, Request, World, document, edit, log, navigate, toast};
use crate::console::state::{Drafting, Goal, Loading, Matter, Progress, Reading, Sheet, State, Step, Tone};
use crate::domain::{Rejection, RunId, RunSpec};
use crate::kinds::{ApprovalVerb, Command, Envelope, RunVerb, Stream};
use crate::ports::{ClientError, RowPlace};

/// Takes in a reply. What belongs into the snapshot, `app` has put there already.
pub fn replied(state: &mut State, world: &World<'_>, reply: Reply) -> Vec<Request> {
    if was_read(&reply) {
        state.toast.take_if(|toast| toast.about == Matter::Reading);
    }
    match reply {
        Reply::Submitted { command, done, result } => submitted(state, world, *command, done, result),
        Reply::RunRead { run, result } => {
            let loading = match result {
                Ok(_) => Loading::Ready,
                Err(error) => Loading::Failed(shown(&error.message)),
            };
            state.run_read(run, &loading);
            navigate::land(state, world, run);
            Vec::new()
        }
        Reply::ArgumentsRead { approval, result } => {
            edit::read(state, world, approval, result);
            Vec::new()
        }
        Reply::LogRead { search, before, result } => log::read(state, world, &search, before, result),
        Reply::RunsRead(result) => {
            if let Some(last) = result.iter().flat_map(|page| page.rows.last()).next() {
                state.runs.read_to = Some(RowPlace::of(last));
            }
            state.runs.reading = read(state, world, result.map(|page| page.more));
            Vec::new()
        }
        Reply::ApprovalsRead(result) => {
            if let Some(last) = result.iter().flat_map(|page| page.rows.last()).next() {
                state.approvals.read_to = Some(RowPlace::of(last));
            }
            state.approvals.reading = read(state, world, result.map(|page| page.more));
            Vec::new()
        }
        Reply::Offered(_) => Vec::new(),
        Reply::Prepared { launch, result } => prepared(state, world, launch, result),
        Reply::Completed { sought, found } => {
            let next = goal_mut(state).and_then(|goal| goal.complete(&sought, found));
            next.map(Request::Complete).into_iter().collect()
        }
        Reply::DocumentWritten { of, document, result } => {
            document::written(state, of, document.name, result);
            Vec::new()
        }
        Reply::ChartRead { incident, result } => {
            state.charts.read(incident, result, world.uptime);
            Vec::new()
        }
        Reply::PaymentLinkRead(result) => {
            super::payment::read(state, result);
            Vec::new()
        }
        Reply::Edited { result: Ok(text), .. } => edited(state, world, &text),
        Reply::Edited { result: Err(reason), .. } => {
            toast(state, world, Tone::Bad, reason, "set VISUAL or EDITOR to an editor that exists");
            Vec::new()
        }
        Reply::Copied(Ok(place)) => say(state, world, Tone::Good, place),
        Reply::Copied(Err(reason)) => say(state, world, Tone::Bad, reason),
        Reply::Unlocked(unlocking) => {
            super::lock::answered(state, unlocking);
            Vec::new()
        }
        Reply::ThemeUsed(name) => {
            state.theme.clone_from(&name);
            say(state, world, Tone::Note, format!("theme: {name}"))
        }
    }
}

fn submitted(
    state: &mut State,
    world: &World<'_>,
    command: Command,
    done: String,
    result: Result<Vec<Envelope>, Rejection>,
) -> Vec<Request> {
    let decided = command.approval();
    if let Some(id) = decided {
        state.deciding.remove(&id);
    }
    let events = match result {
        Ok(events) => events,
        Err(rejection) => return rejected(state, world, &command, &rejection),
    };
    if let Command::Approval { id: approval, verb: ApprovalVerb::Edit { .. } } = command {
        edit::done(state, world, approval, &events, done);
        return Vec::new();
    }
    let done = if done.is_empty() { said(&events, command.stream()) } else { done };
    let left = world.snapshot.open_approvals().filter(|approval| Some(approval.id) != decided).count();
    let more = match (decided, left) {
        (Some(_), 1) => "1 more waits for you".to_owned(),
        (Some(_), left @ 2..) => format!("{left} more wait for you"),
        _ => String::new(),
    };
    toast(state, world, Tone::Good, done, more);
    let mut requests = document::saved(state, command.stream());
    if let Some(review) = state.review_mut().filter(|review| Some(review.approval) == decided) {
        // What comes of it is shown at the top, and the next card is a key away.
        review.pane.step(Step::Top);
        requests.extend(navigate::close_card_over_its_run(state, world));
    }
    if let Command::Run { id: run, verb: RunVerb::Start { .. } } = command {
        if matches!(state.sheet, Some(Sheet::Goal(_))) {
            state.sheet = None;
        }
        requests.extend(navigate::open_run(state, run));
    }
    requests
}

/// What the last of these says of what was asked, in words: those before it only led there.
fn said(events: &[Envelope], of: Stream) -> String {
    let last = events.iter().rfind(|envelope| envelope.stream == of);
    last.map_or("nothing changed".to_owned(), |last| shown(last.event.said().raw()))
}

fn rejected(state: &mut State, world: &World<'_>, command: &Command, rejection: &Rejection) -> Vec<Request> {
    let (message, hint) = (shown(&rejection.message), shown(&rejection.hint));
    if let (Command::Run { verb: RunVerb::Start { .. }, .. }, Some(goal)) = (command, goal_mut(state)) {
        goal.progress = Progress::Refused { message: message.clone(), hint: hint.clone() };
    }
    // A draft has the reason below it; where it was closed meanwhile, the reason is said as any other.
    if let Command::Approval { id: approval, verb: ApprovalVerb::Edit { .. } } = command
        && edit::refused(state, *approval, message.clone(), hint.clone())
    {
        return Vec::new();
    }
    toast(state, world, Tone::Bad, message, hint);
    Vec::new()
}

/// A text comes back from the person's own editor to where it was taken from.
fn edited(state: &mut State, world: &World<'_>, text: &str) -> Vec<Request> {
    match &mut state.sheet {
        None => return document::edited(state, world, text),
        Some(Sheet::Goal(goal)) => goal.goal.set(text.trim_end()),
        Some(Sheet::Arguments(draft)) => {
            draft.editor.set(text.trim_end());
            draft.drafting = Drafting::Editing;
        }
        _ => {}
    }
    Vec::new()
}

fn prepared(
    state: &mut State,
    world: &World<'_>,
    launch: Launch,
    result: Result<(RunId, Box<RunSpec>), ClientError>,
) -> Vec<Request> {
    match result {
        Ok((run, spec)) => {
            let done = format!("run {} started", run.short());
            super::submit(state, world, RunVerb::Start { spec }.on(run), done)
        }
        Err(error) => {
            let (message, hint) = (shown(&error.message), shown(&error.hint));
            match goal_mut(state).filter(|goal| goal.goal.text() == launch.goal) {
                Some(goal) => goal.progress = Progress::Refused { message, hint },
                None => toast(state, world, Tone::Bad, message, hint),
            }
            Vec::new()
        }
    }
}

fn read(state: &mut State, world: &World<'_>, more: Result<bool, ClientError>) -> Reading {
    match more {
        Ok(true) => Reading::More,
        Ok(false) => Reading::Complete,
        Err(error) => {
            unread(state, world, &error);
            Reading::More
        }
    }
}

/// Whether something was read, and not only asked for.
fn was_read(reply: &Reply) -> bool {
    match reply {
        Reply::RunRead { result, .. } => result.is_ok(),
        Reply::LogRead { result, .. } => result.is_ok(),
        Reply::RunsRead(result) => result.is_ok(),
        Reply::ApprovalsRead(result) => result.is_ok(),
        Reply::ArgumentsRead { result, .. } => result.is_ok(),
        Reply::Submitted { .. }
        | Reply::DocumentWritten { .. }
        | Reply::ChartRead { .. }
        | Reply::PaymentLinkRead(_)
        | Reply::Offered(_)
        | Reply::Prepared { .. }
        | Reply::Completed { .. }
        | Reply::Edited { .. }
        | Reply::Copied(_)
        | Reply::ThemeUsed(_)
        | Reply::Unlocked(_) => false,
    }
}

fn say(state: &mut State, world: &World<'_>, tone: Tone, text: String) -> Vec<Request> {
    toast(state, world, tone, text, "");
    Vec::new()
}

fn goal_mut(state: &mut State) -> Option<&mut Goal> {
    match &mut state.sheet {
        Some(Sheet::Goal(goal)) => Some(goal),
        _ => None,
    }
}
