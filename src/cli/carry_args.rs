//! The command line of what a decision does about the run it lets go on, as data.

use clap::Args;

/// What a decision does about the run it lets go on.
#[derive(Clone, Copy, Debug, Args)]
pub struct CarryOptions {
    /// Work on the run here, where no other process does, until it ends or needs a person
    #[arg(long)]
    pub until_waiting: bool,
    /// Say nothing of who goes on with it
    #[arg(long, hide = true, conflicts_with = "until_waiting")]
    pub detach: bool,
}
