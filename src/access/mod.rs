//! Who may do what: the permission table, passwords and second factors, tokens, signed tokens, limits, and the door that
//! joins them; `gate` is the door of a server.
//!
//! Apart from `door` and `gate`, which ask the store, everything here is a plain function of its arguments: time and randomness
//! are handed in, nothing is read or drawn. Nothing here knows HTTP or a terminal.

mod backoff;
mod base32;
mod door;
mod gate;
pub mod jwt;
mod limit;
mod moment;
pub mod password;
pub mod people;
mod permission;
mod principal;
pub mod recovery;
mod refusals;
mod required;
mod secret;
pub mod totp;

pub use door::Door;
pub use door::DoorSettings;
pub use door::JwtSettings;
pub use door::OwnRequests;
pub use door::Refusal;
pub use door::RefusalKind;
pub use door::SignIn;
pub use door::SignedIn;
pub use gate::Gate;
pub use gate::OwnToken;
pub use gate::Presented;
pub use limit::Limiter;
pub use limit::Quota;
pub use limit::TooMany;
pub use moment::Entropy;
pub use moment::Moment;
pub use moment::NoEntropy;
pub use moment::SystemEntropy;
pub use permission::actions_of;
pub use permission::allows;
pub use permission::table as permission_table;
pub use principal::Credential;
pub use principal::NotAllowed;
pub use principal::Principal;
pub use principal::Reach;
pub use required::of_command as action_of_command;
pub use required::of_query as action_of_query;
