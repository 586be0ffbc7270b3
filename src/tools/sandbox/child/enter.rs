//! The process that goes inside: it builds the walls that are still missing around itself, then becomes the target.
//!
//! Each step that fails ends it. It says `ready` only when every wall stands, so that no report can claim a
//! confined start that was not one.

use std::fs::File;
use std::io;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::seccomp::{NamelessMemory, Surroundings};
use super::{landlock, seccomp};
use crate::tools::sandbox::ResourceLimits;
use crate::tools::sandbox::order::{Entry, Walls};

/// What the supervisor waits for: all walls stand, the target comes next.
pub(super) const READY: &str = "ready\n";
/// Exit codes a shell uses for a program that does not exist, and for one that cannot be executed.
const NO_SUCH_PROGRAM: u8 = 127;
const CANNOT_EXECUTE: u8 = 126;
/// Threads allowed for each process, on average.
const THREADS_PER_PROCESS: u64 = 8;

/// Reads an entry from standard input; returns only when the target could not be reached.
pub(super) fn run() -> ExitCode {
    let Ok(status) = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3) else {
        return ExitCode::FAILURE;
    };
    let mut status = File::from(status);
    let (message, code) = match enter() {
        Err(message) => (message, CANNOT_EXECUTE),
        Ok(mut target) => {
            if status.write_all(READY.as_bytes()).is_err() {
                return ExitCode::FAILURE;
            }
            let error = target.exec();
            let code = if error.kind() == io::ErrorKind::NotFound { NO_SUCH_PROGRAM } else { CANNOT_EXECUTE };
            (format!("{}: {error}", target.get_program().to_string_lossy()), code)
        }
    };
    // Nobody else could be told.
    let _ = status.write_all(message.as_bytes());
    ExitCode::from(code)
}

/// Everything up to the last step.
fn enter() -> Result<Command, String> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text).map_err(named("reading the order"))?;
    let entry: Entry = serde_json::from_slice(&text).map_err(|error| format!("unreadable order: {error}"))?;
    let (program, arguments) = entry.argv.split_first().ok_or("no program given")?;
    standard_streams().map_err(named("standard streams"))?;
    std::env::set_current_dir(&entry.cwd).map_err(|error| format!("{}: {error}", entry.cwd.display()))?;
    // A session of its own: no controlling terminal, and signals to its group reach nobody else.
    rustix::process::setsid().map_err(named("a new session"))?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(named("tying to the parent"))?;
    limit(&entry.limits).map_err(named("resource limits"))?;
    drop_privileges().map_err(named("dropping privileges"))?;
    let memory = if entry.memory_is_counted { NamelessMemory::Counted } else { NamelessMemory::Uncounted };
    match &entry.walls {
        Walls::Namespaces => seccomp::restrict(Surroundings::Namespaces, memory)?,
        Walls::Divided(access) => {
            landlock::restrict(access)?;
            seccomp::restrict(Surroundings::Namespaces, memory)?;
        }
        Walls::Landlock(access) => {
            landlock::restrict(access)?;
            seccomp::restrict(Surroundings::Bare, memory)?;
        }
    }
    let mut target = Command::new(program);
    target.args(arguments).env_clear().envs(&entry.env);
    Ok(target)
}

fn named<E: std::fmt::Display>(step: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{step}: {error}")
}

/// Nothing to read; output and errors into one pipe, in the order they are written.
fn standard_streams() -> io::Result<()> {
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stderr(rustix::stdio::stdout())?;
    Ok(())
}

fn limit(limits: &ResourceLimits) -> io::Result<()> {
    // The kernel counts threads, and those of the user's other programs too, so this is only a brake on runaway
    // forking (and none for root, whom the kernel never stops); the supervisor counts exactly.
    let tasks = tasks_on_this_machine() + u64::from(limits.processes) * THREADS_PER_PROCESS;
    let pairs = [
        (Resource::Core, 0),
        (Resource::Data, limits.memory_bytes),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Nofile, limits.open_files),
        (Resource::Nproc, tasks),
    ];
    for (resource, wanted) in pairs {
        let most = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let value = Some(wanted.min(most));
        rustix::process::setrlimit(resource, Rlimit { current: value, maximum: value })?;
    }
    Ok(())
}

/// The number after the slash in `/proc/loadavg`.
fn tasks_on_this_machine() -> u64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let tasks = text.split_whitespace().nth(3).and_then(|field| field.split('/').nth(1)?.parse().ok());
    tasks.unwrap_or(4_096)
}

/// No capability now, and none by starting a program with set-user-id or file capabilities.
fn drop_privileges() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(())
}
