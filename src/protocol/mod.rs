//! What a server and a console elsewhere say to each other over one WebSocket, message by message.
//!
//! ```text
//!  console                                server
//!  Hello { protocol, after? }      ─▶
//!                                  ◀─     Welcome
//!                                  ◀─     Snapshot, part by part, SnapshotEnd │ what it missed, Resumed
//!                                  ◀─     Items, again and again, in the order of the log
//!  Beat { number }                 ─▶
//!                                  ◀─     Beat { number }, after everything that was to be told before it
//!  Request { id, … }               ─▶
//!                                  ◀─     Reply { id, … }, in any order
//! ```
//!
//! Each message is one JSON object, as text; a server's long ones are packed, see `pack`.
//! Either side that hears nothing for `PATIENCE` takes the other one for dead. Nothing here performs I/O.

mod answer;
mod message;
mod pack;
mod parts;

use std::time::Duration;

pub use answer::WireAnswer;
pub use message::{FromConsole, FromServer, Hello, Launch, LaunchKind, Mark, Offered, Offers, Outcome, Welcome, Wish};
pub use pack::{NotPacked, Packed, pack, unpack};
pub use parts::{Assembly, SnapshotPart, parts_of};

/// The protocol's version. A change that the other side would misunderstand gets a new one.
pub const VERSION: u32 = 5;
/// Where the feed is, below the server's address.
pub const FEED_PATH: &str = "/v1/feed";
/// Where one signs in and out.
pub const SESSION_PATH: &str = "/v1/session";
/// Largest message taken from a console, in bytes: decisions and goals are small.
pub const MOST_FROM_CONSOLE: usize = 1024 * 1024;
/// Largest message taken from a server, in bytes: a page of events with long outputs.
pub const MOST_FROM_SERVER: usize = 16 * 1024 * 1024;
/// Time between a console's beats.
pub const BEAT: Duration = Duration::from_secs(2);
/// Silence after which the other side is taken for dead.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Where a local server leaves the token that a console on the same machine presents.
pub const TOKEN_FILE: &str = "serve.token";
/// The port when nothing is said.
pub const PORT: u16 = 7417;

/// Why a WebSocket was closed, as its close code. The text beside it is for people.
pub mod close {
    /// The server ends; it may be back soon.
    pub const GOING_AWAY: u16 = 1001;
    /// A message that is not of this protocol.
    pub const MALFORMED: u16 = 1007;
    /// Too many requests at once.
    pub const POLICY: u16 = 1008;
    pub const TOO_BIG: u16 = 1009;
    /// Nothing was heard for too long.
    pub const SILENT: u16 = 4000;
    /// Another version of the protocol.
    pub const VERSION: u16 = 4001;
    /// The feed cannot go on for a reason of the server's own; attaching again gets a fresh snapshot.
    pub const AGAIN: u16 = 4002;
    /// What was shown at the gate opens it no more: revoked, expired, signed out, unused for too long, disabled.
    pub const OVER: u16 = 4003;
    /// One may do other things than before; attaching again tells which.
    pub const RIGHTS: u16 = 4004;
}
