//! How a program ended, in words and as the result of a tool.

use std::fmt;
use std::time::Duration;

use crate::domain::{FailureKind, Output, ToolResult, Untrusted};
use crate::tools::sandbox::{Report, Stop};

/// A program's end and everything it printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    pub ending: Ending,
    pub output: Output,
    pub took: Duration,
    /// What it left in the workspace that must not stay there, and what became of it.
    pub left: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Exited(i32),
    /// By the number of the signal.
    Signalled(i32),
    Limit(Limit),
    Cancelled,
    /// It was confined, but there is no such program or it is not executable.
    NotExecutable {
        reason: String,
    },
    /// It could not be confined, so nothing ran.
    Unconfined {
        reason: String,
    },
    /// The supervisor vanished: it may have run.
    Lost {
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Time,
    Output,
    Memory,
    Processes,
    FileSize,
    Disk,
}

impl Limit {
    fn sentence(self) -> &'static str {
        match self {
            Self::Time => "stopped: it took too long",
            Self::Output => "stopped: it printed too much",
            Self::Memory => "stopped: it used too much memory",
            Self::Processes => "stopped: it started too many processes",
            Self::FileSize => "stopped: it wrote too large a file",
            Self::Disk => "stopped: the workspace's disk is almost full",
        }
    }
}

impl Ending {
    pub(super) fn of(report: Result<Report, String>) -> Self {
        let report = match report {
            Ok(report) => report,
            Err(reason) => return Self::Lost { reason },
        };
        match report.stop {
            Stop::TooManyProcesses => Self::Limit(Limit::Processes),
            Stop::TooMuchMemory => Self::Limit(Limit::Memory),
            Stop::DiskFull => Self::Limit(Limit::Disk),
            Stop::Told => Self::Cancelled,
            _ if !report.started && report.message.is_empty() => {
                Self::Unconfined { reason: format!("{:?}", report.stop) }
            }
            _ if !report.started => Self::Unconfined { reason: report.message },
            Stop::Exited(126 | 127) if !report.message.is_empty() => Self::NotExecutable { reason: report.message },
            Stop::Exited(code) => Self::Exited(code),
            Stop::Signalled(SIGXFSZ) => Self::Limit(Limit::FileSize),
            Stop::Signalled(signal) => Self::Signalled(signal),
            Stop::Failed => Self::Lost { reason: report.message },
        }
    }

    pub fn succeeded(&self) -> bool {
        *self == Self::Exited(0)
    }

    /// What kind of failure it is; `None` for a clean exit.
    pub fn failure(&self) -> Option<FailureKind> {
        match self {
            Self::Exited(0) => None,
            Self::Exited(_) | Self::Signalled(_) | Self::NotExecutable { .. } | Self::Lost { .. } => {
                Some(FailureKind::Failed)
            }
            Self::Limit(_) => Some(FailureKind::Limit),
            Self::Cancelled => Some(FailureKind::Cancelled),
            Self::Unconfined { .. } => Some(FailureKind::Unconfined),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit {code}"),
            Self::Signalled(signal) => write!(f, "killed by {}", signal_name(*signal)),
            Self::Limit(limit) => f.write_str(limit.sentence()),
            Self::Cancelled => f.write_str("cancelled"),
            Self::NotExecutable { reason } => write!(f, "cannot be executed: {reason}"),
            Self::Unconfined { reason } => write!(f, "not run, because it cannot be confined: {reason}"),
            Self::Lost { reason } => write!(f, "lost sight of it: {reason}"),
        }
    }
}

impl Finished {
    /// What a tool says of it, with what it left behind.
    pub fn summary(&self, said: String) -> Untrusted {
        Untrusted::new(self.left.iter().fold(said, |said, left| format!("{said}; {left}")))
    }

    /// As a tool that only runs it reports it.
    pub fn into_result(self) -> ToolResult {
        let summary = match &self.ending {
            Ending::Unconfined { .. } | Ending::NotExecutable { .. } => self.ending.to_string(),
            other => format!("{other}, {:.1} s", self.took.as_secs_f64()),
        };
        ToolResult {
            failure: self.ending.failure(),
            summary: self.summary(summary),
            output: self.output,
            diff: None,
            data: None,
        }
    }
}

/// The kernel's answer to a file beyond its limit.
const SIGXFSZ: i32 = 25;

/// Names of the signals, by number, as on x86-64 and AArch64.
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
];

fn signal_name(signal: i32) -> String {
    let known = usize::try_from(signal - 1).ok().and_then(|index| SIGNALS.get(index));
    known.map_or_else(|| format!("signal {signal}"), |name| format!("SIG{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(started: bool, stop: Stop, message: &str) -> Ending {
        Ending::of(Ok(Report { started, stop, message: message.to_owned() }))
    }

    #[test]
    fn signals_have_their_names() {
        assert_eq!(Ending::Signalled(11).to_string(), "killed by SIGSEGV");
        assert_eq!(Ending::Signalled(31).to_string(), "killed by SIGSYS");
        assert_eq!(Ending::Signalled(40).to_string(), "killed by signal 40");
    }

    #[test]
    fn what_was_never_confined_never_ran() {
        let ending = report(false, Stop::Exited(1), "bwrap: no permission");
        assert_eq!(ending.failure(), Some(FailureKind::Unconfined));
        assert!(ending.to_string().contains("bwrap: no permission"));
    }

    #[test]
    fn a_missing_program_is_told_from_one_that_exits_the_same() {
        assert!(matches!(report(true, Stop::Exited(127), "nope: not found"), Ending::NotExecutable { .. }));
        assert_eq!(report(true, Stop::Exited(127), ""), Ending::Exited(127));
    }
}
