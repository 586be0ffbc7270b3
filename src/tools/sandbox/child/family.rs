//! All processes that descend from this one, however far they went: what they use together, and their end.
//!
//! The supervisor is a child subreaper, so a process that leaves its session and its parent still comes back to
//! it; nothing it started can outlive it unseen.

use std::fs;

use rustix::process::{Pid, Signal};

/// What a family uses together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub processes: u32,
    /// Pages of their own, and the tables of these.
    pub own_bytes: u64,
    /// Pages shared with others of them, once for each.
    pub shared_bytes: u64,
}

/// What `family` uses now.
pub(super) fn usage(family: &[i32]) -> Usage {
    let mut usage = Usage::default();
    for pid in family {
        usage.processes += 1;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        usage.own_bytes += field_bytes(&status, "RssAnon:") + field_bytes(&status, "VmPTE:");
        usage.shared_bytes += field_bytes(&status, "RssShmem:");
    }
    usage
}

/// Kills every descendant and waits until none is left. Stopped first, they cannot outrun the counting.
pub(super) fn kill() {
    loop {
        for signal in [Signal::STOP, Signal::KILL] {
            for pid in descendants() {
                if let Some(pid) = Pid::from_raw(pid) {
                    // One that is gone already is what we want.
                    let _ = rustix::process::kill_process(pid, signal);
                }
            }
        }
        loop {
            match rustix::process::wait(rustix::process::WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => break,
                // No child is left, and orphans would have become ours.
                Err(_) => return,
            }
        }
        // Killed is not gone: the kernel needs a moment to take a process apart.
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Every process below this one.
pub(super) fn descendants() -> Vec<i32> {
    let mut found = children(std::process::id() as i32);
    let mut next = 0;
    while next < found.len() {
        let below = children(found[next]);
        found.extend(below.into_iter().filter(|pid| *pid > 0));
        next += 1;
    }
    found
}

/// Children of all threads of a process.
fn children(pid: i32) -> Vec<i32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// A line of `/proc/PID/status` in kibibytes, as bytes.
fn field_bytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_the_status_is_read_in_bytes() {
        assert_eq!(field_bytes("Name:\tx\nRssAnon:\t     120 kB\n", "RssAnon:"), 122_880);
        assert_eq!(field_bytes("Name:\tx\n", "RssAnon:"), 0);
    }
}
