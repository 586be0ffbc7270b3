//! Sources of state for a console: the embedded orchestrator and a recording.

mod local;
mod recording;
mod replay;

pub use local::LocalClient;
pub use recording::Recording;
pub use recording::RecordingError;
pub use replay::ReplayClient;
