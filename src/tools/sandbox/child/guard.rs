//! The process above the supervisor. Whatever ends the supervisor, its family comes to this one and ends here; the
//! supervisor ends it all should this one go first. It reads nothing and says nothing.

use std::io;
use std::process::{Command, ExitCode};

use rustix::process::Pid;

use super::{descriptors, divide, family, group};
use crate::tools::sandbox::part::SUPERVISE;

/// Starts the supervisor on our own standard streams and waits for its end.
pub(super) fn run() -> ExitCode {
    match guard() {
        Ok(code) => code,
        Err(error) => {
            use std::io::Write;
            // Nobody else could be told.
            let _ = write!(io::stderr(), "starting the supervisor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn guard() -> io::Result<ExitCode> {
    // A key in our terminal must not reach us.
    rustix::process::setsid()?;
    rustix::process::set_child_subreaper(Pid::from_raw(1))?;
    descriptors::close_inherited_on_exec()?;
    let mut supervisor = Command::new("/proc/self/exe").arg(SUPERVISE).env_clear().spawn()?;
    // The pipes are the supervisor's alone: who holds the other ends must see when it lets go.
    let nothing = divide::nothing()?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    let status = supervisor.wait();
    family::kill();
    group::remove(supervisor.id());
    Ok(if status?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
