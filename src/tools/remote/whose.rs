//! Whether an alert is about this machine, as far as its label `instance` tells.

use std::net::{IpAddr, UdpSocket};

use crate::ports::ToolContext;

/// What the alert is about, where that is another machine. An address with a scheme is that of a site, a path that of a
/// file.
pub(super) fn elsewhere(context: &ToolContext) -> Option<String> {
    let instance = context.inputs.get("LABEL_instance")?.raw();
    if instance.is_empty() || instance.contains("://") || instance.starts_with('/') {
        return None;
    }
    let host = host_of(instance);
    let is_here = match host.parse::<IpAddr>() {
        // Only an address of this machine can be bound.
        Ok(address) => UdpSocket::bind((address, 0)).is_ok(),
        Err(_) => host == "localhost" || short(host).eq_ignore_ascii_case(short(&here())),
    };
    (!is_here).then(|| instance.to_owned())
}

/// An instance without its port.
pub(super) fn host_of(instance: &str) -> &str {
    let host = match instance.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.ends_with(':') => host,
        _ => instance,
    };
    host.trim_start_matches('[').trim_end_matches(']')
}

/// This machine's name.
pub(super) fn here() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn short(host: &str) -> &str {
    host.split('.').next().unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RunId;
    use crate::ports::Caller;

    fn about(instance: &str) -> ToolContext {
        let inputs = [("LABEL_instance".to_owned(), instance.into())].into();
        ToolContext {
            run: RunId(uuid::Uuid::nil()),
            agent: String::new(),
            caller: Caller::Agent,
            workspace: None,
            inputs,
        }
    }

    fn told(instance: &str) -> Option<String> {
        elsewhere(&about(instance))
    }

    #[test]
    fn an_alert_is_about_this_machine_or_says_which() {
        let here = here();
        for instance in [
            "localhost:9100",
            "127.0.0.1:9100",
            "[::1]:9100",
            "127.0.0.1",
            "https://shop.example/x",
            "/var/log/app.log",
            "",
        ] {
            assert_eq!(told(instance), None, "{instance}");
        }
        assert_eq!((told(&here), told(&format!("{here}.example.org:9100"))), (None, None));
        for instance in ["web3:9100", "192.0.2.7:9100", "web3"] {
            assert_eq!(told(instance).as_deref(), Some(instance));
        }
    }
}
