//! The helper processes: this program, started again under a hidden name. One keeps watch and one keeps watch over
//! that, two make namespaces and what is in them, one goes inside, and one ties what runs outside the walls to our life.
//!
//! They talk JSON over pipes, never print, and hold nothing of the console: no store, no settings, no threads.

mod calls;
mod descriptors;
mod divide;
mod enter;
mod family;
mod group;
mod guard;
mod landlock;
mod loopback;
mod memory;
mod root;
mod seccomp;
mod supervise;
mod tether;

use std::process::ExitCode;

use super::part::{DIVIDE, ENTER, GUARD, ROOT, SUPERVISE, TETHER};

pub(super) use landlock::is_supported as landlock_is_supported;

/// Runs the part named by the hidden first argument; `None` when it is not one.
pub(super) fn run(part: &str) -> Option<ExitCode> {
    match part {
        GUARD => Some(guard::run()),
        SUPERVISE => Some(supervise::run()),
        DIVIDE => Some(divide::run()),
        ROOT => Some(root::run()),
        ENTER => Some(enter::run()),
        TETHER => Some(tether::run()),
        _ => None,
    }
}
