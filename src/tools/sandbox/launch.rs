//! Starts a supervisor, through its guard, and hands it its order.

use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::order::{Order, Report};
use super::part::GUARD;

/// A supervisor at work, with the three pipes to it.
pub(crate) struct Launched {
    /// Its guard: when that one has ended, so has everything.
    pub supervisor: Child,
    /// Closing it ends the target and everything it started. It closes by itself when this process dies.
    pub lifeline: ChildStdin,
    /// What the target prints, errors included.
    pub output: ChildStdout,
    report: ChildStderr,
}

/// Longest report worth reading.
const LONGEST_REPORT: u64 = 64 * 1024;

/// Starts `helper` as the supervisor of `order`. Its environment is empty: nothing of ours is there to be read.
pub(crate) async fn launch(helper: &Path, order: &Order) -> io::Result<Launched> {
    let mut command = Command::new(helper);
    command.arg(GUARD).env_clear().current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut supervisor = command.spawn()?;
    let missing = || io::Error::other("a pipe to the supervisor is missing");
    let mut lifeline = supervisor.stdin.take().ok_or_else(missing)?;
    let output = supervisor.stdout.take().ok_or_else(missing)?;
    let report = supervisor.stderr.take().ok_or_else(missing)?;
    let mut text = serde_json::to_vec(order)?;
    text.push(b'\n');
    lifeline.write_all(&text).await?;
    Ok(Launched { supervisor, lifeline, output, report })
}

impl Launched {
    /// Takes the report apart from the rest, so that it can be awaited beside the output.
    pub fn into_parts(self) -> (Child, ChildStdin, ChildStdout, impl Future<Output = Result<Report, String>> + Send) {
        (self.supervisor, self.lifeline, self.output, read_report(self.report))
    }
}

async fn read_report(pipe: ChildStderr) -> Result<Report, String> {
    let mut text = Vec::new();
    pipe.take(LONGEST_REPORT).read_to_end(&mut text).await.map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|_| {
        let said = String::from_utf8_lossy(&text);
        format!("the sandbox's supervisor ended without a report: {}", said.trim())
    })
}
