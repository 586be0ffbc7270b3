//! Signals that end, interrupt or continue the program, or that its terminal has another size, as things that are told.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use crossterm::event::Event;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::{Listener, Told};

/// Listens until it is dropped.
pub struct Signals {
    task: JoinHandle<()>,
}

impl Signals {
    /// Starts listening. Must be called within a runtime.
    pub fn start(listener: Arc<dyn Listener>) -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut go_on = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
        let mut resized = signal(SignalKind::window_change())?;
        super::input::watch_line(Arc::clone(&listener))?;
        let task = tokio::spawn(async move {
            loop {
                let told = tokio::select! {
                    _ = terminate.recv() => Told::Terminate,
                    _ = hang_up.recv() => Told::Gone,
                    _ = interrupt.recv() => Told::Interrupt,
                    _ = go_on.recv() => Told::Continued,
                    _ = resized.recv() => match crossterm::terminal::size() {
                        Ok((width, height)) => Told::Event(Event::Resize(width, height), Instant::now()),
                        Err(_) => continue,
                    },
                };
                listener.tell(told);
            }
        });
        Ok(Self { task })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.task.abort();
    }
}
