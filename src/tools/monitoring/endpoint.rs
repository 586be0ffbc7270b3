//! One address of the configuration, asked over HTTP: with a time limit, a bounded answer, and no redirect followed.

use std::sync::OnceLock;
use std::time::Duration;

use futures::StreamExt;
use reqwest::{Client, Method, Url};
use serde_json::Value;

use crate::domain::{FailureKind, ToolResult};

const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes of the largest answer that is taken.
const LARGEST: usize = 8 * 1024 * 1024;
/// Bytes of an error that are told.
const LONGEST_ERROR: usize = 500;

/// A server that the configuration names.
#[derive(Clone)]
pub struct Endpoint {
    http: OnceLock<Client>,
    base: Url,
    /// Without a password in it.
    name: String,
}

/// An address that nothing can be asked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the address of a server")]
pub struct WrongAddress(pub String);

impl WrongAddress {
    pub const HINT: &str = "write it as a browser has it: http://localhost:9090";
}

impl Endpoint {
    pub fn new(address: &str) -> Result<Self, WrongAddress> {
        let wrong = || WrongAddress(address.to_owned());
        let base = Url::parse(address.trim()).map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong());
        }
        let mut shown = base.clone();
        shown.set_username("").and_then(|()| shown.set_password(None)).map_err(|()| wrong())?;
        let name = shown.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http: OnceLock::new(), base, name })
    }

    /// Made when it is first used: reading the machine's certificates would delay every start.
    fn client(&self) -> Result<&Client, ToolResult> {
        if let Some(known) = self.http.get() {
            return Ok(known);
        }
        // The first client of the process installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        let is_here = matches!(self.base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let made = if is_here { http.no_proxy() } else { http }.build();
        let made = made.map_err(|_| {
            ToolResult::failure(FailureKind::Failed, "no HTTP client can be made on this machine".to_owned())
        })?;
        Ok(self.http.get_or_init(|| made))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub async fn get(&self, path: &[&str], pairs: &[(&str, &str)]) -> Result<Value, ToolResult> {
        self.ask(Method::GET, path, pairs, None).await
    }

    pub async fn post(&self, path: &[&str], body: &Value) -> Result<Value, ToolResult> {
        self.ask(Method::POST, path, &[], Some(body)).await
    }

    pub async fn delete(&self, path: &[&str]) -> Result<Value, ToolResult> {
        self.ask(Method::DELETE, path, &[], None).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        pairs: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, ToolResult> {
        let failed = |what: String| ToolResult::failure(FailureKind::Failed, format!("{}: {what}", self.name));
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        let request = self.client()?.request(method, url);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.map_err(|error| failed(reason(&error)))?;
        let status = answer.status();
        let mut content = Vec::new();
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.next().await {
            content.extend_from_slice(&piece.map_err(|error| failed(reason(&error)))?);
            if content.len() > LARGEST {
                return Err(failed(format!("its answer is larger than {} MB", LARGEST / 1024 / 1024)));
            }
        }
        if !status.is_success() {
            let said = String::from_utf8_lossy(&content);
            let said = said[..said.floor_char_boundary(LONGEST_ERROR)].trim();
            return Err(failed(format!("it answers with status {}: {said}", status.as_u16())));
        }
        match content.is_empty() {
            true => Ok(Value::Null),
            false => {
                serde_json::from_slice(&content).map_err(|error| failed(format!("its answer is not JSON: {error}")))
            }
        }
    }
}

fn reason(error: &reqwest::Error) -> String {
    match (error.is_timeout(), error.is_connect()) {
        (true, _) => format!("it did not answer within {} s", PATIENCE.as_secs()),
        (false, true) => "it cannot be reached".to_owned(),
        (false, false) => "its answer was cut short".to_owned(),
    }
}
