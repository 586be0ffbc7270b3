//! The command line of watching a recording and of making a cast of one, as data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct DemoOptions {
    /// A bundled recording by name, or a file
    #[arg(value_name = "NAME|FILE")]
    pub recording: Option<String>,
    /// Only list the bundled recordings
    #[arg(long)]
    pub list: bool,
    /// How fast, against as it was recorded
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub speed: f64,
}

#[derive(Debug, Args)]
pub struct CastOptions {
    /// A bundled recording by name (`morningai demo --list`), or a file
    #[arg(value_name = "NAME|FILE")]
    pub recording: String,
    /// The version of asciicast
    #[arg(long, value_enum, default_value_t = CastFormat::V3)]
    pub format: CastFormat,
    /// How large the terminal is
    #[arg(long, value_name = "COLSxROWS", default_value = "100x30", value_parser = size)]
    pub size: (u16, u16),
    /// Where to; standard output when nothing is said
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CastFormat {
    /// For asciinema 2
    V2,
    /// For asciinema 3
    V3,
}

/// Columns and rows.
fn size(text: &str) -> Result<(u16, u16), String> {
    let parts =
        text.split_once(['x', '×']).and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    match parts {
        Some((columns @ 40..=500, rows @ 10..=200)) => Ok((columns, rows)),
        Some(_) => Err("a size is from 40x10 to 500x200".to_owned()),
        None => Err("a size is columns and rows, such as 100x30".to_owned()),
    }
}

#[derive(Debug, Args)]
pub struct RecordOptions {
    /// The run: its id, any unique prefix of it, or its last 8 digits
    pub run: String,
    /// Where to; standard output when nothing is said
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_columns_and_rows() {
        assert_eq!(size("80x24"), Ok((80, 24)));
        assert!(size("80").is_err_and(|error| error.contains("such as")));
        assert!(size("4x4").is_err_and(|error| error.contains("40x10")));
    }
}
