//! The hosts of the configuration, and which of them an alert is about.

use std::sync::Arc;

use super::host::NamedHost;
use super::whose::{elsewhere, here, host_of};
use crate::domain::{FailureKind, ToolResult, ToolSpec};
use crate::ports::ToolContext;

/// The input that names the host of a run that no alert started.
const HOST: &str = "HOST";
const INSTANCE: &str = "LABEL_instance";

/// Where a tool acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Machine {
    Here,
    Host(NamedHost),
}

/// All hosts that runbooks may act on besides this machine.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Arc<Vec<NamedHost>>);

impl Hosts {
    pub fn new(hosts: Vec<NamedHost>) -> Self {
        Self(Arc::new(hosts))
    }

    pub fn iter(&self) -> impl Iterator<Item = &NamedHost> {
        self.0.iter()
    }

    /// The machine that a run is for: the host it was started for, else what the alert's label `instance` says.
    pub fn of(&self, context: &ToolContext) -> Result<Machine, ToolResult> {
        if let Some(machine) = self.known(context)? {
            return Ok(machine);
        }
        let other = elsewhere(context).unwrap_or_default();
        refused(format!(
            "the alert is about {other}, and this machine is {}: nothing here was looked at; add [hosts.{}] to the \
             configuration to act there over SSH",
            here(),
            host_of(&other)
        ))
    }

    /// The same; `None` where it is a machine that the configuration does not have.
    pub fn known(&self, context: &ToolContext) -> Result<Option<Machine>, ToolResult> {
        if let Some(name) = context.inputs.get(HOST).map(|name| name.raw()) {
            return match self.iter().find(|host| host.name == name) {
                Some(host) => Ok(Some(Machine::Host(host.clone()))),
                None => refused(format!("the configuration has no host {name:?}; add [hosts.{name}] to it")),
            };
        }
        let instance = context.inputs.get(INSTANCE).map(|instance| instance.raw()).unwrap_or_default();
        let mut meant = self.iter().filter(|host| host.is(instance));
        match (meant.next(), meant.next()) {
            (Some(host), None) => Ok(Some(Machine::Host(host.clone()))),
            (Some(one), Some(other)) => refused(format!(
                "the alert is about {instance}, and that is both {} and {} in [hosts] of the configuration",
                one.name, other.name
            )),
            (None, _) => Ok(elsewhere(context).is_none().then_some(Machine::Here)),
        }
    }

    /// Refuses for another machine what a tool can do only on this one.
    pub fn only_here(&self, spec: &ToolSpec, context: &ToolContext) -> Result<(), ToolResult> {
        match self.of(context)? {
            Machine::Here => Ok(()),
            Machine::Host(host) => {
                let message = format!("{} works on this machine only, and this is about {}", spec.name, host.name);
                Err(ToolResult::failure(FailureKind::BadCall, message))
            }
        }
    }
}

fn refused<T>(message: String) -> Result<T, ToolResult> {
    Err(ToolResult::failure(FailureKind::BadCall, message))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::RunId;
    use crate::ports::{Caller, Tool};
    use crate::tools::files::RemoveOldFiles;
    use crate::tools::host::{CheckCertificate, HostCheck, StopProcess, SwitchRelease};
    use crate::tools::logs::SearchLogs;
    use crate::tools::service::{CheckService, RestartService, Services};

    fn with(inputs: &[(&str, &str)]) -> ToolContext {
        let inputs = inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        ToolContext {
            run: RunId(uuid::Uuid::nil()),
            agent: String::new(),
            caller: Caller::Agent,
            workspace: None,
            inputs,
        }
    }

    fn host(name: &str, instances: &[&str]) -> NamedHost {
        let instances = instances.iter().map(|instance| (*instance).to_owned()).collect();
        NamedHost { name: name.to_owned(), destination: name.to_owned(), instances }
    }

    fn about(instance: &str) -> ToolContext {
        with(&[(INSTANCE, instance)])
    }

    #[test]
    fn an_alert_is_about_a_host_by_its_instances_or_its_name() {
        let hosts = Hosts::new(vec![
            host("web3", &[]),
            host("db", &["10.0.0.7:*", "localhost:9187"]),
            host("twin", &["web4:9100"]),
            host("web4", &[]),
        ]);
        let of = |context: &ToolContext| match hosts.of(context) {
            Ok(Machine::Host(host)) => host.name,
            Ok(Machine::Here) => "here".to_owned(),
            Err(refusal) => refusal.summary.raw().to_owned(),
        };
        for (instance, expected) in [
            ("web3:9100", "web3"),
            ("WEB3", "web3"),
            ("10.0.0.7:9100", "db"),
            ("10.0.0.7", "db"),
            ("localhost:9187", "db"),
            ("localhost:9100", "here"),
            ("", "here"),
        ] {
            assert_eq!(of(&about(instance)), expected, "{instance}");
        }
        assert!(of(&about("db:9100")).contains("[hosts.db]"), "its instances are listed, and this is none of them");
        assert!(of(&about("web3.evil.example:9100")).starts_with("the alert is about web3.evil"));
        assert!(of(&about("web4:9100")).contains("both twin and web4"));
        assert_eq!(of(&with(&[(HOST, "db"), (INSTANCE, "web3:9100")])), "db", "the person who started it said so");
        assert!(of(&with(&[(HOST, "nowhere")])).contains("no host \"nowhere\""));
    }

    #[tokio::test]
    async fn no_tool_acts_here_for_an_alert_about_another_machine() {
        let clock = || Arc::new(crate::ports::SystemClock);
        let services = Services::new("/etc/service".into());
        let old = tempfile::tempdir().unwrap();
        let hosts = Hosts::new(vec![host("known", &[])]);
        let only_here: [(Arc<dyn Tool>, Value); 2] = [
            (
                Arc::new(RemoveOldFiles::new(clock(), Vec::new(), hosts.clone())),
                json!({ "directory": old.path(), "older_than": "0s" }),
            ),
            (Arc::new(SwitchRelease::new(hosts.clone())), json!({ "directory": old.path(), "to": "previous" })),
        ];
        let anywhere: [(Arc<dyn Tool>, Value); 6] = [
            (Arc::new(StopProcess::new(hosts.clone())), json!({ "which": "busiest", "name": "sh" })),
            (Arc::new(HostCheck::new(clock(), hosts.clone())), json!({ "what": "load" })),
            (Arc::new(SearchLogs::new(clock(), Vec::new(), hosts.clone())), json!({ "path": "/var/log" })),
            (Arc::new(CheckCertificate::new(clock(), hosts.clone())), json!({ "from": "file", "name": "/x.pem" })),
            (Arc::new(CheckService::new(services.clone(), hosts.clone())), json!({ "name": "web" })),
            (Arc::new(RestartService::new(services, hosts)), json!({ "name": "web" })),
        ];
        let said = async |tool: &Arc<dyn Tool>, args: &Value, instance: &str| {
            let refusal = tool.prepare(&about(instance), args).await.unwrap_err();
            assert_eq!(refusal.failure, Some(FailureKind::BadCall), "{}", tool.spec().name);
            refusal.summary.raw().to_owned()
        };
        for (tool, args) in only_here.iter().chain(&anywhere) {
            let said = said(tool, args, "web3:9100").await;
            assert!(said.starts_with("the alert is about web3:9100"), "{}: {said}", tool.spec().name);
        }
        for (tool, args) in &only_here {
            let said = said(tool, args, "known:9100").await;
            assert!(said.ends_with("works on this machine only, and this is about known"), "{said}");
        }
    }
}
