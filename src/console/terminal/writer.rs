//! Hands bytes to the terminal from a thread of its own, and says when they are there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{io, thread};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::{Listener, Told};

enum Job {
    Frame {
        number: u64,
        bytes: Vec<u8>,
    },
    /// Answers once everything before it was written.
    Barrier(mpsc::SyncSender<()>),
}

/// The way out. Cheap to call: a stuck line holds up the thread, not the caller.
pub struct Writer {
    jobs: mpsc::Sender<Job>,
    written: Arc<AtomicU64>,
}

impl Writer {
    pub fn start(listener: Arc<dyn Listener>) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let written = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&written);
        thread::Builder::new().name("terminal-out".to_owned()).spawn(move || {
            for job in queue {
                match job {
                    Job::Frame { number, bytes } => match write_all(&bytes) {
                        Ok(()) => {
                            count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                            listener.tell(Told::Flushed(number));
                        }
                        Err(_) => return listener.tell(Told::Gone),
                    },
                    Job::Barrier(reached) => {
                        // The waiting side may have given up.
                        let _ = reached.send(());
                    }
                }
            }
        })?;
        Ok(Self { jobs, written })
    }

    /// Sends a frame; `Told::Flushed(number)` follows.
    pub fn send(&self, number: u64, bytes: Vec<u8>) {
        // A thread that ended has told `Gone` before.
        let _ = self.jobs.send(Job::Frame { number, bytes });
    }

    /// Returns once everything sent before was written, the line is gone, or it has been stuck for too long.
    pub fn wait(&self) {
        const LONGEST: Duration = Duration::from_secs(1);
        let (reached, wait) = mpsc::sync_channel(1);
        if self.jobs.send(Job::Barrier(reached)).is_ok() {
            let _ = wait.recv_timeout(LONGEST);
        }
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

/// Writes to the terminal without a lock, so that it works in any state the program is in.
pub fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    let out = rustix::stdio::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(out, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                // Something that shares the terminal made it non-blocking: wait for room.
                rustix::event::poll(&mut [PollFd::new(&out, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
