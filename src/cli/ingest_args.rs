//! The options of `ingest`, as data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct IngestOptions {
    /// The program that sent the alerts
    pub source: IngestSource,
    /// The body that it posts to a webhook; `-` for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IngestSource {
    Alertmanager,
}
