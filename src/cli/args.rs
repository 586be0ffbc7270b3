//! The command line as data: options, subcommands, and where each reads the environment. Decides nothing.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use super::access_args::{AccountsOptions, AuditOptions, TokensOptions};
use super::alerts_args::AlertsOptions;
use super::billing_args::BillingOptions;
use super::carry_args::CarryOptions;
use super::demo_args::{CastOptions, DemoOptions, RecordOptions};
use super::edit_args::{EditOptions, approval_state};
use super::ingest_args::IngestOptions;
use super::kinds_args;
use super::log_args::LogAction;
use super::oncall_args::OnCallOptions;
use super::runbooks_args::RunbooksOptions;
use super::serve_args::{AttachOptions, ServeOptions};
use super::store_args::DbAction;
use super::subject_args::SubjectOptions;
use super::usage_args::UsageOptions;
use crate::domain::{ApprovalState, RunState, Settlement};

const EXIT_CODES: &str = "Exit codes: 0 done (for `run`: it succeeded) · 1 failed · 2 usage or configuration error · \
                          3 refused by policy or by a person · 4 left waiting for a person";

/// A terminal console for people who are on call for AI agents.
#[derive(Debug, Parser)]
#[command(name = "morningai", version, about, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub struct CommandLine {
    #[command(flatten)]
    pub global: GlobalOptions,
    /// Without one, the console opens.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Whether a command may make something on this machine that was not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traces {
    Some,
    None,
}

impl CommandLine {
    /// The command line, with the commands of every kind.
    pub fn command_of_all() -> clap::Command {
        Self::command().subcommands(kinds_args::commands())
    }

    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = Self::command_of_all().try_get_matches_from(words)?;
        match kinds_args::asked(&matches)? {
            Some(asked) => {
                Ok(Self { global: GlobalOptions::from_arg_matches(&matches)?, command: Some(Command::Kind(asked)) })
            }
            None => Self::from_arg_matches(&matches),
        }
    }

    pub fn traces(&self) -> Traces {
        match &self.command {
            Some(Command::Kind(asked)) if asked.only_looks() => Traces::None,
            Some(
                Command::Runs(_)
                | Command::Approvals(_)
                | Command::Agents(_)
                | Command::Oncall(_)
                | Command::Runbooks(_)
                | Command::Alerts(_)
                | Command::Usage(_)
                | Command::Billing(_)
                | Command::Record(_)
                | Command::Log { .. }
                | Command::Demo(_)
                | Command::Cast(_)
                | Command::Doctor { .. }
                | Command::Completions { .. }
                | Command::Man,
            ) => Traces::None,
            Some(_) | None => Traces::Some,
        }
    }
}

/// Options that go before or after any subcommand.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalOptions {
    /// The store: sqlite:PATH, a path, or postgres://USER@HOST/DATABASE [default: morningai.db in the data directory]
    #[arg(long, global = true, value_name = "URL", env = "MORNINGAI_DB", hide_env_values = true)]
    pub db: Option<String>,
    /// The configuration [default: config.toml in the configuration directory]
    #[arg(long, global = true, value_name = "FILE", env = "MORNINGAI_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Where the store, workspaces and logs are kept
    #[arg(long, global = true, value_name = "DIR", env = "MORNINGAI_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
    /// Whose log to use in a shared store
    #[arg(long, global = true, value_name = "NAME", env = "MORNINGAI_TENANT", default_value = "local")]
    pub tenant: String,
    /// The name to act under [default: the login name]
    #[arg(long = "as", global = true, value_name = "USER", env = "MORNINGAI_USER", hide_env_values = true)]
    pub user: Option<String>,
    /// A file of Cedar policies, added to the defaults; may be repeated
    #[arg(long, global = true, value_name = "FILE")]
    pub policy: Vec<PathBuf>,
    /// Print one JSON object per line on standard output, and nothing else
    #[arg(long, global = true)]
    pub json: bool,
    /// An append-only text console, for screen readers and dumb terminals
    #[arg(long, global = true, env = "MORNINGAI_PLAIN", value_parser = FalseyValueParser::new())]
    pub plain: bool,
    /// A theme's name, or a file: ours or base16
    #[arg(long, global = true, value_name = "NAME|FILE", env = "MORNINGAI_THEME", hide_env_values = true)]
    pub theme: Option<String>,
    /// Read only: decide and start nothing
    #[arg(long, global = true)]
    pub observe: bool,
    /// Alertmanager to poll for firing alerts, such as http://localhost:9093 [default: as the configuration says]
    #[arg(long, global = true, value_name = "URL", env = "MORNINGAI_ALERTMANAGER", hide_env_values = true)]
    pub alertmanager: Option<String>,
}

