//! `stop_process`: stops one process of the machine that the run is for, asked first and then killed. The card names the very process: its
//! id, its program and its user.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::chosen::{Candidates, Found, Which, enough, started};
use super::processes::{Units, all, parse_stat};
use super::{lossy, protected, stop_over_ssh};
use crate::domain::{
    EffectCard, EffectClass, Environment, FailureKind, Output, Payload, Repeat, Reversibility, Risk, ToolResult,
    ToolSpec, Untrusted,
};
use crate::ports::{Checked, Invocation, Prepared, Tool, ToolContext};
use crate::tools::remote::{Hosts, Machine};
use crate::tools::{args, cards};

/// How long processes are watched to tell how busy they are.
const WATCHED: Duration = Duration::from_millis(500);
/// How long a process may take to end once it is asked to.
const PATIENCE: Duration = Duration::from_secs(10);
/// The input that names the program: a label of the alert.
const LABEL: &str = "LABEL_process";
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// Which process: the busiest uses most processor time, the largest most memory.
    which: Which,
    /// Only processes of the program with this name; when left out, what the alert's label `process` says.
    name: Option<String>,
}

/// Stops a process.
pub struct StopProcess {
    spec: ToolSpec,
    hosts: Hosts,
}

impl StopProcess {
    pub fn new(hosts: Hosts) -> Self {
        let about = "Stops the process of the machine that the run is for that uses most processor time or most memory, if need be among \
                     those of one program. It is asked to end, and killed after 10 s. The person sees which one it is.";
        Self { spec: args::spec::<Args>("stop_process", EffectClass::Host, Repeat::Checkable, about), hosts }
    }

    async fn find(&self, machine: &Machine, context: &ToolContext, args: &Value) -> Result<Found, ToolResult> {
        let Args { which, name } = args::parse(&self.spec, args)?;
        let name = name.or_else(|| context.inputs.get(LABEL).map(|label| label.raw().to_owned()));
        let found = match machine {
            Machine::Here => here(which).await.choose(which, name.as_deref()).and_then(Found::of),
            Machine::Host(host) => stop_over_ssh::find(host, which, name.as_deref()).await?,
        };
        found.ok_or_else(|| {
            let summary = match (name, which) {
                (Some(name), _) => format!("no process of {name:?} runs that may be stopped"),
                (None, Which::Busiest) => "no process that may be stopped uses half a processor".to_owned(),
                (None, Which::Largest) => "no process that may be stopped uses a tenth of the memory".to_owned(),
            };
            ToolResult::success(summary.clone(), Output::text(summary))
        })
    }

    fn card(&self, found: &Found) -> EffectCard {
        let args = json!({ "pid": found.id, "started": found.started, "name": found.name });
        let mut card = cards::change(&self.spec, "stop", Vec::new(), Payload::Arguments { args });
        card.class = EffectClass::Host;
        card.environment = Environment::Host;
        card.risk = Risk::High;
        card.reversible = Reversibility::Irreversible;
        card.targets = vec![Untrusted::new(format!("{} ({})", found.name, found.id))];
        cards::fact(&mut card, "program", found.name.as_str());
        cards::notice(&mut card, Some(format!("program: {}", found.program)));
        cards::notice(&mut card, found.script.as_ref().map(|script| format!("its first argument: {script}")));
        cards::notice(&mut card, Some(format!("runs as: {}", found.user)));
        card
    }
}

async fn here(which: Which) -> Candidates {
    let before = all();
    tokio::time::sleep(WATCHED).await;
    let (after, spared) = (all(), protected::ids());
    let units = Units {
        ticks_per_second: rustix::param::clock_ticks_per_second(),
        page_bytes: u64::try_from(rustix::param::page_size()).unwrap_or(4096),
    };
    let info = rustix::system::sysinfo();
    let memory = info.totalram.saturating_mul(u64::from(info.mem_unit));
    Candidates { before, after, spared, enough: enough(which, units, memory, WATCHED) }
}

/// Which process a card names.
fn named(card: &EffectCard) -> Option<(u32, u64)> {
    let Payload::Arguments { args } = &card.payload else { return None };
    Some((u32::try_from(args["pid"].as_u64()?).ok()?, args["started"].as_u64()?))
}

/// Whether it is still there. One that has ended and was not collected is not.
fn is_there(id: u32, since: u64) -> bool {
    let stat = lossy(&format!("/proc/{id}/stat"));
    let ended = |stat: &str| parse_stat(stat).is_none_or(|process| matches!(process.state, 'Z' | 'X'));
    stat.is_some_and(|stat| started(&stat) == Some(since) && !ended(&stat))
}

/// How it ended.
enum Ended {
    Asked,
    Killed,
}

fn stop(id: u32, since: u64) -> Result<Option<Ended>, String> {
    let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) else { return Ok(None) };
    // Held, it stays that process whatever gets its id next; so its start is looked at after that.
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(None) };
    if !is_there(id, since) {
        return Ok(None);
    }
    let send = |signal| match pidfd_send_signal(&process, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(format!("it cannot be stopped: {error}")),
    };
    let ends_within = |patience: Duration| {
        let end = Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let limit = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            match poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)) {
                // Interrupted by a signal, it has not been waited for.
                Err(rustix::io::Errno::INTR) => {}
                ready => return ready.is_ok_and(|ready| ready > 0),
            }
        }
    };
    send(Signal::TERM)?;
    if ends_within(PATIENCE) {
        return Ok(Some(Ended::Asked));
    }
    send(Signal::KILL)?;
    match ends_within(PATIENCE) {
        true => Ok(Some(Ended::Killed)),
        false => Err("it was killed and has not ended: it waits for a device".to_owned()),
    }
}

#[async_trait]
impl Tool for StopProcess {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let machine = self.hosts.of(context)?;
        let found = self.find(&machine, context, args).await?;
        let mut card = self.card(&found);
        if let Machine::Host(host) = machine {
            host.mark(&mut card);
        }
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        let failed = |why: String| ToolResult::failure(FailureKind::Failed, why);
        let Some((id, since)) = named(invocation.card) else { return failed("the card names no process".to_owned()) };
        match self.hosts.of(invocation.context) {
            Ok(Machine::Here) => {}
            Ok(Machine::Host(host)) if host.is_on(invocation.card) => {
                return stop_over_ssh::stop(&host, (id, since), &invocation).await;
            }
            Ok(Machine::Host(host)) => return host.is_another(),
            Err(refusal) => return refusal,
        }
        let name = &invocation.card.targets[0];
        match tokio::task::spawn_blocking(move || stop(id, since)).await {
            Ok(Ok(Some(Ended::Asked))) => ToolResult::success(format!("{} ended", name.raw()), Output::default()),
            Ok(Ok(Some(Ended::Killed))) => ToolResult::success(format!("{} was killed", name.raw()), Output::default()),
            Ok(Ok(None)) => ToolResult::success(format!("{} had already ended", name.raw()), Output::default()),
            Ok(Err(why)) => failed(format!("{}: {why}", name.raw())),
            Err(error) => failed(error.to_string()),
        }
    }

    async fn check(&self, context: &ToolContext, card: &EffectCard) -> Checked {
        if !matches!(self.hosts.of(context), Ok(Machine::Here)) {
            return Checked::Unknown;
        }
        match named(card) {
            Some((id, since)) if is_there(id, since) => Checked::DidNotHappen,
            Some(_) => Checked::Happened(Box::new(ToolResult::success("it has ended", Output::default()))),
            None => Checked::Unknown,
        }
    }
}
