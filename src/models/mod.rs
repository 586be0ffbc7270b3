//! Language models over the OpenAI-compatible chat-completions protocol: routing, fallback, retries, prices.
//!
//! ```text
//! Router      routes by task class, retries, falls back, cancels       the only layer that waits or repeats
//!   Endpoint  one attempt at one model: request → stream → reply
//!     Form    the request body; forced calls and schemas for models without dependable tool calls
//!     Server  where it is and who we are to it
//!     Wire    one HTTP exchange: bounded, recorded or replayed where asked, failures with their cause
//! ```
//!
//! Nothing here knows of runs, approvals or the store, and no failure, notice or recording ever holds a key.

mod assembly;
mod calls;
mod carried;
pub mod cassette;
mod chunk;
mod endpoint;
mod error_body;
mod failure;
mod forced;
mod history;
mod prices;
mod probe;
mod raw_answer;
mod request;
mod router;
mod schema;
mod server;
mod settings;
mod stream;
mod transport;
mod voice;

pub use prices::{Prices, PricesError};
pub use probe::{Finding, ProbeReport, probe};
pub use router::Router;
pub use settings::{
    ApiKey, CallStyle, FetchKey, KeyError, ModelEntry, ModelEnvironment, ModelSettings, OPENAI_BASE_URL, OPENAI_MODEL,
    ProviderSettings, RetrySettings, SettingsError, Timeouts,
};
pub use transport::Transport;
