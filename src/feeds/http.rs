//! Asking something over HTTP: with a limit in time and size, and errors in few words.

use std::time::Duration;

use futures::StreamExt;
use reqwest::{Client, Url};

/// What asks `url`: it follows no redirects, and uses no proxy for what is on this machine.
pub(super) fn client(url: &Url, patience: Duration) -> reqwest::Result<Client> {
    // The first client of this process installs it; the others find it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("morningai/", env!("CARGO_PKG_VERSION")))
        .timeout(patience)
        .redirect(reqwest::redirect::Policy::none());
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if is_here { builder.no_proxy() } else { builder }.build()
}

/// An address with a host, and the same as people may see it: without a password in it.
pub(super) fn address(text: &str) -> Option<(Url, String)> {
    let url = Url::parse(text.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return None;
    }
    let mut shown = url.clone();
    shown.set_username("").and_then(|()| shown.set_password(None)).ok()?;
    Some((url, shown.as_str().trim_end_matches('/').to_owned()))
}

/// Status and body of the answer; no more than `most` bytes of it.
pub(super) async fn fetch(
    client: &Client,
    url: &Url,
    most: usize,
    patience: Duration,
) -> Result<(u16, Vec<u8>), String> {
    let reason = |error: reqwest::Error| reason(&error, patience);
    let answer = client.get(url.clone()).send().await.map_err(reason)?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece.map_err(reason)?);
        if body.len() > most {
            return Err(format!("its answer is larger than {} MB", most / 1024 / 1024));
        }
    }
    Ok((status, body))
}

/// In few words; the address is known.
fn reason(error: &reqwest::Error, patience: Duration) -> String {
    match (error.is_timeout(), error.is_connect()) {
        (true, _) => format!("it did not answer within {} s", patience.as_secs()),
        (false, true) => "it cannot be reached".to_owned(),
        (false, false) => "its answer was cut short".to_owned(),
    }
}
