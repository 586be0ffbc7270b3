//! The options of `log`, as data.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum LogAction {
    /// Recompute the hash chain and compare it with the saved heads
    Verify,
    /// Write all events, one JSON object a line
    Export,
    /// Show the last events
    Tail {
        /// Go on with those that come
        #[arg(short, long)]
        follow: bool,
        /// How many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        lines: u32,
    },
}
