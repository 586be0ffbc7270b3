//! Readings of another host: small fixed scripts print what its kernel says, and it is judged here as our own is.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::disks::{Mount, Room};
use super::reading::Measured;
use super::system::{ClockState, System};
use super::what::What;
use super::{disks, load, memory, ports, processes, services, system};
use crate::domain::{FailureKind, ToolResult};
use crate::tools::remote::{NamedHost, Sections};

/// Most mounts whose room is asked for.
const MOST_MOUNTS: usize = 200;

/// Prints each file that there is. The first argument is the mark of parts.
const FILES: &str = r#"
mark=$1; shift
for file; do
  [ -e "$file" ] || continue
  printf '\n%s %s\n' "$mark" "$file"
  cat "$file" 2>/dev/null
done
exit 0
"#;

/// Prints the room of each path: blocks, free ones, those for users, their size, inodes, free ones.
const ROOM: &str = r#"
for path; do stat -f -c '%b %f %a %S %c %d' -- "$path" 2>/dev/null || echo; done
exit 0
"#;

/// Prints the processes twice, each time with the seconds since the machine started, and the units.
const PROCESSES: &str = r#"
part() { printf '\n%s %s\n' "$1" "$2"; }
look() { cat /proc/uptime; cat /proc/[0-9]*/stat 2>/dev/null; }
part "$1" units; getconf CLK_TCK; getconf PAGESIZE
part "$1" before; look
sleep 1
part "$1" after; look
exit 0
"#;

/// Prints the failed units; nothing where systemd did not start the machine.
const UNITS: &str = r#"
[ -d /run/systemd/system ] || exit 3
exec systemctl list-units --failed --output=json --no-pager --plain
"#;
const NO_SYSTEMD: i32 = 3;

/// Takes one reading there.
pub(super) async fn take(host: &NamedHost, what: What, cancel: &CancellationToken) -> Result<Measured, ToolResult> {
    let asked = Asked { host, cancel };
    match what {
        What::Load => asked.load().await,
        What::Memory => asked.memory().await,
        What::Disks => asked.disks().await,
        What::Services => asked.services().await,
        What::Processes => asked.processes().await,
        What::Ports => asked.ports().await,
        What::System => asked.system().await,
    }
}

struct Asked<'a> {
    host: &'a NamedHost,
    cancel: &'a CancellationToken,
}

