//! `[hosts.NAME]`: machines that runbooks reach over SSH.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A machine, by the name of its table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostSection {
    /// What `ssh` takes: an alias of its configuration, `user@host` or `ssh://user@host:port`. Without it, the name.
    pub ssh: Option<String>,
    /// Values of the label `instance` that are this machine, `10.0.0.7:*` with any port. Without any, those with its name.
    pub instances: Vec<String>,
}

const DESTINATION: &str = "write what ssh takes: an alias of ~/.ssh/config, user@host, or ssh://user@host:port";

/// Where, what, and what to do.
pub(super) fn misfits(hosts: &BTreeMap<String, HostSection>) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, host) in hosts {
        let destination = host.ssh.as_deref().unwrap_or(name);
        if !is_destination(destination) {
            let path = if host.ssh.is_some() { format!("hosts.{name}.ssh") } else { format!("hosts.{name}") };
            found.push((path, format!("{destination:?} is not a destination of ssh"), DESTINATION.to_owned()));
        }
        for instance in &host.instances {
            let mut fault = |message: String, help: &str| {
                found.push((format!("hosts.{name}.instances"), message, help.to_owned()));
            };
            if instance.trim().is_empty() || instance.contains("://") {
                let help = "write values of the label instance, such as \"web3:9100\" or \"10.0.0.7:*\"";
                fault(format!("{instance:?} is not the instance of a machine"), help);
            }
            if let Some(other) = taken.insert(instance, name) {
                fault(format!("{instance:?} is already an instance of `{other}`"), "an instance belongs to one host");
            }
        }
    }
    found
}

/// Whether `ssh` would take it for a destination, and nothing else would read anything in it.
fn is_destination(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@:/%+[]".contains(&byte);
    !text.is_empty() && text.len() <= 255 && !text.starts_with('-') && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::domain::SourceText;

    fn read(text: &str) -> Result<Config, String> {
        Config::read(&SourceText::new("config.toml", text)).map_err(|faults| faults.to_string())
    }

    #[test]
    fn a_host_is_named_and_says_how_it_is_reached() {
        let text = "[hosts.web3]\n[hosts.db]\nssh = \"ssh://ops@[fd00::7]:2222\"\ninstances = [\"10.0.0.7:*\"]\n";
        let config = read(text).unwrap();
        assert_eq!((&config.hosts["web3"].ssh, config.hosts["db"].instances.len()), (&None, 1));
    }

    #[test]
    fn what_ssh_would_take_for_an_option_is_refused_with_its_line() {
        for (text, line) in [
            ("[hosts.web3]\nssh = \"-oProxyCommand=reboot\"\n", "config.toml:2"),
            ("[hosts.web3]\nssh = \"web3 reboot\"\n", "config.toml:2"),
            ("[hosts.web3]\nssh = \"\"\n", "config.toml:2"),
            ("\n[hosts.\"-F\"]\n", "config.toml:2"),
            ("[hosts.a]\ninstances = [\"web3:1\"]\n[hosts.b]\ninstances = [\"web3:1\"]\n", "config.toml:4"),
            ("[hosts.a]\ninstances = [\"https://a\"]\n", "config.toml:2"),
            ("[hosts.a]\nport = 22\n", "config.toml:2"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(line), "{text}: {said}");
        }
    }
}
