//! The process that keeps watch: it starts the way inside, counts what all descendants use, and kills every one of
//! them when the target ends, a limit is reached, or the order pipe closes, which it also does when our parent dies.
//!
//! It stays outside the walls, so that nothing inside can signal it or speak for it. Should it be killed all the same,
//! its guard does the killing; should its guard be, it does.

use std::io::{BufRead, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, ChildStderr, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, WaitOptions, WaitStatus};

use super::enter::READY;
use super::family::Usage;
use super::group::Group;
use super::memory::Unseen;
use super::{descriptors, family};
use crate::tools::sandbox::order::{Entry, Order, SHARED_MEMORY, Walls};
use crate::tools::sandbox::{Report, Stop};

/// How often usage is counted: as often as these allow while counting takes at most a twentieth of the time.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(20);
const LONGEST_INTERVAL: Duration = Duration::from_millis(250);
/// Most of what the way inside says that is kept.
const LONGEST_MESSAGE: usize = 4_096;

/// Reads an order from standard input, carries it out, and reports on standard error.
pub(super) fn run() -> ExitCode {
    let report = supervise().unwrap_or_else(|message| Report { started: false, stop: Stop::Failed, message });
    family::kill();
    let told = serde_json::to_string(&report).map(|text| std::io::stderr().write_all(text.as_bytes()));
    if matches!(told, Ok(Ok(()))) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn supervise() -> Result<Report, String> {
    let text = |step: &'static str| move |error: std::io::Error| format!("{step}: {error}");
    // Without a session of its own, a key in our terminal would reach the target's ancestors.
    rustix::process::setsid().map_err(|error| text("a new session")(error.into()))?;
    rustix::process::set_child_subreaper(Pid::from_raw(1)).map_err(|error| text("adopting orphans")(error.into()))?;
    descriptors::close_inherited_on_exec().map_err(text("closing descriptors"))?;
    let guard = watched(rustix::process::getppid().ok_or("no guard")?)?;
    let mut order = read_order()?;
    let group = Group::enter(order.limits.memory_bytes);
    order.entry.memory_is_counted = group.is_some();
    let child = start(&order);
    if let Some(group) = &group {
        group.leave();
    }
    let mut child = child?;
    send_entry(&mut child, &order.entry)?;
    let pid = Pid::from_child(&child);
    let ended = watched(pid)?;
    let mut way_in = WayIn::new(child.stderr.take());
    let mut ledger = Ledger::new(&order, group);
    let stop = watch(&order, pid, [guard.as_fd(), ended.as_fd()], &mut way_in, &mut ledger);
    family::kill();
    ledger.close();
    way_in.drain();
    let (started, message) = match stop {
        Stop::Failed => (true, "the guard of its supervisor was killed, so it was stopped".to_owned()),
        _ => way_in.verdict(),
    };
    Ok(Report { started, stop, message })
}

fn watched(pid: Pid) -> Result<OwnedFd, String> {
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).map_err(|error| format!("watching: {error}"))
}

/// One line; the pipe stays open behind it, and its end is the sign to stop.
fn read_order() -> Result<Order, String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| format!("reading the order: {error}"))?;
    serde_json::from_str(&line).map_err(|error| format!("unreadable order: {error}"))
}

fn start(order: &Order) -> Result<Child, String> {
    let (program, arguments) = order.launch.split_first().ok_or("the order starts nothing")?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdin(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| format!("{program}: {error}"))
}

fn send_entry(child: &mut Child, entry: &Entry) -> Result<(), String> {
    let mut pipe = child.stdin.take().ok_or("no pipe to the way inside")?;
    let text = serde_json::to_vec(entry).map_err(|error| error.to_string())?;
    // A way inside that is gone already has told why; that is the better message.
    let _ = pipe.write_all(&text);
    Ok(())
}

