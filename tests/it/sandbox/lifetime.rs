//! Nothing a program starts outlives its call: not when it ends, is cancelled, or when we die ourselves.
//!
//! What must be gone holds a lock on a file of the workspace, and a lock ends with its last holder: taking it is
//! waiting for exactly that, without a clock.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use morningai::domain::{BlobId, RungChoice};
use morningai::ports::OutputSink;
use morningai::tools::process;
use morningai::tools::process::{Ending, Job};
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, printed, rungs, unconfined};

/// Leaves its session, its parent and its output behind, and stays with the lock. The first process ends once the
/// lock is held.
const DAEMON: &str = "import fcntl, os, time
ready, told = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        lock = open('lock', 'w')
        fcntl.flock(lock, fcntl.LOCK_EX)
        open('pid', 'w').write(str(os.getpid()))
        os.write(told, b'x')
        for fd in (0, 1, 2, told): os.close(fd)
        time.sleep(600)
    os._exit(0)
os.read(ready, 1)
print('left behind')";

#[tokio::test]
async fn a_daemon_does_not_outlive_the_call() {
    let control = Bench::new(RungChoice::Refuse);
    assert_eq!(unconfined(DAEMON, &control.root()), "left behind\n");
    let lock = File::open(control.root().join("lock")).unwrap();
    assert!(lock.try_lock().is_err(), "the control must still be there");
    let pid: i32 = std::fs::read_to_string(control.root().join("pid")).unwrap().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    for rung in rungs() {
        let bench = Bench::new(rung);
        let done = bench.python(DAEMON).await;
        assert_eq!((&done.ending, printed(&done).as_str()), (&Ending::Exited(0), "left behind\n"), "{rung:?}");
        let lock = File::open(bench.root().join("lock")).unwrap();
        assert!(lock.try_lock().is_ok(), "{rung:?}: the daemon lives");
    }
}

/// Cancels when the first output arrives.
struct CancelAtOutput(CancellationToken);

#[async_trait]
impl OutputSink for CancelAtOutput {
    fn chunk(&self, _: &[u8]) {
        self.0.cancel();
    }

    async fn store(&self, _: &[u8]) -> Option<BlobId> {
        None
    }
}

#[tokio::test]
async fn a_cancelled_program_is_gone_with_its_children() {
    for rung in rungs() {
        let bench = Bench::new(rung);
        let argv = ["flock", "lock", "sh", "-c", "echo ready; sleep 600 & wait"].map(str::to_owned);
        let (workspace, cwd) = (bench.workspace(), bench.root());
        let job = Job { workspace: &workspace, argv: &argv, cwd: &cwd, env: &[], limits: bench.limits };
        let sink = CancelAtOutput(bench.cancel.clone());
        let done = process::run(&bench.sandbox, job, &sink, &bench.cancel).await;
        assert_eq!(done.ending, Ending::Cancelled, "{rung:?}");
        let lock = File::open(bench.root().join("lock")).unwrap();
        assert!(lock.try_lock().is_ok(), "{rung:?}: something lives");
    }
}

/// Kills a process of the sandbox's own when the first output arrives.
struct KillAtOutput(&'static str);

#[async_trait]
impl OutputSink for KillAtOutput {
    fn chunk(&self, _: &[u8]) {
        let ours = std::process::id();
        let part = descendants(ours).into_iter().find(|pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.split(|byte| *byte == 0).nth(1) == Some(self.0.as_bytes())
        });
        let pid = rustix::process::Pid::from_raw(part.expect("it must be there")).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }

    async fn store(&self, _: &[u8]) -> Option<BlobId> {
        None
    }
}

/// All that descend from a process.
fn descendants(pid: u32) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<i32> =
        lists.flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()).collect();
    let below = children.iter().flat_map(|child| descendants(*child as u32)).collect::<Vec<_>>();
    [children, below].concat()
}

