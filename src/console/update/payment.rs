//! Asking for a link to pay at, and putting it away.

use super::Request;
use crate::console::state::{Payment, Screen, ShownLink, State};
use crate::ports::ClientError;

/// Asks for it; where it is shown, it is put away.
pub(super) fn ask(state: &mut State) -> Vec<Request> {
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
