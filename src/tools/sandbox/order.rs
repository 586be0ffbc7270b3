//! What this program and its helper processes say to each other, as JSON over pipes: an order in, a report out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::confinement::{Resolved, ResourceLimits};
use super::part::ENTER;
use super::target::Target;

/// To the supervisor: what to start, and what that is to do once it is inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The command line that leads inside.
    pub launch: Vec<String>,
    pub limits: ResourceLimits,
    /// Where free space is watched.
    pub disk: PathBuf,
    /// May be written to as well, and may be memory.
    pub scratch: PathBuf,
    pub entry: Entry,
}

/// To the process that confines itself and then becomes the target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    pub env: BTreeMap<String, String>,
    pub limits: ResourceLimits,
    pub walls: Walls,
    /// Whether the kernel counts all memory of the family together; for the supervisor to say.
    pub memory_is_counted: bool,
}

/// What already stands around the process, and so what it still has to build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Walls {
    /// Its own namespaces: a private network (sockets reach nobody) and its own file systems.
    Namespaces,
    /// The same, made by ourselves; Landlock inside as well.
    Divided(Access),
    /// None: the file system by Landlock, sockets by seccomp.
    Landlock(Access),
}

impl Walls {
    pub fn are_namespaces(&self) -> bool {
        match self {
            Self::Namespaces | Self::Divided(_) => true,
            Self::Landlock(_) => false,
        }
    }
}

/// What Landlock lets through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Access {
    pub writable: Vec<PathBuf>,
    pub readable: Vec<PathBuf>,
    pub devices: Vec<PathBuf>,
}

/// From the supervisor, at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Whether every wall stood and the target was to be executed. Nothing of it ran otherwise.
    pub started: bool,
    pub stop: Stop,
    /// Why there was no start, or why the program could not be executed.
    pub message: String,
}

/// Why it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    Exited(i32),
    Signalled(i32),
    /// The other end of the order pipe closed: told to, or our parent is gone.
    Told,
    TooManyProcesses,
    TooMuchMemory,
    DiskFull,
    /// It could not be started.
    Failed,
}

/// Shared memory inside, where the family has its own.
pub(crate) const SHARED_MEMORY: &str = "/dev/shm";
/// Most of it for all of the programs inside together; Linux itself allows half of the machine's memory.
pub(crate) const SHARED_MEMORY_BYTES: u64 = 512 * 1024 * 1024;
/// Device files every program expects; reading and writing them reaches nobody.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// The order for a machine that allows no namespaces.
pub(super) fn landlock(confinement: &Resolved, target: Target<'_>) -> Result<Order, String> {
    if let Some(protected) = confinement.protected.first() {
        return Err(format!(
            "{}: Landlock cannot protect it inside a writable directory; install bubblewrap, or use a repository, \
             which gets a worktree of its own",
            protected.display()
        ));
    }
    let mut writable = confinement.writable.clone();
    writable.push(target.scratch.to_owned());
    let mut readable = confinement.readable_without_hidden();
    // Other processes' memory, descriptors and environments under /proc stay closed: Landlock denies access
    // that needs ptrace rights to anything outside.
    readable.push(PathBuf::from("/proc"));
    let devices = DEVICES.map(PathBuf::from).to_vec();
    let walls = Walls::Landlock(Access { writable, readable, devices });
    let launch = vec!["/proc/self/exe".to_owned(), ENTER.to_owned()];
    Ok(order(launch, confinement, target, target.scratch, walls))
}

/// `home` is where the scratch directory is found from inside.
pub(super) fn order(
    launch: Vec<String>,
    confinement: &Resolved,
    target: Target<'_>,
    home: &Path,
    walls: Walls,
) -> Order {
    let mut env = confinement.env.clone();
    for name in ["HOME", "TMPDIR"] {
        env.insert(name.to_owned(), home.display().to_string());
    }
    env.extend(target.env.iter().cloned());
    let (argv, cwd, limits) = (target.argv.to_vec(), target.cwd.to_owned(), confinement.limits);
    let entry = Entry { argv, cwd, env, limits, walls, memory_is_counted: false };
    let disk = confinement.writable.first().cloned().unwrap_or_else(|| PathBuf::from("/"));
    Order { launch, limits: confinement.limits, disk, scratch: target.scratch.to_owned(), entry }
}
