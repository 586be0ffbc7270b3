//! The program in a terminal of 120×40: when it answers a key, what it writes, what it takes of memory and processor.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longest time anything may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(20);

struct Output {
    screen: vt100::Parser,
    /// What came since somebody forgot it.
    recent: Vec<u8>,
    last: Instant,
}

pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    input: Box<dyn Write + Send>,
    output: Arc<Mutex<Output>>,
    pub first_frame: Duration,
    _master: Box<dyn MasterPty + Send>,
}

#[allow(dead_code, reason = "each bench uses what it measures")]
impl Terminal {
    /// Starts it with its data in `dir`, and waits until the screen shows what is wanted.
    pub fn start(dir: &Path, arguments: &[&str], wanted: impl Fn(&str) -> bool) -> Self {
        let size = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_morningai"));
        command.env_clear();
        command.env("HOME", dir);
        command.env("PATH", "/usr/bin:/bin");
        command.env("TERM", "xterm-256color");
        command.env("MORNINGAI_DATA_DIR", dir);
        command.args(arguments);
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let input = pair.master.take_writer().unwrap();
        let screen = vt100::Parser::new(40.try_into().unwrap(), 120.try_into().unwrap(), 0);
        let output = Arc::new(Mutex::new(Output { screen, recent: Vec::new(), last: began }));
        let shared = output.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                let now = Instant::now();
                let mut output = shared.lock().unwrap();
                output.screen.process(&buffer[..read]);
                output.recent.extend_from_slice(&buffer[..read]);
                output.last = now;
            }
        });
        let mut started = Self { child, input, output, first_frame: Duration::ZERO, _master: pair.master };
        started.first_frame = started.until(wanted) - began;
        started
    }

    /// Presses a key, and says when.
    pub fn key(&mut self, key: &[u8]) -> Instant {
        let began = Instant::now();
        self.input.write_all(key).unwrap();
        self.input.flush().unwrap();
        began
    }

    /// When the bytes came with which the screen shows what is wanted.
    pub fn until(&self, wanted: impl Fn(&str) -> bool) -> Instant {
        self.wait(|output| wanted(&output.screen.screen().contents()))
    }

    /// When the bell rang, of what was written since somebody forgot it.
    pub fn bell(&self) -> Instant {
        self.wait(|output| output.recent.contains(&7))
    }

    fn wait(&self, is_there: impl Fn(&Output) -> bool) -> Instant {
        let (began, mut seen) = (Instant::now(), None);
        loop {
            let output = self.output.lock().unwrap();
            if seen != Some(output.last) && is_there(&output) {
                return output.last;
            }
            seen = Some(output.last);
            assert!(began.elapsed() < PATIENCE, "it never came: {}", output.screen.screen().contents());
            drop(output);
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// From here on, what was written is counted.
    pub fn forget(&self) {
        self.output.lock().unwrap().recent.clear();
    }

    /// What was written since then, and when the last of it came.
    pub fn written(&self) -> (Vec<u8>, Instant) {
        let output = self.output.lock().unwrap();
        (output.recent.clone(), output.last)
    }

    pub fn resident_kilobytes(&self) -> u64 {
        resident_kilobytes(self.child.process_id().unwrap())
    }

    /// Bytes written and processor time used in a time in which nothing happens.
    pub fn idle(&self, time: Duration) -> (usize, Duration) {
        self.forget();
        let cpu = self.cpu();
        std::thread::sleep(time);
        (self.written().0.len(), self.cpu().saturating_sub(cpu))
    }

    /// Time on a processor of all threads, in the scheduler's nanoseconds.
    fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.process_id().unwrap())).unwrap();
        let nanos = tasks.map(|task| {
            let stat = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default();
            stat.split_whitespace().next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0)
        });
        Duration::from_nanos(nanos.sum())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn resident_kilobytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
