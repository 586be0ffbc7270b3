//! Processes that are never stopped: this program with all that it runs in, the kernel's own, and what the machine or a
//! person's way onto it depends on.

use std::collections::BTreeSet;

use super::lossy;

/// Programs whose end takes the machine, or everybody's connection to it, along. As far as the kernel keeps names.
const VITAL: &[&str] = &["init", "dbus-daemon", "dbus-broker", "containerd", "dockerd", "kubelet", "agetty", "login"];

pub(super) fn is_vital(name: &str) -> bool {
    VITAL.contains(&name) || name.starts_with("sshd") || name.starts_with("systemd") || name.starts_with("(sd-")
}

/// The first process, the kernel's threads, and this one with its ancestors.
pub(super) fn ids() -> BTreeSet<u32> {
    let mut spared: BTreeSet<u32> = [1, 2].into();
    let mut own = std::process::id();
    while own > 1 && spared.insert(own) {
        own = parent(own).unwrap_or(0);
    }
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    spared.extend(all.filter(|id| parent(*id) == Some(2)));
    spared
}

fn parent(id: u32) -> Option<u32> {
    parent_in(&lossy(&format!("/proc/{id}/stat"))?)
}

/// The parent that a `/proc/PID/stat` names.
pub(super) fn parent_in(stat: &str) -> Option<u32> {
    stat.rsplit_once(") ")?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_and_all_that_it_runs_in_are_spared() {
        let spared = ids();
        let own = std::process::id();
        assert!(spared.contains(&own) && spared.contains(&parent(own).unwrap()) && spared.contains(&1));
        assert!(is_vital("systemd-journal") && is_vital("sshd-session") && !is_vital("python3"));
    }
}
