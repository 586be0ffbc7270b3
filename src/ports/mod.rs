//! The traits between the core and the world: log, model, tool, policy, clock, client, gate.
//!
//! Nothing here performs I/O; every implementation lives in an adapter.

mod client;
mod clock;
mod gate;
mod judge;
mod log;
mod model;
mod order;
mod tool;

pub use client::Answer;
pub use client::Client;
pub use client::ClientError;
pub use client::Feed;
pub use client::Link;
pub use client::Moment;
pub use client::Status;
pub use client::Transport;
pub use clock::Clock;
pub use clock::SystemClock;
pub use gate::Action;
pub use gate::Gate;
pub use gate::Presented;
pub use gate::Principal;
pub use gate::Refusal;
pub use gate::RefusalKind;
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
pub use order::Offer;
pub use order::OfferKind;
pub use order::Order;
pub use order::Uncommitted;
pub use order::Work;
pub use tool::Checked;
pub use tool::Invocation;
pub use tool::OutputSink;
pub use tool::Prepared;
pub use tool::Tool;
pub use tool::ToolContext;
