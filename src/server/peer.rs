//! Who is at the other end of the connection.

use std::net::IpAddr;

/// By its address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);
