//! The command line of `edit`, and of lists by state, as data.

use clap::Args;

use super::carry_args::CarryOptions;
use crate::domain::ApprovalState;

#[derive(Debug, Args)]
pub struct EditOptions {
    /// The approval: its id, any unique prefix of it, or its last 8 digits
    pub id: String,
    /// The digest the card shows, at least 8 hex digits: what you change is what you saw
    #[arg(long, value_name = "PREFIX")]
    pub digest: String,
    #[command(flatten)]
    pub source: EditSource,
    #[command(flatten)]
    pub carry: CarryOptions,
}

/// Where the changed arguments come from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct EditSource {
    /// All of the call's arguments, a JSON object; @FILE for those in a file, - for standard input
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub arguments: Option<String>,
    /// Change them in your own editor, by VISUAL or EDITOR
    #[arg(long)]
    pub editor: bool,
}

pub fn approval_state(name: &str) -> Result<ApprovalState, String> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).map_err(|_| {
        "it is one of pending, approved, denied, edited, expired, withdrawn, superseded, in_doubt".to_owned()
    })
}
