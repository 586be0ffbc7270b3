//! A control group for one family, where this machine lets us make one: the kernel then counts all the memory they
//! hold together, in whatever form, and stops them at the limit.
//!
//! Both versions of control groups, and nothing but memory. Where none can be had, [`super::memory`] counts.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// A group whose members are everything started between [`Group::enter`] and [`Group::leave`].
#[derive(Debug)]
pub(super) struct Group {
    place: PathBuf,
    /// Where we were before.
    home: PathBuf,
    version: &'static Version,
}

/// The files of one version. A limit on swap need not exist, where there is none.
#[derive(Debug)]
struct Version {
    /// The type of the file system.
    name: &'static str,
    limit: &'static str,
    /// Limits memory and swap together (1), or swap alone (2).
    swap_limit: &'static str,
    swap_is_apart: bool,
    /// Has a line that counts members killed for want of memory.
    kills: &'static str,
    /// In version 2 a group has members or limits for groups below it, never both.
    beside_ours: bool,
}

const VERSIONS: [Version; 2] = [
    Version {
        name: "cgroup",
        limit: "memory.limit_in_bytes",
        swap_limit: "memory.memsw.limit_in_bytes",
        swap_is_apart: false,
        kills: "memory.oom_control",
        beside_ours: false,
    },
    Version {
        name: "cgroup2",
        limit: "memory.max",
        swap_limit: "memory.swap.max",
        swap_is_apart: true,
        kills: "memory.events",
        beside_ours: true,
    },
];

impl Group {
    /// Makes a group with this limit and enters it; `None` where that cannot be done.
    pub fn enter(memory_bytes: u64) -> Option<Self> {
        let (home, version) = home()?;
        let group = Self { place: place(&home, version, std::process::id()), home, version };
        fs::create_dir(&group.place).ok()?;
        if group.set_up(memory_bytes).is_err() {
            group.leave();
            group.remove();
            return None;
        }
        Some(group)
    }

    fn set_up(&self, memory_bytes: u64) -> io::Result<()> {
        let swap_bytes = if self.version.swap_is_apart { 0 } else { memory_bytes };
        let write = |file: &str, value: u64| write_existing(&self.place.join(file), value);
        write(self.version.limit, memory_bytes)?;
        match write(self.version.swap_limit, swap_bytes) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.killed()?;
        write("cgroup.procs", u64::from(std::process::id()))
    }

    /// Goes back, so that nothing in the group is ours: what is killed for want of memory is theirs.
    pub fn leave(&self) {
        // Where that fails we stay: then we may be killed too, and our guard ends everything.
        let _ = write_existing(&self.home.join("cgroup.procs"), u64::from(std::process::id()));
    }

    /// Whether the kernel has killed a member at the limit.
    pub fn is_exhausted(&self) -> bool {
        self.killed().is_ok_and(|killed| killed > 0)
    }

    fn killed(&self) -> io::Result<u64> {
        let text = fs::read_to_string(self.place.join(self.version.kills))?;
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
        count.ok_or_else(|| io::Error::other("kills for want of memory are not counted"))
    }

    /// Once nobody is in it.
    pub fn remove(&self) {
        // Its guard tries again.
        let _ = fs::remove_dir(&self.place);
    }
}

/// Removes the group of a supervisor that could not do so itself.
pub(super) fn remove(supervisor: u32) {
    if let Some((home, version)) = home() {
        // Mostly it is gone.
        let _ = fs::remove_dir(place(&home, version, supervisor));
    }
}

fn place(home: &Path, version: &Version, supervisor: u32) -> PathBuf {
    // The topmost group has none beside it, and is the one exception to the rule.
    let above =
        if version.beside_ours { home.parent().filter(|above| above.join("cgroup.procs").exists()) } else { None };
    above.unwrap_or(home).join(format!("morningai-{supervisor}"))
}

/// The directory of our own group among those that limit memory.
fn home() -> Option<(PathBuf, &'static Version)> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    VERSIONS.iter().find_map(|version| {
        let home = find_home(&mounts, &groups, version)?;
        (version.name == "cgroup" || home.join("memory.max").exists()).then_some((home, version))
    })
}

/// `mounts` as in `/proc/self/mountinfo`, `groups` as in `/proc/self/cgroup`.
fn find_home(mounts: &str, groups: &str, version: &Version) -> Option<PathBuf> {
    let own = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let ours = if version.beside_ours { "" } else { "memory" };
        controllers.split(',').any(|controller| controller == ours).then_some(path)
    })?;
    mounts.lines().find_map(|line| {
        let (place, system) = line.split_once(" - ")?;
        let mut system = system.split(' ');
        let (name, _, options) = (system.next()?, system.next()?, system.next()?);
        let limits_memory = version.beside_ours || options.split(',').any(|option| option == "memory");
        if name != version.name || !limits_memory {
            return None;
        }
        let mut fields = place.split(' ').skip(3);
        let (root, mounted) = (fields.next()?, fields.next()?);
        let below = Path::new(own).strip_prefix(root).ok()?;
        Some(Path::new(mounted).join(below))
    })
}

fn write_existing(file: &Path, value: u64) -> io::Result<()> {
    use std::io::Write;
    fs::OpenOptions::new().write(true).open(file)?.write_all(value.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "30 29 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                          31 29 0:27 /docker/a /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
                          32 29 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    const GROUPS: &str = "5:cpu:/\n4:memory:/docker/a/b\n0::/user.slice/shell\n";

    #[test]
    fn our_group_is_found_below_the_mount_it_is_seen_through() {
        let home = |version| find_home(MOUNTS, GROUPS, version).unwrap();
        assert_eq!(home(&VERSIONS[0]), Path::new("/sys/fs/cgroup/memory/b"));
        assert_eq!(home(&VERSIONS[1]), Path::new("/sys/fs/cgroup/unified/user.slice/shell"));
        assert_eq!(find_home("", GROUPS, &VERSIONS[0]), None);
    }
}
