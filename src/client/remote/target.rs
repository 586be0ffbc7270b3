//! Where a server is, as people write it, and by what it is trusted.

use std::net::IpAddr;
use std::path::PathBuf;

use http::Uri;

use crate::protocol;

/// A server to attach to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    pub is_encrypted: bool,
    /// Path before `/v1`, for a server behind a proxy; empty or beginning with a slash.
    pub base: String,
    pub trust: Trust,
}

/// Who vouches for the server's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The authorities that this machine trusts.
    #[default]
    Machine,
    /// The certificates in a PEM file, and nobody else.
    File(PathBuf),
}

/// An address that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TargetError {
    pub message: String,
    pub hint: String,
}

impl Target {
    /// Reads `https://desk.example:7417`, `http://127.0.0.1:7417`, `ws…`; without a scheme, a loopback host is spoken
    /// to in the clear and any other one encrypted.
    pub fn parse(text: &str, trust: Trust) -> Result<Self, TargetError> {
        let nonsense = |why: &str| TargetError {
            message: format!(
                "this is not the address of a server ({why}): {}",
                crate::domain::Untrusted::from(text).visible()
            ),
            hint: "write https://HOST:PORT, or http://127.0.0.1:7417 for a server on this machine".to_owned(),
        };
        let whole = if text.contains("://") { text.to_owned() } else { format!("any://{text}") };
        let uri: Uri = whole.trim().parse().map_err(|_| nonsense("it cannot be read"))?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        if host.is_empty() {
            return Err(nonsense("it names no host"));
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(nonsense("a token is given with --token-file or MORNINGAI_TOKEN, not here"));
        }
        if uri.query().is_some() {
            return Err(nonsense("it has parameters"));
        }
        let is_here = is_loopback(&host);
        let is_encrypted = match uri.scheme_str() {
            Some("https" | "wss") => true,
            Some("http" | "ws") => false,
            Some("any") => !is_here,
            _ => return Err(nonsense("it begins with http:// or https://")),
        };
        if !is_encrypted && !is_here {
            return Err(TargetError {
                message: format!("the token would be sent to {host} unencrypted"),
                hint: "use https://; or forward a port with `ssh -L 7417:127.0.0.1:7417 HOST` and attach to \
                       http://127.0.0.1:7417"
                    .to_owned(),
            });
        }
        let usual = match uri.scheme_str() {
            Some("https" | "wss") => 443,
            _ => protocol::PORT,
        };
        let base = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { host, port: uri.port_u16().unwrap_or(usual), is_encrypted, base, trust })
    }

    /// Whether it is on this machine.
    pub fn is_here(&self) -> bool {
        is_loopback(&self.host)
    }

    /// `desk.example:7417`
    pub fn name(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The path of a route below the server's own.
    pub(super) fn path(&self, route: &str) -> String {
        format!("{}{route}", self.base)
    }

    /// The address of the feed.
    pub(super) fn feed(&self) -> String {
        let scheme = if self.is_encrypted { "wss" } else { "ws" };
        format!("{scheme}://{}{}{}", self.name(), self.base, protocol::FEED_PATH)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, TargetError> {
        Target::parse(text, Trust::Machine).map(|target| target.feed())
    }

    #[test]
    fn addresses_as_people_write_them() {
        for (text, feed) in [
            ("http://127.0.0.1:7417", "ws://127.0.0.1:7417/v1/feed"),
            ("127.0.0.1:7500", "ws://127.0.0.1:7500/v1/feed"),
            ("localhost", "ws://localhost:7417/v1/feed"),
            ("http://[::1]:9", "ws://[::1]:9/v1/feed"),
            ("https://desk.example", "wss://desk.example:443/v1/feed"),
            ("desk.example", "wss://desk.example:7417/v1/feed"),
            ("wss://Desk.example:8443/morning/", "wss://desk.example:8443/morning/v1/feed"),
        ] {
            assert_eq!(parsed(text).unwrap(), feed, "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_or_leaks_the_token_is_refused() {
        for text in
            ["", "https://", "ftp://desk.example", "https://a:b@desk.example", "https://x/?token=1", "ht tp://x"]
        {
            assert!(parsed(text).unwrap_err().message.contains("not the address of a server"), "{text}");
        }
        for text in ["http://desk.example", "ws://10.0.0.1:7417"] {
            assert!(parsed(text).unwrap_err().message.contains("unencrypted"), "{text}");
        }
    }
}
