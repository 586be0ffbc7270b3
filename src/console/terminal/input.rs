//! Reads keys, pasted text and the mouse, and stamps each with the time it arrived.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Instant;

use crossterm::event::Event;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::typed::{Portion, Typed};
use super::{Listener, Told};

/// Bytes read at once.
const PORTION: usize = 4096;
/// How long the rest of a key or of pasted text may take.
const PATIENCE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

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
    let (mut typed, mut buffer) = (Typed::default(), vec![0; PORTION]);
    loop {
        let mut watched = [PollFd::new(&input, PollFlags::IN), PollFd::new(ended, PollFlags::empty())];
        let patience = typed.is_unfinished().then_some(PATIENCE);
        match rustix::event::poll(&mut watched, patience.as_ref()) {
            Ok(0) => {
                tell(listener, typed.give_up());
                continue;
            }
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if !watched[1].revents().is_empty() {
            return Ok(());
        }
        if watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = match rustix::io::read(input, &mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(Errno::INTR | Errno::AGAIN) => continue,
            Err(error) => return Err(error.into()),
        };
        let portion = if count == buffer.len() { Portion::MoreToCome } else { Portion::Last };
        tell(listener, typed.feed(&buffer[..count], portion));
    }
}

fn tell(listener: &dyn Listener, events: impl IntoIterator<Item = Event>) {
    events.into_iter().for_each(|event| listener.tell(Told::Event(event, Instant::now())));
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
