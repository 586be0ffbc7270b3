//! What a unit writes to the systemd journal, by `journalctl`.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::tail::LONGEST_LINE;

/// Lines that wait to be looked at; what comes faster is passed over.
const MOST_WAITING: usize = 10_000;
/// Before one that ended is started again.
const PAUSE: Duration = Duration::from_secs(10);

/// The journal of one unit.
pub(super) struct Journal {
    unit: String,
    running: Option<Running>,
    ended: Option<(Instant, String)>,
}

struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Journal {
    pub(super) fn new(unit: String) -> Self {
        Self { unit, running: None, ended: None }
    }

    /// Lines since the last look; why there is no journal to read, where there is none.
    pub(super) fn read(&mut self) -> Result<Vec<String>, String> {
        if let Some((at, reason)) = &self.ended
            && at.elapsed() < PAUSE
        {
            return Err(reason.clone());
        }
        self.ended = None;
        let running = match self.running.take() {
            Some(running) => running,
            None => start(&self.unit).map_err(|reason| self.end(reason))?,
        };
        let running = self.running.insert(running);
        let mut lines = Vec::new();
        while let Ok(line) = running.lines.try_recv() {
            lines.push(line);
        }
        if let Ok(Some(status)) = running.child.try_wait() {
            self.running = None;
            let reason = self.end(format!("journalctl ended ({status})"));
            return if lines.is_empty() { Err(reason) } else { Ok(lines) };
        }
        Ok(lines)
    }

    fn end(&mut self, reason: String) -> String {
        self.ended = Some((Instant::now(), reason.clone()));
        reason
    }
}

fn start(unit: &str) -> Result<Running, String> {
    let unit = format!("--unit={unit}");
    let mut command = Command::new("journalctl");
    command.args(["--follow", "--lines=0", "--output=cat", "--quiet", &unit]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no journalctl on this machine".to_owned(),
        _ => format!("journalctl did not start: {error}"),
    })?;
    let (lines, waiting) = mpsc::channel(MOST_WAITING);
    let output = child.stdout.take().ok_or("journalctl has no output")?;
    tokio::spawn(async move {
        let mut output = BufReader::new(output);
        let (mut line, mut byte) = (Vec::new(), [0]);
        while output.read_exact(&mut byte).await.is_ok() {
            match byte[0] {
                b'\n' => drop(lines.try_send(String::from_utf8_lossy(&std::mem::take(&mut line)).into_owned())),
                byte if line.len() < LONGEST_LINE => line.push(byte),
                _ => {}
            }
        }
    });
    Ok(Running { child, lines: waiting })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_machine_without_a_journal_says_so() {
        let mut journal = Journal::new("ssh.service".to_owned());
        match (std::process::Command::new("journalctl").arg("--version").output(), journal.read()) {
            (Err(_), read) => assert_eq!(read.unwrap_err(), "there is no journalctl on this machine"),
            (Ok(_), read) => assert!(read.is_ok(), "{read:?}"),
        }
    }
}
