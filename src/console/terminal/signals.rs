//! Signals that end, interrupt or continue the program, as things that are told.

use std::io;
use std::sync::Arc;

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
        super::input::watch_line(Arc::clone(&listener))?;
        let task = tokio::spawn(async move {
            loop {
                let told = tokio::select! {
                    _ = terminate.recv() => Told::Terminate,
                    _ = hang_up.recv() => Told::Gone,
                    _ = interrupt.recv() => Told::Interrupt,
                    _ = go_on.recv() => Told::Continued,
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
