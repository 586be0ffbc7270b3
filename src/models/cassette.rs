//! Cassettes: recorded wire exchanges, one JSON object a line, replayed in place of the network.
//!
//! A request is kept only as a digest of method, path and body; headers are never looked at, so a key cannot
//! get in that way. In answers, every occurrence of the key is blotted out, also across pieces.

use std::fs::{File, OpenOptions};
use std::io;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::failure::{Failure, Place};
use super::raw_answer::RawAnswer;
use crate::domain::{ModelFailureKind, Secrets, written_text};

/// Headers of an answer that its reading depends on.
const KEPT_HEADERS: [&str; 4] = ["content-type", "retry-after", "retry-after-ms", "location"];

/// One exchange as it stands in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// SHA-256 in hex over method, path and body, each ended by a line break.
    pub request: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// The body in the pieces in which it came.
    pub body: Vec<Piece>,
    pub end: End,
}

/// A piece of a body: text where it is UTF-8, so that people can read the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Piece {
    Text(String),
    Bytes { base64: String },
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Complete,
    /// The connection broke.
    Cut,
}

/// A cassette that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CassetteError {
    #[error("cassette {path}: {error}")]
    File { path: String, error: io::Error },
    #[error("cassette {path}, line {line}: {error}")]
    Line { path: String, line: usize, error: serde_json::Error },
}

/// Recorded exchanges, each of which answers once, in the order of recording.
#[derive(Clone)]
pub struct Cassette(Arc<Mutex<Vec<Recorded>>>);

/// Writes exchanges to a file as they end.
#[derive(Clone)]
pub struct Recorder(Arc<Mutex<File>>);

impl Cassette {
    pub fn new(exchanges: Vec<Recorded>) -> Self {
        Self(Arc::new(Mutex::new(exchanges)))
    }

    pub fn load(path: &Path) -> Result<Self, CassetteError> {
        let shown = || path.display().to_string();
        let failed = |error| CassetteError::File { path: shown(), error };
        let text =
            written_text(std::fs::read(path).map_err(failed)?).map_err(|error| failed(io::Error::other(error)))?;
        let read = |(at, line)| {
            serde_json::from_str(line).map_err(|error| CassetteError::Line { path: shown(), line: at + 1, error })
        };
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        Ok(Self::new(lines.map(read).collect::<Result<_, _>>()?))
    }

    /// Exchanges that were not asked for yet.
    pub fn remaining(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(super) fn answer(&self, digest: &str, place: &Place) -> Result<RawAnswer, Failure> {
        let mut exchanges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = exchanges.iter().position(|recorded| recorded.request == digest) else {
            let what = format!("is replayed from a cassette without request {digest}");
            return Err(place.failure(ModelFailureKind::BadRequest, &what, "record the exchange again"));
        };
        let recorded = exchanges.remove(at);
        recorded.into_answer(place)
    }
}

impl Recorded {
    fn into_answer(self, place: &Place) -> Result<RawAnswer, Failure> {
        let broken = |what: &str| {
            place.failure(ModelFailureKind::BadRequest, &format!("has a broken cassette: {what}"), "record it again")
        };
        let status = StatusCode::from_u16(self.status).map_err(|_| broken("no such status"))?;
        let mut headers = HeaderMap::new();
        for name in KEPT_HEADERS {
            let value = self.headers.iter().find(|(kept, _)| kept == name).map(|(_, value)| value);
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_str(value).map_err(|_| broken("bad header"))?);
            }
        }
        let mut pieces: Vec<Result<Vec<u8>, Failure>> = Vec::with_capacity(self.body.len() + 1);
        for piece in self.body {
            pieces.push(Ok(piece.into_bytes().ok_or_else(|| broken("bad base64"))?));
        }
        if self.end == End::Cut {
            pieces.push(Err(place.failure(ModelFailureKind::Provider, "broke the connection", "try again later")));
        }
        Ok(RawAnswer { status, headers, pieces: futures::stream::iter(pieces).boxed() })
    }
}

impl Piece {
    pub fn new(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Bytes { base64: BASE64_STANDARD.encode(error.as_bytes()) },
        }
    }

    fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.into_bytes()),
            Self::Bytes { base64 } => BASE64_STANDARD.decode(base64).ok(),
        }
    }
}

