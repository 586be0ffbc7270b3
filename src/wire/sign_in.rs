//! Signing in at a server from a terminal: who, the password, and a code where one is wanted. What is typed wrong may be
//! typed again, a few times.

use std::io::IsTerminal;

use crate::cli::{Exit, Failure, password};
use crate::client::remote::{Credentials, Session, SignInError, Target};
use crate::domain::Untrusted;

/// Where a token is looked for when no file is named.
pub(super) const TOKEN_VARIABLE: &str = "MORNINGAI_TOKEN";
/// How often a name and a password are asked for.
const TRIES: u32 = 3;

/// A session at `target`. `named` was said on the command line; without it the name is asked for, and `usual` is what an
/// empty line means.
pub(super) async fn sign_in(target: &Target, named: Option<&str>, usual: &str) -> Result<Session, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("there is no token to present to {}", target.name()))
            .next(format!("give one with --token-file or {TOKEN_VARIABLE}; or sign in, at a terminal")));
    }
    Session::knock(target).await?;
    let name = match named {
        Some(name) => name.to_owned(),
        None => asked_name(target, usual)?,
    };
    let mut left = TRIES;
    loop {
        left -= 1;
        match try_once(target, &name).await? {
            Ok(session) => return Ok(session),
            Err(wrong) if left == 0 => return Err(wrong),
            Err(wrong) => password::ask(&wrong.rendered()),
        }
    }
}

/// One try; the inner error is worth another one.
async fn try_once(target: &Target, name: &str) -> Result<Result<Session, Failure>, Failure> {
    let password = password::hidden(&format!("Password of {} at {}: ", shown(name), target.name()))?;
    let mut credentials = Credentials { name: name.to_owned(), password, code: String::new() };
    let mut begun = Session::begin(target, &credentials).await;
    if matches!(begun, Err(SignInError::CodeWanted)) {
        credentials.code = password::shown("Code of the second factor: ")?.unwrap_or_default();
        begun = Session::begin(target, &credentials).await;
    }
    match begun {
        Ok(session) => Ok(Ok(session)),
        Err(SignInError::Wrong(error)) => Ok(Err(error.into())),
        Err(SignInError::CodeWanted) => {
            let failure = Failure::new(Exit::Refused, "no code was given");
            Ok(Err(failure.next("give the six digits that your authenticator shows, or a recovery code")))
        }
        Err(SignInError::Failed(error)) => Err(error.into()),
    }
}

fn asked_name(target: &Target, usual: &str) -> Result<String, Failure> {
    let question = format!("Name at {} [{}]: ", target.name(), shown(usual));
    let name = password::shown(&question)?.filter(|name| !name.is_empty());
    Ok(name.unwrap_or_else(|| usual.to_owned()))
}

fn shown(name: &str) -> String {
    Untrusted::from(name).visible().into_owned()
}
