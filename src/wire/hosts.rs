//! The hosts that runbooks reach over SSH: as the tools have them, and what `doctor` says of each.

use std::time::Duration;

use futures::future::join_all;

use crate::cli::{AskModels, Finding};
use crate::config::{Config, HostSection};
use crate::tools::remote::{Hosts, NamedHost};

const SUBJECT: &str = "hosts";
/// How long `doctor` waits for a host.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn hosts(config: &Config) -> Hosts {
    let host = |(name, section): (&String, &HostSection)| NamedHost {
        name: name.clone(),
        destination: section.ssh.clone().unwrap_or_else(|| name.clone()),
        instances: section.instances.clone(),
    };
    Hosts::new(config.hosts.iter().map(host).collect())
}

/// Whether each can be reached, where others may be asked.
pub(super) async fn finding(config: &Config, ask: AskModels) -> Option<Finding> {
    let hosts = hosts(config);
    let names: Vec<_> = hosts.iter().map(|host| host.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let names = format!("over SSH: {}", names.join(", "));
    if ask == AskModels::No {
        return Some(Finding::ok(SUBJECT, format!("{names}; not asked")));
    }
    let asked = hosts.iter().map(async |host| host.answers(PATIENCE).await.err().map(|why| (host.by_hand(), why)));
    let silent: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
    if silent.is_empty() {
        return Some(Finding::ok(SUBJECT, names));
    }
    let lines: Vec<_> = silent.iter().map(|(_, why)| why.as_str()).collect();
    let by_hand: Vec<_> = silent.iter().map(|(command, _)| format!("`{command}`")).collect();
    let advice = format!(
        "make {} work without a question: a known host key, and a key in the agent or in ~/.ssh/config",
        by_hand.join(" and ")
    );
    Some(Finding::warn(SUBJECT, lines.join("\n"), advice))
}
