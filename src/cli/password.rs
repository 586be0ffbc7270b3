//! Reading a password: from the terminal without showing it, or as the first line of standard input. Never from
//! arguments or the environment, which others can read.

use std::io;
use std::io::{BufRead, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios};
use secrecy::{ExposeSecret, SecretString};

use super::failure::Failure;

/// A new password; at a terminal it is asked for twice.
pub fn new(name: &str) -> Result<SecretString, Failure> {
    if !io::stdin().is_terminal() {
        return line_of(&mut io::stdin().lock());
    }
    let first = hidden(&format!("New password for {name}: "))?;
    let again = hidden("Repeat the password: ")?;
    if first.expose_secret() != again.expose_secret() {
        return Err(Failure::usage("the passwords differ; nothing was changed").next("try again"));
    }
    Ok(first)
}

/// A line that is shown as it is typed, such as a code; `None` where nobody sits at a terminal.
pub fn shown(question: &str) -> Result<Option<String>, Failure> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    ask(question);
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(unreadable)?;
    Ok(Some(line.trim().to_owned()))
}

/// A line that is not shown as it is typed.
pub fn hidden(question: &str) -> Result<SecretString, Failure> {
    // Quiet before the question, so that nothing typed in answer is shown or thrown away.
    let quiet = Quiet::enter().map_err(unreadable)?;
    ask(question);
    let line = line_of(&mut io::stdin().lock());
    drop(quiet);
    ask("\n");
    line
}

/// To standard error, for standard output carries results. There is nobody to tell if that fails.
pub fn ask(question: &str) {
    let _ = io::stderr().write_all(question.as_bytes()).and_then(|()| io::stderr().flush());
}

/// Without its line ending, and otherwise exactly: blanks are part of a password.
fn line_of(input: &mut dyn BufRead) -> Result<SecretString, Failure> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(unreadable)?;
    let text = line.trim_end_matches(['\r', '\n']).to_owned();
    if text.is_empty() {
        return Err(Failure::usage("no password was given; nothing was changed")
            .next("type it at a terminal, or send it as the first line of standard input"));
    }
    Ok(text.into())
}

fn unreadable(error: io::Error) -> Failure {
    Failure::failed(format!("the password cannot be read: {error}")).next("nothing was changed; try again")
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Quiet(Termios);

impl Quiet {
    fn enter() -> io::Result<Self> {
        let before = rustix::termios::tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        // What was typed before the question is thrown away with it.
        rustix::termios::tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_taken_exactly() {
        let read = |text: &str| line_of(&mut text.as_bytes()).map(|line| line.expose_secret().to_owned());
        assert_eq!(read(" two words \r\nnot this\n").unwrap(), " two words ");
        assert_eq!(read("no line break").unwrap(), "no line break");
        assert!(read("\n").is_err() && read("").is_err());
    }
}
