//! The system itself: what it is, how long it has been up, whether its clock is right and it waits for a restart.

use serde_json::json;

use super::reading::{Level, Measured, table};

/// Per cent of the open files the kernel allows.
const FILES_WARNING: f64 = 80.0;
const FILES_CRITICAL: f64 = 95.0;

/// What was read of the system. `None` means it could not be read, which is no finding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct System {
    pub host: String,
    pub name: String,
    pub kernel: String,
    pub up_seconds: Option<u64>,
    pub clock: Option<ClockState>,
    pub restart_wanted: bool,
    /// Open files, and the most there may be.
    pub files: Option<(u64, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockState {
    Synchronised,
    Unsynchronised,
}

/// Reads `PRETTY_NAME` of `/etc/os-release`.
pub fn parse_name(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches('"').to_owned())
}

/// Reads `/proc/sys/fs/file-nr`.
pub fn parse_files(text: &str) -> Option<(u64, u64)> {
    let mut fields = text.split_whitespace().map(|field| field.parse::<u64>().ok());
    let (used, _, most) = (fields.next()??, fields.next()??, fields.next()??);
    Some((used, most))
}

/// Judges what was read.
pub fn judge(system: &System) -> Measured {
    let up = system.up_seconds.map(duration);
    let clock = match system.clock {
        Some(ClockState::Synchronised) => "synchronised",
        Some(ClockState::Unsynchronised) => "not synchronised",
        None => "unknown",
    };
    let rows: Vec<Vec<String>> = [
        ("host", system.host.clone()),
        ("system", system.name.clone()),
        ("kernel", system.kernel.clone()),
        ("up for", up.clone().unwrap_or_else(|| "unknown".to_owned())),
        ("clock", clock.to_owned()),
        ("restart wanted", if system.restart_wanted { "yes" } else { "no" }.to_owned()),
    ]
    .map(|(name, value)| vec![name.to_owned(), value])
    .into();
    let mut measured = Measured {
        gist: match up {
            Some(up) => format!("{}, up for {up}", system.name),
            None => system.name.clone(),
        },
        table: table(&["figure", "value"], &rows),
        numbers: json!({"host": system.host, "system": system.name, "kernel": system.kernel,
            "up_seconds": system.up_seconds, "clock_synchronised": system.clock.map(|c| c == ClockState::Synchronised),
            "restart_wanted": system.restart_wanted, "open_files": system.files.map(|(used, _)| used)}),
        ..Measured::default()
    };
    if system.clock == Some(ClockState::Unsynchronised) {
        measured.find(Level::Warning, "the clock is not synchronised, so times in logs may mislead");
    }
    if system.restart_wanted {
        measured.find(Level::Notice, "installed updates wait for a restart");
    }
    if let Some((used, most)) = system.files.filter(|(_, most)| *most > 0) {
        let percent = used as f64 * 100.0 / most as f64;
        let level = Level::rising(percent, FILES_WARNING, FILES_CRITICAL);
        if level > Level::Ok {
            measured.find(level, format!("{percent:.0} % of the open files the kernel allows are in use"));
        }
    }
    measured
}

/// `3 d 4 h`, `12 min`.
fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_and_a_waiting_restart_are_found() {
        let system = System {
            clock: Some(ClockState::Unsynchronised),
            restart_wanted: true,
            files: Some((96, 100)),
            ..System::default()
        };
        let levels: Vec<Level> = judge(&system).findings.iter().map(|found| found.level).collect();
        assert_eq!(levels, [Level::Warning, Level::Notice, Level::Critical]);
        assert!(judge(&System::default()).findings.is_empty(), "what could not be read is no finding");
    }

    #[test]
    fn files_of_the_system_are_read_as_they_are_written() {
        assert_eq!(parse_name("ID=debian\nPRETTY_NAME=\"Debian 13\"\n").as_deref(), Some("Debian 13"));
        assert_eq!(parse_files("1024\t0\t9223372036854775807\n"), Some((1024, 9_223_372_036_854_775_807)));
        assert_eq!([duration(59), duration(3_700), duration(100_000)], ["0 min", "1 h 1 min", "1 d 3 h"]);
    }
}
