//! The sandbox: the ladder bubblewrap → our own namespaces → Landlock with seccomp → refuse, and the report `doctor`
//! shows of it.
//!
//! One description, [`Confinement`], has three back-ends. Nothing here runs a program unconfined: where no rung
//! works, nothing runs. The processes that confine themselves live in `child`, the programs are started by
//! `tools::process`.

mod bubblewrap;
#[cfg(target_os = "linux")]
mod child;
mod confinement;
mod launch;
mod layout;
mod machine;
mod namespaces;
mod order;
mod probe;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tokio::sync::OnceCell;

pub use confinement::{Confinement, ResourceLimits};
pub(crate) use launch::launch;
pub use order::{Report, Stop};
pub use probe::{Check, SandboxReport};

use crate::domain::{RungChoice, Workspace};
use machine::Machine;
use order::Order;

/// What the sandbox is told at start.
#[derive(Clone, Debug, Default)]
pub struct SandboxSettings {
    /// The program that confines itself and then becomes the target: this one, unless a test says otherwise.
    pub helper: Option<PathBuf>,
    /// Where toolchains and credentials are looked for: the user's home, unless a test says otherwise.
    pub home: Option<PathBuf>,
    /// Hidden even where something above them is readable: our data directory, our configuration.
    pub hidden: Vec<PathBuf>,
    /// Readable besides the system and the toolchains.
    pub readable: Vec<PathBuf>,
    pub choice: RungChoice,
}

/// The rung of the ladder that programs run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rung {
    Bubblewrap,
    /// Our own namespaces, with Landlock and seccomp inside.
    Namespaces,
    LandlockSeccomp,
    /// Nothing can be confined, so nothing runs.
    None {
        reason: String,
    },
}

impl Rung {
    /// The name on cards and in `doctor`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bubblewrap => "bubblewrap",
            Self::Namespaces => "namespaces",
            Self::LandlockSeccomp => "landlock+seccomp",
            Self::None { .. } => "none",
        }
    }
}

/// The way programs are confined on this machine.
#[derive(Debug)]
pub struct Sandbox {
    settings: SandboxSettings,
    machine: Machine,
    helper: PathBuf,
    rung: OnceCell<Rung>,
}

impl Sandbox {
    /// Cheap: looks at paths and the environment, runs nothing. The rung is found out when first asked for.
    pub fn detect(settings: SandboxSettings) -> Self {
        // Without a path to this program no rung works, and the probe says so.
        let helper = settings.helper.clone().or_else(|| std::env::current_exe().ok()).unwrap_or_default();
        let machine = Machine::of_this_process(settings.home.clone());
        Self { machine, helper, rung: OnceCell::new(), settings }
    }

    /// The best rung that works, found by trying it once and remembered.
    pub async fn rung(&self) -> &Rung {
        self.rung.get_or_init(|| probe::find_rung(self)).await
    }

    /// What is available, what is missing and what to do about it. Tries every rung.
    pub async fn report(&self) -> SandboxReport {
        probe::report(self).await
    }

    /// What a program of a run may see and change: its workspace, and of the machine what tools need.
    pub fn confinement(&self, workspace: &Workspace, limits: ResourceLimits) -> Confinement {
        let root = PathBuf::from(&workspace.root);
        let mut hidden = self.machine.secrets();
        hidden.extend(self.settings.hidden.iter().cloned());
        let mut readable = self.machine.readable();
        readable.extend(self.settings.readable.iter().cloned());
        // A `.git` inside a worktree whose git directory lives elsewhere was made by a confined program: no git
        // of ours reads it. In a plain directory it is the user's repository.
        let protected = if workspace.git_dir.is_some() { Vec::new() } else { vec![root.join(".git")] };
        let env = self.machine.environment();
        Confinement { writable: vec![root], protected, readable, hidden, env, limits }
    }

    /// The order for the helper, on the rung found.
    pub(crate) async fn order(&self, confinement: &Confinement, target: Target<'_>) -> Result<Order, String> {
        self.order_on(self.rung().await, confinement, target)
    }

    fn order_on(&self, rung: &Rung, confinement: &Confinement, target: Target<'_>) -> Result<Order, String> {
        let confinement = confinement.resolved()?;
        match rung {
            Rung::Bubblewrap => {
                let program = probe::find_bubblewrap(&self.machine).ok_or("bubblewrap is not installed")?;
                bubblewrap::order(&program, &self.helper, &confinement, target)
            }
            Rung::Namespaces => namespaces::order(&self.helper, &confinement, target),
            Rung::LandlockSeccomp => order::landlock(&confinement, target),
            Rung::None { reason } => Err(reason.clone()),
        }
    }

    /// The program that [`launch`] starts.
    pub(crate) fn helper(&self) -> &Path {
        &self.helper
    }

    /// What to put before the command line of a program that runs outside the walls, so that it ends when this
    /// process does. Where that cannot be had, nothing.
    pub(crate) fn tether(&self) -> Vec<OsString> {
        if cfg!(target_os = "linux") {
            vec![self.helper.clone().into(), TETHER.into(), std::process::id().to_string().into()]
        } else {
            Vec::new()
        }
    }
}

/// What is to run inside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub argv: &'a [String],
    pub cwd: &'a Path,
    /// On top of the confinement's own environment.
    pub env: &'a [(String, String)],
    /// Private to this call; HOME, TMPDIR and, where the rung can, `/tmp`.
    pub scratch: &'a Path,
}

/// Hidden first argument: starts a supervisor and outlives it, so that nothing else does.
pub(crate) const GUARD: &str = "sandbox-guard";
/// Hidden first argument: keeps watch over one confined program.
pub(crate) const SUPERVISE: &str = "sandbox-exec";
/// Hidden first argument: makes namespaces, and then the first process in them.
pub(crate) const DIVIDE: &str = "sandbox-divide";
/// Hidden first argument: builds a root, and then starts the way inside there.
pub(crate) const ROOT: &str = "sandbox-root";
/// Hidden first argument: confines itself and becomes the program.
pub(crate) const ENTER: &str = "sandbox-enter";
/// Hidden first argument: starts a program that must not outlive this process.
pub(crate) const TETHER: &str = "sandbox-tether";

/// Runs the helper's part when this process was started as one; `main` calls it before anything else.
///
/// It must come first: what confines itself has to be single-threaded, and must not have read configuration,
/// opened the store or installed handlers.
pub fn run_if_child() -> Option<std::process::ExitCode> {
    #[cfg(target_os = "linux")]
    return child::run(std::env::args_os().nth(1)?.to_str()?);
    #[cfg(not(target_os = "linux"))]
    None
}
