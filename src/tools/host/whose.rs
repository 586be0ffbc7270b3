//! Whether an alert is about this machine, as far as its label `instance` tells.

use std::net::{IpAddr, UdpSocket};

use crate::domain::{FailureKind, ToolResult};
use crate::ports::ToolContext;

/// Refuses where the alert is about another machine: what is found or changed here would be taken for that one's.
pub fn only_here(context: &ToolContext) -> Result<(), ToolResult> {
    let Some(other) = elsewhere(context) else { return Ok(()) };
    let message = format!("the alert is about {other}, and this machine is {}: nothing here was looked at", here());
    Err(ToolResult::failure(FailureKind::BadCall, message))
}

/// What the alert is about, where that is another machine. An address with a scheme is that of a site, a path that of a
/// file.
fn elsewhere(context: &ToolContext) -> Option<String> {
    let instance = context.inputs.get("LABEL_instance")?.raw();
    if instance.is_empty() || instance.contains("://") || instance.starts_with('/') {
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
fn here() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn short(host: &str) -> &str {
    host.split('.').next().unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::super::{HostCheck, StopProcess, SwitchRelease};
    use super::*;
    use crate::domain::RunId;
    use crate::ports::Tool;
    use crate::tools::files::RemoveOldFiles;
    use crate::tools::service::{CheckService, RestartService};

    fn about(instance: &str) -> ToolContext {
        let inputs = [("LABEL_instance".to_owned(), instance.into())].into();
        ToolContext { run: RunId(uuid::Uuid::nil()), agent: String::new(), workspace: None, inputs }
    }

    fn told(instance: &str) -> Option<String> {
        elsewhere(&about(instance))
    }

    #[tokio::test]
    async fn no_tool_acts_here_for_an_alert_about_another_machine() {
        let clock = || Arc::new(crate::ports::SystemClock);
        let services = crate::tools::service::Services::new("/etc/service".into());
        let old = tempfile::tempdir().unwrap();
        let tools: [(Arc<dyn Tool>, Value); 6] = [
            (Arc::new(StopProcess::default()), json!({ "which": "busiest", "name": "sh" })),
            (Arc::new(RemoveOldFiles::new(clock(), Vec::new())), json!({ "directory": old.path(), "older_than": "0s" })),
            (Arc::new(HostCheck::default()), json!({ "what": "load" })),
            (Arc::new(SwitchRelease::default()), json!({ "directory": old.path(), "to": "previous" })),
            (Arc::new(CheckService::new(services.clone())), json!({ "name": "web" })),
            (Arc::new(RestartService::new(services)), json!({ "name": "web" })),
        ];
        for (tool, args) in tools {
            let refusal = tool.prepare(&about("web3:9100"), &args).await.unwrap_err();
            let said = refusal.summary.raw();
            assert_eq!(refusal.failure, Some(FailureKind::BadCall), "{said}");
            assert!(said.starts_with("the alert is about web3:9100"), "{}: {said}", tool.spec().name);
        }
    }

    #[test]
    fn an_alert_is_about_this_machine_or_says_which() {
        let here = here();
        for instance in ["localhost:9100", "127.0.0.1:9100", "[::1]:9100", "127.0.0.1", "https://shop.example/x", "/var/log/app.log", ""] {
            assert_eq!(told(instance), None, "{instance}");
        }
        assert_eq!((told(&here), told(&format!("{here}.example.org:9100"))), (None, None));
        for instance in ["web3:9100", "192.0.2.7:9100", "web3"] {
            assert_eq!(told(instance).as_deref(), Some(instance));
        }
    }
}
