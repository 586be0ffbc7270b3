//! A console in a real terminal, attached to a server that is killed and comes back.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use portable_pty::CommandBuilder;

use crate::support::pty::Terminal;

/// A `serve` of its own, ended with the test.
pub struct Served {
    child: Child,
    pub url: String,
}

impl Served {
    pub fn start(home: &Path, listen: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_morningai"));
        command.args(["serve", "--json", "--listen", listen]).env_clear().envs(environment(home)).current_dir(home);
        Self::start_by(command)
    }

    /// The same by a command that comes to `serve --json`.
    pub fn start_by(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).expect("it says where it listens");
        Self { child, url: said["listening"].as_str().unwrap().to_owned() }
    }

    fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn environment(home: &Path) -> Vec<(&'static str, std::ffi::OsString)> {
    vec![
        ("HOME", home.into()),
        ("USER", "ana".into()),
        ("PATH", std::env::var_os("PATH").unwrap()),
        ("TERM", "xterm-256color".into()),
        ("MORNINGAI_DATA_DIR", home.join("data").into()),
    ]
}

fn attached(home: &Path, url: &str) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_morningai"));
    command.args(["attach", url]);
    command.env_clear();
    environment(home).into_iter().for_each(|(name, value)| command.env(name, value));
    command.cwd(home);
    command
}

#[test]
fn a_console_approves_on_a_server_that_was_killed_and_came_back() {
    let home = tempfile::tempdir().unwrap();
    let mut served = Served::start(home.path(), "127.0.0.1:0");
    let address = served.address().to_owned();
    let mut terminal = Terminal::start(attached(home.path(), &served.url), 24, 80);
    terminal.until_shown(&format!("attached to {address}"));
    terminal.keys("m");
    terminal.until_shown("waits for you");
    terminal.keys("w");
    terminal.until_shown("Exactly this will run");
    terminal.keys("G");
    terminal.until_shown("y approve");

    served.child.kill().unwrap();
    served.child.wait().unwrap();
    terminal.until_shown("connection lost");
    a_moment();
    terminal.keys("y");
    terminal.until_shown("nothing was decided");

    served = Served::start(home.path(), &address);
    terminal.until("the server is back", |screen| !screen.contains("connection lost"));
    a_moment();
    terminal.keys("y");
    terminal.until_shown("9 of 9 steps done");
    terminal.keys("q");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_restored();

    served.signal(rustix::process::Signal::TERM);
    assert!(served.child.wait().unwrap().success(), "it ends in order");
}

#[test]
fn an_attachment_that_cannot_be_made_says_why_before_a_console_opens() {
    let home = tempfile::tempdir().unwrap();
    let served = Served::start(home.path(), "127.0.0.1:0");
    let url = served.url.clone();
    let token = home.path().join("other.token");
    std::fs::write(&token, "guess\n").unwrap();
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let unknown = "http://localhost:1".to_owned();
    for (arguments, code, said) in [
        (vec![url.clone(), "--token-file".to_owned(), token.display().to_string()], 3, "this token is not known here"),
        (vec![unknown], 1, "nothing listens at localhost:1"),
        (vec!["https://desk.invalid".to_owned()], 1, "no host is called desk.invalid"),
        (vec!["http://desk.invalid".to_owned()], 2, "unencrypted"),
    ] {
        let mut command = attached(home.path(), &arguments[0]);
        command.args(&arguments[1..]);
        let mut terminal = Terminal::start(command, 24, 80);
        let shown = terminal.until_shown(said);
        assert_eq!(terminal.exit_code(), code, "{arguments:?}: {shown}");
        assert!(!shown.contains("guess"), "{arguments:?}: {shown}");
    }
}

#[test]
fn the_text_console_attaches_too() {
    let home = tempfile::tempdir().unwrap();
    let served = Served::start(home.path(), "127.0.0.1:0");
    let mut command = Command::new(env!("CARGO_BIN_EXE_morningai"));
    command
        .args(["attach", &served.url, "--plain"])
        .env_clear()
        .envs(environment(home.path()))
        .current_dir(home.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"agents\nquit\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains(&format!("morningai attached to {}", served.address())), "{said}");
    assert!(said.contains("check-this-machine"), "what the server can start: {said}");
}

#[test]
fn a_server_in_the_clear_for_everybody_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_morningai"));
    command.args(["serve", "--listen", "0.0.0.0:0"]).env_clear().envs(environment(home.path()));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("nothing would be encrypted") && said.contains("--tls-cert"), "{said}");
}

/// A card decides nothing in its first half second, nor by a key right after another: so a person's pause.
pub fn a_moment() {
    std::thread::sleep(std::time::Duration::from_millis(700));
}
