//! The real program on a machine of its own: nothing configured, everything below one temporary directory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use portable_pty::CommandBuilder;
use serde_json::Value;

/// A home directory, and the environment that programs in it get.
pub struct Machine {
    home: tempfile::TempDir,
    variables: Vec<(&'static str, OsString)>,
}

/// What a command printed, and how it ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Machine {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut variables = vec![
            ("HOME", home.path().into()),
            ("USER", "ana".into()),
            ("PATH", std::env::var_os("PATH").unwrap()),
            ("TERM", "xterm-256color".into()),
            ("MORNINGAI_DATA_DIR", home.path().join("data").into()),
        ];
        // The toolchain stays where it is, wherever the home directory points.
        let real_home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        for (name, usual) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            let place = std::env::var_os(name).unwrap_or_else(|| real_home.join(usual).into());
            if Path::new(&place).is_dir() {
                variables.push((name, place));
            }
        }
        Self { home, variables }
    }

    /// The same machine, on which a model is configured.
    pub fn with_model(mut self, base_url: &str) -> Self {
        self.variables.push(("OPENAI_BASE_URL", base_url.into()));
        self
    }

    /// The same machine with another variable of the environment.
    pub fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.set(name, value);
        self
    }

    pub fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.variables.push((name, value.into()));
    }

    /// The same machine with its store elsewhere.
    pub fn with_store(mut self, url: &str) -> Self {
        self.variables.push(("MORNINGAI_DB", url.into()));
        self
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.home.path().join(below)
    }

    /// The program with these arguments, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_morningai"));
        command.env_clear().envs(self.variables.iter().cloned()).current_dir(self.home()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The same for a terminal.
    pub fn in_terminal(&self, arguments: &[&str]) -> CommandBuilder {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_morningai"));
        command.env_clear();
        self.variables.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(self.home());
        command.args(arguments);
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs it with a text on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        use std::io::Write;
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // A program that does not read to the end breaks the pipe, which is its right.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }
}

impl Ran {
    /// Standard output as the JSON objects it must consist of.
    pub fn json(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(parse).collect()
    }

    /// The same after making sure of the exit code.
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }
}
