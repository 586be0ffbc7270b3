//! A host that runbooks reach over SSH: what it means for a card to be about it, and running one command there.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::script::Order;
use super::ssh;
use super::ssh::{Ended, Patience};
use super::whose::host_of;
use crate::domain::{BlobId, EffectCard, EffectClass, Environment, FailureKind, Output, Repeat, ToolResult, Untrusted};
use crate::ports::{OutputSink, ToolContext};
use crate::tools::cards;

/// What a card says of the host, for the policy and for the digest.
const HOST: &str = "host";
const DESTINATION: &str = "destination";
/// Longest that a look may take, once it is connected.
const LOOK_SECONDS: u64 = 30;

/// A host of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedHost {
    pub name: String,
    /// As `ssh` takes it: an alias of its configuration, or `user@host`.
    pub destination: String,
    /// Values of the label `instance` that are this host, `host:*` with any port; without any, those with its name.
    pub instances: Vec<String>,
}

/// A command that came to its own end there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    pub code: i32,
    pub output: Output,
}

/// What a look printed, and how it exited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub code: i32,
    pub bytes: Vec<u8>,
}

impl Seen {
    /// What it printed, as text.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// A script of `sh` with its arguments, in which nothing is read as shell.
pub fn script_of(script: &str, arguments: &[&str]) -> Vec<String> {
    ["sh", "-c", script, "sh"].iter().chain(arguments).map(|word| (*word).to_owned()).collect()
}

impl NamedHost {
    pub(super) fn is(&self, instance: &str) -> bool {
        let matches = |pattern: &String| match pattern.strip_suffix(":*") {
            Some(host) => host_of(host).eq_ignore_ascii_case(host_of(instance)),
            None => pattern.eq_ignore_ascii_case(instance),
        };
        match self.instances.is_empty() {
            true => !instance.is_empty() && host_of(instance).eq_ignore_ascii_case(&self.name),
            false => self.instances.iter().any(matches),
        }
    }

    /// Makes it a card about this host. What changes another machine is a change to the outside world, and nothing tells
    /// afterwards whether it happened.
    pub fn mark(&self, card: &mut EffectCard) {
        card.environment = Environment::Remote;
        if card.class != EffectClass::Observe {
            card.class = EffectClass::External;
            card.repeat = Repeat::Once;
        }
        for target in &mut card.targets {
            *target = Untrusted::new(format!("{} on {}", target.raw(), self.name));
        }
        cards::fact(card, HOST, self.name.as_str());
        cards::fact(card, DESTINATION, self.destination.as_str());
        let address = if self.destination == self.name { String::new() } else { format!(" ({})", self.destination) };
        cards::notice(card, Some(format!("on {}{address}, over SSH", self.name)));
    }

    /// Whether a card is about this host as it is configured now.
    pub fn is_on(&self, card: &EffectCard) -> bool {
        let says = |fact: &str, value: &str| card.facts.get(fact).and_then(Value::as_str) == Some(value);
        says(HOST, &self.name) && says(DESTINATION, &self.destination)
    }

    /// The refusal of a card that [`Self::is_on`] another.
    pub fn is_another(&self) -> ToolResult {
        let summary = format!("{} is no longer the host that was approved; nothing ran", self.name);
        ToolResult::failure(FailureKind::Drift, summary)
    }

    /// Runs a script that only looks, and gives all that it printed. What it did not say because the connection was lost
    /// can be asked for again.
    pub async fn look(&self, script: &str, arguments: &[&str], cancel: &CancellationToken) -> Result<Seen, ToolResult> {
        let argv = script_of(script, arguments);
        let order = Order { argv: &argv, env: &[], limit_seconds: LOOK_SECONDS };
        let heard = Heard::default();
        let (ended, _) = ssh::run(&self.destination, &order, Patience::default(), &heard, cancel).await;
        match ended {
            Ended::Exited(code) => {
                Ok(Seen { code, bytes: heard.0.into_inner().unwrap_or_else(PoisonError::into_inner) })
            }
            other => {
                let (kind, said) = self.said(&other);
                let kind = if kind == FailureKind::InDoubt { FailureKind::Unreachable } else { kind };
                Err(ToolResult::failure(kind, said))
            }
        }
    }

    /// Runs a command that may change something. The variables of the run are those of its environment.
    pub async fn run(
        &self,
        argv: &[String],
        context: &ToolContext,
        limit_seconds: u64,
        output: &dyn OutputSink,
        cancel: &CancellationToken,
    ) -> Result<Ran, ToolResult> {
        let env: Vec<_> = context.inputs.iter().map(|(name, value)| (name.clone(), value.raw().to_owned())).collect();
        let order = Order { argv, env: &env, limit_seconds };
        let (ended, output) = ssh::run(&self.destination, &order, Patience::default(), output, cancel).await;
        match ended {
            Ended::Exited(code) => Ok(Ran { code, output }),
            other => {
                let (kind, said) = self.said(&other);
                Err(ToolResult { output, ..ToolResult::failure(kind, said) })
            }
        }
    }

    /// Whether it lets us in, within seconds; else what is wrong.
    pub async fn answers(&self, connect: Duration) -> Result<(), String> {
        let argv = ["true".to_owned()];
        let order = Order { argv: &argv, env: &[], limit_seconds: connect.as_secs().max(1) };
        let (ended, _) =
            ssh::run(&self.destination, &order, Patience { connect }, &Unheard, &CancellationToken::new()).await;
        match ended {
            Ended::Exited(0) => Ok(()),
            other => Err(self.said(&other).1),
        }
    }

    /// By hand, what finds out whether it can be reached.
    pub fn by_hand(&self) -> String {
        format!("ssh {} true", self.destination)
    }

    fn said(&self, ended: &Ended) -> (FailureKind, String) {
        let name = &self.name;
        match ended {
            Ended::Exited(code) => (FailureKind::Failed, format!("exit {code} on {name}")),
            // Not to be taken for a command that failed: none ran.
            Ended::Unreached { said } => {
                let hint = self.by_hand();
                (FailureKind::Unreachable, format!("{name} cannot be reached, nothing ran there: {said}; try `{hint}`"))
            }
            Ended::OutOfTime => (FailureKind::Limit, format!("stopped on {name}: it took too long")),
            Ended::TooMuchOutput => (FailureKind::Limit, format!("stopped on {name}: it printed too much")),
            Ended::Cancelled => {
                (FailureKind::Cancelled, format!("cancelled: the connection to {name} was closed, which ends it there"))
            }
            Ended::Lost { said } => (
                FailureKind::InDoubt,
                format!("The connection to {name} was lost while it ran there, so nobody knows how it ended: {said}"),
            ),
        }
    }
}

/// Keeps all output, which `ssh` bounds.
#[derive(Default)]
struct Heard(Mutex<Vec<u8>>);

#[async_trait::async_trait]
impl OutputSink for Heard {
    fn chunk(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }

    async fn store(&self, _: &[u8]) -> Option<BlobId> {
        None
    }
}

/// For output that is of no interest.
pub struct Unheard;

#[async_trait::async_trait]
impl OutputSink for Unheard {
    fn chunk(&self, _: &[u8]) {}

    async fn store(&self, _: &[u8]) -> Option<BlobId> {
        None
    }
}
