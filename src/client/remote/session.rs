//! Signing in at a server with a name and a password, and signing out.
//!
//! The connection is made as for the feed, so a password is never sent to whom the token would not be.

use axum::body::{Body, to_bytes};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, StatusCode};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::dial;
use super::dial::{DialError, DialErrorKind, STEP};
use super::target::Target;
use crate::protocol;

/// Most bytes of an answer.
const MOST: usize = 64 * 1024;

/// What somebody typed.
pub struct Credentials {
    pub name: String,
    pub password: SecretString,
    /// Of the second factor; empty where none was asked for yet.
    pub code: String,
}

/// A session that began there.
#[derive(Clone)]
pub struct Session {
    target: Target,
    /// What is shown from now on.
    pub token: SecretString,
}

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The password is right, and a code of the second factor is wanted too.
    #[error("a code of the second factor is wanted")]
    CodeWanted,
    /// Wrong, and worth another try.
    #[error("{0}")]
    Wrong(DialError),
    #[error("{0}")]
    Failed(#[from] DialError),
}

impl Session {
    /// Makes sure that a server of ours answers there, so that nobody is asked for a password in vain.
    pub async fn knock(target: &Target) -> Result<(), DialError> {
        let (status, body) = exchange(target, request(target, Method::GET, "/healthz", Body::empty())?).await?;
        match serde_json::from_slice::<serde_json::Value>(&body) {
            Ok(health) if health["version"].is_string() => Ok(()),
            _ => Err(dial::foreign(target, &format!("it answers with status {status}"))),
        }
    }

    pub async fn begin(target: &Target, credentials: &Credentials) -> Result<Self, SignInError> {
        let Credentials { name, password, code } = credentials;
        let body = json!({ "name": name, "password": password.expose_secret(), "code": code }).to_string();
        let (status, body) = exchange(target, request(target, Method::POST, protocol::SESSION_PATH, body)?).await?;
        #[derive(Deserialize)]
        struct Begun {
            token: SecretString,
        }
        match status {
            StatusCode::CREATED => match serde_json::from_slice::<Begun>(&body) {
                Ok(begun) => Ok(Self { target: target.clone(), token: begun.token }),
                Err(_) => Err(dial::foreign(target, "it names no session").into()),
            },
            status => Err(refused(target, status, &body)),
        }
    }

    /// Ends it there. The person who leaves is not kept waiting for it, nor told if it fails: unused, it ends by itself.
    pub async fn end(&self) {
        let ended = async {
            let mut request = request(&self.target, Method::DELETE, protocol::SESSION_PATH, Body::empty())?;
            if let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", self.token.expose_secret())) {
                bearer.set_sensitive(true);
                request.headers_mut().insert(AUTHORIZATION, bearer);
            }
            exchange(&self.target, request).await
        };
        if let Err(error) = ended.await {
            tracing::warn!(%error, "the session was not ended");
        }
    }
}

fn request(target: &Target, method: Method, route: &str, body: impl Into<Body>) -> Result<Request<Body>, DialError> {
    Request::builder()
        .method(method)
        .uri(target.path(route))
        .header(HOST, target.name())
        .header(CONTENT_TYPE, "application/json")
        .body(body.into())
        .map_err(|error| dial::foreign(target, &error.to_string()))
}

/// One request on a connection of its own.
async fn exchange(target: &Target, request: Request<Body>) -> Result<(StatusCode, Vec<u8>), DialError> {
    let line = dial::line(target).await?;
    let foreign = |error: hyper::Error| dial::foreign(target, &error.to_string());
    let talk = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(line)).await.map_err(foreign)?;
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(foreign)?;
        let (head, body) = response.into_parts();
        let body = to_bytes(Body::new(body), MOST).await.map_err(|error| dial::foreign(target, &error.to_string()))?;
        connection.abort();
        Ok((head.status, body.to_vec()))
    };
    // A busy server may take a while to check a password.
    tokio::time::timeout(2 * STEP, talk).await.map_err(|_| dial::no_answer(target))?
}

/// The server's own words.
fn refused(target: &Target, status: StatusCode, body: &[u8]) -> SignInError {
    #[derive(Deserialize)]
    struct Problem {
        #[serde(rename = "type")]
        kind: String,
        detail: String,
        #[serde(default)]
        hint: String,
    }
    let Ok(Problem { kind, detail, hint }) = serde_json::from_slice(body) else {
        return dial::foreign(target, &format!("it answers with status {status}")).into();
    };
    match status {
        StatusCode::UNAUTHORIZED if kind.ends_with(":code-wanted") => SignInError::CodeWanted,
        StatusCode::UNAUTHORIZED => SignInError::Wrong(dial::not_let_in(target, detail, hint)),
        StatusCode::FORBIDDEN => dial::not_let_in(target, detail, hint).into(),
        _ => {
            let message = format!("{} says: {detail}", target.name());
            DialError::new(DialErrorKind::Unreachable, message, hint).into()
        }
    }
}