impl Recorder {
    /// Appends to `path`, which is made if need be.
    pub fn create(path: &Path) -> Result<Self, CassetteError> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|error| CassetteError::File { path: path.display().to_string(), error })?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    /// Passes an answer on and writes it down when it ends or is dropped.
    pub(super) fn tee(&self, digest: String, answer: RawAnswer, key: Option<&SecretString>) -> RawAnswer {
        let kept = |name: &&str| Some(((*name).to_owned(), answer.headers.get(*name)?.to_str().ok()?.to_owned()));
        let headers = KEPT_HEADERS.iter().filter_map(kept).collect();
        let status = answer.status.as_u16();
        let mut tape = Tape {
            recorder: self.clone(),
            key: Place::hiding(key),
            digest,
            status,
            headers,
            body: Vec::new(),
            end: End::Complete,
        };
        let pieces = answer.pieces.map(move |piece| {
            match &piece {
                Ok(bytes) => tape.body.push(bytes.clone()),
                Err(_) => tape.end = End::Cut,
            }
            piece
        });
        RawAnswer { status: answer.status, headers: answer.headers, pieces: pieces.boxed() }
    }
}

/// An exchange being recorded; written when dropped, since a reader stops at `[DONE]` and not at the end.
struct Tape {
    recorder: Recorder,
    key: Secrets,
    digest: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<Vec<u8>>,
    end: End,
}

impl Drop for Tape {
    fn drop(&mut self) {
        let mut body = std::mem::take(&mut self.body);
        blot(&mut body, &self.key);
        let recorded = Recorded {
            request: std::mem::take(&mut self.digest),
            status: self.status,
            headers: std::mem::take(&mut self.headers),
            body: body.into_iter().map(Piece::new).collect(),
            end: self.end,
        };
        let mut file = self.recorder.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written =
            serde_json::to_string(&recorded).map_err(io::Error::from).and_then(|line| writeln!(file, "{line}"));
        if let Err(error) = written {
            tracing::warn!(%error, "an exchange with a model was not recorded");
        }
    }
}

/// Replaces a secret by asterisks of the same length, also where it spans pieces, so that boundaries stay.
fn blot(pieces: &mut [Vec<u8>], secrets: &Secrets) {
    let found = secrets.places(&pieces.concat());
    let mut bytes: Vec<&mut u8> = pieces.iter_mut().flatten().collect();
    for place in found {
        bytes[place].iter_mut().for_each(|byte| **byte = b'*');
    }
}

/// What a request is found by.
pub(super) fn request_digest(request: &reqwest::Request) -> String {
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    digest(request.method().as_str(), request.url().path(), body)
}

/// The digest of a request, for cassettes made by hand. A JSON body counts in its canonical form, so that the
/// order of its members does not matter.
pub fn digest(method: &str, path: &str, body: &[u8]) -> String {
    let json = serde_json::from_slice::<serde_json::Value>(body).ok();
    let canonical = json.and_then(|json| serde_jcs::to_vec(&json).ok());
    let parts = [method.as_bytes(), path.as_bytes(), canonical.as_deref().unwrap_or(body)];
    hex::encode(
        parts.into_iter().fold(Sha256::new(), |hash, part| hash.chain_update(part).chain_update("\n")).finalize(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_blotted_out_across_pieces() {
        let mut pieces = vec![b"say s".to_vec(), b"k-".to_vec(), b"12345! and sk-12345".to_vec()];
        blot(&mut pieces, &Place::hiding(Some(&SecretString::from("sk-12345"))));
        assert_eq!(pieces, [b"say *".to_vec(), b"**".to_vec(), b"*****! and ********".to_vec()]);
    }

    #[test]
    fn a_piece_cut_in_a_character_survives_the_file() {
        let bytes = "é".as_bytes()[..1].to_vec();
        let line = serde_json::to_string(&Piece::new(bytes.clone())).unwrap();
        assert_eq!(serde_json::from_str::<Piece>(&line).unwrap().into_bytes(), Some(bytes));
    }
}
