//! Whether an alert is about this machine, as far as its label `instance` tells.

use std::net::{IpAddr, UdpSocket};

use crate::ports::ToolContext;

/// What the alert is about, where that is another machine. An address with a scheme is that of a site, not of a machine.
pub fn elsewhere(context: &ToolContext) -> Option<String> {
    let instance = context.inputs.get("LABEL_instance")?.raw();
    if instance.is_empty() || instance.contains("://") {
        return None;
    }
    let host = match instance.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.ends_with(':') => host,
        _ => instance,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = match host.parse::<IpAddr>() {
        // Only an address of this machine can be bound.
        Ok(address) => UdpSocket::bind((address, 0)).is_ok(),
        Err(_) => host == "localhost" || short(host).eq_ignore_ascii_case(short(&here())),
    };
    (!is_here).then(|| instance.to_owned())
}

/// This machine's name.
pub fn here() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn short(host: &str) -> &str {
    host.split('.').next().unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RunId;

    fn told(instance: &str) -> Option<String> {
        let inputs = [("LABEL_instance".to_owned(), instance.into())].into();
        elsewhere(&ToolContext { run: RunId(uuid::Uuid::nil()), agent: String::new(), workspace: None, inputs })
    }

    #[test]
    fn an_alert_is_about_this_machine_or_says_which() {
        let here = here();
        for instance in ["localhost:9100", "127.0.0.1:9100", "[::1]:9100", "127.0.0.1", "https://shop.example/x", ""] {
            assert_eq!(told(instance), None, "{instance}");
        }
        assert_eq!((told(&here), told(&format!("{here}.example.org:9100"))), (None, None));
        for instance in ["web3:9100", "192.0.2.7:9100", "web3"] {
            assert_eq!(told(instance).as_deref(), Some(instance));
        }
    }
}
