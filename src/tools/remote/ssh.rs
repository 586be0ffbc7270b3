//! One command on another host, by the system's `ssh`: its configuration, its agent, its known hosts. No password is
//! asked for and nothing is forwarded.
//!
//! The order is sent only after the shell over there has answered, so a host that cannot be reached has run nothing. A
//! connection that is lost after that leaves the outcome unknown, which is said and never taken for a failure.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::script::{Mark, Order, Said};
use crate::domain::Output;
use crate::ports::OutputSink;
use crate::tools::process::Collector;

/// What no configuration of the user changes. Host keys are checked as it says.
const OPTIONS: &[&str] = &[
    "BatchMode=yes",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "Tunnel=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "ControlMaster=no",
    "ServerAliveInterval=10",
    "ServerAliveCountMax=3",
];

/// What `ssh` and its proxy commands need of our environment, which holds secrets, too.
const KEPT: &[&str] = &[
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
    "KRB5CCNAME",
];

/// How long a host may take to let us in, once it has answered.
const WELCOME: Duration = Duration::from_secs(20);
/// Beyond the command's own limit, which its `timeout` keeps.
const GRACE: Duration = Duration::from_secs(10);
/// How long output may take to arrive once the command has ended: what it left running may hold on to it.
const LAST_OUTPUT: Duration = Duration::from_secs(2);
/// Most that a command may print, as in the sandbox.
const MOST_OUTPUT: u64 = 64 * 1024 * 1024;
/// Bytes of what `ssh` itself says that are kept.
const MOST_SAID: usize = 2000;

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// No connection, or no shell: nothing was sent.
    Unreached {
        said: String,
    },
    Exited(i32),
    OutOfTime,
    TooMuchOutput,
    /// The connection was closed, which ends the command.
    Cancelled,
    /// The connection was lost: it may have run, in part or to its end.
    Lost {
        said: String,
    },
}

/// How long each part may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To connect.
    pub connect: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10) }
    }
}

/// Runs `order` on a host. Output goes to `sink` while it comes.
pub async fn run(
    destination: &str,
    order: &Order<'_>,
    patience: Patience,
    sink: &dyn OutputSink,
    cancel: &CancellationToken,
) -> (Ended, Output) {
    let unreached = |said: String| (Ended::Unreached { said }, Output::default());
    let mark = Mark::new();
    let mut session = match Session::start(destination, patience) {
        Ok(session) => session,
        Err(error) => return unreached(format!("ssh cannot be started: {error}")),
    };
    let welcomed = tokio::select! {
        welcomed = tokio::time::timeout(patience.connect + WELCOME, session.greet(&mark)) => welcomed,
        () = cancel.cancelled() => return (Ended::Cancelled, Output::default()),
    };
    match welcomed {
        Ok(Ok(())) => {}
        Ok(Err(said)) => return unreached(said),
        Err(_) => return unreached("it did not answer in time".to_owned()),
    }
    session.follow(&mark, order, sink, cancel).await
}

