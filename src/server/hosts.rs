//! The names under which a server may be spoken to, so that a web page cannot reach a loopback server by a name of
//! its own (DNS rebinding).

use std::net::{IpAddr, SocketAddr};

/// Which `Host` headers are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Loopback names, the listener's own address, and the names given. Ports do not matter.
    Named(Vec<String>),
    /// All: the connection is encrypted, so a certificate vouches for the name.
    Any,
}

impl Hosts {
    /// What a server listening at `address` answers to, besides `names`.
    pub fn of_listener(address: SocketAddr, names: &[String]) -> Self {
        let own = (!address.ip().is_unspecified()).then(|| address.ip().to_string());
        Self::Named(names.iter().map(|name| name.to_ascii_lowercase()).chain(own).collect())
    }

    /// Whether a request with this `Host` is answered.
    pub fn accept(&self, host: &str) -> bool {
        let Self::Named(names) = self else { return true };
        let name = without_port(host).to_ascii_lowercase();
        is_loopback(&name) || names.contains(&name)
    }
}

/// Whether a host, by name or address, is this machine and no other.
pub(super) fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `[::1]:7417` → `::1`, `localhost:7417` → `localhost`.
fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.contains(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_made_to_point_here_is_not_answered() {
        let hosts = Hosts::of_listener("127.0.0.1:7417".parse().unwrap(), &["Desk.example".to_owned()]);
        for host in ["localhost", "localhost:7417", "127.0.0.1:7417", "[::1]:7417", "desk.example:443", "LOCALHOST:1"] {
            assert!(hosts.accept(host), "{host}");
        }
        for host in ["evil.example", "evil.example:7417", "localhost.evil.example", "", "127.0.0.1.evil", "10.0.0.1"] {
            assert!(!hosts.accept(host), "{host}");
        }
        assert!(Hosts::Any.accept("anything"));
    }

    #[test]
    fn a_server_answers_to_its_own_address() {
        let hosts = Hosts::of_listener("10.1.2.3:80".parse().unwrap(), &[]);
        assert!(hosts.accept("10.1.2.3") && !hosts.accept("10.1.2.4"));
        assert!(!Hosts::of_listener("0.0.0.0:80".parse().unwrap(), &[]).accept("0.0.0.0"));
    }
}
