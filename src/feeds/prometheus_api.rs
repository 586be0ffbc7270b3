//! Questions to the HTTP API of a Prometheus, and the two ways in which there is no answer.

use std::time::Duration;

use reqwest::{Client, Url};
use serde::Deserialize;
use serde_json::Value;

use super::asked::{BadAddress, PROMETHEUS};
use super::group::LARGEST_BODY;
use super::http;
use crate::domain::Untrusted;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of its own words that are told.
const LONGEST_ERROR: usize = 300;

/// One Prometheus.
pub struct Prometheus {
    http: Client,
    base: Url,
    name: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// It understands the question and refuses it, in its own words.
    Refused(String),
    /// It is down, slow, or not a Prometheus.
    Silent(String),
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default, rename = "errorType")]
    kind: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    data: Value,
}

impl Prometheus {
    pub fn at(address: &str) -> Result<Self, BadAddress> {
        let bad = || BadAddress::of(&PROMETHEUS, address);
        let (base, name) = http::address(address).ok_or_else(bad)?;
        let http = http::client(&base, PATIENCE).map_err(|_| bad())?;
        Ok(Self { http, base, name })
    }

    /// Its address, without a password in it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `data` of what it answers to `/api/v1/PATH`.
    pub async fn ask(&self, path: &[&str], pairs: &[(&str, &str)]) -> Result<Value, NoAnswer> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url.query_pairs_mut().extend_pairs(pairs);
        let (status, body) = http::fetch(&self.http, &url, LARGEST_BODY, PATIENCE).await.map_err(NoAnswer::Silent)?;
        read(status, &body)
    }
}

fn read(status: u16, body: &[u8]) -> Result<Value, NoAnswer> {
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return Err(NoAnswer::Silent(format!("it answers with status {status}, and not as a Prometheus does")));
    };
    match (answer.status.as_str(), answer.kind.as_str()) {
        ("success", _) => Ok(answer.data),
        ("error", "bad_data" | "execution") => Err(NoAnswer::Refused(words(answer.error))),
        ("error", _) => Err(NoAnswer::Silent(format!("it answers with an error: {}", words(answer.error)))),
        _ => Err(NoAnswer::Silent("its answer has no known status".to_owned())),
    }
}

fn words(error: String) -> String {
    let visible = Untrusted::new(error).visible().into_owned();
    Untrusted::new(visible).cut(LONGEST_ERROR).into_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_from_silence() {
        assert_eq!(read(200, br#"{"status":"success","data":[1]}"#), Ok(serde_json::json!([1])));
        let refused = br#"{"status":"error","errorType":"bad_data","error":"no \u001b[2J"}"#;
        assert_eq!(read(400, refused), Err(NoAnswer::Refused("no ␛[2J".to_owned())));
        let late = br#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
        for (status, body) in [(503, late.as_slice()), (200, b"<html>"), (200, b"{}"), (502, b""), (200, b"[]")] {
            assert!(matches!(read(status, body), Err(NoAnswer::Silent(_))), "{body:?}");
        }
    }
}