/// A running `ssh`. Dropped, it is killed with all that it started.
struct Session {
    child: Child,
    group: Option<Pid>,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Drop for Session {
    fn drop(&mut self) {
        // One that has been waited for has no group any more.
        if let Some(group) = self.group.filter(|_| self.child.id().is_some()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Session {
    fn start(destination: &str, patience: Patience) -> std::io::Result<Self> {
        let mut command = Command::new("ssh");
        command.arg("-T").arg("-o").arg(format!("ConnectTimeout={}", patience.connect.as_secs().max(1)));
        command.args(OPTIONS.iter().flat_map(|option| ["-o", option]));
        command.args(["--", destination, "sh"]);
        command.env_clear().envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let missing = || std::io::Error::other("it has no pipes");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = BufReader::new(child.stderr.take().ok_or_else(missing)?);
        Ok(Self { child, group, stdin, stdout, stderr, said: String::new() })
    }

    /// Waits for the shell over there; else what `ssh` says.
    async fn greet(&mut self, mark: &Mark) -> Result<(), String> {
        // Where it is refused, what is said on the other channel says why.
        let _ = self.stdin.write_all(mark.greeting().as_bytes()).await;
        loop {
            match self.hear(mark).await {
                Some(Some(Said::Ready)) => return Ok(()),
                Some(_) => {}
                None => return Err(self.words()),
            }
        }
    }

    /// The next line of the other channel, if it is ours; else it is kept. `None` at its end.
    async fn hear(&mut self, mark: &Mark) -> Option<Option<Said>> {
        let mut line = Vec::new();
        limited(&mut self.stderr, &mut line).await.ok().filter(|count| *count > 0)?;
        let line = String::from_utf8_lossy(&line);
        let said = mark.read(&line);
        if said.is_none() && self.said.len() < MOST_SAID {
            self.said.push_str(&line);
        }
        Some(said)
    }

    /// What `ssh` said, for people.
    fn words(&self) -> String {
        let said = self.said.trim();
        if said.is_empty() { "ssh ended without a word".to_owned() } else { said.to_owned() }
    }

    async fn follow(
        mut self,
        mark: &Mark,
        order: &Order<'_>,
        sink: &dyn OutputSink,
        cancel: &CancellationToken,
    ) -> (Ended, Output) {
        let began = Instant::now();
        let mut collector = Collector::default();
        let text = mark.order(order);
        let sent = tokio::time::timeout(GRACE, self.stdin.write_all(text.as_bytes())).await;
        let ended = match sent {
            Ok(Ok(())) => self.pump(mark, order, &mut collector, sink, cancel).await,
            _ => Ended::Lost { said: self.words() },
        };
        let limit = Duration::from_secs(order.limit_seconds);
        let ended = match ended {
            // As `timeout` ends what it ended.
            Ended::Exited(124 | 137) if began.elapsed() >= limit => Ended::OutOfTime,
            other => other,
        };
        (ended, collector.finish(sink).await)
    }

    async fn pump(
        &mut self,
        mark: &Mark,
        order: &Order<'_>,
        collector: &mut Collector,
        sink: &dyn OutputSink,
        cancel: &CancellationToken,
    ) -> Ended {
        let mut buffer = vec![0; 64 * 1024];
        let (mut code, mut is_quiet, mut has_all) = (None, false, false);
        let timer = tokio::time::sleep(Duration::from_secs(order.limit_seconds) + GRACE);
        tokio::pin!(timer);
        let mut line = Vec::new();
        loop {
            match code {
                Some(code) if has_all => return Ended::Exited(code),
                None if is_quiet && has_all => return Ended::Lost { said: self.words() },
                _ => {}
            }
            tokio::select! {
                read = self.stdout.read(&mut buffer), if !has_all => match read {
                    Ok(0) | Err(_) => has_all = true,
                    Ok(count) => {
                        sink.chunk(&buffer[..count]);
                        collector.take(&buffer[..count]).await;
                        if collector.bytes() > MOST_OUTPUT {
                            return Ended::TooMuchOutput;
                        }
                    }
                },
                // What was read of a line stays in it when another branch is faster.
                read = limited(&mut self.stderr, &mut line), if !is_quiet => {
                    is_quiet = !read.is_ok_and(|count| count > 0);
                    let text = String::from_utf8_lossy(&line).into_owned();
                    line.clear();
                    match mark.read(&text) {
                        Some(Said::Ended(exit)) => {
                            code = Some(exit);
                            timer.as_mut().reset(Instant::now() + LAST_OUTPUT);
                        }
                        Some(Said::Ready) => {}
                        None if self.said.len() < MOST_SAID => self.said.push_str(&text),
                        None => {}
                    }
                }
                () = timer.as_mut() => {
                    let said = format!("it did not end within {} s", order.limit_seconds);
                    return code.map_or(Ended::Lost { said }, Ended::Exited);
                }
                () = cancel.cancelled(), if code.is_none() => return Ended::Cancelled,
            }
        }
    }
}

/// A line, or as much of it as is ever kept.
async fn limited(from: &mut BufReader<ChildStderr>, line: &mut Vec<u8>) -> std::io::Result<usize> {
    from.take(MOST_SAID as u64).read_until(b'\n', line).await
}
