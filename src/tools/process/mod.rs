//! Runs one program, confined, with limits, and says how it ended. Never outside the sandbox: where it cannot be
//! confined, nothing runs.

mod collect;
pub(crate) mod confined;
mod ending;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio_util::sync::CancellationToken;

use crate::domain::{Output, Workspace};
use crate::ports::OutputSink;
use crate::tools::sandbox::{Report, ResourceLimits, Sandbox, Target, launch};
use crate::tools::workspace::Before;

pub(crate) use collect::Collector;
pub use ending::{Ending, Finished, Limit};

/// A program to run in a workspace.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    pub workspace: &'a Workspace,
    /// Program and arguments; nothing interprets them.
    pub argv: &'a [String],
    /// An existing directory inside the workspace, absolute.
    pub cwd: &'a Path,
    /// On top of the sandbox's own environment.
    pub env: &'a [(String, String)],
    pub limits: ResourceLimits,
}

/// How long a supervisor that was told to end everything may take before it is ended itself.
const GRACE: Duration = Duration::from_secs(5);
/// Size of a read from the output pipe; Linux's default pipe holds as much.
const READ_BYTES: usize = 64 * 1024;

/// Runs `job` to its end, its limits, or `cancel`. Output goes to `output` while it is produced, standard output
/// and errors interleaved as written. Repositories it leaves in the workspace are set aside.
pub async fn run(sandbox: &Sandbox, job: Job<'_>, output: &dyn OutputSink, cancel: &CancellationToken) -> Finished {
    run_reading(sandbox, job, &[], output, cancel).await
}

/// The same where it may read these places as well.
pub async fn run_reading(
    sandbox: &Sandbox,
    job: Job<'_>,
    readable: &[PathBuf],
    output: &dyn OutputSink,
    cancel: &CancellationToken,
) -> Finished {
    let before = Before::of(job.workspace).await;
    let began = Instant::now();
    let (ending, output) = match start(sandbox, &job, readable).await {
        Ok(running) => follow(running, &job.limits, output, cancel).await,
        Err(reason) => (Ending::Unconfined { reason }, Output::default()),
    };
    let took = began.elapsed();
    Finished { ending, output, took, left: before.sweep().await.told() }
}

/// A confined program and what belongs to it.
struct Running {
    supervisor: Child,
    /// Closed to end everything.
    lifeline: Option<ChildStdin>,
    output: ChildStdout,
    report: tokio::task::JoinHandle<Result<Report, String>>,
    /// HOME and TMPDIR of the program, removed after it.
    scratch: tempfile::TempDir,
}

async fn start(sandbox: &Sandbox, job: &Job<'_>, readable: &[PathBuf]) -> Result<Running, String> {
    let scratch = tempfile::Builder::new().prefix("morningai-").tempdir();
    let scratch = scratch.map_err(|error| format!("no private temporary directory: {error}"))?;
    let mut confinement = sandbox.confinement(job.workspace, job.limits);
    confinement.readable.extend_from_slice(readable);
    let home = scratch.path().canonicalize().map_err(|error| error.to_string())?;
    let target = Target { argv: job.argv, cwd: job.cwd, env: job.env, scratch: &home };
    let order = sandbox.order(&confinement, target).await?;
    let launched = launch(sandbox.helper(), &order).await;
    let launched = launched.map_err(|error| format!("{}: {error}", sandbox.helper().display()))?;
    let (supervisor, lifeline, output, report) = launched.into_parts();
    Ok(Running { supervisor, lifeline: Some(lifeline), output, report: tokio::spawn(report), scratch })
}

/// Why we ended it, before it did.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Cancelled,
    Limit(Limit),
}

async fn follow(
    mut running: Running,
    limits: &ResourceLimits,
    sink: &dyn OutputSink,
    cancel: &CancellationToken,
) -> (Ending, Output) {
    let mut collector = Collector::default();
    let cause = pump(&mut running, &mut collector, limits, sink, cancel).await;
    running.lifeline = None;
    let ended = tokio::time::timeout(GRACE, running.supervisor.wait()).await;
    if ended.is_err() {
        tracing::error!("the sandbox's supervisor did not end in time and is killed");
        // It may have ended just now; then there is nothing to kill.
        let _ = running.supervisor.start_kill();
    }
    let report = tokio::time::timeout(GRACE, running.report).await;
    let report = match report {
        Ok(Ok(report)) => report,
        _ => Err("the sandbox's supervisor did not answer".to_owned()),
    };
    if let Err(error) = running.scratch.close() {
        tracing::warn!(%error, "a private temporary directory could not be removed");
    }
    let ending = match cause {
        Some(Cause::Cancelled) => Ending::Cancelled,
        Some(Cause::Limit(limit)) => Ending::Limit(limit),
        None => Ending::of(report),
    };
    (ending, collector.finish(sink).await)
}

/// Moves output until nobody can write any more, and closes the lifeline when it is time.
async fn pump(
    running: &mut Running,
    collector: &mut Collector,
    limits: &ResourceLimits,
    sink: &dyn OutputSink,
    cancel: &CancellationToken,
) -> Option<Cause> {
    let mut buffer = vec![0; READ_BYTES];
    let (mut cause, mut over) = (None, false);
    let timer = tokio::time::sleep(Duration::from_secs(limits.wall_seconds));
    tokio::pin!(timer);
    loop {
        let reached = tokio::select! {
            read = running.output.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return cause,
                // What comes after the end was decided is nobody's business any more.
                Ok(_) if cause.is_some() => None,
                Ok(count) => {
                    sink.chunk(&buffer[..count]);
                    collector.take(&buffer[..count]).await;
                    (collector.bytes() > limits.output_bytes).then_some(Cause::Limit(Limit::Output))
                }
            },
            () = timer.as_mut() => {
                if over {
                    return cause;
                }
                Some(Cause::Limit(Limit::Time))
            }
            () = cancel.cancelled(), if cause.is_none() => Some(Cause::Cancelled),
            // It goes last, so there is no more to come, unless it was killed together with its guard.
            _ = running.supervisor.wait(), if !over => {
                over = true;
                timer.as_mut().reset(tokio::time::Instant::now() + GRACE);
                None
            }
        };
        if reached.is_some() {
            (cause, over) = (reached, true);
            running.lifeline = None;
            // From here on, the timer is for those who do not let go of the pipe.
            timer.as_mut().reset(tokio::time::Instant::now() + GRACE);
        }
    }
}
