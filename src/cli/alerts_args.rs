//! The options of `alerts`, as data.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct AlertsOptions {
    #[command(subcommand)]
    pub action: AlertsAction,
}

#[derive(Debug, Subcommand)]
pub enum AlertsAction {
    /// Find alerting rules that cannot fire, or mean something else than they say
    Lint(LintOptions),
}

#[derive(Debug, Args)]
pub struct LintOptions {
    /// Files of rules, as Prometheus reads them; `-` for standard input
    #[arg(value_name = "FILE", required_unless_present = "checks")]
    pub files: Vec<PathBuf>,
    /// A Prometheus to ask which metrics and labels there are [default: as the configuration says]
    #[arg(long, value_name = "URL", conflicts_with = "offline")]
    pub prometheus: Option<String>,
    /// Only read, and ask nobody
    #[arg(long)]
    pub offline: bool,
    /// List the checks instead
    #[arg(long, conflicts_with_all = ["files", "prometheus", "offline"])]
    pub checks: bool,
}
