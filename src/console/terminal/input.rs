//! Reads keys, pasted text, the mouse and new sizes, and stamps each with the time it arrived.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crossterm::event::EventStream;
use futures::StreamExt;
use rustix::event::{PollFd, PollFlags};
use tokio::task::JoinHandle;

use super::{Listener, Told};

/// Reads until it is dropped, so that another program can have the keys to itself.
pub struct Input {
    task: JoinHandle<()>,
}

impl Input {
    /// Starts reading. Must be called within a runtime.
    pub fn start(listener: Arc<dyn Listener>) -> Self {
        let task = tokio::spawn(async move {
            let mut events = EventStream::new();
            while let Some(event) = events.next().await {
                match event {
                    Ok(event) => listener.tell(Told::Event(event, Instant::now())),
                    Err(_) => return listener.tell(Told::Gone),
                }
            }
        });
        Self { task }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Watches for the terminal being closed, which the reader above does not notice by itself.
pub fn watch_line(listener: Arc<dyn Listener>) -> std::io::Result<()> {
    thread::Builder::new().name("terminal-line".to_owned()).spawn(move || {
        let input = rustix::stdio::stdin();
        loop {
            // Nothing is asked for: errors and hang-ups are reported in any case.
            let mut watched = [PollFd::new(&input, PollFlags::empty())];
            match rustix::event::poll(&mut watched, None) {
                Ok(_) if watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => {
                    return listener.tell(Told::Gone);
                }
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    })?;
    Ok(())
}
