//! Finds out which rungs work here, by confining a program that does nothing, and words it for `doctor`.

use std::time::Duration;

use super::confinement::{Confinement, ResourceLimits};
use super::ladder::{LADDER, Ladder, Rung};
use super::launch::launch;
use super::order::Stop;
use super::target::Target;
use crate::domain::RungChoice;

/// What `doctor` shows of the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxReport {
    /// The rung programs run on.
    pub rung: Rung,
    pub checks: Vec<Check>,
    /// What the rung in use does not keep apart, in sentences; empty for the best one.
    pub weaknesses: Vec<&'static str>,
}

/// One rung, tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    /// What is wrong and what to do about it, when it does not work.
    pub problem: Option<Problem>,
}

/// Why a rung does not work, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub what: String,
    pub hint: &'static str,
}

/// Longest a probe may take; a working one takes some 10 ms.
const PATIENCE: Duration = Duration::from_secs(5);
/// A code nothing else on the way would return.
const PROOF: i32 = 87;

const INSTALL_BUBBLEWRAP: &str = "install bubblewrap (Debian, Ubuntu, Fedora, Arch: package `bubblewrap`)";
const ALLOW_NAMESPACES: &str = "allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, or \
                                kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu), or run outside a container \
                                that forbids them";
const NEWER_KERNEL: &str = "Linux 6.12 or later with `landlock` in the lsm= list, or install bubblewrap";
const CHOSEN: &str = "the configuration excludes it; change the sandbox setting to use it";

const LANDLOCK_WEAKNESSES: &[&str] = &[
    "no sockets, shared memory or watching of files, so programs that talk to themselves over localhost fail, and others \
     look again and again",
    "programs can see that your hidden files exist (names, sizes, times), such as those in ~/.ssh, but not read them",
    "programs can change the modes and times (not the contents) of your files outside the workspace",
    "programs can see the names and command lines of other processes (not their memory or environment), and that there \
     is shared memory",
    "there is no /tmp and no /dev/shm; TMPDIR leads to a private directory",
];

/// The best rung that is allowed and works.
pub(super) async fn find_rung(ladder: &Ladder) -> Rung {
    let mut reasons = Vec::new();
    for rung in LADDER {
        match attempt(ladder, &rung).await {
            Ok(()) => return rung,
            Err(problem) => reasons.push(format!("{}: {}", rung.name(), problem.what)),
        }
    }
    Rung::None { reason: reasons.join("; ") }
}

pub(super) async fn report(ladder: &Ladder, rung: &Rung) -> SandboxReport {
    let mut checks = Vec::new();
    for rung in LADDER {
        checks.push(Check { name: rung.name(), problem: attempt(ladder, &rung).await.err() });
    }
    let weaknesses = if *rung == Rung::LandlockSeccomp { LANDLOCK_WEAKNESSES.to_vec() } else { Vec::new() };
    SandboxReport { rung: rung.clone(), checks, weaknesses }
}

async fn attempt(ladder: &Ladder, rung: &Rung) -> Result<(), Problem> {
    let problem = |what: &str, hint| Problem { what: what.to_owned(), hint };
    let excluded = match ladder.choice {
        RungChoice::Best => false,
        RungChoice::Bubblewrap => *rung != Rung::Bubblewrap,
        RungChoice::Namespaces => *rung != Rung::Namespaces,
        RungChoice::Landlock => *rung != Rung::LandlockSeccomp,
        RungChoice::Refuse => true,
    };
    if excluded {
        return Err(problem("excluded by the configuration", CHOSEN));
    }
    if *rung == Rung::Bubblewrap {
        ladder.bubblewrap().ok_or_else(|| problem("not installed", INSTALL_BUBBLEWRAP))?;
    } else {
        landlock_is_supported().map_err(|what| Problem { what, hint: NEWER_KERNEL })?;
    }
    let hint = if *rung == Rung::LandlockSeccomp { NEWER_KERNEL } else { ALLOW_NAMESPACES };
    let tried = tokio::time::timeout(PATIENCE, confine_nothing(ladder, rung)).await;
    tried.unwrap_or_else(|_| Err("no answer in 5 seconds".to_owned())).map_err(|what| Problem { what, hint })
}

/// Confines a shell that only ends, in a directory made for it.
async fn confine_nothing(ladder: &Ladder, rung: &Rung) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let (workspace, scratch) = (tempfile::tempdir().map_err(text)?, tempfile::tempdir().map_err(text)?);
    let argv = ["/bin/sh".to_owned(), "-c".to_owned(), format!("exit {PROOF}")];
    let target = Target { argv: &argv, cwd: workspace.path(), env: &[], scratch: scratch.path() };
    let confinement = Confinement {
        writable: vec![workspace.path().to_owned()],
        protected: Vec::new(),
        readable: ladder.machine.readable(),
        hidden: ladder.machine.secrets(),
        env: ladder.machine.environment(),
        limits: ResourceLimits { free_disk_bytes: 0, ..ResourceLimits::default() },
    };
    let order = ladder.order_on(rung, &confinement, target)?;
    let (_supervisor, _lifeline, _output, report) = launch(&ladder.helper, &order).await.map_err(text)?.into_parts();
    let report = report.await?;
    match report.stop {
        Stop::Exited(PROOF) if report.started => Ok(()),
        other if report.message.is_empty() => Err(format!("a trial program ended with {other:?}")),
        _ => Err(report.message),
    }
}

#[cfg(target_os = "linux")]
fn landlock_is_supported() -> Result<(), String> {
    super::child::landlock_is_supported()
}

#[cfg(not(target_os = "linux"))]
fn landlock_is_supported() -> Result<(), String> {
    Err("Landlock exists on Linux only".to_owned())
}
