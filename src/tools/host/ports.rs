//! Ports: what listens, for whom, and which program it is.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::json;

use super::reading::{Level, Measured, table};
use crate::tools::cards::count;

const SHOWN: usize = 60;

/// Services that trust every caller, or often do; open to every address they deserve a look.
const TRUSTING: &[(u16, &str)] = &[
    (23, "telnet"),
    (2049, "NFS"),
    (2375, "Docker without TLS"),
    (2379, "etcd"),
    (3306, "MySQL"),
    (5432, "PostgreSQL"),
    (5900, "VNC"),
    (6379, "Redis"),
    (9200, "Elasticsearch"),
    (11211, "memcached"),
    (27017, "MongoDB"),
];

/// A socket that waits for others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    pub protocol: &'static str,
    pub address: IpAddr,
    pub port: u16,
    pub inode: u64,
}

/// Reads `/proc/net/{tcp,udp}{,6}`. Only sockets that listen; for UDP, those without a peer.
pub fn parse_sockets(protocol: &'static str, text: &str) -> Vec<Listener> {
    let listening = if protocol == "tcp" { "0A" } else { "07" };
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (address, port) = fields.get(1)?.split_once(':')?;
        if *fields.get(3)? != listening {
            return None;
        }
        let port = u16::from_str_radix(port, 16).ok()?;
        Some(Listener { protocol, address: parse_address(address)?, port, inode: fields.get(9)?.parse().ok()? })
    };
    text.lines().skip(1).filter_map(parse).collect()
}

/// Addresses are words of 32 bits in the machine's own byte order.
fn parse_address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match hex.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
            let address = Ipv6Addr::from(<[u8; 16]>::try_from(words).ok()?);
            Some(address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4))
        }
        _ => None,
    }
}

/// Which process holds which socket, as far as it may be read.
pub fn owners() -> HashMap<u64, String> {
    let mut owners = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let name = super::lossy(&format!("/proc/{id}/comm")).unwrap_or_default();
        for file in std::fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten() {
            let Ok(link) = std::fs::read_link(file.path()) else { continue };
            let link = link.to_string_lossy();
            let inode = link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
            if let Some(inode) = inode.and_then(|inode| inode.parse().ok()) {
                owners.insert(inode, format!("{} ({id})", name.trim_end()));
            }
        }
    }
    owners
}

/// Judges what listens.
pub fn judge(mut listeners: Vec<Listener>, owners: &HashMap<u64, String>) -> Measured {
    listeners.sort_by_key(|listener| (listener.port, listener.protocol, listener.address));
    listeners.dedup_by_key(|listener| (listener.port, listener.protocol, listener.address, listener.inode));
    let owner = |listener: &Listener| owners.get(&listener.inode).cloned().unwrap_or_else(|| "?".to_owned());
    let row = |listener: &Listener| {
        let reach = if listener.address.is_loopback() { "this host" } else { "network" };
        let (port, address) = (listener.port.to_string(), listener.address.to_string());
        vec![listener.protocol.to_owned(), port, address, reach.to_owned(), owner(listener)]
    };
    let rows: Vec<Vec<String>> = listeners.iter().take(SHOWN).map(row).collect();
    let open = listeners.iter().filter(|listener| !listener.address.is_loopback()).count();
    let mut measured = Measured {
        gist: format!(
            "{}, {open} of them open to the network",
            count(listeners.len(), "listening port", "listening ports")
        ),
        table: table(&["proto", ">port", "address", "reach", "process"], &rows),
        numbers: json!({"listening": listeners.len(), "open": open, "ports": listeners.iter().take(SHOWN)
            .map(|listener| json!({"protocol": listener.protocol, "port": listener.port,
                "address": listener.address.to_string(), "process": owner(listener)}))
            .collect::<Vec<_>>()}),
        ..Measured::default()
    };
    if listeners.len() > SHOWN {
        measured.table.push_str(&format!("({} more)\n", listeners.len() - SHOWN));
    }
    let trusting: BTreeMap<u16, &str> = TRUSTING.iter().copied().collect();
    let mut named = std::collections::BTreeSet::new();
    for listener in listeners.iter().filter(|listener| listener.protocol == "tcp" && listener.address.is_unspecified())
    {
        if let Some(service) = trusting.get(&listener.port).filter(|_| named.insert(listener.port)) {
            measured.find(
                Level::Warning,
                format!("port {} ({service}) is open to every address, held by {}", listener.port, owner(listener)),
            );
        }
    }
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
        0: 00000000:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1145 1 0 100 0\n\
        1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1146 1 0 100 0\n\
        2: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 1147 1 0 100 0\n";

    #[test]
    #[cfg(target_endian = "little")]
    fn only_listening_sockets_are_read() {
        let found = parse_sockets("tcp", TCP);
        let all: Vec<_> = found.iter().map(|l| (l.address.to_string(), l.port, l.inode)).collect();
        assert_eq!(all, [("0.0.0.0".to_owned(), 6379, 1145), ("127.0.0.1".to_owned(), 8080, 1146)]);
        assert_eq!(parse_address("00000000000000000000000001000000"), Some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        assert_eq!(parse_address("0000000000000000FFFF00000100007F"), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert_eq!(parse_address("xyz"), None);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_trusting_service_open_to_all_is_found_once() {
        let owners = HashMap::from([(1145, "redis-server (7)".to_owned())]);
        let mut listeners = parse_sockets("tcp", TCP);
        listeners.extend(parse_sockets("tcp", TCP));
        let measured = judge(listeners, &owners);
        assert_eq!(measured.gist, "2 listening ports, 1 of them open to the network");
        let said: Vec<&str> = measured.findings.iter().map(|found| found.text.raw()).collect();
        assert_eq!(said, ["port 6379 (Redis) is open to every address, held by redis-server (7)"]);
    }
}
