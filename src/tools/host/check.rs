//! `host_check`: takes one reading of this host, and saves it into the workspace when asked to.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::reading::{Level, Reading};
use super::what::What;
use super::{over_ssh, take};
use crate::domain::{EffectClass, Environment, FailureKind, Repeat, Reversibility, ToolResult, ToolSpec, Untrusted};
use crate::ports::{Clock, Invocation, Prepared, Tool, ToolContext};
use crate::tools::remote::{Hosts, Machine};
use crate::tools::{args, cards, files, output};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// What to look at.
    what: What,
    /// Save the reading into the workspace as readings/<what>.json, for write_report.
    save: Option<bool>,
}

/// Looks at this host.
pub struct HostCheck {
    spec: ToolSpec,
    clock: Arc<dyn Clock>,
    hosts: Hosts,
}

impl HostCheck {
    pub fn new(clock: Arc<dyn Clock>, hosts: Hosts) -> Self {
        let about = "Looks at the machine that the run is for without changing anything and says what is not as it should be: load, \
                     memory, disks, failed services, processes, listening ports, or the system itself.";
        let spec = args::spec::<Args>("host_check", EffectClass::Workspace, Repeat::Repeatable, about);
        Self { spec, clock, hosts }
    }

    async fn run(&self, invocation: &Invocation<'_>) -> Result<ToolResult, ToolResult> {
        let Args { what, save } = args::parse(&self.spec, invocation.args)?;
        let failed = |why| ToolResult::failure(FailureKind::Failed, why);
        let machine = self.hosts.of(invocation.context)?;
        let reading = async {
            match &machine {
                Machine::Here => take::take(what).await.map_err(failed),
                Machine::Host(host) => over_ssh::take(host, what, &invocation.cancel).await,
            }
        };
        let taken = tokio::select! {
            taken = reading => taken,
            () = invocation.cancel.cancelled() => {
                return Err(ToolResult::failure(FailureKind::Cancelled, "the check was cancelled"));
            }
        };
        let reading = taken?.into_reading(what.name(), self.clock.now());
        if save == Some(true) {
            let content = serde_json::to_vec_pretty(&reading).unwrap_or_default();
            files::put(invocation.context, &what.file(), content).await?;
        }
        let text = said(&reading);
        let mut result = ToolResult::success(summary(&reading), output::fit(text.as_bytes(), invocation.output).await);
        result.data = Some(json!({"what": reading.what, "level": reading.level(), "numbers": reading.numbers,
            "findings": reading.findings}));
        Ok(result)
    }
}

/// The worst finding, or the figures where all is well.
fn summary(reading: &Reading) -> String {
    match reading.findings.first() {
        Some(worst) if worst.level > Level::Ok => {
            let more = reading.findings.len() - 1;
            let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
            format!("{}: {}{more}", worst.level.name(), worst.text.raw())
        }
        _ => format!("ok: {}", reading.gist.raw()),
    }
}

fn said(reading: &Reading) -> String {
    let mut text = String::new();
    for finding in &reading.findings {
        text.push_str(&format!("{}: {}\n", finding.level.name(), finding.text.raw()));
    }
    format!("{text}\n{}", reading.table.raw())
}

#[async_trait]
impl Tool for HostCheck {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let Args { what, save } = args::parse(&self.spec, args)?;
        let machine = self.hosts.of(context)?;
        let mut card = cards::observe(&self.spec, "check", what.name(), args);
        match machine {
            Machine::Here => card.environment = Environment::Host,
            Machine::Host(host) => host.mark(&mut card),
        }
        if save == Some(true) {
            files::check_path(context, &what.file())?;
            card.class = EffectClass::Workspace;
            card.targets.push(Untrusted::new(what.file()));
            card.reversible = Reversibility::Undo(Untrusted::new(format!("delete {}", what.file())));
            cards::fact(&mut card, "path", what.file());
            cards::fact(&mut card, "inside_workspace", true);
        }
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        self.run(&invocation).await.unwrap_or_else(|result| result)
    }
}
