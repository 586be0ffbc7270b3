//! The options of `usage`, as data.

use clap::Args;

use crate::kinds::UsageBy;

#[derive(Debug, Args)]
pub struct UsageOptions {
    /// Tell it apart by agent, model, person (who started the run), run or day
    #[arg(long, value_name = "SIDE", value_parser = side, default_value = "agent")]
    pub by: UsageBy,
    /// From when on, in whole days of UTC: an age such as 7d, or a date [default: the last 30 days]
    #[arg(long, value_name = "AGE")]
    pub since: Option<String>,
    /// Print the table as CSV, and nothing else
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

fn side(name: &str) -> Result<UsageBy, String> {
    UsageBy::of_name(name).ok_or_else(|| format!("it is one of {}", UsageBy::ALL.map(UsageBy::name).join(", ")))
}
