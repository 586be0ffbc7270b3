//! The service managers that are asked: systemd by its `systemctl`, runit by the files of its supervisors.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use tokio::process::Command;

/// Longest that a service may take to restart: systemd's own limits, 90 s to stop and as long to start, and a little.
const PATIENCE: Duration = Duration::from_secs(200);
/// The same for runit, which waits for nothing itself.
const RUNIT_PATIENCE: Duration = Duration::from_secs(30);
/// Longest that systemd may take to say how a service is.
const ANSWER: Duration = Duration::from_secs(5);
/// Services without which nobody can reach or repair this machine, by the beginnings of their names.
const VITAL: [&str; 7] = ["dbus", "getty", "init", "ssh", "sshd", "systemd-", "user"];

/// Where services are looked for: in systemd where it has booted this machine, else in a directory of runit.
#[derive(Clone, Debug)]
pub struct Services {
    runit: PathBuf,
}

/// A service that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub name: String,
    pub manager: &'static str,
    /// As its manager says it: `active (running)`, `down`.
    pub state: String,
    pub is_up: bool,
    /// How long it has been up.
    pub up_for: Option<Duration>,
    pub pid: Option<u32>,
}

/// What is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Restart,
    /// Only reads its configuration, and whatever else it reads then, again.
    Reload,
}

impl Services {
    /// `runit` is the directory of its services, usually /etc/service.
    pub fn new(runit: PathBuf) -> Self {
        Self { runit }
    }

    /// How a service is, by its name without `.service`.
    pub(super) async fn look(&self, name: &str) -> Result<Service, String> {
        if !is_name(name) {
            return Err(format!("{name:?} is not the name of a service"));
        }
        match booted_by_systemd() {
            true => look_in_systemd(name).await,
            false => self.look_in_runit(name),
        }
    }

    pub(super) async fn change(&self, name: &str, how: How) -> Result<Service, String> {
        let before = self.look(name).await?;
        match booted_by_systemd() {
            true => {
                let order = if how == How::Restart { "restart" } else { "reload" };
                systemctl(&[order, "--", &unit(name)], PATIENCE).await?;
                look_in_systemd(name).await
            }
            false => {
                // TERM, after which its supervisor starts it again; HUP; up, where it was down.
                let order = match how {
                    _ if !before.is_up => b"u",
                    How::Restart => b"t",
                    How::Reload => b"h",
                };
                self.order(name, order)?;
                self.wait(name, &before, how).await
            }
        }
    }

    fn look_in_runit(&self, name: &str) -> Result<Service, String> {
        let supervise = self.runit.join(name).join("supervise");
        let state = std::fs::read_to_string(supervise.join("stat"))
            .map_err(|_| format!("there is no service {name:?} in {}", self.runit.display()))?;
        let pid_file = supervise.join("pid");
        let pid = std::fs::read_to_string(&pid_file).ok().and_then(|text| text.trim().parse().ok());
        let started = std::fs::metadata(&pid_file).and_then(|file| file.modified()).ok();
        let state = state.trim().to_owned();
        let is_up = state.starts_with("run") && pid.is_some_and(is_alive);
        let up_for = started.filter(|_| is_up).and_then(|at| SystemTime::now().duration_since(at).ok());
        Ok(Service { name: name.to_owned(), manager: "runit", state, is_up, up_for, pid })
    }

    fn order(&self, name: &str, order: &[u8]) -> Result<(), String> {
        let control = self.runit.join(name).join("supervise/control");
        // Without a supervisor that reads, opening for writing fails and does not wait.
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
        let opened = std::fs::OpenOptions::new().write(true).custom_flags(flags).open(&control);
        opened.and_then(|mut control| control.write_all(order)).map_err(|error| {
            format!("{}: {error}; its supervisor does not run, or this user may not", control.display())
        })
    }

