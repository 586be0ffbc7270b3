//! `restart_service`: restarts a service, or has it read its configuration again.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::manager::{How, Services, is_vital};
use super::over_ssh;
use crate::domain::{
    EffectClass, Environment, FailureKind, Output, Payload, Repeat, Reversibility, Risk, ToolResult, ToolSpec,
    Untrusted,
};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};
use crate::tools::remote::{Hosts, Machine};
use crate::tools::{args, cards};

/// The inputs that name the service: labels of the alert, the last two as node exporter has them.
const LABELS: [&str; 3] = ["LABEL_service", "LABEL_unit", "LABEL_name"];

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The service's name; when left out, what the alert's label `service` says.
    name: Option<String>,
    /// Only have it read its configuration and certificates again, without an interruption.
    reload: Option<bool>,
}

/// Restarts one service.
pub struct RestartService {
    spec: ToolSpec,
    services: Services,
    hosts: Hosts,
}

impl RestartService {
    pub fn new(services: Services, hosts: Hosts) -> Self {
        let about = "Restarts a service, by systemd or runit, or has it reload its configuration.";
        let spec = args::spec::<Args>("restart_service", EffectClass::Host, Repeat::Once, about);
        Self { spec, services, hosts }
    }

    fn read(&self, context: &ToolContext, args: &Value) -> Result<(String, How), ToolResult> {
        let Args { name, reload } = args::parse(&self.spec, args)?;
        let how = if reload == Some(true) { How::Reload } else { How::Restart };
        Ok((named(name, context)?, how))
    }
}

/// The service that is meant.
pub(super) fn named(given: Option<String>, context: &ToolContext) -> Result<String, ToolResult> {
    let label = || LABELS.iter().find_map(|label| context.inputs.get(*label)).map(|label| label.raw().to_owned());
    let missing = "no service is named: neither in the call, nor by a label `service` of the alert";
    given.or_else(label).ok_or_else(|| ToolResult::failure(FailureKind::BadCall, missing))
}

#[async_trait]
impl Tool for RestartService {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    /// What is on the card does not change while the service crashes and comes up again: it could never be approved.
    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let machine = self.hosts.of(context)?;
        let (name, how) = self.read(context, args)?;
        let found = match &machine {
            Machine::Here => {
                self.services.look(&name).await.map_err(|why| ToolResult::failure(FailureKind::BadCall, why))
            }
            Machine::Host(host) => over_ssh::look(host, &name).await,
        };
        let service = found?;
        if is_vital(&name) {
            let summary = format!("{name} is not restarted: the machine, or the way onto it, depends on it");
            return Err(ToolResult::failure(FailureKind::Refused, summary));
        }
        let verb = if how == How::Restart { "restart" } else { "reload" };
        let mut payload = json!({ "service": name, "how": verb, "manager": service.manager });
        let command = over_ssh::command(service.manager, &name, verb);
        if let Machine::Host(_) = &machine {
            payload["runs"] = command.as_str().into();
            payload["as"] = over_ssh::BY_SUDO.into();
        }
        let mut card = cards::change(&self.spec, verb, Vec::new(), Payload::Arguments { args: payload });
        card.class = EffectClass::Host;
        card.environment = Environment::Host;
        card.risk = if how == How::Restart { Risk::High } else { Risk::Medium };
        card.reversible = Reversibility::Irreversible;
        card.targets = vec![Untrusted::new(name)];
        if let Machine::Host(host) = machine {
            host.mark(&mut card);
            cards::notice(&mut card, Some(format!("runs there: {command}, by {}", over_ssh::BY_SUDO)));
        }
        let effect = match how {
            How::Restart => "requests under way in it are cut off",
            How::Reload => "it goes on running, with its configuration read again",
        };
        cards::notice(&mut card, Some(format!("by {}: {effect}", service.manager)));
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        let (name, how) = match self.read(invocation.context, invocation.args) {
            Ok(read) => read,
            Err(wrong) => return wrong,
        };
        // Once it has begun, cutting it off would leave the service down.
        let changed = match self.hosts.of(invocation.context) {
            Ok(Machine::Here) => {
                let failed = |why| ToolResult::failure(FailureKind::Failed, why);
                self.services.change(&name, how).await.map_err(failed)
            }
            Ok(Machine::Host(host)) if host.is_on(invocation.card) => {
                over_ssh::change(&host, &name, how, &invocation).await
            }
            Ok(Machine::Host(host)) => Err(host.is_another()),
            Err(refusal) => Err(refusal),
        };
        match changed {
            Ok(service) => {
                let done = if how == How::Restart { "restarted" } else { "reloaded" };
                ToolResult::success(format!("{name} was {done}; now {}", service.state), Output::default())
            }
            Err(result) => result,
        }
    }
}
