//! The command line about the people in a store, as data.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct SubjectOptions {
    #[command(subcommand)]
    pub action: SubjectAction,
}

#[derive(Debug, Subcommand)]
pub enum SubjectAction {
    /// Write it all, one JSON object a line: account, tokens, runs, requests, events and outputs
    Export {
        /// The name they decide under
        name: String,
        /// Where to; standard output when nothing is said
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Erase it for good; only in an encrypted store, and once their runs have ended
    Erase {
        /// The name they decide under
        name: String,
        /// Do not ask for the name once more
        #[arg(long)]
        yes: bool,
    },
}
