//! Runs the `git` program so that nothing an agent can write makes it run anything else.
//!
//! The environment is rebuilt from a list; hooks, pagers, editors, prompts, fsmonitor and filters are off. Where an
//! agent works, the git directory is given, never searched for, and a directory that only looks like a repository is
//! none. What is left to trust is the configuration of the user: none that an agent could have written is obeyed.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::tools::names;

/// Time for work on this disk, and for work over a network.
pub const LOCAL_LIMIT: Duration = Duration::from_secs(60);
pub const NETWORK_LIMIT: Duration = Duration::from_secs(180);
/// Output kept of one command.
pub const MOST_OUTPUT: u64 = 64 * 1024 * 1024;

/// What git needs of the user's environment: where things are, who they are, how the network is reached.
const KEPT: &[&str] = &[
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "KRB5CCNAME",
];

const SET: &[(&str, &str)] = &[
    ("LC_ALL", "C.UTF-8"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_EDITOR", "true"),
    ("GIT_SEQUENCE_EDITOR", "true"),
    ("GIT_PAGER", "cat"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    NO_FETCHING,
    // A push sends the commits there are, not those that others are told to look like here.
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_GRAFT_FILE", "/dev/null"),
];

/// What a partial clone lacks is not fetched in passing: that would go over the network, with the user's credentials.
const NO_FETCHING: (&str, &str) = ("GIT_NO_LAZY_FETCH", "1");

/// Settings that win over every configuration file.
const CONFIG: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.pager", "cat"),
    ("core.quotePath", "false"),
    // Line endings that would not survive a checkout are no reason to refuse what an agent wrote.
    ("core.safecrlf", "false"),
    // Files named HEAD, objects and refs among others are files, not a repository with settings to obey.
    ("safe.bareRepository", "explicit"),
    ("color.ui", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("log.showSignature", "false"),
    ("push.gpgSign", "false"),
    ("push.followTags", "false"),
    ("push.recurseSubmodules", "no"),
    ("submodule.recurse", "false"),
    ("diff.noprefix", "false"),
    ("diff.mnemonicPrefix", "false"),
    ("diff.suppressBlankEmpty", "false"),
    ("diff.indentHeuristic", "true"),
];

/// One git command, to be run once.
#[derive(Clone, Debug)]
pub struct Git {
    /// What ties it to this process; nothing for what may as well end on its own.
    tether: Vec<OsString>,
    args: Vec<OsString>,
    cwd: PathBuf,
    env: Vec<(OsString, OsString)>,
    config: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    limit: Duration,
    cancel: CancellationToken,
}

/// What a command left behind.
#[derive(Clone, Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("the git program cannot be started: {0}")]
    Start(std::io::Error),
    #[error("the directory {} cannot be entered: {error}", names::written(path))]
    Directory { path: PathBuf, error: std::io::Error },
    #[error("git {command} did not end within {seconds} s and was stopped")]
    TimedOut { command: String, seconds: u64 },
    #[error("git {command} was cancelled")]
    Cancelled { command: String },
    #[error("git {command} failed: {message}")]
    Failed { command: String, message: String },
}

impl Git {
    pub fn new<S: AsRef<OsStr>>(cwd: &Path, args: impl IntoIterator<Item = S>) -> Self {
        Self {
            tether: Vec::new(),
            args: args.into_iter().map(|arg| arg.as_ref().to_owned()).collect(),
            cwd: cwd.to_owned(),
            env: Vec::new(),
            config: Vec::new(),
            stdin: Vec::new(),
            limit: LOCAL_LIMIT,
            cancel: CancellationToken::new(),
        }
    }

    pub fn cwd(mut self, cwd: &Path) -> Self {
        self.cwd = cwd.to_owned();
        self
    }

    /// Ends it, and all it started, when this process ends: see `Sandbox::tether`. For effects whose outcome would be
    /// looked for too early while they go on. Not for changes of this repository, which would leave their locks behind.
    pub fn tied(mut self, tether: Vec<OsString>) -> Self {
        self.tether = tether;
        self
    }

    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self
    }

    /// Lets it fetch what a partial clone lacks.
    pub fn fetching(self) -> Self {
        self.env(NO_FETCHING.0, "0")
    }

    /// Adds settings that win over the configuration files.
    pub fn config<T: Into<OsString>>(mut self, settings: impl IntoIterator<Item = (T, T)>) -> Self {
        self.config.extend(settings.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = bytes;
        self
    }

    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    pub fn cancel(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// Runs it; any exit code is an answer.
    pub async fn run(self) -> Result<Ran, GitError> {
        let command = self.name();
        let mut child = self.command().spawn().map_err(|error| self.not_started(error))?;
        let work = converse(&mut child, &self.stdin);
        let ended = tokio::select! {
            ran = work => return ran.map_err(GitError::Start),
            () = tokio::time::sleep(self.limit) => GitError::TimedOut { command, seconds: self.limit.as_secs() },
            () = self.cancel.cancelled() => GitError::Cancelled { command },
        };
        stop(&mut child).await;
        Err(ended)
    }

    /// Runs it; anything but success is an error with what git said.
    pub async fn success(self) -> Result<Ran, GitError> {
        let command = self.name();
        let ran = self.run().await?;
        if ran.code == Some(0) {
            return Ok(ran);
        }
        Err(GitError::Failed { command, message: ran.complaint() })
    }

    /// The system says of a missing directory what it says of a missing program.
    fn not_started(&self, error: std::io::Error) -> GitError {
        match std::fs::read_dir(&self.cwd) {
            Err(error) => GitError::Directory { path: self.cwd.clone(), error },
            Ok(_) => GitError::Start(error),
        }
    }

    /// The subcommand, for messages.
    fn name(&self) -> String {
        let arg = self.args.iter().map(|arg| arg.to_string_lossy()).find(|arg| !arg.starts_with('-'));
        arg.unwrap_or_default().into_owned()
    }

    fn command(&self) -> Command {
        let git = OsString::from("git");
        let mut line = self.tether.iter().chain([&git]).chain(&self.args);
        let mut command = Command::new(line.next().unwrap_or(&git));
        command.args(line).current_dir(&self.cwd).env_clear();
        for name in KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("PATH", search_path(&self.cwd)).envs(SET.iter().copied());
        let fixed = CONFIG.iter().map(|(key, value)| (OsString::from(key), OsString::from(value)));
        let settings: Vec<_> = fixed.chain(self.config.iter().cloned()).collect();
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (index, (key, value)) in settings.into_iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        command.envs(self.env.iter().cloned());
        // A group of its own, so that helpers git starts can be stopped with it.
        command.process_group(0);
        // A tether that is killed lets go; left alone, it pulls when this process ends.
        command.kill_on_drop(self.tether.is_empty());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Ran {
    /// Standard output as text, without the last line break.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }

    /// NUL-separated standard output.
    pub fn fields(&self) -> impl Iterator<Item = &OsStr> {
        let end = self.stdout.strip_suffix(b"\0").unwrap_or(&self.stdout);
        let fields = end.split(|byte| *byte == 0).filter(move |_| !end.is_empty());
        fields.map(OsStr::from_bytes)
    }

    /// The same where nothing in it is a path.
    pub fn texts(&self) -> Vec<String> {
        self.fields().map(|field| field.to_string_lossy().into_owned()).collect()
    }

    /// Standard output as the one path it is. Git ends it with a line break; any other is part of a name.
    pub fn path(&self) -> PathBuf {
        let path = self.stdout.strip_suffix(b"\n").unwrap_or(&self.stdout);
        OsString::from_vec(path.to_vec()).into()
    }

    /// What git said on standard error, short.
    pub fn complaint(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("hint:") && !line.is_empty()).collect();
        let said = lines.iter().rev().take(6).rev().copied().collect::<Vec<_>>().join("\n");
        match (said.is_empty(), self.code) {
            (false, _) => said,
            (true, Some(code)) => format!("it ended with code {code} and said nothing"),
            (true, None) => "it was killed".to_owned(),
        }
    }
}

/// Directories to find programs in; those in the directory it works in may hold what an agent wrote, and relative ones
/// would be looked up there.
pub fn search_path(cwd: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let is_within = |dir: &Path| cwd.parent().is_some() && dir.starts_with(cwd);
    let trusted = std::env::split_paths(&path).filter(|dir| dir.is_absolute() && !is_within(dir));
    std::env::join_paths(trusted).unwrap_or_default()
}

/// Feeds and drains the child at once: either alone would block on a full pipe.
async fn converse(child: &mut Child, stdin: &[u8]) -> std::io::Result<Ran> {
    let (mut input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(input) = input.as_mut() {
            // A child that does not want all of it closes the pipe; its exit code says whether that was fine.
            let _ = input.write_all(stdin).await;
        }
        drop(input.take());
    };
    let ((), stdout, stderr) = tokio::join!(feed, drain(output), drain(errors));
    let code = child.wait().await?.code();
    Ok(Ran { code, stdout: stdout?, stderr: stderr? })
}

async fn drain(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    if let Some(mut stream) = stream {
        (&mut stream).take(MOST_OUTPUT).read_to_end(&mut kept).await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    }
    Ok(kept)
}

/// Ends a command and everything it started.
async fn stop(child: &mut Child) {
    if let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
        // The group may be gone already.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait().await;
}

/// The version of the git program.
pub async fn version() -> Result<String, GitError> {
    let said = Git::new(Path::new("/"), ["version"]).success().await?.text();
    Ok(said.trim_start_matches("git version ").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_carries_what_git_said() {
        let dir = tempfile::tempdir().unwrap();
        let error = Git::new(dir.path(), ["rev-parse", "--verify", "nothing"]).success().await.unwrap_err();
        assert!(error.to_string().starts_with("git rev-parse failed: fatal: not a git repository"), "{error}");
    }

    #[tokio::test]
    async fn a_command_that_does_not_end_is_stopped_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let alias = [("alias.hang", "!sleep 600 | sleep 600")];
        let hang = Git::new(dir.path(), ["hang"]).config(alias).limit(Duration::from_millis(200));
        assert!(matches!(hang.run().await, Err(GitError::TimedOut { .. })));
    }

    #[tokio::test]
    async fn cancelling_ends_it() {
        let dir = tempfile::tempdir().unwrap();
        let cancel = CancellationToken::new();
        cancel.cancel();
        let alias = [("alias.hang", "!sleep 600")];
        let hang = Git::new(dir.path(), ["hang"]).config(alias).cancel(cancel);
        assert!(matches!(hang.run().await, Err(GitError::Cancelled { .. })));
    }

    #[tokio::test]
    async fn a_directory_that_is_gone_is_not_taken_for_a_missing_program() {
        let dir = tempfile::tempdir().unwrap();
        let error = Git::new(&dir.path().join("gone"), ["version"]).run().await.unwrap_err();
        assert!(matches!(&error, GitError::Directory { path, .. } if path.ends_with("gone")), "{error}");
    }

    #[tokio::test]
    async fn a_directory_that_looks_like_a_repository_is_not_obeyed() {
        let dir = tempfile::tempdir().unwrap();
        Git::new(dir.path(), ["init", "--quiet", "--bare"]).success().await.unwrap();
        Git::new(dir.path(), ["config", "-f", "config", "user.name", "evil"]).success().await.unwrap();
        let asked = Git::new(dir.path(), ["config", "user.name"]).run().await.unwrap();
        assert_ne!(asked.text(), "evil");
        let refused = Git::new(dir.path(), ["rev-parse", "--git-dir"]).run().await.unwrap();
        assert!(refused.complaint().contains("bare repository"), "{refused:?}");
    }

    #[test]
    fn fields_split_at_nul_and_a_path_keeps_all_of_its_bytes() {
        let ran = |stdout: &[u8]| Ran { code: Some(0), stdout: stdout.to_vec(), stderr: Vec::new() };
        assert_eq!(ran(b"a\0b c\0").fields().collect::<Vec<_>>(), ["a", "b c"]);
        assert_eq!(ran(b"").fields().count(), 0);
        let odd = b"/a\nb\xff\n";
        assert_eq!(ran(&[&odd[..], b"\n"].concat()).path().as_os_str().as_bytes(), odd);
    }
}
