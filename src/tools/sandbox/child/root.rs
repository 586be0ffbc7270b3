//! The first process of a new namespace of processes: it builds the root that the plan describes, moves into it, lets
//! go of the machine's, and starts the way inside there. When that ends, so does everything in the namespace.
//!
//! A step that fails ends it before anything has been started.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::{fs, io};

use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::process::{Pid, Signal, WaitOptions};

use super::{divide, loopback};
use crate::tools::sandbox::layout::{HELPER, Place};
use crate::tools::sandbox::order::SHARED_MEMORY_BYTES;
use crate::tools::sandbox::part::ENTER;

/// Any directory that every machine has: what is built, is built on top of it and moved away.
const BASE: &str = "/tmp";
/// The machine's root and the new one, while both are there.
const OLD: &str = "/old";
const NEW: &str = "/new";
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
];

/// The argument is the plan.
pub(super) fn run() -> ExitCode {
    let ended = build().and_then(|()| start_and_wait().map_err(|error| format!("the way inside: {error}")));
    match ended {
        Ok(status) => ExitCode::from(divide::code_of(status)),
        Err(message) => {
            use std::io::Write;
            // Nobody else could be told.
            let _ = write!(io::stderr(), "a root of its own: {message}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let plan = std::env::args().nth(2).ok_or("no plan")?;
    let places: Vec<Place> = serde_json::from_str(&plan).map_err(|error| format!("unreadable plan: {error}"))?;
    let named = |step: &'static str| move |error: io::Error| format!("{step}: {error}");
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("tying to the parent: {error}"))?;
    loopback::raise().map_err(named("the loopback interface"))?;
    set_aside().map_err(named("setting the machine's root aside"))?;
    processes_and_devices().map_err(named("/proc and /dev"))?;
    for place in &places {
        put(place).map_err(|error| format!("{place:?}: {error}"))?;
    }
    move_in().map_err(named("moving in"))
}

/// The machine's root is at [`OLD`] afterwards, and nothing that is mounted from here on is seen outside.
fn set_aside() -> io::Result<()> {
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    memory_at(Path::new(BASE), c"mode=0755")?;
    let below = |name: &str| Path::new(BASE).join(name.trim_start_matches('/'));
    for name in [OLD, NEW] {
        fs::create_dir(below(name))?;
    }
    rustix::process::pivot_root(BASE, below(OLD))?;
    std::env::set_current_dir("/")?;
    memory_at(Path::new(NEW), c"mode=0755")
}

fn processes_and_devices() -> io::Result<()> {
    let (proc, dev) = (new("/proc"), new("/dev"));
    fs::create_dir(&proc)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("proc", &proc, "proc", flags, None)?;
    fs::create_dir(&dev)?;
    memory_at(&dev, c"mode=0755")?;
    for name in DEVICES {
        File::create(dev.join(name))?;
        rustix::mount::mount_bind(old("/dev").join(name), dev.join(name))?;
    }
    let terminals = dev.join("pts");
    fs::create_dir(&terminals)?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    rustix::mount::mount("devpts", &terminals, "devpts", flags, c"newinstance,ptmxmode=0666,mode=0620")?;
    for (to, name) in DEVICE_LINKS {
        std::os::unix::fs::symlink(to, dev.join(name))?;
    }
    Ok(())
}

fn put(place: &Place) -> io::Result<()> {
    match place {
        Place::Writable { from, at } => bind(&old(from), &new(at), Rights::Change),
        Place::Readable { from, at } => bind(&old(from), &new(at), Rights::Read),
        // Without devices it cannot even be opened.
        Place::Blank { at } => bind(&old("/dev/null"), &new(at), Rights::Read),
        Place::Link { to, at } => {
            make_parent(&new(at))?;
            std::os::unix::fs::symlink(to, new(at))
        }
        Place::Empty { at } => memory_at(&new(at), c"mode=0755"),
        Place::Memory { at } => {
            fs::create_dir_all(new(at))?;
            let data = std::ffi::CString::new(format!("mode=1777,size={SHARED_MEMORY_BYTES}"))?;
            memory_at(&new(at), &data)
        }
        Place::Closed { at } => {
            let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
            Ok(rustix::mount::mount_remount(new(at), flags, "")?)
        }
    }
}

/// Lets go of the machine's root: from here on, nothing of it has a name.
fn move_in() -> io::Result<()> {
    rustix::mount::unmount(OLD, UnmountFlags::DETACH)?;
    std::env::set_current_dir(NEW)?;
    rustix::process::pivot_root(".", ".")?;
    // The base, which is stacked on top of the new root now.
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")
}

/// Starts the way inside, collects whatever ends, and hands its end on.
fn start_and_wait() -> io::Result<ExitStatus> {
    let way_in = Command::new(HELPER).arg(ENTER).env_clear().spawn()?;
    let way_in = Pid::from_child(&way_in);
    divide::stand_back(&divide::nothing()?)?;
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == way_in => return Ok(ExitStatus::from_raw(status.as_raw())),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rights {
    Read,
    Change,
}

/// With everything that is mounted below it, as the machine's own rules demand.
fn bind(from: &Path, at: &Path, rights: Rights) -> io::Result<()> {
    if from.is_dir() {
        fs::create_dir_all(at)?;
    } else if !at.exists() {
        make_parent(at)?;
        File::create(at)?;
    }
    rustix::mount::mount_bind_recursive(from, at)?;
    restrict_recursively(at, rights)
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn memory_at(place: &Path, options: &std::ffi::CStr) -> io::Result<()> {
    Ok(rustix::mount::mount("tmpfs", place, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options)?)
}

fn old(path: impl AsRef<Path>) -> PathBuf {
    below(OLD, path.as_ref())
}

fn new(path: impl AsRef<Path>) -> PathBuf {
    below(NEW, path.as_ref())
}

fn below(root: &str, path: &Path) -> PathBuf {
    Path::new(root).join(path.strip_prefix("/").unwrap_or(path))
}

/// No set-user-id programs and no devices, and no changes where only reading is right, on every mount of a tree at
/// once. Remounting one by one would have to find them all, and could miss one.
#[allow(unsafe_code)]
fn restrict_recursively(tree: &Path, rights: Rights) -> io::Result<()> {
    const READ_ONLY: u64 = 1;
    const NO_SET_USER_ID: u64 = 2;
    const NO_DEVICES: u64 = 4;
    let read_only = if rights == Rights::Read { READ_ONLY } else { 0 };
    // Attributes to set, to clear, propagation, and a user namespace.
    let attributes = [read_only | NO_SET_USER_ID | NO_DEVICES, 0_u64, 0, 0];
    let path = std::ffi::CString::new(tree.as_os_str().as_encoded_bytes())?;
    // SAFETY: the path ends in a zero byte and the attributes have the size that is given; both outlive the call,
    // which only reads them.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            attributes.as_ptr(),
            size_of_val(&attributes),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
