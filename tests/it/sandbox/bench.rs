//! What the sandbox tests share: a workspace, a rung, and a confined program with all it printed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use morningai::domain::{BlobId, RungChoice, Workspace};
use morningai::ports::OutputSink;
use morningai::tools::process;
use morningai::tools::process::{Finished, Job};
use morningai::tools::sandbox::{ResourceLimits, Sandbox, SandboxSettings};
use tokio_util::sync::CancellationToken;

/// The rungs to try, best first: all that this machine has the means for, found out without asking the sandbox. Says
/// once which these are, and why one is left out.
pub fn rungs() -> Vec<RungChoice> {
    static FOUND: OnceLock<Vec<RungChoice>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let works = |program: &str, arguments: &[&str]| {
            Command::new(program).args(arguments).output().is_ok_and(|done| done.status.success())
        };
        let mut found = vec![RungChoice::Bubblewrap, RungChoice::Namespaces, RungChoice::Landlock];
        if !works("unshare", &["--user", "--map-root-user", "--mount", "true"]) {
            say("sandbox: not tried on bubblewrap and namespaces, because user namespaces are not allowed here");
            found.retain(|rung| *rung == RungChoice::Landlock);
        } else if !works("bwrap", &["--version"]) {
            say("sandbox: not tried on bubblewrap, because it is not installed");
            found.retain(|rung| *rung != RungChoice::Bubblewrap);
        }
        say(&format!("sandbox: tried on {found:?}"));
        found
    });
    found.clone()
}

/// Those of them with namespaces.
pub fn rungs_with_namespaces() -> impl Iterator<Item = RungChoice> {
    rungs().into_iter().filter(|rung| *rung != RungChoice::Landlock)
}

/// Past the harness, which keeps what passing tests print to itself.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A workspace on one rung.
pub struct Bench {
    pub sandbox: Arc<Sandbox>,
    pub limits: ResourceLimits,
    pub cancel: CancellationToken,
    /// Holds the workspace and, beside it, what must not be reached.
    outside: tempfile::TempDir,
}

impl Bench {
    pub fn new(rung: RungChoice) -> Self {
        let outside = directory();
        fs::create_dir(outside.path().join("work")).unwrap();
        fs::write(outside.path().join("secret"), "swordfish").unwrap();
        let settings = SandboxSettings {
            helper: Some(helper()),
            hidden: vec![outside.path().to_owned()],
            choice: rung,
            ..SandboxSettings::default()
        };
        Self::with(settings, outside)
    }

    /// On a sandbox of its own; `outside` has the workspace and the secret in it.
    pub fn with(settings: SandboxSettings, outside: tempfile::TempDir) -> Self {
        let limits = ResourceLimits { wall_seconds: 60, ..ResourceLimits::default() };
        let sandbox = Arc::new(Sandbox::detect(settings));
        Self { sandbox, limits, cancel: CancellationToken::new(), outside }
    }

    /// The directory around the workspace, with the file `secret` in it.
    pub fn outside(&self) -> PathBuf {
        self.outside.path().canonicalize().unwrap()
    }

    pub fn root(&self) -> PathBuf {
        self.outside().join("work")
    }

    pub fn workspace(&self) -> Workspace {
        Workspace { root: self.root().display().to_string(), ..Workspace::default() }
    }

    /// Runs `argv` confined.
    pub async fn run(&self, argv: &[&str]) -> Finished {
        self.run_into(argv, &Sink::default()).await
    }

    pub async fn run_into(&self, argv: &[&str], sink: &Sink) -> Finished {
        let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
        let (workspace, cwd) = (self.workspace(), self.root());
        let job = Job { workspace: &workspace, argv: &argv, cwd: &cwd, env: &[], limits: self.limits };
        process::run(&self.sandbox, job, sink, &self.cancel).await
    }

    /// Tries to escape, confined: what the attempt says.
    pub async fn attempt(&self, body: &str) -> String {
        let done = self.python(&attempt(body)).await;
        format!("{} {}", done.ending, printed(&done))
    }

    /// Runs a Python program confined.
    pub async fn python(&self, program: &str) -> Finished {
        self.run(&[python(), "-c", program]).await
    }
}

/// Root can do to others what nobody else can, so only its controls must all succeed.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A directory of its own, where these tests have theirs: see `elsewhere.rs`.
pub fn directory() -> tempfile::TempDir {
    let place = std::env::var("TEST_SANDBOX_PLACE");
    tempfile::tempdir_in(place.as_deref().unwrap_or(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

/// The program that confines itself.
pub fn helper() -> PathBuf {
    let helper = std::env::var_os("TEST_SANDBOX_HELPER");
    helper.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_morningai")), PathBuf::from)
}

/// Runs a Python program as this test itself could: the control of an escape.
pub fn unconfined(program: &str, cwd: &Path) -> String {
    let output = Command::new(python()).args(["-c", program]).current_dir(cwd).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A Python program that says whether `body` ran to its end or what stopped it.
pub fn attempt(body: &str) -> String {
    let body: String = body.trim().lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "import ctypes, os, socket, stat, sys\nlibc = ctypes.CDLL(None, use_errno=True)\n\
         def call(result):\n    if result == -1: raise OSError(ctypes.get_errno(), 'refused')\n\
         try:\n{body}    print('ESCAPED')\nexcept Exception as error:\n    print('held', repr(error))\n"
    )
}

/// Everything printed.
pub fn printed(finished: &Finished) -> String {
    format!("{}{}", finished.output.head.raw(), finished.output.tail.raw())
}

/// The interpreter itself: a version manager's stand-in would start a shell first.
fn python() -> &'static str {
    static FOUND: OnceLock<String> = OnceLock::new();
    FOUND.get_or_init(|| {
        let found = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
        String::from_utf8(found.stdout).unwrap().trim().to_owned()
    })
}

/// Keeps what a tool streams and stores.
#[derive(Default)]
pub struct Sink {
    pub streamed: Mutex<u64>,
    pub stored: Mutex<Vec<u8>>,
}

#[async_trait]
impl OutputSink for Sink {
    fn chunk(&self, bytes: &[u8]) {
        *self.streamed.lock().unwrap() += bytes.len() as u64;
    }

    async fn store(&self, content: &[u8]) -> Option<BlobId> {
        content.clone_into(&mut self.stored.lock().unwrap());
        Some(BlobId::of(content))
    }
}
