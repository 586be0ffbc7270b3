//! What comes in with a request, and what goes out: JSON, read with a limit and errors that say what is wrong.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::access::Principal;
use crate::domain::IdempotencyKey;
use crate::shape;

/// Largest body taken, in bytes.
pub(super) const MOST: usize = 1024 * 1024;

/// A JSON body. An empty one is an empty object, so that `POST …/pause` needs none.
pub(super) struct Given<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = whole(request, MOST).await?;
        let text = if bytes.trim_ascii().is_empty() { b"{}".as_slice() } else { &bytes };
        match serde_json::from_slice(text) {
            Ok(value) => Ok(Self(value)),
            Err(error) if error.is_data() => Err(Problem::invalid(error.to_string(), "/openapi.json has the schema")),
            Err(error) => Err(Problem::malformed(format!("the body is not JSON: {error}"), "send a JSON object")),
        }
    }
}

/// The body of a request, of at most so many bytes.
pub(super) async fn whole(request: Request, most: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("the body is larger than {} KB", most / 1024);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail, "send less")
    };
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if announced.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    match axum::body::to_bytes(request.into_body(), most).await {
        Ok(bytes) => Ok(bytes),
        Err(error) if is_limit(&error) => Err(too_large()),
        Err(_) => Err(Problem::malformed("the body did not come in whole", "send it again")),
    }
}

/// Whether the body was longer than allowed, rather than cut short.
fn is_limit(error: &axum::Error) -> bool {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        source = error.source();
    }
    false
}

/// The parameters after the question mark.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::malformed(error.body_text(), "/openapi.json has the parameters")),
        }
    }
}

/// The name or id in the path.
pub(super) struct InPath(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(error) => Err(Problem::malformed(error.body_text(), "/openapi.json has the paths")),
        }
    }
}

/// The caller's own id of a request that may be sent twice, from the header `Idempotency-Key`.
pub(super) struct Once(Option<String>);

impl Once {
    /// The header's name.
    pub(super) const HEADER: &str = "idempotency-key";
    const LONGEST: usize = 255;

    /// The request's key: `asked` by `principal`.
    pub(super) fn key(&self, principal: &Principal, asked: &impl Serialize) -> Option<IdempotencyKey> {
        Some(IdempotencyKey::new(&principal.actor(), self.0.as_deref()?, asked))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Once {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(given) = parts.headers.get(Self::HEADER) else { return Ok(Self(None)) };
        let id = given.to_str().map_or("", |text| text.trim().trim_matches('"'));
        match id.is_empty() || id.len() > Self::LONGEST {
            true => {
                let problem = format!("an Idempotency-Key has 1 to {} characters of ASCII", Self::LONGEST);
                Err(Problem::malformed(problem, "send a UUID of your own, the same one when you repeat the request"))
            }
            false => Ok(Self(Some(id.to_owned()))),
        }
    }
}

/// A JSON answer, never kept by anything on the way.
pub(super) fn json<T: Serialize>(value: &T) -> Result<Response, Problem> {
    with_status(StatusCode::OK, value)
}

pub(super) fn with_status<T: Serialize>(status: StatusCode, value: &T) -> Result<Response, Problem> {
    let text = serde_json::to_string(value).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        Problem::internal()
    })?;
    Ok(typed(status, "application/json", Body::from(shape::escaped(text))))
}

/// Lines of JSON.
pub(super) fn ndjson(body: Body) -> Response {
    typed(StatusCode::OK, "application/x-ndjson", body)
}

fn typed(status: StatusCode, media_type: &'static str, body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, body).into_response()
}
