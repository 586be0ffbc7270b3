//! The hash chain: the line an event is hashed as, and the hash. Pure; reads and writes nothing.

use std::fmt;
use std::fmt::Write;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::Tenant;
use crate::kinds::Stream;
use crate::ports::Head;

/// The SHA-256 of a row, or nothing before the first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Link(Option<[u8; 32]>);

impl Link {
    /// What precedes the first event.
    pub const NONE: Self = Self(None);

    pub fn of(line: &str) -> Self {
        Self(Some(Sha256::digest(line.as_bytes()).into()))
    }

    /// As stored: 32 bytes or none. `None` for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [] => Some(Self::NONE),
            bytes => bytes.try_into().ok().map(|hash| Self(Some(hash))),
        }
    }

    pub fn from_hex(text: &str) -> Option<Self> {
        Self::from_bytes(&hex::decode(text).ok()?)
    }

    pub fn bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |hash| hash.as_slice())
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A point between two events of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub seq: u64,
    pub link: Link,
}

impl From<Place> for Head {
    fn from(place: Place) -> Self {
        Self { seq: place.seq, hash: place.link.to_string() }
    }
}

/// An event's columns, as they enter the hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns<'a> {
    pub seq: u64,
    pub stream: Stream,
    pub version: u64,
    /// Microseconds since 1970 UTC.
    pub at: i64,
    pub actor: &'a str,
    pub body: &'a str,
}

/// Hashes the rows of one tenant one after the other, in a line buffer that is used again.
#[derive(Debug)]
pub(super) struct Chain {
    tenant: String,
    line: String,
    last: Link,
}

impl Chain {
    /// Goes on after the row that `last` is the hash of.
    pub fn after(tenant: &Tenant, last: Link) -> Self {
        Self { tenant: json_string(&tenant.0), line: String::new(), last }
    }

    /// Hash of the row taken in last.
    pub fn last(&self) -> Link {
        self.last
    }

    /// Takes in the next row, which carries `prev`, and returns its hash.
    pub fn push(&mut self, prev: Link, row: &Columns<'_>) -> Link {
        self.line.clear();
        let actor = json_string(row.actor);
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.line,
            "[\"{prev}\",{},{},\"{}\",{},{},{actor},{}]",
            self.tenant, row.seq, row.stream, row.version, row.at, row.body
        );
        self.last = Link::of(&self.line);
        self.last
    }
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A stream as stored: the tag of its kind, then the 16 bytes of the UUID.
pub(super) fn stream_bytes(stream: Stream) -> [u8; 17] {
    let mut bytes = [stream.tag(); 17];
    bytes[1..].copy_from_slice(stream.parts().1.as_bytes());
    bytes
}

/// The reverse of `stream_bytes`; `None` for bytes that it did not make.
pub(super) fn stream_from_bytes(bytes: &[u8]) -> Option<Stream> {
    let (tag, id) = bytes.split_first()?;
    Stream::from_tag(*tag, Uuid::from_slice(id).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RunId;

    #[test]
    fn the_hash_is_that_of_the_documented_line() {
        let id = Uuid::from_u128(7);
        let row = Columns {
            seq: 1,
            stream: Stream::Run(RunId(id)),
            version: 1,
            at: 1_700_000_000_000_001,
            actor: "person:a\"b\n",
            body: r#"{"type":"run.resumed"}"#,
        };
        let mut chain = Chain::after(&Tenant("local".into()), Link::NONE);
        let first = chain.push(Link::NONE, &row);
        let line = format!(
            "[\"\",\"local\",1,\"run:{id}\",1,1700000000000001,\"person:a\\\"b\\n\",{{\"type\":\"run.resumed\"}}]\n"
        );
        assert_eq!(first, Link::of(&line));

        let second = chain.push(first, &Columns { seq: 2, version: 2, ..row });
        let line = line.replacen("\"\"", &format!("\"{first}\""), 1).replace(",1,\"run", ",2,\"run");
        assert_eq!(second, Link::of(&line.replace("\",1,17", "\",2,17")));
        assert_eq!(chain.last(), second);
    }

    #[test]
    fn streams_and_links_survive_their_stored_form() {
        let id = Uuid::from_u128(1);
        for (name, tag) in Stream::KINDS {
            let stream = Stream::from_tag(*tag, id).unwrap();
            assert_eq!(stream.to_string(), format!("{name}:{id}"));
            assert_eq!(stream_from_bytes(&stream_bytes(stream)), Some(stream));
        }
        assert_eq!(stream_bytes(Stream::Run(RunId(id)))[0], b'r', "what is stored keeps its meaning");
        assert_eq!(stream_from_bytes(b"x0123456789abcdef"), None);
        assert_eq!(stream_from_bytes(b""), None);
        let link = Link::of("x");
        assert_eq!(Link::from_bytes(link.bytes()), Some(link));
        assert_eq!(Link::from_hex(&link.to_string()), Some(link));
        assert_eq!(Link::from_bytes(&[1, 2]), None);
    }
}
