//! Memory of a family that is in no process's own account: what shared mappings, pipes, sockets and file systems in
//! memory hold. For machines without a control group; counted high rather than low.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::StatVfs;

/// Most that a pipe holds, as they cannot be made larger, and a socket by default.
const PIPE_BYTES: u64 = 64 * 1024;
const SOCKET_BYTES: u64 = 208 * 1024;
/// Of `statfs`: file systems whose files are memory.
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// What has been seen so far.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    /// By inode, the most that was ever mapped of it at once: unmapped parts stay as long as any part is mapped.
    mappings: BTreeMap<String, u64>,
    /// File systems in memory that may be written to, and what was in them at the start.
    places: Vec<(PathBuf, u64)>,
    /// A file system inside that is the family's alone.
    private: Option<PathBuf>,
}

impl Unseen {
    /// `places` may be written to; `private` is inside.
    pub fn new(places: [&PathBuf; 2], private: Option<PathBuf>) -> Self {
        let in_memory = places.into_iter().filter(|place| is_in_memory(place));
        let places = in_memory.filter_map(|place| Some((place.clone(), used(place)?))).collect();
        Self { mappings: BTreeMap::new(), places, private }
    }

    /// What the family holds now, beyond its processes' own pages.
    pub fn count(&mut self, family: &[i32]) -> u64 {
        let mut buffers = BTreeMap::new();
        let mut mapped = BTreeSet::new();
        for &pid in family {
            for (name, bytes) in buffers_of(pid) {
                buffers.insert(name, bytes);
            }
            for (inode, end) in shared_mappings(pid) {
                let most = self.mappings.entry(inode.clone()).or_default();
                *most = end.max(*most);
                mapped.insert(inode);
            }
        }
        self.mappings.retain(|inode, _| mapped.contains(inode));
        let growth = self.places.iter().map(|(place, before)| used(place).unwrap_or(0).saturating_sub(*before));
        let buffers: u64 = buffers.values().sum();
        self.mappings.values().sum::<u64>() + growth.sum::<u64>() + buffers + self.private_bytes(family)
    }

    /// Everybody inside sees the same; the first of the family may stand outside.
    fn private_bytes(&self, family: &[i32]) -> u64 {
        let Some(private) = self.private.as_ref().and_then(|place| place.strip_prefix("/").ok()) else { return 0 };
        let seen = family.iter().skip(1).map(|pid| Path::new("/proc").join(pid.to_string()).join("root").join(private));
        seen.filter(|place| is_in_memory(place)).find_map(|place| used(&place)).unwrap_or(0)
    }
}

/// Pipes and sockets that a process holds, by name, each with the most it can keep for its reader.
fn buffers_of(pid: i32) -> Vec<(String, u64)> {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let names =
        open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()?.into_os_string().into_string().ok());
    let size = |name: &str| match name.split_once(':')?.0 {
        "pipe" => Some(PIPE_BYTES),
        "socket" => Some(SOCKET_BYTES),
        _ => None,
    };
    names.filter_map(|name| size(&name).map(|bytes| (name, bytes))).collect()
}

/// Mappings shared with children but with no file: the inode, and where in it the mapping ends.
fn shared_mappings(pid: i32) -> Vec<(String, u64)> {
    let maps = fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
    String::from_utf8_lossy(&maps).lines().filter_map(shared_mapping).collect()
}

/// A line such as `7f1e5c000000-7f1e5c800000 rw-s 00000000 00:01 1042   /dev/zero (deleted)`.
fn shared_mapping(line: &str) -> Option<(String, u64)> {
    let mut fields = line.split_ascii_whitespace();
    let (range, rights, offset, _device, inode) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let name = fields.next()?;
    if !rights.ends_with('s') || !(name == "/dev/zero" || name.starts_with("/SYSV")) {
        return None;
    }
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    let (start, end) = range.split_once('-')?;
    Some((inode.to_owned(), number(offset)? + number(end)?.saturating_sub(number(start)?)))
}

fn is_in_memory(place: &Path) -> bool {
    rustix::fs::statfs(place).is_ok_and(|system| IN_MEMORY.contains(&(system.f_type as u64)))
}

fn used(place: &Path) -> Option<u64> {
    let used = |system: StatVfs| system.f_blocks.saturating_sub(system.f_bfree) * system.f_frsize;
    rustix::fs::statvfs(place).ok().map(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shared_mappings_without_a_file_are_taken_to_their_end() {
        let of = |line| shared_mapping(line);
        let shared = "7f0000000000-7f0000002000 rw-s 00001000 00:01 1042       /dev/zero (deleted)";
        assert_eq!(of(shared), Some(("1042".to_owned(), 0x3000)));
        assert_eq!(of("7f0000000000-7f0000002000 rw-p 00000000 00:00 0"), None);
        assert_eq!(of("7f0000000000-7f0000002000 r--s 00000000 fe:01 77 /work/data"), None);
    }

    #[test]
    fn what_a_file_system_in_memory_gains_is_counted() {
        let Ok(directory) = tempfile::tempdir_in("/dev/shm") else { return };
        let elsewhere = PathBuf::from("/");
        let mut unseen = Unseen::new([&directory.path().to_owned(), &elsewhere], None);
        fs::write(directory.path().join("held"), vec![1; 8_000_000]).unwrap();
        assert!(unseen.count(&[]) > 4_000_000);
    }
}
