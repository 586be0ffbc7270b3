//! Takes readings: the only place of the host checks that touches the host.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use super::reading::Measured;
use super::system::{ClockState, System};
use super::what::What;
use super::{disks, load, lossy, memory, ports, processes, services, system};

/// How long processes are watched to tell how busy they are.
const WATCHED: Duration = Duration::from_millis(500);
const SYSTEMCTL_LIMIT: Duration = Duration::from_secs(10);

/// Takes one reading, or says what could not be read.
pub async fn take(what: What) -> Result<Measured, String> {
    match what {
        What::Processes => watch_processes().await,
        What::Services => failed_units().await,
        quick => tokio::task::spawn_blocking(move || take_quick(quick)).await.map_err(|error| error.to_string())?,
    }
}

fn take_quick(what: What) -> Result<Measured, String> {
    match what {
        What::Load => {
            let load = load::parse_load(&read("/proc/loadavg")?).ok_or("/proc/loadavg makes no sense")?;
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let pressure = ["cpu", "io", "memory"]
                .into_iter()
                .filter_map(|name| Some((name, load::parse_pressure(&lossy(&format!("/proc/pressure/{name}"))?)?)));
            Ok(load::judge(load, cores, &pressure.collect::<Vec<_>>()))
        }
        What::Memory => {
            let text = read("/proc/meminfo")?;
            let kills = lossy("/proc/vmstat").and_then(|text| memory::parse_oom_kills(&text));
            let measured = memory::judge(&memory::parse_meminfo(&text), kills);
            measured.ok_or_else(|| "/proc/meminfo makes no sense".to_owned())
        }
        What::Disks => {
            let (mounts, remote) = disks::parse_mounts(&read("/proc/self/mountinfo")?);
            let disks = mounts.into_iter().filter_map(|mount| disks::room(&mount).map(|room| (mount, room)));
            Ok(disks::judge(&disks.collect::<Vec<_>>(), remote))
        }
        What::Ports => {
            let tables = [("tcp", "tcp"), ("tcp", "tcp6"), ("udp", "udp"), ("udp", "udp6")];
            read("/proc/net/tcp")?;
            let listeners = tables.into_iter().flat_map(|(protocol, file)| {
                ports::parse_sockets(protocol, &lossy(&format!("/proc/net/{file}")).unwrap_or_default())
            });
            Ok(ports::judge(listeners.collect(), &ports::owners()))
        }
        _ => Ok(system::judge(&read_system())),
    }
}

fn read(path: &str) -> Result<String, String> {
    lossy(path).ok_or_else(|| format!("{path} cannot be read; this check needs Linux with /proc"))
}

async fn watch_processes() -> Result<Measured, String> {
    let look = || tokio::task::spawn_blocking(processes::all);
    let before = look().await.map_err(|error| error.to_string())?;
    let started = Instant::now();
    tokio::time::sleep(WATCHED).await;
    let after = look().await.map_err(|error| error.to_string())?;
    if after.is_empty() {
        return Err("/proc shows no process; this check needs Linux with /proc".to_owned());
    }
    let units = processes::Units {
        ticks_per_second: rustix::param::clock_ticks_per_second(),
        page_bytes: rustix::param::page_size() as u64,
    };
    Ok(processes::judge(&before, &after, started.elapsed().as_secs_f64(), units))
}

async fn failed_units() -> Result<Measured, String> {
    // The test systemd's own library makes for having been booted with it.
    if !std::path::Path::new("/run/systemd/system").is_dir() {
        return Ok(services::absent());
    }
    let mut command = Command::new("systemctl");
    command.args(["list-units", "--failed", "--output=json", "--no-pager", "--plain"]);
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let ended = tokio::time::timeout(SYSTEMCTL_LIMIT, command.output()).await;
    let output =
        ended.map_err(|_| "systemctl did not answer in time")?.map_err(|error| format!("systemctl: {error}"))?;
    if !output.status.success() {
        return Err(format!("systemctl: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let units = services::parse_units(&output.stdout).map_err(|error| format!("systemctl answered oddly: {error}"))?;
    Ok(services::judge(&units))
}

fn read_system() -> System {
    let uname = rustix::system::uname();
    let os = uname.sysname().to_string_lossy().into_owned();
    let uptime = lossy("/proc/uptime").and_then(|text| text.split('.').next()?.parse().ok());
    System {
        host: uname.nodename().to_string_lossy().into_owned(),
        name: lossy("/etc/os-release").and_then(|text| system::parse_name(&text)).unwrap_or(os),
        kernel: uname.release().to_string_lossy().into_owned(),
        up_seconds: uptime,
        clock: clock_state(),
        restart_wanted: std::path::Path::new("/run/reboot-required").exists(),
        files: lossy("/proc/sys/fs/file-nr").and_then(|text| system::parse_files(&text)),
    }
}

/// Known only where systemd keeps the time; other time keepers would have to be asked over the network.
fn clock_state() -> Option<ClockState> {
    let kept = std::path::Path::new("/run/systemd/timesync");
    let synchronised =
        || if kept.join("synchronized").exists() { ClockState::Synchronised } else { ClockState::Unsynchronised };
    kept.is_dir().then(synchronised)
}
