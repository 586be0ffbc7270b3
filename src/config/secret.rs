//! Secrets by reference: an environment variable, a file or a command. Resolved when needed, never before.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secrecy::SecretString;
use serde::Deserialize;

use crate::domain::written_text;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// Name of an environment variable.
    Env(String),
    /// A file that only its owner may read; its first line is the secret.
    File(PathBuf),
    /// A program and its arguments; the first line it prints is the secret.
    Command(Vec<String>),
}

/// A secret that could not be had: what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SecretError {
    pub message: String,
    pub hint: String,
}

impl SecretError {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

impl SecretSource {
    /// Fetches the secret. Blocks while a command runs, so it has no place in an async task or before the first
    /// frame. `env` looks an environment variable up; relative files are relative to `base`, and a command runs there:
    /// where this program happens to be started, a file may have the command's name and an agent's content.
    pub fn resolve(&self, env: impl Fn(&str) -> Option<String>, base: &Path) -> Result<SecretString, SecretError> {
        match self {
            Self::Env(name) => first_line(&env(name).unwrap_or_default()).ok_or_else(|| {
                SecretError::new(format!("the environment variable {name} is not set"), format!("set {name}"))
            }),
            Self::File(path) => read_private(&base.join(path)),
            Self::Command(argv) => ask_command(argv, base),
        }
    }
}

fn first_line(text: &str) -> Option<SecretString> {
    let line = text.lines().next().unwrap_or_default().trim();
    (!line.is_empty()).then(|| SecretString::from(line))
}

fn read_private(path: &Path) -> Result<SecretString, SecretError> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        SecretError::new(format!("the secret file {shown} cannot be read: {error}"), "check the path and its owner")
    };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    // The open file is asked, not its name, so that what is checked is what is read.
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(SecretError::new(format!("{shown} is not a file"), "name the file that holds the secret"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let message = format!("others may read the secret file {shown} (mode {mode:04o})");
            return Err(SecretError::new(message, format!("chmod 600 {shown}")));
        }
    }
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut bytes).map_err(unreadable)?;
    let text = written_text(bytes)
        .map_err(|error| SecretError::new(format!("the secret file {shown} cannot be read: {error}"), error.hint))?;
    first_line(&text).ok_or_else(|| {
        SecretError::new(format!("the secret file {shown} is empty"), "write the secret on its first line")
    })
}

fn ask_command(argv: &[String], base: &Path) -> Result<SecretString, SecretError> {
    let Some((program, args)) = argv.split_first() else {
        return Err(SecretError::new("the secret's command is empty", "write a program and its arguments"));
    };
    let mut command = Command::new(if program.contains('/') { base.join(program) } else { program.into() });
    command.args(args).stdin(Stdio::null()).stderr(Stdio::null());
    if base.is_dir() {
        command.current_dir(base);
    }
    let output = command.output();
    let output = output.map_err(|error| {
        SecretError::new(format!("the secret's command {program} did not start: {error}"), "check the program's path")
    })?;
    // What it printed stays out of the message: it may be the secret.
    if !output.status.success() {
        let message = format!("the secret's command {program} failed ({})", output.status);
        return Err(SecretError::new(message, "run it by hand to see why"));
    }
    let text = written_text(output.stdout).map_err(|error| {
        SecretError::new(format!("what the secret's command {program} printed cannot be read: {error}"), error.hint)
    })?;
    first_line(&text).ok_or_else(|| {
        SecretError::new(format!("the secret's command {program} printed nothing"), "it must print the secret")
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn resolve(source: SecretSource) -> Result<String, SecretError> {
        let env = |name: &str| (name == "KEY").then(|| " sk-1 \nrest".to_owned());
        source.resolve(env, Path::new("/nowhere")).map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn the_environment_gives_its_first_line() {
        assert_eq!(resolve(SecretSource::Env("KEY".to_owned())).unwrap(), "sk-1");
        let error = resolve(SecretSource::Env("OTHER".to_owned())).unwrap_err();
        assert_eq!(
            (error.message.as_str(), error.hint.as_str()),
            ("the environment variable OTHER is not set", "set OTHER")
        );
    }

    #[test]
    fn a_command_gives_what_it_prints_and_its_output_never_leaks() {
        let command = |argv: &[&str]| resolve(SecretSource::Command(argv.iter().map(ToString::to_string).collect()));
        assert_eq!(command(&["printf", "sk-2\\n"]).unwrap(), "sk-2");
        let failed = command(&["sh", "-c", "echo sk-3; exit 3"]).unwrap_err();
        assert!(!failed.to_string().contains("sk-3") && failed.to_string().contains("exit status: 3"), "{failed}");
        assert!(command(&["true"]).unwrap_err().message.contains("printed nothing"));
        assert!(command(&["/no/such/program"]).unwrap_err().message.contains("did not start"));
        assert!(command(&[]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_must_be_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "sk-4\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = resolve(SecretSource::File(path.clone())).unwrap_err();
        assert_eq!(error.hint, format!("chmod 600 {}", path.display()));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(resolve(SecretSource::File(path.clone())).unwrap(), "sk-4");
        std::fs::write(&path, "\n").unwrap();
        assert!(resolve(SecretSource::File(path)).unwrap_err().message.contains("is empty"));
        assert!(resolve(SecretSource::File("missing".into())).unwrap_err().message.contains("/nowhere/missing"));
    }
}
