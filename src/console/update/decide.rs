//! Decisions on cards. Each is refused, with the reason, until the card could be read as it is.
//!
//! Approving and settling want every row of what will run to have been on the terminal; denying and answering
//! only that the card was there long enough to be the one that is meant.

use super::toasts::toast_about;
use super::{Pressed, Request, World, submit, toast};
use crate::console::intent::Intent;
use crate::console::state::{
    Direction, Evidence, Extent, Loading, Matter, Prompt, PromptFor, Readiness, Sheet, State, Tone,
};
use crate::domain::{ApprovalId, Ask, Settlement, Untrusted};
use crate::kinds::{Approval, ApprovalVerb, Command};

/// How well a card must have been seen for a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// All of what will run was on the terminal.
    Read,
    /// It was on the terminal for long enough.
    Seen,
}

/// Shows all there is to know of the card, or the card alone. The history of its run is read for that where no page of
/// the run did so before.
pub fn everything(state: &mut State, world: &World<'_>) -> Vec<Request> {
    let Some(review) = state.review_mut() else { return Vec::new() };
    review.extent = match review.extent {
        Extent::Card => Extent::Everything,
        Extent::Everything => Extent::Card,
    };
    let Some(approval) = world.snapshot.approvals.get(&review.approval) else { return Vec::new() };
    let is_here = world.snapshot.threads.contains_key(&approval.run);
    let is_asked = matches!(&review.evidence, Some(Evidence { loading: Loading::Asked, .. }));
    if review.extent == Extent::Card || is_here || is_asked {
        return Vec::new();
    }
    review.evidence = Some(Evidence { run: approval.run, loading: Loading::Asked });
    vec![Request::ReadRun(approval.run)]
}

pub fn approve(state: &mut State, world: &World<'_>, pressed: Pressed) -> Vec<Request> {
    let Some(approval) = decidable(state, world, Care::Read, pressed) else { return Vec::new() };
    if let Some(target) = approval.ask.type_to_approve() {
        let wanted = PromptFor::Target { approval: approval.id, target };
        state.sheet = Some(Sheet::Prompt(Box::new(Prompt::new(wanted, ""))));
        return Vec::new();
    }
    send_approval(state, world, approval)
}

/// Approves a critical card whose target was typed out.
pub fn approve_typed(state: &mut State, world: &World<'_>, wanted: ApprovalId, pressed: Pressed) -> Vec<Request> {
    match decidable(state, world, Care::Read, pressed) {
        Some(approval) if approval.id == wanted => {
            state.sheet = None;
            send_approval(state, world, approval)
        }
        _ => Vec::new(),
    }
}

pub fn deny(state: &mut State, world: &World<'_>, pressed: Pressed) -> Vec<Request> {
    match decidable(state, world, Care::Seen, pressed) {
        Some(approval) => send_denial(state, world, approval, ""),
        None => Vec::new(),
    }
}

pub fn ask_reason(state: &mut State, world: &World<'_>, pressed: Pressed) -> Vec<Request> {
    if let Some(approval) = decidable(state, world, Care::Seen, pressed) {
        state.sheet = Some(Sheet::Prompt(Box::new(Prompt::new(PromptFor::Reason(approval.id), ""))));
    }
    Vec::new()
}

/// Denies with the reason that was typed.
pub fn deny_because(state: &mut State, world: &World<'_>, id: ApprovalId, reason: &str) -> Vec<Request> {
    match open_approval(state, world, id) {
        Some(approval) => send_denial(state, world, approval, reason),
        None => Vec::new(),
    }
}

pub fn ask_answer(state: &mut State, world: &World<'_>, pressed: Pressed) -> Vec<Request> {
    if let Some(approval) = decidable(state, world, Care::Seen, pressed) {
        state.sheet = Some(Sheet::Prompt(Box::new(Prompt::new(PromptFor::Answer(approval.id), ""))));
    }
    Vec::new()
}

/// Answers with what was typed; a number alone means the choice with that number.
pub fn answer(state: &mut State, world: &World<'_>, id: ApprovalId, text: &str) -> Vec<Request> {
    let Some(approval) = open_approval(state, world, id) else { return Vec::new() };
    let Ask::Question { choices, .. } = &approval.ask else { return Vec::new() };
    let numbered = text.trim().parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
    let text = numbered.cloned().unwrap_or_else(|| text.trim().into());
    if text.is_empty() {
        toast(state, world, Tone::Bad, "an answer needs at least a word", "esc leaves the question open");
        return Vec::new();
    }
    decide(state, world, approval, ApprovalVerb::Answer { text }.on(id), "answered".to_owned())
}