impl Asked<'_> {
    fn no_sense(&self, what: &str) -> ToolResult {
        let summary = format!("{what} of {} cannot be read; this check needs Linux with /proc", self.host.name);
        ToolResult::failure(FailureKind::Failed, summary)
    }

    /// Those of the files that there are.
    async fn files(&self, paths: &[&str]) -> Result<Files, ToolResult> {
        let sections = Sections::random();
        let arguments: Vec<&str> = std::iter::once(sections.mark()).chain(paths.iter().copied()).collect();
        let seen = self.host.look(FILES, &arguments, self.cancel).await?;
        let parts = sections.split(&seen.bytes).into_iter();
        Ok(Files(parts.map(|(name, content)| (name, String::from_utf8_lossy(content).into_owned())).collect()))
    }

    async fn load(&self) -> Result<Measured, ToolResult> {
        let pressures = ["cpu", "io", "memory"].map(|name| (name, format!("/proc/pressure/{name}")));
        let mut paths = vec!["/proc/loadavg", "/proc/stat"];
        paths.extend(pressures.iter().map(|(_, path)| path.as_str()));
        let files = self.files(&paths).await?;
        let load = files.get("/proc/loadavg").and_then(load::parse_load).ok_or_else(|| self.no_sense("the load"))?;
        let cores = files.get("/proc/stat").map_or(1, cores);
        let pressure =
            pressures.iter().filter_map(|(name, path)| Some((*name, load::parse_pressure(files.get(path)?)?)));
        Ok(load::judge(load, cores, &pressure.collect::<Vec<_>>()))
    }

    async fn memory(&self) -> Result<Measured, ToolResult> {
        let files = self.files(&["/proc/meminfo", "/proc/vmstat"]).await?;
        let kills = files.get("/proc/vmstat").and_then(memory::parse_oom_kills);
        let memory = files.get("/proc/meminfo").map(memory::parse_meminfo).unwrap_or_default();
        memory::judge(&memory, kills).ok_or_else(|| self.no_sense("the memory"))
    }

    async fn disks(&self) -> Result<Measured, ToolResult> {
        let files = self.files(&["/proc/self/mountinfo"]).await?;
        let mounts = files.get("/proc/self/mountinfo").ok_or_else(|| self.no_sense("what is mounted"))?;
        let (mut mounts, remote) = disks::parse_mounts(mounts);
        mounts.truncate(MOST_MOUNTS);
        let paths: Vec<&str> = mounts.iter().map(|mount| mount.path.as_str()).collect();
        let seen = self.host.look(ROOM, &paths, self.cancel).await?;
        let text = seen.text().into_owned();
        let rooms = text.lines().map(parse_room);
        let disks: Vec<(Mount, Room)> =
            mounts.into_iter().zip(rooms).filter_map(|(at, room)| Some((at, room?))).collect();
        Ok(disks::judge(&disks, remote))
    }

    async fn services(&self) -> Result<Measured, ToolResult> {
        let seen = self.host.look(UNITS, &[], self.cancel).await?;
        let failed = |why: String| {
            let summary = format!("systemctl on {}: {why}", self.host.name);
            ToolResult::failure(FailureKind::Failed, summary)
        };
        match seen.code {
            0 => {
                let units = services::parse_units(&seen.bytes);
                Ok(services::judge(&units.map_err(|error| failed(format!("it answered oddly: {error}")))?))
            }
            NO_SYSTEMD => Ok(services::absent()),
            _ => Err(failed(seen.text().trim().to_owned())),
        }
    }

    async fn processes(&self) -> Result<Measured, ToolResult> {
        let sections = Sections::random();
        let seen = self.host.look(PROCESSES, &[sections.mark()], self.cancel).await?;
        let parts = sections.split(&seen.bytes);
        let part = |name: &str| Sections::text(&parts, name).unwrap_or_default();
        let (units, before, after) = (part("units"), part("before"), part("after"));
        let (units, before, after) = (parse_units(&units), parse_look(&before), parse_look(&after));
        match (units, before, after) {
            (Some(units), Some(before), Some(after)) if !after.processes.is_empty() => {
                let seconds = after.at.saturating_sub(before.at).as_secs_f64();
                Ok(processes::judge(&before.processes, &after.processes, seconds, units))
            }
            _ => Err(self.no_sense("what runs")),
        }
    }

    /// Without the programs, which only root may see of all.
    async fn ports(&self) -> Result<Measured, ToolResult> {
        let tables =
            [("tcp", "/proc/net/tcp"), ("tcp", "/proc/net/tcp6"), ("udp", "/proc/net/udp"), ("udp", "/proc/net/udp6")];
        let files = self.files(&tables.map(|(_, path)| path)).await?;
        files.get("/proc/net/tcp").ok_or_else(|| self.no_sense("what listens"))?;
        let listeners = tables
            .iter()
            .flat_map(|(protocol, path)| ports::parse_sockets(protocol, files.get(path).unwrap_or_default()));
        Ok(ports::judge(listeners.collect(), &std::collections::HashMap::new()))
    }

    async fn system(&self) -> Result<Measured, ToolResult> {
        let kernel = |name: &str| format!("/proc/sys/kernel/{name}");
        let (host, os, release) = (kernel("hostname"), kernel("ostype"), kernel("osrelease"));
        let (restart, timesync) = ("/run/reboot-required", "/run/systemd/timesync");
        let synchronised = "/run/systemd/timesync/synchronized";
        let paths = [
            &host,
            &os,
            &release,
            "/etc/os-release",
            "/proc/uptime",
            "/proc/sys/fs/file-nr",
            restart,
            timesync,
            synchronised,
        ];
        let files = self.files(&paths).await?;
        let line = |path: &str| files.get(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        let is_kept = files.get(timesync).is_some();
        let clock = match files.get(synchronised) {
            Some(_) => ClockState::Synchronised,
            None => ClockState::Unsynchronised,
        };
        Ok(system::judge(&System {
            host: line(&host),
            name: files.get("/etc/os-release").and_then(system::parse_name).unwrap_or_else(|| line(&os)),
            kernel: line(&release),
            up_seconds: files.get("/proc/uptime").and_then(|text| text.split('.').next()?.parse().ok()),
            clock: is_kept.then_some(clock),
            restart_wanted: files.get(restart).is_some(),
            files: files.get("/proc/sys/fs/file-nr").and_then(system::parse_files),
        }))
    }
}

