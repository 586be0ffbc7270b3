//! Sources of state for a console: the embedded orchestrator, a server elsewhere, and a recording.

mod local;
mod recording;
pub mod remote;
mod replay;

pub use local::LocalClient;
pub use recording::{Recording, RecordingError};
pub use remote::RemoteClient;
pub use replay::ReplayClient;
