//! Which process is meant, of those that run on some machine, and what a card says of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::processes::{Process, Units, parse_stat};
use super::{lossy, protected};

/// Bytes of an argument that a card shows.
pub(super) const LONGEST: usize = 1000;
/// Characters that the kernel keeps of a program's name.
const NAME: usize = 15;

#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Which {
    Busiest,
    Largest,
}

/// Two looks at the processes of a machine, and what follows from it for the choice.
pub(super) struct Candidates {
    pub before: Vec<Process>,
    pub after: Vec<Process>,
    /// Those that are never stopped, besides those with names that are not.
    pub spared: BTreeSet<u32>,
    /// In ticks or pages.
    pub enough: u64,
}

impl Candidates {
    /// The process that is meant, by its id.
    pub(super) fn choose(&self, which: Which, name: Option<&str>) -> Option<u32> {
        let may_be = |process: &&Process| {
            let is_spared = self.spared.contains(&process.id) || protected::is_vital(&process.name);
            !is_spared && name.is_none_or(|name| process.name == *cut(name))
        };
        let earlier = |process: &Process| self.before.iter().find(|known| known.id == process.id);
        let used = |process: &Process| match which {
            Which::Busiest => process.ticks.saturating_sub(earlier(process).map_or(process.ticks, |known| known.ticks)),
            Which::Largest => process.pages,
        };
        // What makes no difference: a tenth of a processor, or a fiftieth of the memory. As good as equal is equal, and
        // then the lower id is meant: a card that names another process each time it is prepared could never be approved.
        let grain = (self.enough / 5).max(1);
        let rank = |process: &&Process| (used(process) / grain, std::cmp::Reverse(process.id));
        let chosen = self.after.iter().filter(may_be).max_by_key(rank)?;
        (name.is_some() || used(chosen) >= self.enough).then_some(chosen.id)
    }
}

/// Half a processor, in ticks, or a tenth of the memory, in pages.
pub(super) fn enough(which: Which, units: Units, memory: u64, watched: Duration) -> u64 {
    match which {
        Which::Busiest => {
            let watched = u64::try_from(watched.as_millis()).unwrap_or(u64::MAX);
            units.ticks_per_second.saturating_mul(watched) / 1000 / 2
        }
        Which::Largest => memory / units.page_bytes.max(1) / 10,
    }
}

fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME)]
}

/// One process, told from every other that has or had its id by when it started.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub id: u32,
    pub name: String,
    /// In clock ticks since the machine started.
    pub started: u64,
    pub program: String,
    /// Its first argument, where that is a file. Of the others, secrets may be among them, so they stay out of the log.
    pub script: Option<String>,
    pub user: String,
}

impl Found {
    /// A process of this machine.
    pub(super) fn of(id: u32) -> Option<Self> {
        let stat = lossy(&format!("/proc/{id}/stat"))?;
        let name = parse_stat(&stat)?.name;
        let started = started(&stat)?;
        let program = std::fs::read_link(format!("/proc/{id}/exe")).ok()?.to_string_lossy().into_owned();
        let arguments = lossy(&format!("/proc/{id}/cmdline"))?;
        let script = arguments.split('\0').nth(1).filter(|first| first.len() < LONGEST && Path::new(first).is_file());
        let script = script.map(str::to_owned);
        let status = lossy(&format!("/proc/{id}/status"))?;
        Some(Self { id, name, started, program, script, user: user(&status)? })
    }
}

/// Whose a process is, of its `/proc/PID/status`.
pub(super) fn user(status: &str) -> Option<String> {
    let id = status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?;
    Some(format!("user {id}"))
}

/// When a process started, of its `/proc/PID/stat`.
pub(super) fn started(stat: &str) -> Option<u64> {
    stat.rsplit_once(") ")?.1.split_whitespace().nth(19)?.parse().ok()
}
