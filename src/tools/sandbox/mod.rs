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
mod ladder;
mod launch;
mod layout;
mod machine;
mod namespaces;
mod order;
mod part;
mod probe;
mod target;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tokio::sync::OnceCell;

pub use confinement::{Confinement, ResourceLimits};
pub use ladder::Rung;
pub(crate) use launch::launch;
pub use order::{Report, Stop};
pub use probe::{Check, SandboxReport};
pub(crate) use target::Target;

use crate::domain::{RungChoice, Workspace};
use ladder::Ladder;
use machine::Machine;
use order::Order;
use part::TETHER;

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

/// The way programs are confined on this machine.
#[derive(Debug)]
pub struct Sandbox {
    ladder: Ladder,
    hidden: Vec<PathBuf>,
    readable: Vec<PathBuf>,
    rung: OnceCell<Rung>,
}

impl Sandbox {
    /// Cheap: looks at paths and the environment, runs nothing. The rung is found out when first asked for.
    pub fn detect(settings: SandboxSettings) -> Self {
        // Without a path to this program no rung works, and the probe says so.
        let helper = settings.helper.or_else(|| std::env::current_exe().ok()).unwrap_or_default();
        let machine = Machine::of_this_process(settings.home);
        let ladder = Ladder { machine, helper, choice: settings.choice };
        Self { ladder, hidden: settings.hidden, readable: settings.readable, rung: OnceCell::new() }
    }

    /// The best rung that works, found by trying it once and remembered.
    pub async fn rung(&self) -> &Rung {
        self.rung.get_or_init(|| probe::find_rung(&self.ladder)).await
    }

    /// What is available, what is missing and what to do about it. Tries every rung.
    pub async fn report(&self) -> SandboxReport {
        probe::report(&self.ladder, self.rung().await).await
    }

    /// Places that no tool has business in: credentials, our data and our configuration.
    pub fn hidden(&self) -> Vec<PathBuf> {
        let mut hidden = self.ladder.machine.secrets();
        hidden.extend(self.hidden.iter().cloned());
        hidden
    }

    /// What a program of a run may see and change: its workspace, and of the machine what tools need.
    pub fn confinement(&self, workspace: &Workspace, limits: ResourceLimits) -> Confinement {
        let root = PathBuf::from(&workspace.root);
        let hidden = self.hidden();
        let mut readable = self.ladder.machine.readable();
        readable.extend(self.readable.iter().cloned());
        // A `.git` inside a worktree whose git directory lives elsewhere was made by a confined program: no git
        // of ours reads it. In a plain directory it is the user's repository.
        let protected = if workspace.git_dir.is_some() { Vec::new() } else { vec![root.join(".git")] };
        let env = self.ladder.machine.environment();
        Confinement { writable: vec![root], protected, readable, hidden, env, limits }
    }

    /// The order for the helper, on the rung found.
    pub(crate) async fn order(&self, confinement: &Confinement, target: Target<'_>) -> Result<Order, String> {
        self.ladder.order_on(self.rung().await, confinement, target)
    }

    /// The program that [`launch`] starts.
    pub(crate) fn helper(&self) -> &Path {
        &self.ladder.helper
    }

    /// What to put before the command line of a program that runs outside the walls, so that it ends when this
    /// process does. Where that cannot be had, nothing.
    pub(crate) fn tether(&self) -> Vec<OsString> {
        if cfg!(target_os = "linux") {
            vec![self.ladder.helper.clone().into(), TETHER.into(), std::process::id().to_string().into()]
        } else {
            Vec::new()
        }
    }
}

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