pub fn settle(state: &mut State, world: &World<'_>, intent: Intent, pressed: Pressed) -> Vec<Request> {
    let (settlement, care, done) = match intent {
        Intent::SettleHappened => (Settlement::Happened, Care::Read, "settled: it happened"),
        Intent::SettleRetry => (Settlement::Retry, Care::Read, "settled: it is tried again"),
        _ => (Settlement::GiveUp, Care::Seen, "settled: the run continues without it"),
    };
    let Some(approval) = decidable(state, world, care, pressed) else { return Vec::new() };
    let command = ApprovalVerb::Settle { settlement, note: Untrusted::default() }.on(approval.id);
    decide(state, world, approval, command, done.to_owned())
}

fn send_approval(state: &mut State, world: &World<'_>, approval: &Approval) -> Vec<Request> {
    // The digest of what was painted, not of what the snapshot holds: should they differ, the engine refuses.
    let Some(digest) = state.review().and_then(|review| review.digest()).map(|digest| digest.0.clone()) else {
        return Vec::new();
    };
    let command = ApprovalVerb::Approve { digest }.on(approval.id);
    decide(state, world, approval, command, format!("approved: {}", in_words(approval)))
}

fn send_denial(state: &mut State, world: &World<'_>, approval: &Approval, reason: &str) -> Vec<Request> {
    let command = ApprovalVerb::Deny { reason: reason.trim().into() }.on(approval.id);
    decide(state, world, approval, command, format!("denied: {}", in_words(approval)))
}

pub fn decide(
    state: &mut State,
    world: &World<'_>,
    approval: &Approval,
    command: Command,
    done: String,
) -> Vec<Request> {
    let requests = submit(state, world, command, done);
    if !requests.is_empty() {
        state.deciding.insert(approval.id);
        state.outcomes.await_call(approval.run, approval.call, approval.id);
    }
    requests
}

/// The request as a toast names it: `push origin/fix-parser`.
fn in_words(approval: &Approval) -> String {
    match &approval.ask {
        Ask::Effect { card } | Ask::InDoubt { card, .. } => {
            let target = card.targets.first().map(|target| target.visible()).unwrap_or_default();
            format!("{} {target}", Untrusted::from(card.verb.as_str()).visible()).trim_end().to_owned()
        }
        Ask::Question { .. } => "the question".to_owned(),
    }
}

/// The card that is open, if a decision may be made on it now; otherwise says why not.
pub fn decidable<'a>(state: &mut State, world: &World<'a>, care: Care, pressed: Pressed) -> Option<&'a Approval> {
    let review = state.review()?;
    let id = review.approval;
    let readiness = review.readiness(pressed.at, pressed.before);
    let refusal = match (readiness, care) {
        (Readiness::Ready, _) => None,
        (Readiness::Unread(_), Care::Seen) => review.was_seen(pressed.at, pressed.before),
        (other, _) => Some(other),
    };
    let lies = review.unread_lies();
    let approval = open_approval(state, world, id)?;
    let (text, hint) = match refusal {
        None => return Some(approval),
        Some(Readiness::Unread(rows)) => {
            let hint = match lies {
                Direction::Up => "scroll up and read it first",
                Direction::Down => "scroll down and read it first",
            };
            (format!("{rows} rows have not been on the screen yet"), hint)
        }
        Some(Readiness::Hasty) => {
            ("that key followed another too quickly, so it decided nothing".to_owned(), "press it again")
        }
        Some(Readiness::TooSoon | Readiness::Ready) => {
            ("the card had only just appeared, so that key decided nothing".to_owned(), "read it, then press again")
        }
    };
    match refusal {
        Some(Readiness::Unread(_)) => toast_about(state, world, Matter::Unread, Tone::Note, text, hint),
        _ => toast(state, world, Tone::Note, text, hint),
    }
    None
}

/// The request, unless it was decided meanwhile or a decision is on its way.
pub fn open_approval<'a>(state: &mut State, world: &World<'a>, id: ApprovalId) -> Option<&'a Approval> {
    let approval = world.snapshot.approvals.get(&id)?;
    if !approval.state.is_open() {
        let by = approval.decided_by.as_ref().map(|by| format!(" by {}", Untrusted::from(by.name()).visible()));
        let text = format!("already {}{}", approval.state, by.unwrap_or_default());
        toast(state, world, Tone::Note, text, "");
        return None;
    }
    if state.deciding.contains(&id) {
        toast(state, world, Tone::Note, "the decision is on its way", "");
        return None;
    }
    Some(approval)
}
