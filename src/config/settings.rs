//! The settings of `config.toml`. Every key is optional, every unknown key is an error, and none holds a secret.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::access::AccessSection;
use super::billing::BillingSection;
use super::hosts::HostSection;
use super::incidents::IncidentsSection;
use super::limits::{BudgetsSection, RunLimits, seconds};
use super::looking::{ProbeSection, WatchSection};
use super::maintenance::MaintenanceSection;
use super::oncall::OnCallSection;
use super::secret::SecretSource;
use crate::domain::{RungChoice, SourceText, TaskClass};

/// All settings, as written; what is not written has its default or is `None`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Servers that answer for models, by a name of the user's choosing.
    pub providers: BTreeMap<String, Provider>,
    /// Models, by the name that routes use.
    pub models: BTreeMap<String, Model>,
    /// Names of models for each kind of task, best first.
    pub routes: BTreeMap<TaskClass, Vec<String>>,
    pub retry: Retry,
    /// A file of prices that goes before the bundled one.
    pub prices: Option<PathBuf>,
    pub policy: PolicySection,
    pub console: Console,
    pub access: AccessSection,
    /// For runs whose agent says nothing else.
    pub limits: RunLimits,
    pub budgets: BudgetsSection,
    pub billing: BillingSection,
    pub sandbox: SandboxSection,
    pub git: GitSection,
    pub retention: RetentionSection,
    pub store: StoreSection,
    pub incidents: IncidentsSection,
    /// What must answer.
    pub probe: Vec<ProbeSection>,
    /// Patterns in logs.
    pub watch: Vec<WatchSection>,
    pub oncall: OnCallSection,
    /// Times at which some alerts are expected.
    pub maintenance: Vec<MaintenanceSection>,
    /// Machines that runbooks reach over SSH, by their names.
    pub hosts: BTreeMap<String, HostSection>,
    /// Secrets for tools, by the name agents may refer to. What they resolve to is redacted everywhere.
    pub secrets: BTreeMap<String, SecretSource>,
}

/// A server that speaks the chat-completions protocol.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Up to and including the version: `http://127.0.0.1:8080/v1`.
    pub base_url: String,
    #[serde(default)]
    api_key_env: Option<String>,
    #[serde(default)]
    api_key_file: Option<PathBuf>,
    #[serde(default)]
    api_key_command: Option<Vec<String>>,
    #[serde(default)]
    pub timeouts: Timeouts,
}

impl Provider {
    /// Where its key is; `None` for a server that wants none.
    pub fn api_key(&self) -> Option<SecretSource> {
        let env = self.api_key_env.clone().map(SecretSource::Env);
        let file = self.api_key_file.clone().map(SecretSource::File);
        env.or(file).or_else(|| self.api_key_command.clone().map(SecretSource::Command))
    }
}

/// How long to wait, in seconds, before an attempt counts as failed. Written as `"90s"`, `"15m"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    #[serde(deserialize_with = "seconds")]
    pub connect: Option<u64>,
    /// From the request to the first piece of the answer.
    #[serde(deserialize_with = "seconds")]
    pub first_token: Option<u64>,
    /// Between two pieces of the answer.
    #[serde(deserialize_with = "seconds")]
    pub between_tokens: Option<u64>,
    /// For one whole attempt.
    #[serde(deserialize_with = "seconds")]
    pub whole: Option<u64>,
}

/// One model as the routes name it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub provider: String,
    /// The provider's own name for it; without one, the first that the server lists.
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub calls: CallStyle,
    #[serde(default)]
    pub context_tokens: Option<u32>,
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    #[serde(default)]
    pub temperature: Option<f64>,
}

/// How a model is brought to call tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStyle {
    /// By the protocol's own tool calls.
    #[default]
    Native,
    /// By a JSON schema for the whole answer, for models whose native calls are not dependable.
    Schema,
}

/// When a failed attempt is made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Attempts in all, on each model.
    pub attempts: Option<u32>,
    /// Longest wait in seconds a provider may ask for; one that asks for more is not asked again.
    #[serde(deserialize_with = "seconds")]
    pub longest_wait: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySection {
    /// Cedar files that add to the default policies or replace them by id.
    pub files: Vec<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// A theme's name or a file.
    pub theme: Option<String>,
    #[serde(deserialize_with = "keys")]
    pub keys: Option<Keys>,
    pub mouse: bool,
    /// Whose clock absolute times are shown by.
    pub time: TimeChoice,
    /// Whether a new approval rings.
    pub bell: bool,
    /// Seconds without a key after which the console locks, where its person has an account with a password; 0 for
    /// never. Written as `"30m"`.
    #[serde(deserialize_with = "seconds")]
    pub lock_after: Option<u64>,
}

impl Default for Console {
    fn default() -> Self {
        Self { theme: None, keys: None, mouse: false, time: TimeChoice::Local, bell: true, lock_after: None }
    }
}

/// The time zone of the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeChoice {
    /// This machine's.
    #[default]
    Local,
    Utc,
}

/// The user's keys: a file, or sections `[console.keys.…]` of the configuration itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    File(PathBuf),
    /// The configuration with everything but the keys blanked out, so that places in it are still right.
    Inline(SourceText),
}

fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Keys>, D::Error> {
    match toml::Value::deserialize(deserializer)? {
        toml::Value::String(path) => Ok(Some(Keys::File(path.into()))),
        // The reader puts the text in: it is not at hand here.
        toml::Value::Table(_) => Ok(Some(Keys::Inline(SourceText::new("", "")))),
        other => Err(D::Error::custom(format!(
            "keys are a file's path or sections [console.keys.…], not a {}",
            other.type_str()
        ))),
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxSection {
    pub rung: RungChoice,
}

/// How agents commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GitSection {
    pub hooks: HooksChoice,
}

/// Whether a repository's hooks run when an agent commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HooksChoice {
    #[default]
    Off,
    /// `pre-commit`, `prepare-commit-msg` and `commit-msg` run confined, and may refuse.
    Sandbox,
}

/// How long what is over is kept. `morningai db prune` goes by it; nothing is removed by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionSection {
    /// Seconds after the end of a run; written as `"365d"`.
    #[serde(deserialize_with = "seconds")]
    pub ended_runs: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    /// What the store is encrypted under: 32 bytes in base64 or hex. Without it, a new store is kept in clear.
    pub key: Option<SecretSource>,
}
