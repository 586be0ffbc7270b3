//! Everything that comes in passes here first: under which name it speaks to us, whether a web page sent it, who it
//! is, whether they may. Then it has a time limit.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::app::App;
use super::listen::LONGEST_HEAD;
use super::peer::Peer;
use super::problem::Problem;
use super::query;
use crate::access::Presented;
use crate::billing::Feature;
use crate::domain::Action;
use crate::feeds::Proof;

/// What a request may take; a longer one is answered with an error.
const LIMIT: Duration = Duration::from_secs(30);
/// Longest token looked at, in bytes.
const LONGEST_TOKEN: usize = crate::access::jwt::LONGEST;

/// How long the answer to a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Half a minute.
    Prompt,
    /// As long as it takes: it reads the whole log, or is a feed.
    Long,
}

/// What a route asks of those who use it.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) app: Arc<App>,
    pub(super) asks: Asks,
    pub(super) pace: Pace,
    /// The parameters it takes, as the document has them.
    pub(super) params: Arc<[Value]>,
}

/// What one must show to use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// Nothing at all.
    Nothing,
    /// What a source shows its receiver, which says nothing of who one is. The receiver checks it: a signature is over the
    /// body.
    Hook(Proof),
    /// A signature over the body, which the route looks at.
    Signature,
    /// Who one is, whatever one may do.
    Admission,
    /// That one may do this; some routes look closer at what is asked for, and ask for more.
    Right(Action),
}

/// Lets a request through to its route, or answers it.
pub(super) async fn pass(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    if let Err(problem) = admit(&door, &mut request).await {
        return problem.into_response();
    }
    match door.pace {
        Pace::Long => next.run(request).await,
        Pace::Prompt => match tokio::time::timeout(LIMIT, next.run(request)).await {
            Ok(response) => response,
            Err(_) => {
                let hint = "it may have been carried out all the same: look before you ask again";
                Problem::unavailable("this took too long", hint).into_response()
            }
        },
    }
}

/// Answers a head that is too long. A much longer one, which does not even fit into the buffer, the connection answers.
pub(super) async fn check_head(request: Request, next: Next) -> Response {
    let length = head_length(&request);
    if length <= LONGEST_HEAD {
        return next.run(request).await;
    }
    let detail = format!("the head of the request has {length} bytes, and may have {LONGEST_HEAD}");
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Problem::new(status, "head-too-large", detail, "send fewer or shorter headers").into_response()
}

/// As it is commonly written, with one space after each colon.
fn head_length(request: &Request) -> usize {
    const AROUND_TARGET: usize = " ".len() + " HTTP/1.1\r\n".len();
    const AROUND_FIELD: usize = ": ".len() + "\r\n".len();
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + AROUND_FIELD);
    let target = request.uri().to_string().len();
    request.method().as_str().len() + target + AROUND_TARGET + fields.sum::<usize>() + "\r\n".len()
}

async fn admit(door: &Door, request: &mut Request) -> Result<(), Problem> {
    check_name(door, request)?;
    check_origin(request.headers())?;
    if matches!(door.asks, Asks::Nothing | Asks::Hook(_) | Asks::Signature) {
        return Ok(());
    }
    let Some(Peer(from)) = request.extensions().get().copied() else { return Err(Problem::internal()) };
    let principal = door.app.gate.admit(presented(request.headers())?, from).await?;
    if principal.credential.is_for_programs() {
        door.app.check_feature(Feature::ApiAccess)?;
    }
    if let Asks::Right(action) = door.asks {
        door.app.gate.permit(&principal, action).await?;
    }
    // Not before it is known who asks: nothing is learned here without that.
    query::check(request.uri(), &door.params)?;
    request.extensions_mut().insert(principal);
    Ok(())
}

fn check_name(door: &Door, request: &Request) -> Result<(), Problem> {
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = header.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    if door.app.hosts.accept(host.unwrap_or_default()) {
        return Ok(());
    }
    let hint = "use its own address, or start the server with --name for each other name it is reached by";
    Err(Problem::new(StatusCode::FORBIDDEN, "unknown-host", "this server is not known by that name", hint))
}

/// Browsers send `Origin`, programs do not; no web page has business here.
fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    if !headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    let detail = "requests from web pages are not answered";
    Err(Problem::new(StatusCode::FORBIDDEN, "from-a-page", detail, "use a program, or `morningai attach`"))
}

fn presented(headers: &HeaderMap) -> Result<Presented<'_>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(Presented::Nothing) };
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    match token {
        Some(token) if !token.is_empty() && token.len() <= LONGEST_TOKEN => Ok(Presented::Bearer(token)),
        _ => Err(Problem::malformed("the Authorization header is not `Bearer TOKEN`", "send the token as it is")),
    }
}