    async fn wait(&self, name: &str, before: &Service, how: How) -> Result<Service, String> {
        let end = tokio::time::Instant::now() + RUNIT_PATIENCE;
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = self.look_in_runit(name)?;
            let is_another = now.pid != before.pid || how == How::Reload;
            if now.is_up && is_another {
                return Ok(now);
            }
            if tokio::time::Instant::now() >= end {
                return Err(format!("{name} did not come up within {} s: {}", RUNIT_PATIENCE.as_secs(), now.state));
            }
        }
    }
}

fn booted_by_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@' | b':');
    !name.is_empty() && name.len() <= 200 && name.bytes().all(is_plain) && !name.starts_with(['-', '.'])
}

/// Whether the machine, or the way onto it, depends on a service.
pub(super) fn is_vital(name: &str) -> bool {
    let name = name.trim_end_matches(".service");
    let name = name.split('@').next().unwrap_or(name);
    VITAL.iter().any(|vital| name == *vital || (vital.ends_with('-') && name.starts_with(vital)))
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn unit(name: &str) -> String {
    if name.ends_with(".service") { name.to_owned() } else { format!("{name}.service") }
}

async fn look_in_systemd(name: &str) -> Result<Service, String> {
    let wanted = "--property=LoadState,ActiveState,SubState,MainPID,ActiveEnterTimestamp";
    let text = systemctl(&["show", "--timestamp=unix", wanted, "--", &unit(name)], ANSWER).await?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    parse(name, &text, now).ok_or_else(|| format!("systemd knows no service {name:?}"))
}

/// What `systemctl show` says; `None` where there is no such unit.
pub(super) fn parse(name: &str, text: &str, now: Duration) -> Option<Service> {
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    if value("LoadState") != Some("loaded") {
        return None;
    }
    let (active, sub) = (value("ActiveState")?, value("SubState")?);
    let since =
        value("ActiveEnterTimestamp").and_then(|at| at.strip_prefix('@')?.parse().ok()).map(Duration::from_secs);
    let is_up = active == "active";
    Some(Service {
        name: name.to_owned(),
        manager: "systemd",
        state: format!("{active} ({sub})"),
        is_up,
        up_for: since.filter(|_| is_up).map(|since| now.saturating_sub(since)),
        pid: value("MainPID").and_then(|pid| pid.parse().ok()).filter(|pid| *pid != 0),
    })
}

async fn systemctl(arguments: &[&str], limit: Duration) -> Result<String, String> {
    let mut command = Command::new("systemctl");
    command.args(["--no-pager", "--no-ask-password"]).args(arguments);
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let ended = tokio::time::timeout(limit, command.output()).await;
    let ended = ended.map_err(|_| format!("systemctl did not end within {} s", limit.as_secs()))?;
    let output = ended.map_err(|error| format!("systemctl: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("systemctl: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_says_how_a_service_is() {
        let now = Duration::from_secs(1_000_100);
        let text =
            "LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=42\nActiveEnterTimestamp=@1000000\n";
        let service = parse("web", text, now).unwrap();
        assert_eq!((service.is_up, service.pid, service.up_for), (true, Some(42), Some(Duration::from_secs(100))));
        let text = "LoadState=loaded\nActiveState=failed\nSubState=failed\nMainPID=0\nActiveEnterTimestamp=\n";
        let service = parse("web", text, now).unwrap();
        assert_eq!((service.state.as_str(), service.is_up, service.up_for), ("failed (failed)", false, None));
        assert_eq!(parse("web", "LoadState=not-found\nActiveState=inactive\nSubState=dead\n", now), None);
    }

    #[test]
    fn only_names_are_names_and_vital_services_are_left_alone() {
        for name in ["web", "getty@tty1", "postgresql@15-main", "a.b_c"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-x", "../x", "a b", "a;b", "a/b", ".", "x\n"] {
            assert!(!is_name(name), "{name:?}");
        }
        for name in ["ssh", "ssh.service", "systemd-journald", "dbus.service", "user@0", "getty@tty1.service"] {
            assert!(is_vital(name), "{name}");
        }
        assert!(!is_vital("sshproxy") && !is_vital("web"));
    }
}
