//! One HTTP exchange under the protocol library: exactly one request, no retry, a bounded answer, and a failure
//! that still knows status, headers and body.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use chrono::Utc;
use futures::{Stream, StreamExt, stream};
use reqwest::{Method, Request, Response};

use super::cassette::{Cassette, Recorder, request_digest};
use super::failure;
use super::failure::{Failure, Place};
use super::raw_answer::{Pieces, RawAnswer};
use crate::domain::ModelFailureKind;

/// Largest answer taken, in bytes on the wire.
pub(super) const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// Largest error body read.
const LARGEST_ERROR: usize = 64 * 1024;

/// How long an error body may take to arrive once its status is known.
const ERROR_BODY_PATIENCE: Duration = Duration::from_secs(10);

/// Where requests go.
#[derive(Clone, Default)]
pub enum Transport {
    #[default]
    Network,
    /// To the network, with every exchange written to a file.
    Record(Recorder),
    /// To a file of recorded exchanges; nothing leaves the process.
    Replay(Cassette),
}

/// What is learned of an exchange below the protocol library and needed above it.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    failure: Mutex<Option<Failure>>,
    done: AtomicBool,
    read: AtomicBool,
}

impl Exchange {
    /// Takes out the failure, if this exchange had one.
    pub fn take_failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the closing `[DONE]` was seen.
    pub fn saw_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    /// Whether the answer was read to its end. If not, and nobody says why, its reader is gone.
    pub fn was_read(&self) -> bool {
        self.saw_done() || self.read.load(Ordering::Relaxed)
    }

    /// Keeps the failure and gives back a stand-in for the library to carry upwards.
    fn fail(&self, failure: Failure) -> OpenAIError {
        let stand_in = OpenAIError::Boxed(failure.message.clone().into());
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        stand_in
    }
}

/// The service the protocol library sends through. Made anew for each exchange.
#[derive(Clone)]
pub(super) struct Wire {
    pub http: reqwest::Client,
    pub transport: Transport,
    pub place: Place,
    pub exchange: Arc<Exchange>,
}

impl tower_service::Service<HttpRequestFactory> for Wire {
    type Response = Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let wire = self.clone();
        Box::pin(async move {
            let request = factory.build().await?;
            let method = request.method().clone();
            let answer = wire.send(request).await.map_err(|failure| wire.exchange.fail(failure))?;
            wire.judge(method, answer).await
        })
    }
}

impl Wire {
    async fn send(&self, request: Request) -> Result<RawAnswer, Failure> {
        let digest = request_digest(&request);
        match &self.transport {
            Transport::Network => self.execute(request).await,
            Transport::Record(recorder) => {
                let answer = self.execute(request).await?;
                Ok(recorder.tee(digest, answer, self.place.key.get()))
            }
            Transport::Replay(cassette) => cassette.answer(&digest, &self.place),
        }
    }

    async fn execute(&self, request: Request) -> Result<RawAnswer, Failure> {
        let response =
            self.http.execute(request).await.map_err(|error| failure::from_transport(&self.place, &error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let place = self.place.clone();
        let pieces = response.bytes_stream().map(move |piece| match piece {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(error) => Err(failure::from_transport(&place, &error)),
        });
        Ok(RawAnswer { status, headers, pieces: pieces.boxed() })
    }

    /// Turns an answer into one the protocol library can read, or into a failure.
    async fn judge(&self, method: Method, answer: RawAnswer) -> Result<Response, OpenAIError> {
        if !answer.status.is_success() {
            let reading = collect(without_mark(answer.pieces), LARGEST_ERROR);
            let body =
                tokio::time::timeout(ERROR_BODY_PATIENCE, reading).await.map(|(body, _)| body).unwrap_or_default();
            let failure = failure::from_status(&self.place, answer.status, &answer.headers, &body, Utc::now());
            return Err(self.exchange.fail(failure));
        }
        let kind = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("text/html") {
            let hint = "check the base URL: it usually ends in /v1";
            let failure = self.place.failure(ModelFailureKind::BadRequest, "answered with a web page", hint);
            return Err(self.exchange.fail(failure));
        }
        let mut pieces = without_mark(answer.pieces);
        if method == Method::POST {
            let first = pieces.next().await;
            let is_document = kind.starts_with("application/json") || first.as_ref().is_some_and(begins_document);
            pieces = stream::iter(first).chain(pieces).boxed();
            // A server that ignores `stream` answers with one JSON document: the same as a stream of one piece.
            if is_document {
                let (body, failure) = collect(pieces, LARGEST_ANSWER).await;
                if let Some(failure) = failure {
                    return Err(self.exchange.fail(failure));
                }
                pieces = stream::iter([Ok(as_event(body))]).boxed();
            }
        }
        let metered = Metered {
            exchange: self.exchange.clone(),
            place: self.place.clone(),
            taken: 0,
            watch: DoneWatch::default(),
        };
        Ok(respond(reqwest::Body::wrap_stream(metered.over(pieces))))
    }
}

fn respond(body: reqwest::Body) -> Response {
    http::Response::new(body).into()
}

/// The pieces from the first that says anything on, without the byte order mark that some servers begin with: it says
/// nothing, and the protocol library does not survive it.
fn without_mark(pieces: Pieces) -> Pieces {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    let mut held = Some(Vec::new());
    let end = stream::iter([None]);
    let unmarked = pieces.map(Some).chain(end).map(move |piece| match (held.take(), piece) {
        (None, piece) => piece,
        (Some(begun), Some(Ok(bytes))) => {
            let begun = [begun, bytes].concat();
            if begun.len() < MARK.len() && MARK.starts_with(&begun) {
                held = Some(begun);
                return None;
            }
            Some(Ok(begun.strip_prefix(MARK).map(<[u8]>::to_vec).unwrap_or(begun)))
        }
        (Some(begun), None) => Some(Ok(begun)),
        (Some(_), failed) => failed,
    });
    let says = |piece: &Result<Vec<u8>, Failure>| !matches!(piece, Ok(bytes) if bytes.is_empty());
    unmarked.filter_map(std::future::ready).filter(move |piece| std::future::ready(says(piece))).boxed()
}

/// Whether a body is JSON, whatever its headers call it: no line of an event stream begins so.
fn begins_document(piece: &Result<Vec<u8>, Failure>) -> bool {
    let first = piece.as_ref().ok().and_then(|bytes| bytes.iter().find(|byte| !byte.is_ascii_whitespace()));
    matches!(first, Some(b'{' | b'[' | b'"'))
}

/// Reads up to `limit` bytes; also says what ended the reading early.
async fn collect(mut pieces: Pieces, limit: usize) -> (Vec<u8>, Option<Failure>) {
    let mut body = Vec::new();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(bytes) => body.extend_from_slice(&bytes[..bytes.len().min(limit - body.len())]),
            Err(failure) => return (body, Some(failure)),
        }
        if body.len() == limit {
            break;
        }
    }
    (body, None)
}

