//! Disks: room and inodes of every local file system.
//!
//! Network file systems are named and not asked: asking one whose server is gone hangs for good.

use std::collections::HashSet;

use serde_json::json;

use super::reading::{Level, Measured, table};
use crate::tools::cards::count;
use crate::tools::files::size;

/// Per cent in use, of room as of inodes.
const USED_WARNING: f64 = 80.0;
const USED_CRITICAL: f64 = 90.0;

const LOCAL: &[&str] =
    &["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "vfat", "exfat", "ntfs3", "overlay"];
const REMOTE: &[&str] = &["nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "afs", "lustre", "glusterfs"];

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub device: String,
    pub path: String,
    pub kind: String,
}

/// Room on a mounted file system, in bytes and inodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    pub used: u64,
    /// What ordinary users may still use; less than what is free.
    pub available: u64,
    pub inodes_used: u64,
    pub inodes: u64,
}

impl Room {
    /// Per cent in use, the way `df` counts.
    fn used_percent(&self) -> f64 {
        share(self.used, self.used + self.available)
    }

    fn inodes_percent(&self) -> f64 {
        share(self.inodes_used, self.inodes)
    }
}

/// Reads `/proc/self/mountinfo`: local file systems, each device once, and how many remote ones there are.
pub fn parse_mounts(text: &str) -> (Vec<Mount>, usize) {
    let (mut mounts, mut remote, mut seen) = (Vec::new(), 0, HashSet::new());
    for line in text.lines() {
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let (before, after): (Vec<&str>, Vec<&str>) = (before.split(' ').collect(), after.split(' ').collect());
        let (Some(device), Some(path), Some(kind)) = (before.get(2), before.get(4), after.first()) else { continue };
        if REMOTE.contains(kind) || kind.starts_with("fuse.ssh") {
            remote += 1;
        }
        // Every container adds an overlay; they all lie on the file system below and only `/` speaks for us.
        let ours = LOCAL.contains(kind) && (*kind != "overlay" || *path == "/");
        if ours && seen.insert((*device).to_owned()) {
            mounts.push(Mount { device: (*device).to_owned(), path: unescaped(path), kind: (*kind).to_owned() });
        }
    }
    (mounts, remote)
}

/// Undoes `\040` and its like.
fn unescaped(path: &str) -> String {
    let mut text = Vec::new();
    let bytes = path.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        match (bytes[at], digits.and_then(|digits| u8::from_str_radix(digits, 8).ok())) {
            (b'\\', Some(byte)) => {
                text.push(byte);
                at += 4;
            }
            (byte, _) => {
                text.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Asks the kernel for the room on a mount.
pub fn room(mount: &Mount) -> Option<Room> {
    let stat = rustix::fs::statvfs(mount.path.as_str()).ok().filter(|stat| stat.f_blocks > 0)?;
    Some(Room {
        used: stat.f_blocks.saturating_sub(stat.f_bfree) * stat.f_frsize,
        available: stat.f_bavail * stat.f_frsize,
        inodes_used: stat.f_files.saturating_sub(stat.f_ffree),
        inodes: stat.f_files,
    })
}

pub fn judge(disks: &[(Mount, Room)], remote: usize) -> Measured {
    let mut measured = Measured::default();
    let mut rows = Vec::new();
    for (mount, room) in disks {
        let (used, inodes) = (room.used_percent(), room.inodes_percent());
        rows.push(vec![
            mount.path.clone(),
            mount.kind.clone(),
            size(room.used + room.available),
            size(room.available),
            format!("{used:.0} %"),
            format!("{inodes:.0} %"),
        ]);
        for (percent, of) in [(used, "room"), (inodes, "inodes")] {
            let level = Level::rising(percent, USED_WARNING, USED_CRITICAL);
            if level > Level::Ok {
                measured.find(level, format!("{} has {percent:.0} % of its {of} in use", mount.path));
            }
        }
    }
    let fullest = disks.iter().max_by(|(_, a), (_, b)| a.used_percent().total_cmp(&b.used_percent()));
    measured.gist = match fullest {
        Some((mount, room)) => format!(
            "{}, fullest {} at {:.0} %",
            count(disks.len(), "file system", "file systems"),
            mount.path,
            room.used_percent()
        ),
        None => "no local file system".to_owned(),
    };
    measured.table = table(&["mount", "type", ">size", ">available", ">used", ">inodes"], &rows);
    if remote > 0 {
        let left = count(remote, "network file system was", "network file systems were");
        measured.table.push_str(&format!("({left} left out)\n"));
    }
    measured.numbers = disks
        .iter()
        .map(|(mount, room)| {
            json!({"mount": mount.path, "type": mount.kind, "used": room.used, "available": room.available,
                "used_percent": room.used_percent(), "inodes_percent": room.inodes_percent()})
        })
        .collect();
    measured
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
        22 27 0:21 / /proc rw - proc proc rw\n\
        40 27 254:0 /home /home rw - ext4 /dev/vda rw\n\
        41 27 8:1 / /mnt/my\\040disk rw - xfs /dev/sda1 rw\n\
        42 27 0:99 / /srv rw - nfs4 server:/x rw\n\
        43 27 0:50 / /var/lib/docker/overlay2/x rw - overlay overlay rw\n\
        44 27 7:0 / /snap/core ro - squashfs /dev/loop0 ro\n";

    #[test]
    fn each_local_device_counts_once_and_remote_ones_are_only_counted() {
        let (mounts, remote) = parse_mounts(MOUNTS);
        let paths: Vec<&str> = mounts.iter().map(|mount| mount.path.as_str()).collect();
        assert_eq!((paths, remote), (vec!["/", "/mnt/my disk"], 1));
    }

    #[test]
    fn room_and_inodes_are_judged_alike() {
        let mount = |path: &str| Mount { device: String::new(), path: path.to_owned(), kind: "ext4".to_owned() };
        let full = Room { used: 85, available: 15, inodes_used: 95, inodes: 100 };
        let empty = Room { used: 10, available: 90, inodes_used: 0, inodes: 0 };
        let measured = judge(&[(mount("/"), empty), (mount("/var"), full)], 0);
        let found: Vec<_> = measured.findings.iter().map(|found| (found.level, found.text.raw())).collect();
        assert_eq!(
            found,
            [
                (Level::Warning, "/var has 85 % of its room in use"),
                (Level::Critical, "/var has 95 % of its inodes in use")
            ]
        );
        assert_eq!(measured.gist, "2 file systems, fullest /var at 85 %");
    }
}