impl GlobalOptions {
    /// How a command that follows from this one begins: the same store, written for a shell.
    pub fn program(&self) -> String {
        let mut words = vec!["morningai".to_owned()];
        let mut add = |option: &str, value: Option<String>| {
            words.extend(value.map(|value| format!("{option} {}", quoted(&value))));
        };
        add("--db", self.db.as_deref().map(without_password));
        add("--config", self.config.as_ref().map(|path| path.to_string_lossy().into_owned()));
        add("--data-dir", self.data_dir.as_ref().map(|path| path.to_string_lossy().into_owned()));
        add("--tenant", Some(self.tenant.clone()).filter(|tenant| !tenant.is_empty() && tenant != "local"));
        words.join(" ")
    }
}

/// A store's URL as it may be shown; the next command has the password from where this one had it, or is given it.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let place = match place.rsplit_once('@') {
        Some((login, place)) => format!("{}@{place}", login.split(':').next().unwrap_or_default()),
        None => place.to_owned(),
    };
    let is_harmless = |pair: &&str| !pair.to_ascii_lowercase().starts_with("password");
    let kept: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).filter(is_harmless).collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    format!("{scheme}://{place}{query}")
}

/// A word that a shell reads as exactly this text.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-:=@%+,".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a run and follow it
    Run(RunOptions),
    /// List runs; `show ID` for one
    Runs(RunsOptions),
    /// List requests that wait for a person; `show ID` for one
    Approvals(ApprovalsOptions),
    /// List agents and procedures; `show NAME` for one
    Agents(AgentsOptions),
    /// Approve an effect
    Approve {
        /// The approval: its id, any unique prefix of it, or its last 8 digits
        id: String,
        /// The digest the card shows, at least 8 hex digits: what you approve is what you saw
        #[arg(long, value_name = "PREFIX")]
        digest: String,
        #[command(flatten)]
        carry: CarryOptions,
    },
    /// Change what an agent asks to do; the changed call needs its own approval
    Edit(EditOptions),
    /// Deny an effect, or decline to answer a question
    Deny {
        /// The approval: its id, any unique prefix of it, or its last 8 digits
        id: String,
        /// What the agent is told
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        #[command(flatten)]
        carry: CarryOptions,
    },
    /// Answer an agent's question
    Answer {
        /// The approval: its id, any unique prefix of it, or its last 8 digits
        id: String,
        text: String,
        #[command(flatten)]
        carry: CarryOptions,
    },
    /// Record the outcome of an effect that is in doubt
    Settle {
        /// The approval: its id, any unique prefix of it, or its last 8 digits
        id: String,
        outcome: SettleOutcome,
        /// How you know
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
        #[command(flatten)]
        carry: CarryOptions,
    },
    /// Cancel a run; it cannot be resumed
    Cancel {
        /// The run: its id, any unique prefix of it, or its last 8 digits
        run: String,
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        #[command(flatten)]
        carry: CarryOptions,
    },
    /// Pause a run: let the current call finish, start nothing new
    Pause {
        /// The run: its id, any unique prefix of it, or its last 8 digits
        run: String,
    },
    /// Resume a paused run; with --follow, work on it here
    Resume {
        /// The run: its id, any unique prefix of it, or its last 8 digits
        run: String,
        /// Follow it as `run` does, and work on it here where no other process does
        #[arg(long, conflicts_with = "until_waiting")]
        follow: bool,
        #[command(flatten)]
        carry: CarryOptions,
    },
    /// Replay a recorded session in the console; touches no state
    Demo(DemoOptions),
    /// Write a recording as asciicast, as the console shows it
    Cast(CastOptions),
    /// Run the orchestrator without a screen, for remote consoles and programs
    Serve(ServeOptions),
    /// Open the console of a server
    Attach(AttachOptions),
    /// Ingest alerts, as the webhook of `serve` does
    Ingest(IngestOptions),
    /// Check alerting rules: `lint FILE`
    Alerts(AlertsOptions),
    /// Run each uptime probe once, and list latency and uptime
    Probes,
    /// List the runbooks and the alerts they are for; check them, and find alerts that have none
    Runbooks(RunbooksOptions),
    /// Show who is on call; `test NOTIFIER` sends a test page
    Oncall(OnCallOptions),
    /// Write a run as a recording
    Record(RecordOptions),
    /// List and change accounts and roles
    Accounts(AccountsOptions),
    /// List, issue and revoke tokens
    Tokens(TokensOptions),
    /// List sign-ins, changes to accounts, and decisions
    Audit(AuditOptions),
    /// Export or erase everything the store holds about a person
    Subject(SubjectOptions),
    /// Show what model calls cost: today, this month, and by agent, model, person, run or day
    Usage(UsageOptions),
    /// Show the plan, what is used of it, and the next invoice
    Billing(BillingOptions),
    /// Check, export or follow the log
    Log {
        #[command(subcommand)]
        action: LogAction,
    },
    /// Back up, check, copy and prune the store
    Db {
        #[command(subcommand)]
        action: DbAction,
    },
    /// Check what works on this machine, and how to fix what does not
    Doctor {
        /// Do not call the configured models
        #[arg(long)]
        offline: bool,
    },
    /// Write a completion script for a shell
    Completions { shell: clap_complete::Shell },
    /// Write the manual page
    Man,
    /// Something asked of a kind that is told by its surface
    #[command(skip)]
    Kind(kinds_args::Asked),
    /// The helper that confines a program; started by this program only
    #[command(name = "sandbox-exec", hide = true)]
    SandboxExec,
}

