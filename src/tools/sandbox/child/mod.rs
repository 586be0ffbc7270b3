//! The helper processes: this program, started again under a hidden name. One keeps watch, one keeps watch over that,
//! one goes inside, and one ties what runs outside the walls to our life.
//!
//! They talk JSON over pipes, never print, and hold nothing of the console: no store, no settings, no threads.

mod calls;
mod descriptors;
mod enter;
mod family;
mod group;
mod guard;
mod landlock;
mod memory;
mod seccomp;
mod supervise;
mod tether;

use std::process::ExitCode;

use super::ENTER;
use super::GUARD;
use super::SUPERVISE;
use super::TETHER;

pub(super) use landlock::is_supported as landlock_is_supported;

/// Runs the part named by the hidden first argument; `None` when it is not one.
pub(super) fn run(part: &str) -> Option<ExitCode> {
    match part {
        GUARD => Some(guard::run()),
        SUPERVISE => Some(supervise::run()),
        ENTER => Some(enter::run()),
        TETHER => Some(tether::run()),
        _ => None,
    }
}
