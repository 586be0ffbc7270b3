//! The options of `oncall`, as data.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct OnCallOptions {
    #[command(subcommand)]
    pub action: Option<OnCallAction>,
    /// At another time than now: 2026-12-24, or 2026-12-24T18:00:00Z
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum OnCallAction {
    /// Send a test page by a notifier
    Test {
        /// Its name under [oncall.notifiers]
        notifier: String,
    },
}
