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

pub use door::{Door, DoorSettings, JwtSettings, OwnRequests, Refusal, RefusalKind, SignIn, SignedIn};
pub use gate::{Gate, OwnToken, Presented};
pub use limit::{Limiter, Quota, TooMany};
pub use moment::{Entropy, Moment, NoEntropy, SystemEntropy};
pub use permission::{actions_of, allows, table as permission_table};
pub use principal::{Credential, NotAllowed, Principal, Reach};
pub use required::{of_command as action_of_command, of_query as action_of_query};
