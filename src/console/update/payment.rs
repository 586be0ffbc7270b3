//! Asking for a link to pay at, and putting it away.

use super::toasts::toast_about;
use super::{Request, World};
use crate::console::state::{Matter, Payment, Screen, ShownLink, State, Tone};
use crate::ports::ClientError;

/// Asks for it; where it is shown, it is put away.
pub(super) fn ask(state: &mut State, world: &World<'_>) -> Vec<Request> {
    // Behind it, a plan is changed and cards are kept.
    if let Some(hint) = world.status.observe.hint() {
        toast_about(state, world, Matter::Observing, Tone::Bad, "this console is read-only", hint);
        return Vec::new();
    }
    if state.payment != Payment::Closed {
        state.payment = Payment::Closed;
        return Vec::new();
    }
    state.payment = Payment::Asked;
    vec![Request::ReadPaymentLink]
}

/// One that comes after the person has left is dropped.
pub(super) fn read(state: &mut State, result: Result<ShownLink, ClientError>) {
    if state.payment != Payment::Asked || state.screen != Screen::Billing {
        return;
    }
    state.payment = match result {
        Ok(link) => Payment::Shown(link),
        Err(ClientError { message, hint }) if hint.is_empty() => Payment::Failed(message),
        Err(ClientError { message, hint }) => Payment::Failed(format!("{message}; {hint}")),
    };
}