#[derive(Debug, Args)]
pub struct RunOptions {
    /// What should be done
    #[arg(required_unless_present = "runbook", conflicts_with = "runbook")]
    pub goal: Option<String>,
    /// The agent to run [default: dev]
    #[arg(long, value_name = "NAME", conflicts_with = "runbook")]
    pub agent: Option<String>,
    /// The repository to work in; the run gets a worktree of its own [default: this directory]
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// Start although the repository has changes that are not committed; the run does not see them
    #[arg(long)]
    pub leave_changes: bool,
    /// Follow a procedure instead of a goal: its name, or a Markdown file
    #[arg(long, value_name = "FILE|NAME")]
    pub runbook: Option<String>,
    /// Show what the procedure would do, and what would wait for a person; run nothing
    #[arg(long, requires = "runbook", conflicts_with_all = ["detach", "until_waiting"])]
    pub dry_run: bool,
    /// A label that the procedure is given, as of an alert: directory=/var/tmp; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "runbook", value_parser = label)]
    pub label: Vec<(String, String)>,
    /// The host of the configuration that the procedure acts on, over SSH [default: the one that its label instance
    /// names, else this machine]
    #[arg(long, value_name = "NAME", requires = "runbook")]
    pub host: Option<String>,
    /// Return as soon as the run is saved; a console or server on this store carries it out
    #[arg(long, conflicts_with = "until_waiting")]
    pub detach: bool,
    /// Follow it without prompting, and exit when it needs a person
    #[arg(long)]
    pub until_waiting: bool,
}

