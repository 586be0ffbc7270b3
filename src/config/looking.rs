//! `[[probe]]` and `[[watch]]`: what is looked at from here, to see whether it still works.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::Error;

use super::limits::seconds;

/// Something that must answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeSection {
    pub name: String,
    /// `https://…`, `http://…` or `tcp://host:port`.
    pub url: String,
    /// Seconds between two looks; written as `"30s"`.
    #[serde(default = "every", deserialize_with = "time")]
    pub every: u64,
    #[serde(default = "timeout", deserialize_with = "time")]
    pub timeout: u64,
    /// Misses in a row that are an incident.
    #[serde(default = "misses", deserialize_with = "at_least_one")]
    pub misses: u32,
    /// The status that is expected; any below 400 when none is.
    #[serde(default)]
    pub status: Option<u16>,
    /// A text that must be in the answer.
    #[serde(default)]
    pub text: Option<String>,
    #[serde(default = "critical")]
    pub severity: String,
}

/// A pattern in what something logs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchSection {
    pub name: String,
    /// A log file, or a unit of systemd: one of the two.
    #[serde(default)]
    pub file: Option<PathBuf>,
    #[serde(default)]
    pub unit: Option<String>,
    /// A regular expression.
    pub pattern: String,
    /// Lines that match within `within`, from which on it is an incident.
    #[serde(default = "one", deserialize_with = "at_least_one")]
    pub count: u32,
    #[serde(default = "minute", deserialize_with = "time")]
    pub within: u64,
    /// Without such a line for so long, it is over.
    #[serde(default = "quiet", deserialize_with = "time")]
    pub quiet: u64,
    #[serde(default = "warning")]
    pub severity: String,
}

fn every() -> u64 {
    30
}

fn timeout() -> u64 {
    5
}

fn misses() -> u32 {
    3
}

fn one() -> u32 {
    1
}

fn minute() -> u64 {
    60
}

fn quiet() -> u64 {
    300
}

fn critical() -> String {
    "critical".to_owned()
}

fn warning() -> String {
    "warning".to_owned()
}

fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match seconds(deserializer)? {
        Some(0) | None => Err(D::Error::custom("it is at least a second")),
        Some(seconds) => Ok(seconds),
    }
}

fn at_least_one<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(D::Error::custom("it is at least 1")),
        count => Ok(count),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::domain::SourceText;

    fn read(text: &str) -> Result<Config, String> {
        Config::read(&SourceText::new("config.toml", text)).map_err(|faults| faults.to_string())
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let text = "[[probe]]\nname = \"web\"\nurl = \"https://example.org\"\n\
                    [[watch]]\nname = \"app\"\nfile = \"/var/log/app.log\"\npattern = \"ERROR\"\n";
        let config = read(text).unwrap();
        let (probe, watch) = (&config.probe[0], &config.watch[0]);
        assert_eq!((probe.every, probe.timeout, probe.misses, probe.severity.as_str()), (30, 5, 3, "critical"));
        assert_eq!((watch.count, watch.within, watch.quiet), (1, 60, 300));
        for bad in ["every = \"0s\"", "misses = 0", "timeout = 5", "retries = 1"] {
            let probe = format!("[[probe]]\nname = \"web\"\nurl = \"https://example.org\"\n{bad}\n");
            assert!(read(&probe).unwrap_err().contains("config.toml:4"), "{bad}");
        }
    }
}
