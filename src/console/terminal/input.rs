//! Reads keys, pasted text and the mouse, and stamps each with the time it arrived.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossterm::event::{Event, poll, read};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::{Listener, Told};

/// Reads until it is dropped, so that another program can have the keys to itself.
pub struct Input {
    /// Closed to end the thread.
    open: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Input {
    /// Starts reading on a thread of its own: a key has one way to go to the loop, and no queue to wait in.
    pub fn start(listener: Arc<dyn Listener>) -> io::Result<Self> {
        let (ended, open) = rustix::pipe::pipe()?;
        let thread = thread::Builder::new().name("terminal-in".to_owned()).spawn(move || {
            if forward(&ended, &*listener).is_err() {
                listener.tell(Told::Gone);
            }
        })?;
        Ok(Self { open: Some(open), thread: Some(thread) })
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        drop(self.open.take());
        // One that panicked has nothing more to read.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Tells what is typed until the other end of `ended` is closed.
fn forward(ended: &OwnedFd, listener: &dyn Listener) -> io::Result<()> {
    let input = rustix::stdio::stdin();
    loop {
        let mut watched = [PollFd::new(&input, PollFlags::IN), PollFd::new(ended, PollFlags::empty())];
        match rustix::event::poll(&mut watched, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if !watched[1].revents().is_empty() {
            return Ok(());
        }
        if watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        while poll(Duration::ZERO)? {
            match read()? {
                // A signal tells of it at once, and this only with the next key.
                Event::Resize(..) => {}
                event => listener.tell(Told::Event(event, Instant::now())),
            }
        }
    }
}

/// Watches for the terminal being closed, which the reader above does not notice by itself.
pub fn watch_line(listener: Arc<dyn Listener>) -> io::Result<()> {
    thread::Builder::new().name("terminal-line".to_owned()).spawn(move || {
        let input = rustix::stdio::stdin();
        loop {
            // Nothing is asked for: errors and hang-ups are reported in any case.
            let mut watched = [PollFd::new(&input, PollFlags::empty())];
            match rustix::event::poll(&mut watched, None) {
                Ok(_) if watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => {
                    return listener.tell(Told::Gone);
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    })?;
    Ok(())
}
