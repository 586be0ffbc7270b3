//! The process that leaves the machine's namespaces: it makes its own, becomes the one user in them, and starts the
//! first process inside. That one must be another, because who makes a namespace of processes does not enter it.

use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};

use nix::sched::CloneFlags;
use rustix::process::{DumpableBehavior, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::tools::sandbox::part::ROOT;

/// What the first process needs to build its root and to raise its network's one interface.
const NEEDED: [CapabilitySet; 2] = [CapabilitySet::SYS_ADMIN, CapabilitySet::NET_ADMIN];

/// The argument is the plan of the root, handed on. Standard streams are the target's.
pub(super) fn run() -> ExitCode {
    match divide() {
        Ok(status) => ExitCode::from(code_of(status)),
        Err(message) => {
            use std::io::Write;
            // Nobody else could be told.
            let _ = write!(std::io::stderr(), "namespaces: {message}");
            ExitCode::FAILURE
        }
    }
}

fn divide() -> Result<ExitStatus, String> {
    let plan: OsString = std::env::args_os().nth(2).ok_or("no plan of the root")?;
    let parent = rustix::process::getppid();
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let all = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    nix::sched::unshare(all).map_err(failed("making them"))?;
    // Nobody but this user exists inside, under the same number.
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{user} {user} 1")),
        ("gid_map", format!("{group} {group} 1")),
    ] {
        fs::write(format!("/proc/self/{file}"), text).map_err(failed(file))?;
    }
    rustix::system::sethostname(b"sandbox").map_err(failed("a host name"))?;
    keep_over_exec().map_err(failed("capabilities"))?;
    // The kernel forgets this when privileges change, so it comes after they have.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed("tying to the parent"))?;
    if rustix::process::getppid() != parent {
        return Err("the supervisor is gone".to_owned());
    }
    // Once the first process has moved, this one has another root too.
    let nothing = nothing().map_err(failed("/dev/null"))?;
    let mut first = Command::new("/proc/self/exe");
    let mut first = first.arg(ROOT).arg(plan).env_clear().spawn().map_err(failed("the first process"))?;
    stand_back(&nothing).map_err(failed("standing back"))?;
    first.wait().map_err(failed("waiting"))
}

fn failed<E: std::fmt::Display>(step: &str) -> impl Fn(E) -> String {
    move |error| format!("{step}: {error}")
}

/// A user who is not root loses all capabilities with the next program, unless these are ambient.
fn keep_over_exec() -> rustix::io::Result<()> {
    let all = NEEDED.into_iter().collect::<CapabilitySet>();
    let sets = CapabilitySets { effective: all, permitted: all, inheritable: all };
    rustix::thread::set_capabilities(None, sets)?;
    for capability in NEEDED {
        rustix::thread::configure_capability_in_ambient_set(capability, true)?;
    }
    Ok(())
}

/// For a process that only waits: nothing in it can be used, by itself or by another, and it holds no pipe open.
pub(super) fn stand_back(nothing: &File) -> std::io::Result<()> {
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::stdio::dup2_stdin(nothing)?;
    rustix::stdio::dup2_stdout(nothing)?;
    Ok(())
}

/// What reads as empty and forgets what is written.
pub(super) fn nothing() -> std::io::Result<File> {
    File::options().read(true).write(true).open("/dev/null")
}

/// As shells do: a signal is 128 and its number.
pub(super) fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
