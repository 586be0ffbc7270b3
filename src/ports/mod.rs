//! The traits between the core and the world: log, accounts, model, tool, policy, clock, client.
//!
//! Nothing here performs I/O; every implementation lives in an adapter.

mod accounts;
mod client;
mod clock;
mod judge;
mod log;
mod model;
mod tool;
mod unlock;

pub use accounts::AccessChange;
pub use accounts::AccessRecord;
pub use accounts::AccessWrite;
pub use accounts::Account;
pub use accounts::AccountSecrets;
pub use accounts::Accounts;
pub use accounts::SecretHash;
pub use accounts::Session;
pub use accounts::Standing;
pub use accounts::Token;
pub use accounts::TotpSecret;
pub use accounts::Used;
pub use client::Answer;
pub use client::Client;
pub use client::ClientError;
pub use client::Feed;
pub use client::Moment;
pub use client::Status;
pub use client::Transport;
pub use clock::Clock;
pub use clock::SystemClock;
pub use judge::Judge;
pub use log::Batch;
pub use log::Fence;
pub use log::Head;
pub use log::Lease;
pub use log::Log;
pub use log::LogError;
pub use log::LogErrorKind;
pub use log::NewEvent;
pub use log::RowFilter;
pub use log::VerifyReport;
pub use model::DeltaSink;
pub use model::Model;
pub use model::ModelRequest;
pub use tool::Checked;
pub use tool::Invocation;
pub use tool::OutputSink;
pub use tool::Prepared;
pub use tool::Tool;
pub use tool::ToolContext;
pub use unlock::Unlock;
pub use unlock::Unlocking;
