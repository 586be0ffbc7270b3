//! What people bring: the configuration, agents and procedures, each with a bundled default.
//!
//! Reading, checking and saying what is wrong (file, line, column, key, what to do) happen here; acting on the
//! settings happens elsewhere. Nothing is read before somebody asks for it, and a secret is never kept in a file
//! of settings: the settings say where it is.

mod access;
mod agents;
mod front_matter;
mod library;
mod limits;
mod literal;
mod markdown;
mod paths;
mod procedures;
mod read;
mod secret;
mod serde_words;
mod settings;
mod table;

pub use access::AccessSection;
pub use access::JwtSection;
pub use access::OwnRequests;
pub use agents::Agent;
pub use agents::Agents;
pub use library::Library;
pub use library::Missing;
pub use limits::RunLimits;
pub use paths::Overrides;
pub use paths::Paths;
pub use paths::PathsError;
pub use paths::PlatformDirs;
pub use paths::is_absent;
pub use procedures::Needs;
pub use procedures::Procedure;
pub use procedures::Procedures;
pub use read::Absence;
pub use secret::SecretError;
pub use secret::SecretSource;
pub use settings::CallStyle;
pub use settings::Config;
pub use settings::Console;
pub use settings::GitSection;
pub use settings::HooksChoice;
pub use settings::Keys;
pub use settings::Model;
pub use settings::PolicySection;
pub use settings::Provider;
pub use settings::Retry;
pub use settings::SandboxSection;
pub use settings::StoreSection;
pub use settings::Timeouts;