/// Files by their paths.
struct Files(Vec<(String, String)>);

impl Files {
    fn get(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == path).map(|(_, content)| content.as_str())
    }
}

/// The processors that `/proc/stat` has a line for.
fn cores(stat: &str) -> usize {
    let is_one =
        |line: &&str| line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    stat.lines().filter(is_one).count().max(1)
}

/// A line of [`ROOM`].
fn parse_room(line: &str) -> Option<Room> {
    let fields: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let &[blocks, free, available, size, inodes, inodes_free] = fields.as_slice() else { return None };
    (blocks > 0).then(|| Room {
        used: blocks.saturating_sub(free).saturating_mul(size),
        available: available.saturating_mul(size),
        inodes_used: inodes.saturating_sub(inodes_free),
        inodes,
    })
}

/// One look of [`PROCESSES`].
pub(super) struct Look {
    pub at: Duration,
    pub processes: Vec<processes::Process>,
}

pub(super) fn parse_look(text: &str) -> Option<Look> {
    let (uptime, rest) = text.split_once('\n')?;
    let at = uptime.split(' ').next()?.parse().ok()?;
    let at = Duration::try_from_secs_f64(at).ok()?;
    Some(Look { at, processes: rest.lines().filter_map(processes::parse_stat).collect() })
}

pub(super) fn parse_units(text: &str) -> Option<processes::Units> {
    let mut numbers = text.lines().map(|line| line.trim().parse().ok());
    Some(processes::Units { ticks_per_second: numbers.next()??, page_bytes: numbers.next()?? })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What `sh` prints for a script.
    fn printed(script: &str, arguments: &[&str]) -> Vec<u8> {
        Command::new("sh").args(["-c", script, "sh"]).args(arguments).output().unwrap().stdout
    }

    #[test]
    fn a_shell_prints_what_is_read() {
        let sections = Sections::random();
        let all = printed(FILES, &[sections.mark(), "/proc/loadavg", "/no/such/file", "/proc/stat"]);
        let parts = sections.split(&all);
        assert_eq!(parts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["/proc/loadavg", "/proc/stat"]);
        assert!(load::parse_load(&Sections::text(&parts, "/proc/loadavg").unwrap()).is_some());
        assert!(cores(&Sections::text(&parts, "/proc/stat").unwrap()) >= 1);

        let rooms = String::from_utf8(printed(ROOM, &["/", "/no/such/place"])).unwrap();
        let rooms: Vec<_> = rooms.lines().map(parse_room).collect();
        let here = disks::room(&Mount { device: String::new(), path: "/".to_owned(), kind: String::new() }).unwrap();
        assert_eq!((rooms.len(), rooms[0].unwrap().inodes, rooms[1]), (2, here.inodes, None));

        let all = printed(PROCESSES, &[sections.mark()]);
        let parts = sections.split(&all);
        let part = |name: &str| Sections::text(&parts, name).unwrap();
        let units = parse_units(&part("units")).unwrap();
        assert_eq!(units.ticks_per_second, rustix::param::clock_ticks_per_second());
        let (before, after) = (parse_look(&part("before")).unwrap(), parse_look(&part("after")).unwrap());
        assert!(after.at - before.at >= Duration::from_millis(900));
        assert!(after.processes.iter().any(|process| process.id == std::process::id()));
    }

    #[test]
    fn room_is_counted_in_bytes() {
        let room = parse_room("100 40 30 4096 10 4").unwrap();
        assert_eq!((room.used, room.available, room.inodes_used), (60 * 4096, 30 * 4096, 6));
        assert!(parse_room("").is_none() && parse_room("1 2 x 4 5 6").is_none());
    }
}
