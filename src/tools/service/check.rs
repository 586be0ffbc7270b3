//! `check_service`: whether a service runs, and for how long. It fails where it does not.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::manager::{Service, Services};
use super::over_ssh;
use super::restart::named;
use crate::domain::{
    DURATION_FORM, EffectClass, Environment, FailureKind, Output, Repeat, ToolResult, ToolSpec, parse_duration,
};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};
use crate::tools::remote::{Hosts, Machine};
use crate::tools::{args, cards};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The service's name; when left out, what the alert's label `service` says.
    name: Option<String>,
    /// How long it must have run, such as 10s, so that one that crashes again and again does not pass.
    up_for: Option<String>,
}

/// Looks at one service.
pub struct CheckService {
    spec: ToolSpec,
    services: Services,
    hosts: Hosts,
}

impl CheckService {
    pub fn new(services: Services, hosts: Hosts) -> Self {
        let about = "Says whether a service runs, and for how long. Fails where it does not run.";
        let spec = args::spec::<Args>("check_service", EffectClass::Observe, Repeat::Repeatable, about);
        Self { spec, services, hosts }
    }

    fn read(&self, context: &ToolContext, args: &Value) -> Result<(String, Duration), ToolResult> {
        let Args { name, up_for } = args::parse(&self.spec, args)?;
        let wrong = || args::bad_call(&self.spec, &format!("\"up_for\" is {DURATION_FORM}"));
        let up_for = up_for.map(|text| parse_duration(&text).ok_or_else(wrong)).transpose()?;
        Ok((named(name, context)?, up_for.unwrap_or_default()))
    }
}

#[async_trait]
impl Tool for CheckService {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let machine = self.hosts.of(context)?;
        let (name, _) = self.read(context, args)?;
        let mut card = cards::observe(&self.spec, "check", name, args);
        match machine {
            Machine::Here => card.environment = Environment::Host,
            Machine::Host(host) => host.mark(&mut card),
        }
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        let (name, up_for) = match self.read(invocation.context, invocation.args) {
            Ok(read) => read,
            Err(wrong) => return wrong,
        };
        let looked = match self.hosts.of(invocation.context) {
            // Not to be taken for a service that is down.
            Ok(Machine::Here) => {
                self.services.look(&name).await.map_err(|why| ToolResult::failure(FailureKind::BadCall, why))
            }
            Ok(Machine::Host(host)) => over_ssh::look(&host, &name).await,
            Err(refusal) => return refusal,
        };
        match looked {
            Ok(service) => said(&service, up_for),
            Err(result) => result,
        }
    }
}

fn said(service: &Service, wanted: Duration) -> ToolResult {
    let Service { name, manager, state, is_up, up_for, pid } = service;
    let seconds = up_for.map(|up_for| up_for.as_secs());
    let since = seconds.map(|seconds| format!(" for {seconds} s")).unwrap_or_default();
    let summary = format!("{name}: {state}{since}");
    let is_long_enough = *is_up && up_for.unwrap_or_default() >= wanted;
    let text = format!("service  {name}\nmanager  {manager}\nstate    {state}{since}\n");
    let mut result = ToolResult::success(summary, Output::text(text));
    if !is_long_enough {
        result.failure = Some(FailureKind::Failed);
    }
    result.data = Some(json!({ "service": name, "is_up": is_up, "up_seconds": seconds, "pid": pid }));
    result
}
