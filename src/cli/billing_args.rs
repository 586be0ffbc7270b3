//! What `billing` is asked, as data.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct BillingOptions {
    #[command(subcommand)]
    pub action: BillingAction,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum BillingAction {
    /// Show the plan, what it includes and what is used of it
    Plan,
    /// Show the next invoice, line by line, as it would be issued now
    Invoice {
        /// Print the lines as CSV, and nothing else
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
}
