//! Raises the one interface of a new network, so that programs can talk to themselves.

use std::io;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

const REQUEST_BYTES: u32 = 32;
const CHANGE_LINK: u16 = 16;
const REQUEST_AND_ACKNOWLEDGE: u16 = 5;
/// The first interface of every network.
const LOOPBACK: i32 = 1;
const UP: u32 = 1;
const ACKNOWLEDGEMENT: u16 = 2;

pub(super) fn raise() -> io::Result<()> {
    // No protocol is the one about interfaces and routes.
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    rustix::net::send(&socket, &request(), SendFlags::empty())?;
    let mut answer = [0; 1_024];
    let (length, _) = rustix::net::recv(&socket, &mut answer[..], RecvFlags::empty())?;
    match error_of(&answer[..length]) {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(-error)),
        None => Err(io::Error::other("no answer from the kernel")),
    }
}

/// A header (length, type, flags, sequence, sender) and what to change (family, type, index, flags, which flags).
fn request() -> Vec<u8> {
    let mut text = REQUEST_BYTES.to_ne_bytes().to_vec();
    text.extend(CHANGE_LINK.to_ne_bytes());
    text.extend(REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    text.extend(1_u32.to_ne_bytes());
    text.extend([0; 4 + 4]);
    text.extend(LOOPBACK.to_ne_bytes());
    text.extend(UP.to_ne_bytes());
    text.extend(UP.to_ne_bytes());
    text
}

/// The number an acknowledgement carries after its header.
fn error_of(answer: &[u8]) -> Option<i32> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let error = i32::from_ne_bytes(answer.get(16..20)?.try_into().ok()?);
    (kind == ACKNOWLEDGEMENT).then_some(error)
}
