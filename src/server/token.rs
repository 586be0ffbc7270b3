//! One bearer token in a file that only its owner can read: it opens a server that has no accounts.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use crate::domain::written_text;

/// Longest token read from a file, in bytes.
const LONGEST: u64 = 4096;

/// A token file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the token file {} {problem}", path.display())]
pub struct TokenFileError {
    pub path: PathBuf,
    pub problem: String,
    pub hint: String,
    pub is_missing: bool,
}

/// The token in `path`, which is made when it does not exist. Consoles that are attached when the server restarts get in
/// again, since the token stays.
pub fn own_token(path: &Path) -> Result<SecretString, TokenFileError> {
    match read_token(path) {
        Err(error) if error.is_missing => make_token(path),
        read => read,
    }
}

/// Reads a token that nobody else could have read.
pub fn read_token(path: &Path) -> Result<SecretString, TokenFileError> {
    let failed = |error: std::io::Error| TokenFileError {
        path: path.to_owned(),
        problem: format!("cannot be read: {error}"),
        hint: "`morningai serve` makes it; or give another one with --token-file".to_owned(),
        is_missing: error.kind() == std::io::ErrorKind::NotFound,
    };
    let wrong = |problem: &str, hint: &str| TokenFileError {
        path: path.to_owned(),
        problem: problem.to_owned(),
        hint: hint.to_owned(),
        is_missing: false,
    };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        return Err(wrong(
            "can be read by others",
            "make it private with `chmod 600`, or remove it to get a new token",
        ));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).map_err(failed)?;
    let text = written_text(bytes).map_err(|error| wrong(&format!("cannot be read: {error}"), error.hint))?;
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong("holds no token", "remove it, and `morningai serve` makes a new one"));
    }
    Ok(SecretString::from(token.to_owned()))
}

/// 256 random bits in a file of our own. Written beside it first, so that nobody reads half a token.
fn make_token(path: &Path) -> Result<SecretString, TokenFileError> {
    let failed = |problem: String| TokenFileError {
        path: path.to_owned(),
        problem: format!("cannot be written: {problem}"),
        hint: "check who owns the data directory, and that the disk has room".to_owned(),
        is_missing: false,
    };
    let mut bits = [0; 32];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bits)
        .map_err(|_| failed("there are no random numbers".to_owned()))?;
    let token = URL_SAFE_NO_PAD.encode(bits);
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
        writeln!(file, "{token}")?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(|error| failed(error.to_string()))?;
    Ok(SecretString::from(token))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_token_is_private_and_stays_across_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("serve.token");
        own_token(&path).unwrap();
        let token = read_token(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(URL_SAFE_NO_PAD.decode(token.expose_secret()).unwrap().len(), 32);
        assert_eq!(own_token(&path).unwrap().expose_secret(), token.expose_secret());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_token_that_others_could_have_read_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("serve.token");
        std::fs::write(&path, "secret\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = own_token(&path).err().unwrap();
        assert!(error.to_string().contains("can be read by others") && !error.to_string().contains("secret"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "\n").unwrap();
        assert!(own_token(&path).is_err(), "an empty token would admit everybody who sends none");
    }
}
