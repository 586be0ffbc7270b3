//! The options of `runbooks`, as data.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct RunbooksOptions {
    #[command(subcommand)]
    pub action: Option<RunbooksAction>,
}

#[derive(Debug, Subcommand)]
pub enum RunbooksAction {
    /// Check runbooks: their syntax, their tools and arguments, and that what changes something is verified
    Lint {
        /// Markdown files, or names of procedures [default: all]
        #[arg(value_name = "FILE|NAME")]
        files: Vec<String>,
    },
    /// Show which alerts came, and which runbook is for them
    Coverage {
        /// From when on: an age such as 90d, or a date
        #[arg(long, value_name = "AGE", default_value = "90d")]
        since: String,
    },
}
