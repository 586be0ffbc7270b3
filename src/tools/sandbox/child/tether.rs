//! The process that ties a program outside the walls to ours: it starts the program and hands its exit code on. When
//! our process is gone before that, it kills the program and everything the program started.
//!
//! It confines nothing, and waits without waking up.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::process::{Command, ExitCode};

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags};

use super::{descriptors, divide, family};

/// The exit code a shell uses for a program that cannot be executed.
const CANNOT_EXECUTE: u8 = 126;

/// Arguments: our process, the program, its arguments. Standard streams and environment are the program's.
pub(super) fn run() -> ExitCode {
    match hold(std::env::args_os().skip(2)) {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            use std::io::Write;
            // Nobody else could be told.
            let _ = writeln!(std::io::stderr(), "{message}");
            ExitCode::from(CANNOT_EXECUTE)
        }
    }
}

fn hold(mut arguments: impl Iterator<Item = OsString>) -> Result<u8, String> {
    let owner =
        arguments.next().and_then(|text| Pid::from_raw(text.to_str()?.parse().ok()?)).ok_or("tied to nobody")?;
    let program = arguments.next().ok_or("nothing to start")?;
    // The kernel's own parent-death signal goes by the thread that started us, and threads come and go.
    let gone = rustix::process::pidfd_open(owner, PidfdFlags::empty());
    let gone = gone.map_err(|error| format!("watching process {}: {error}", owner.as_raw_nonzero()))?;
    // Its number may have been given away before it was looked at.
    if rustix::process::getppid() != Some(owner) {
        return Err("the process that wanted this is gone; nothing was started".to_owned());
    }
    rustix::process::set_child_subreaper(Pid::from_raw(1)).map_err(|error| format!("adopting orphans: {error}"))?;
    descriptors::close_inherited_on_exec().map_err(|error| format!("closing descriptors: {error}"))?;
    let started = Command::new(&program).args(arguments).spawn();
    let mut child = started.map_err(|error| format!("{}: {error}", program.to_string_lossy()))?;
    let ended = rustix::process::pidfd_open(Pid::from_child(&child), PidfdFlags::empty());
    let outlived = ended.map_err(|error| error.to_string()).and_then(|ended| first_is_owner(&gone, &ended));
    if !matches!(outlived, Ok(false)) {
        family::kill();
        return Err("the process that wanted this is gone, so it was stopped".to_owned());
    }
    child.wait().map(divide::code_of).map_err(|error| format!("waiting for {}: {error}", program.to_string_lossy()))
}

/// Waits for either process to end; whether it was the one the program is tied to.
fn first_is_owner(gone: &impl AsFd, ended: &impl AsFd) -> Result<bool, String> {
    let mut sources = [PollFd::new(ended, PollFlags::IN), PollFd::new(gone, PollFlags::IN)];
    loop {
        match rustix::event::poll(&mut sources, None) {
            Err(rustix::io::Errno::INTR) | Ok(0) => {}
            Err(error) => return Err(error.to_string()),
            // A program that ended in the same moment has done what it did.
            Ok(_) => return Ok(sources[0].revents().is_empty()),
        }
    }
}
