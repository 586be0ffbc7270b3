//! Errors as RFC 9457 problem documents: what happened, and what to do next.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::host::{Unprepared, Whose};
use crate::access::people::PeopleError;
use crate::access::{Refusal, RefusalKind};
use crate::billing::Refused;
use crate::domain::{Rejection, RejectionKind};
use crate::feeds::Proof;
use crate::ports::{ClientError, EraseError, LogError, LogErrorKind};
use crate::shape::ExportError;

/// The media type of RFC 9457.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// `urn:morningai:problem:` and a word that stays the same across releases.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: String,
    status: u16,
    /// What happened.
    detail: String,
    /// What to do next; empty when there is nothing to do.
    hint: String,
    /// Seconds after which it is worth trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, kind: &str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:morningai:problem:{kind}"),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            hint: hint.into(),
            retry_after: None,
        }
    }

    /// What was sent cannot be understood.
    pub(super) fn malformed(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail, hint)
    }

    /// It is understood and makes no sense.
    pub(super) fn invalid(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail, hint)
    }

    pub(super) fn not_found(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail, hint)
    }

    /// It may work later.
    pub(super) fn unavailable(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail, hint)
    }

    /// A delivery to a receiver that does not show what it must.
    pub(super) fn unproven(proof: Proof) -> Self {
        let detail = format!("this receiver asks for {}", proof.about());
        Self::new(StatusCode::UNAUTHORIZED, "not-signed-in", detail, proof.hint())
    }

    pub(super) fn too_often(retry_after: u64) -> Self {
        let detail = format!("too many requests; the next is taken in {retry_after} s");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-often", detail, "send it again then").after(retry_after)
    }

    pub(super) fn not_signed(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not-signed", detail, hint)
    }

    /// Something is wrong inside; the log has it, the answer does not.
    pub(super) fn internal() -> Self {
        let hint = "the server's log file has the details";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something inside the server failed", hint)
    }

    fn after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"morningai\""));
        }
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            // The rest of it is not read, so nothing can follow it on this connection.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let (status, kind) = match rejection.kind {
            RejectionKind::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            RejectionKind::AlreadySettled => (StatusCode::CONFLICT, "already-settled"),
            RejectionKind::DigestMismatch => (StatusCode::CONFLICT, "digest-mismatch"),
            RejectionKind::Stale => (StatusCode::CONFLICT, "stale"),
            RejectionKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            RejectionKind::NotAllowed => (StatusCode::FORBIDDEN, "not-allowed"),
            RejectionKind::NotSaved => (StatusCode::SERVICE_UNAVAILABLE, "not-saved"),
            RejectionKind::TooOften => (StatusCode::TOO_MANY_REQUESTS, "too-often"),
        };
        Self::new(status, kind, rejection.message, rejection.hint)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let Refusal { kind, message, hint } = refusal;
        match kind {
            RefusalKind::NotSignedIn => Self::new(StatusCode::UNAUTHORIZED, "not-admitted", message, hint),
            RefusalKind::CodeWanted => Self::new(StatusCode::UNAUTHORIZED, "code-wanted", message, hint),
            RefusalKind::NotSuited => Self::invalid(message, hint),
            RefusalKind::NotAllowed => Self::new(StatusCode::FORBIDDEN, "not-allowed", message, hint),
            RefusalKind::TooMany { retry_after } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too-often", message, hint).after(retry_after)
            }
            RefusalKind::Unavailable => Self::unavailable(message, hint),
        }
    }
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        let (message, hint) = (error.to_string(), error.hint());
        match error {
            PeopleError::NotAllowed(_)
            | PeopleError::Oneself
            | PeopleError::TooHigh { .. }
            | PeopleError::BeyondRole { .. }
            | PeopleError::LastOwner(_) => Self::new(StatusCode::FORBIDDEN, "not-allowed", message, hint),
            PeopleError::NameTaken(_) | PeopleError::Nothing(_) => {
                Self::new(StatusCode::CONFLICT, "stale", message, hint)
            }
            PeopleError::Weak(_)
            | PeopleError::FirstIsOwner
            | PeopleError::NoPassword(_)
            | PeopleError::Lifetime
            | PeopleError::Unlabelled
            | PeopleError::Disabled(_) => Self::invalid(message, hint),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not-in-plan", refused.message, refused.hint)
    }
}

impl From<Unprepared> for Problem {
    fn from(unprepared: Unprepared) -> Self {
        match unprepared.whose {
            Whose::Asker => Self::invalid(unprepared.message, unprepared.hint),
            Whose::Server => Self::unavailable(unprepared.message, unprepared.hint),
            Whose::Disk => Self::new(StatusCode::INSUFFICIENT_STORAGE, "no-room", unprepared.message, unprepared.hint),
        }
    }
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        Self::unavailable(error.message, error.hint)
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match error.kind {
            LogErrorKind::Conflict | LogErrorKind::Fenced => {
                Self::new(StatusCode::CONFLICT, "stale", error.message, error.hint)
            }
            LogErrorKind::NotSaved
            | LogErrorKind::Unknown
            | LogErrorKind::Busy
            | LogErrorKind::TooNew
            | LogErrorKind::Unusable
            | LogErrorKind::Unsound
            | LogErrorKind::Lost => Self::unavailable(error.message, error.hint),
        }
    }
}

impl From<EraseError> for Problem {
    fn from(error: EraseError) -> Self {
        let (message, hint) = (error.to_string(), error.hint());
        match error {
            EraseError::NotEncrypted => Self::invalid(message, hint),
            EraseError::Unknown(_) => Self::not_found(message, hint),
            EraseError::Busy(_) => Self::new(StatusCode::CONFLICT, "busy", message, hint),
            EraseError::Log(error) => error.into(),
        }
    }
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        let (message, hint) = (error.to_string(), error.hint());
        match error {
            ExportError::Nothing(_) => Self::not_found(message, hint),
            ExportError::Unwritable(_) => Self::unavailable(message, hint),
            ExportError::Log(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_rejection_has_its_status() {
        for (kind, status) in [
            (RejectionKind::NotFound, 404),
            (RejectionKind::AlreadySettled, 409),
            (RejectionKind::DigestMismatch, 409),
            (RejectionKind::Stale, 409),
            (RejectionKind::Invalid, 422),
            (RejectionKind::NotAllowed, 403),
            (RejectionKind::NotSaved, 503),
            (RejectionKind::TooOften, 429),
        ] {
            assert_eq!(Problem::from(Rejection::new(kind, "x")).status, status, "{kind:?}");
        }
    }

    #[test]
    fn a_refusal_says_how_to_be_let_in_and_when_to_come_back() {
        let response = Problem::from(Refusal::new(RefusalKind::NotSignedIn, "no", "")).into_response();
        assert_eq!(response.status(), 401);
        assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        let response = Problem::from(Refusal::new(RefusalKind::TooMany { retry_after: 7 }, "no", "")).into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[header::RETRY_AFTER]),
            (429, &"7".parse().unwrap())
        );
    }
}