/// Until the child ends, we are told to stop, our guard is gone, or a limit is reached.
fn watch(order: &Order, child: Pid, ends: [BorrowedFd<'_>; 2], way_in: &mut WayIn, ledger: &mut Ledger) -> Stop {
    let mut interval = SHORTEST_INTERVAL;
    let mut counted = Instant::now();
    loop {
        let told = wait_for_news(ends, way_in, interval.saturating_sub(counted.elapsed()));
        match told {
            News::OrderPipe => return Stop::Told,
            News::Guard => return Stop::Failed,
            News::WayIn => way_in.read(),
            News::Other => {}
        }
        if let Some(status) = reap(child) {
            let exhausted = ledger.is_exhausted();
            return if exhausted { Stop::TooMuchMemory } else { stop_of(status, &order.entry.walls) };
        }
        if counted.elapsed() >= interval {
            counted = Instant::now();
            if let Some(stop) = limit_reached(order, ledger) {
                return stop;
            }
            interval = (counted.elapsed() * 20).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        }
    }
}

enum News {
    OrderPipe,
    /// It is gone.
    Guard,
    WayIn,
    /// The child's end, an orphan's, or none at all: looking is cheap.
    Other,
}

fn wait_for_news([guard, ended]: [BorrowedFd<'_>; 2], way_in: &WayIn, longest: Duration) -> News {
    let orders = rustix::stdio::stdin();
    let mut sources = [&orders, &guard, &ended].map(|source| PollFd::new(source, PollFlags::IN)).to_vec();
    if let Some(pipe) = &way_in.pipe {
        sources.push(PollFd::new(pipe, PollFlags::IN));
    }
    let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(longest.subsec_nanos()) };
    if rustix::event::poll(&mut sources, Some(&timeout)).is_err() {
        return News::Other;
    }
    let has_news: Vec<_> = sources.iter().map(|source| !source.revents().is_empty()).collect();
    match has_news.as_slice() {
        [true, ..] => News::OrderPipe,
        [_, true, ..] => News::Guard,
        [.., true] if has_news.len() == 4 => News::WayIn,
        _ => News::Other,
    }
}

/// Collects every process that ended; the child's status when it is among them.
fn reap(child: Pid) -> Option<WaitStatus> {
    let mut status = None;
    while let Ok(Some((pid, ended))) = rustix::process::wait(WaitOptions::NOHANG) {
        if pid == child {
            status = Some(ended);
        }
    }
    status
}

fn stop_of(status: WaitStatus, walls: &Walls) -> Stop {
    match (status.exit_status(), status.terminating_signal()) {
        // The first process of a namespace reports its child's signal the way shells do.
        (Some(code @ 129..=192), _) if walls.are_namespaces() => Stop::Signalled(code - 128),
        (Some(code), _) => Stop::Exited(code),
        (None, signal) => Stop::Signalled(signal.unwrap_or_default()),
    }
}

fn limit_reached(order: &Order, ledger: &mut Ledger) -> Option<Stop> {
    let family = family::descendants();
    let usage = family::usage(&family);
    let memory_bytes = usage.own_bytes + ledger.shared_bytes(&family, &usage);
    let free = rustix::fs::statvfs(&order.disk).map(|disk| disk.f_bavail * disk.f_frsize);
    if usage.processes > order.limits.processes {
        Some(Stop::TooManyProcesses)
    } else if ledger.is_exhausted() || memory_bytes > order.limits.memory_bytes {
        Some(Stop::TooMuchMemory)
    } else if free.is_ok_and(|free| free < order.limits.free_disk_bytes) {
        Some(Stop::DiskFull)
    } else {
        None
    }
}

/// Who counts memory that belongs to no one process.
enum Ledger {
    Kernel(Group),
    Ours(Unseen),
}

impl Ledger {
    fn new(order: &Order, group: Option<Group>) -> Self {
        let private = order.entry.walls.are_namespaces().then(|| SHARED_MEMORY.into());
        group.map_or_else(|| Self::Ours(Unseen::new([&order.disk, &order.scratch], private)), Self::Kernel)
    }

    fn is_exhausted(&self) -> bool {
        matches!(self, Self::Kernel(group) if group.is_exhausted())
    }

    /// Mappings are seen by both; each sees some that the other does not.
    fn shared_bytes(&mut self, family: &[i32], usage: &Usage) -> u64 {
        match self {
            Self::Kernel(_) => usage.shared_bytes,
            Self::Ours(unseen) => unseen.count(family).max(usage.shared_bytes),
        }
    }

    /// Once everybody is gone.
    fn close(&self) {
        if let Self::Kernel(group) = self {
            group.remove();
        }
    }
}

/// What the way inside says. Only what precedes `ready` is beyond doubt: bubblewrap's own process holds the pipe
/// too, and the target can find it there.
struct WayIn {
    pipe: Option<ChildStderr>,
    said: Vec<u8>,
}

impl WayIn {
    fn new(pipe: Option<ChildStderr>) -> Self {
        Self { pipe, said: Vec::new() }
    }

    /// Takes what is there; more than fits is read and forgotten, so that nobody blocks on it.
    fn read(&mut self) {
        let mut buffer = [0; 1_024];
        let read = self.pipe.as_mut().map(|pipe| pipe.read(&mut buffer));
        match read {
            Some(Ok(count @ 1..)) => {
                let room = LONGEST_MESSAGE.saturating_sub(self.said.len());
                self.said.extend_from_slice(&buffer[..count.min(room)]);
            }
            _ => self.pipe = None,
        }
    }

    /// After the end of everybody who could write.
    fn drain(&mut self) {
        while self.pipe.is_some() {
            self.read();
        }
    }

    fn verdict(&self) -> (bool, String) {
        let said = String::from_utf8_lossy(&self.said);
        match said.split_once(READY) {
            Some((_, message)) => (true, message.trim().to_owned()),
            None => (false, said.trim().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(said: &str) -> (bool, String) {
        WayIn { pipe: None, said: said.as_bytes().to_vec() }.verdict()
    }

    #[test]
    fn only_a_way_inside_that_was_ready_reached_the_target() {
        assert_eq!(verdict("ready\n"), (true, String::new()));
        assert_eq!(verdict(""), (false, String::new()));
        assert_eq!(verdict("bwrap: no\n"), (false, "bwrap: no".to_owned()));
        assert_eq!(verdict("ready\nnope: not found"), (true, "nope: not found".to_owned()));
    }
}
