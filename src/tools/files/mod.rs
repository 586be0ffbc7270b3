//! File tools: list, search, read, edit, write, delete. All of them stay inside the workspace.

mod change;
mod content;
mod credential;
mod delete;
mod diff;
mod edit;
mod list;
mod nearest;
mod old;
mod read;
mod root;
mod search;
mod text;

pub use change::TEMPORARY_PREFIX;
pub use content::{check_content, check_path, get, make_content, plan_content, put, unified};
pub use credential::is_credential;
pub use delete::DeleteFiles;
pub use edit::{EditFile, WriteFile};
pub use list::ListFiles;
pub(super) use list::size;
pub use old::RemoveOldFiles;
pub use read::ReadFile;
pub use search::Search;

use crate::domain::{FailureKind, ToolResult};

/// Runs file work off the asynchronous threads.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ToolResult> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ToolResult::failure(FailureKind::Failed, format!("the tool broke: {error}")))
}