/// JSON documents as an event stream; what already is one stays as it is.
fn as_event(body: Vec<u8>) -> Vec<u8> {
    let documents = serde_json::Deserializer::from_slice(&body).into_iter::<serde_json::Value>();
    let events: Result<String, serde_json::Error> =
        documents.map(|document| Ok(format!("data: {}\n\n", document?))).collect();
    events.map_or(body.clone(), |events| format!("{events}data: [DONE]\n\n").into_bytes())
}

/// Counts what passes, ends it at the limit, and notices the closing mark.
struct Metered {
    exchange: Arc<Exchange>,
    place: Place,
    taken: usize,
    watch: DoneWatch,
}

impl Metered {
    fn over(mut self, pieces: Pieces) -> impl Stream<Item = Result<Vec<u8>, OpenAIError>> {
        let exchange = self.exchange.clone();
        let end = stream::poll_fn(move |_| {
            exchange.read.store(true, Ordering::Relaxed);
            Poll::Ready(None)
        });
        let metered = pieces.map(move |piece| {
            let bytes = piece.map_err(|failure| self.exchange.fail(failure))?;
            self.taken += bytes.len();
            if self.taken > LARGEST_ANSWER {
                let what = format!("sent more than {} MB in one answer", LARGEST_ANSWER / 1024 / 1024);
                let failure = self.place.failure(ModelFailureKind::Nonsense, &what, "use another model for this");
                return Err(self.exchange.fail(failure));
            }
            if self.watch.feed(&bytes) == Seen::Done {
                self.exchange.done.store(true, Ordering::Relaxed);
            }
            Ok(bytes)
        });
        metered.chain(end)
    }
}

/// Looks for the line `data: [DONE]` across piece boundaries. JSON never contains it: it escapes line breaks.
#[derive(Debug, Default)]
struct DoneWatch {
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Done,
    NotYet,
}

impl DoneWatch {
    const LONGEST: usize = 16;

    fn feed(&mut self, bytes: &[u8]) -> Seen {
        let mut seen = Seen::NotYet;
        for byte in bytes {
            match byte {
                b'\n' | b'\r' => self.line.clear(),
                _ if self.line.len() < Self::LONGEST => self.line.push(*byte),
                _ => continue,
            }
            if self.line == b"data: [DONE]" || self.line == b"data:[DONE]" {
                seen = Seen::Done;
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_mark_is_seen_across_pieces_and_not_inside_text() {
        let mut watch = DoneWatch::default();
        assert_eq!(watch.feed(b"data: {\"a\":\"data: [DONE]\"}\n\nda"), Seen::NotYet);
        assert_eq!(watch.feed(b"ta: [DO"), Seen::NotYet);
        assert_eq!(watch.feed(b"NE]\n\n"), Seen::Done);
    }

    #[test]
    fn a_document_becomes_an_event_and_a_stream_stays_one() {
        assert_eq!(as_event(b"{\n\"a\": 1}".to_vec()), b"data: {\"a\":1}\n\ndata: [DONE]\n\n");
        assert_eq!(as_event(b"data: {}\n\n".to_vec()), b"data: {}\n\n");
    }
}
