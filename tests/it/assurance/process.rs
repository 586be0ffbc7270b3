//! Other processes: this test binary again, with an order to carry out. They die for real.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::order::Order;

const ORDER: &str = "MORNINGAI_TEST_ORDER";

/// What another process says once it is at work.
pub const WORKING: &str = "at work\n";

/// A process that is killed, should the test end before it.
pub struct Process(Child);

impl Process {
    pub fn start(order: &Order) -> Self {
        Self::start_in(Command::new(std::env::current_exe().unwrap()), order)
    }

    /// `program` ends up running this binary with the arguments it is given.
    pub fn start_in(mut program: Command, order: &Order) -> Self {
        let child = program
            .args(["--exact", "assurance::process::another_process", "--ignored", "--nocapture", "--quiet"])
            .env(ORDER, serde_json::to_string(order).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Self(child)
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Waits for the line by which the other process says that it has begun.
    pub fn until_it_works(&mut self) {
        let mut told = Vec::new();
        let output = self.0.stdout.as_mut().unwrap();
        let mut byte = [0];
        while !told.ends_with(WORKING.as_bytes()) {
            assert_eq!(output.read(&mut byte).unwrap(), 1, "it ended before it began");
            told.push(byte[0]);
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Waits until it has stopped itself, as the kernel sees it.
    pub fn until_stopped(&self, most: Duration) {
        let began = Instant::now();
        loop {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
            if stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T')) {
                return;
            }
            assert!(began.elapsed() < most, "the other process does not stop");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Its end, which must come in time.
    pub fn wait(&mut self, most: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < most, "the other process does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "the other process of the tests beside it"]
fn another_process() {
    let order = std::env::var(ORDER).expect("started by the tests beside it, with an order");
    serde_json::from_str::<Order>(&order).unwrap().carry_out();
}

/// Ends this process as `kill -9` would: nothing is flushed, dropped or told.
pub fn die() -> ! {
    let _ = kill_process(rustix::process::getpid(), Signal::KILL);
    loop {
        std::thread::park();
    }
}