/// Not a test of its own: a process where nothing else is confined, so that the one to kill is the one meant.
#[tokio::test]
#[ignore = "run by when_what_keeps_watch_is_killed_everything_confined_dies"]
async fn a_console_whose_watch_will_be_killed() {
    let part = if std::env::var_os("TEST_KILL_GUARD").is_some() { "sandbox-guard" } else { "sandbox-exec" };
    for rung in rungs() {
        let bench = Bench::new(rung);
        let argv = ["sh", "-c", "setsid flock lock sh -c 'echo ready; sleep 600' & wait"].map(str::to_owned);
        let (workspace, cwd) = (bench.workspace(), bench.root());
        let job = Job { workspace: &workspace, argv: &argv, cwd: &cwd, env: &[], limits: bench.limits };
        let done = process::run(&bench.sandbox, job, &KillAtOutput(part), &bench.cancel).await;
        assert!(!done.ending.succeeded() && done.ending.failure().is_some(), "{rung:?}: {done:?}");
        assert!(done.took < Duration::from_secs(30), "{rung:?}: {done:?}");
        let lock = File::open(bench.root().join("lock")).unwrap();
        let gone = tokio::task::spawn_blocking(move || lock.lock().unwrap());
        assert!(tokio::time::timeout(Duration::from_secs(20), gone).await.is_ok(), "{rung:?}: something lives");
    }
}

#[tokio::test]
async fn when_what_keeps_watch_is_killed_everything_confined_dies() {
    for part in ["TEST_KILL_SUPERVISOR", "TEST_KILL_GUARD"] {
        let mut console = Command::new(std::env::current_exe().unwrap());
        console.args([
            "--exact",
            "sandbox::lifetime::a_console_whose_watch_will_be_killed",
            "--ignored",
            "--nocapture",
        ]);
        let done = console.env(part, "1").output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success() && said.contains("1 passed"), "{part}: {said}");
    }
}

/// Passes output on, so that the test around knows when to strike.
struct Aloud;

#[async_trait]
impl OutputSink for Aloud {
    fn chunk(&self, bytes: &[u8]) {
        eprint!("{}", String::from_utf8_lossy(bytes));
    }

    async fn store(&self, _: &[u8]) -> Option<BlobId> {
        None
    }
}

/// Not a test of its own: the process that `when_we_are_killed_everything_confined_dies` kills.
#[tokio::test]
#[ignore = "run by when_we_are_killed_everything_confined_dies"]
async fn a_console_that_will_be_killed() {
    let wanted = std::env::var("TEST_RUNG").unwrap();
    let rung = rungs().into_iter().find(|rung| format!("{rung:?}") == wanted).unwrap();
    let bench = Bench::new(rung);
    let argv = ["flock", "lock", "sh", "-c", "echo ready $PWD; setsid sleep 600 & wait"].map(str::to_owned);
    let (workspace, cwd) = (bench.workspace(), bench.root());
    let job = Job { workspace: &workspace, argv: &argv, cwd: &cwd, env: &[], limits: bench.limits };
    process::run(&bench.sandbox, job, &Aloud, &bench.cancel).await;
}

#[tokio::test]
async fn when_we_are_killed_everything_confined_dies() {
    for rung in rungs() {
        let mut console = Command::new(std::env::current_exe().unwrap());
        console.args(["--exact", "sandbox::lifetime::a_console_that_will_be_killed", "--ignored", "--nocapture"]);
        console.env("TEST_RUNG", format!("{rung:?}"));
        let mut console = console.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(console.stderr.take().unwrap()).lines();
        let ready = lines.map(Result::unwrap).find_map(|line| line.strip_prefix("ready ").map(str::to_owned));
        let root = ready.expect("the confined program must have started");
        let lock = File::open(Path::new(&root).join("lock")).unwrap();
        assert!(lock.try_lock().is_err(), "{rung:?}: it must hold the lock by now");
        console.kill().unwrap();
        console.wait().unwrap();
        let gone = tokio::task::spawn_blocking(move || lock.lock().unwrap());
        let gone = tokio::time::timeout(Duration::from_secs(20), gone).await;
        assert!(gone.is_ok(), "{rung:?}: something lives");
        std::fs::remove_dir_all(Path::new(&root).parent().unwrap()).unwrap();
    }
}