fn label(text: &str) -> Result<(String, String), String> {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match text.split_once('=') {
        Some((name, value)) if is_name(name) && !value.contains('\0') => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, such as directory=/var/tmp".to_owned()),
    }
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunsOptions {
    #[command(subcommand)]
    pub show: Option<Show>,
    /// Only those in this state
    #[arg(long, value_name = "STATE", value_parser = run_state)]
    pub state: Option<RunState>,
    /// How many ended runs to list
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ApprovalsOptions {
    #[command(subcommand)]
    pub show: Option<Show>,
    /// Only those in this state
    #[arg(long, value_name = "STATE", value_parser = approval_state, conflicts_with = "all")]
    pub state: Option<ApprovalState>,
    /// Include settled requests
    #[arg(long)]
    pub all: bool,
    /// How many settled requests to list
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct AgentsOptions {
    #[command(subcommand)]
    pub show: Option<Show>,
}

#[derive(Debug, Subcommand)]
pub enum Show {
    /// Show one in full
    Show {
        /// Its id or name; of an id any unique prefix, or the last 8 digits
        id: String,
    },
}

impl Show {
    pub fn id(&self) -> &str {
        let Self::Show { id } = self;
        id
    }
}

/// How a person settles an outcome in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SettleOutcome {
    /// It happened; go on
    Happened,
    /// It did not; do it again
    Retry,
    /// Go on without it
    GiveUp,
}

impl From<SettleOutcome> for Settlement {
    fn from(outcome: SettleOutcome) -> Self {
        match outcome {
            SettleOutcome::Happened => Self::Happened,
            SettleOutcome::Retry => Self::Retry,
            SettleOutcome::GiveUp => Self::GiveUp,
        }
    }
}

fn run_state(name: &str) -> Result<RunState, String> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).map_err(|_| {
        "it is one of planning, running, waiting, paused, succeeded, failed, cancelled, in_doubt".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_table_of_arguments_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn global_options_go_before_and_after_the_subcommand() {
        for line in [["morningai", "--json", "runs"], ["morningai", "runs", "--json"]] {
            let parsed = CommandLine::try_parse_from(line).unwrap();
            assert!(parsed.global.json && matches!(parsed.command, Some(Command::Runs(_))), "{line:?}");
        }
    }

    #[test]
    fn a_goal_or_a_procedure_but_not_both() {
        for (line, fits) in [
            (vec!["morningai", "run", "fix it"], true),
            (vec!["morningai", "run", "--runbook", "check"], true),
            (vec!["morningai", "run"], false),
            (vec!["morningai", "run", "fix it", "--runbook", "check"], false),
            (vec!["morningai", "approve", "0193"], false),
            (vec!["morningai", "runs", "--state", "sleeping"], false),
        ] {
            assert_eq!(CommandLine::try_parse_from(&line).is_ok(), fits, "{line:?}");
        }
    }

    #[test]
    fn the_next_command_names_the_same_store() {
        let options = GlobalOptions {
            db: Some("sqlite:a b's.db".to_owned()),
            data_dir: Some("/srv/m".into()),
            tenant: "ops".to_owned(),
            ..GlobalOptions::default()
        };
        let expected = r"morningai --db 'sqlite:a b'\''s.db' --data-dir /srv/m --tenant ops";
        assert_eq!(options.program(), expected);
        assert_eq!(GlobalOptions::default().program(), "morningai");
    }

    #[test]
    fn the_next_command_shows_no_password() {
        for (url, shown) in [
            ("postgres://ana:hunter2@h1,h2:7/db", "postgres://ana@h1,h2:7/db"),
            ("postgres://ana@h/db?password=hunter2&sslmode=require", "'postgres://ana@h/db?sslmode=require'"),
            ("postgres://ana:hunt@er2@h/db?Password=hunter2", "postgres://ana@h/db"),
            ("postgres:///db?host=/run/pg", "'postgres:///db?host=/run/pg'"),
        ] {
            let options = GlobalOptions { db: Some(url.to_owned()), ..GlobalOptions::default() };
            assert_eq!(options.program(), format!("morningai --db {shown}"));
        }
    }
}
