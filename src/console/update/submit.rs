//! Sending a command, or saying why not.

use super::request::Request;
use super::toasts::toast_about;
use super::world::World;
use crate::console::state::{Matter, State, Tone};
use crate::domain::Untrusted;
use crate::kinds::Command;

/// A command to send, unless nothing may be decided here now; then the reason is said.
pub fn submit(state: &mut State, world: &World<'_>, command: Command, done: String) -> Vec<Request> {
    if let Some(hint) = world.status.observe.hint() {
        toast_about(state, world, Matter::Observing, Tone::Bad, "this console is read-only", hint);
        return Vec::new();
    }
    if let Some(reason) = &state.store_down {
        let text = format!("not saved: {}", Untrusted::from(reason.as_str()).visible());
        let hint = "nothing can be decided or started until the store takes writes again";
        toast_about(state, world, Matter::Store, Tone::Bad, text, hint);
        return Vec::new();
    }
    vec![Request::Submit { command: Box::new(command), done }]
}
