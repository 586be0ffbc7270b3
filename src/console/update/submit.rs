//! Sending a command, or saying why not.

use super::request::Request;
use super::world::World;
use crate::console::state::{State, Toast, Tone};
use crate::domain::Untrusted;
use crate::kinds::Command;

/// Says something in one line for a while.
pub fn toast(state: &mut State, world: &World<'_>, tone: Tone, text: impl Into<String>, hint: impl Into<String>) {
    state.toast = Some(Toast::new(tone, text, hint, world.uptime));
}

/// A command to send, unless nothing may be decided here now; then the reason is said.
pub fn submit(state: &mut State, world: &World<'_>, command: Command, done: String) -> Vec<Request> {
    if let Some(hint) = world.status.observe.hint() {
        toast(state, world, Tone::Bad, "this console is read-only", hint);
        return Vec::new();
    }
    if let Some(reason) = &state.store_down {
        let text = format!("not saved: {}", Untrusted::from(reason.as_str()).visible());
        toast(state, world, Tone::Bad, text, "nothing can be decided or started until the store takes writes again");
        return Vec::new();
    }
    vec![Request::Submit { command: Box::new(command), done }]
}
