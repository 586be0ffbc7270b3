//! Signals that ask the process to end.

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Failure;

/// Returns once the process is asked to end: what runs is then ended in order instead of being cut off.
pub(super) async fn asked_to_end() -> Result<(), Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut hangup = listen(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
