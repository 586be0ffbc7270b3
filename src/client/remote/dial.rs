//! Making a connection: name, TCP, TLS, WebSocket; and for whatever fails, what it means and what to do.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderValue};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, tungstenite};

use super::pulse::{Line, Pulsed};
use super::target::{Target, Trust};
use crate::protocol;

/// What each step of a connection may take.
pub(super) const STEP: Duration = Duration::from_secs(8);

pub(super) type Socket = WebSocketStream<Pulsed>;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DialError {
    pub kind: DialErrorKind,
    pub message: String,
    pub hint: String,
    /// The server's own words, where it said any.
    pub said: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialErrorKind {
    /// There is no token to present, or no certificate to trust by.
    Unequipped,
    /// No such host, nobody listens, no answer.
    Unreachable,
    /// The server's certificate is not trusted, or it speaks another TLS.
    Tls,
    /// The server does not let this token in, or not this far.
    Refused,
    /// Something answers, but not this protocol or not this version.
    Foreign,
}

impl DialError {
    pub(super) fn new(kind: DialErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: hint.into(), said: String::new() }
    }
}

pub(super) fn no_answer(target: &Target) -> DialError {
    let message = format!("{} does not answer", target.name());
    DialError::new(DialErrorKind::Unreachable, message, "check the address, and that `morningai serve` runs there")
}

/// A WebSocket to the target's feed.
pub(super) async fn dial(target: &Target, token: &SecretString) -> Result<Socket, DialError> {
    upgrade(target, token, Pulsed::new(line(target).await?)).await
}

/// A connection to the target, encrypted where it has to be.
pub(super) async fn line(target: &Target) -> Result<Box<dyn Line>, DialError> {
    let line = reach(target).await?;
    match target.is_encrypted {
        true => encrypt(target, line).await,
        false => Ok(Box::new(line)),
    }
}

async fn reach(target: &Target) -> Result<TcpStream, DialError> {
    let unknown = || {
        let message = format!("no host is called {}", target.host);
        DialError::new(DialErrorKind::Unreachable, message, "check the name, and the network")
    };
    let found = tokio::time::timeout(STEP, tokio::net::lookup_host((target.host.as_str(), target.port))).await;
    let addresses: Vec<SocketAddr> = found.map_err(|_| no_answer(target))?.map_err(|_| unknown())?.collect();
    let mut last = unknown();
    for address in addresses {
        match tokio::time::timeout(STEP, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A key press must not wait for more to send.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = unreachable(target, &error),
            Err(_) => last = no_answer(target),
        }
    }
    Err(last)
}

fn unreachable(target: &Target, error: &io::Error) -> DialError {
    let (what, hint) = match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            ("nothing listens at".to_owned(), "start it there with `morningai serve`, or check the port")
        }
        _ => (format!("cannot connect ({error}) to"), "check the address, and the network"),
    };
    DialError::new(DialErrorKind::Unreachable, format!("{what} {}", target.name()), hint)
}

async fn encrypt(target: &Target, line: TcpStream) -> Result<Box<dyn Line>, DialError> {
    let name = ServerName::try_from(target.host.clone()).map_err(|_| {
        let message = format!("{} is not a name that a certificate can be issued for", target.host);
        DialError::new(DialErrorKind::Tls, message, "use the name or address in the server's certificate")
    })?;
    let connector = TlsConnector::from(Arc::new(client_config(&target.trust)?));
    let connected = tokio::time::timeout(STEP, connector.connect(name, line)).await;
    match connected.map_err(|_| no_answer(target))? {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(untrusted(target, &error)),
    }
}

fn client_config(trust: &Trust) -> Result<ClientConfig, DialError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable = |error: &dyn std::fmt::Display| {
        let message = format!("no encrypted connection can be made here: {error}");
        DialError::new(DialErrorKind::Unequipped, message, "name the server's authority with --tls-ca FILE")
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| unusable(&error))?;
    Ok(match trust {
        Trust::Machine => builder.with_platform_verifier().map_err(|error| unusable(&error))?.with_no_client_auth(),
        Trust::File(path) => builder.with_root_certificates(roots(path)?).with_no_client_auth(),
    })
}

fn roots(path: &Path) -> Result<RootCertStore, DialError> {
    let unusable = |error: &dyn std::fmt::Display| {
        let message = format!("the certificates in {} cannot be used: {error}", path.display());
        DialError::new(DialErrorKind::Unequipped, message, "give a PEM file with the server's authority")
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))? {
        roots.add(certificate.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"there is none in it"));
    }
    Ok(roots)
}

fn untrusted(target: &Target, error: &io::Error) -> DialError {
    use rustls::Error;
    let name = target.name();
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let (message, hint) = match tls {
        Some(Error::InvalidCertificate(reason)) => (
            format!("{name} has a certificate that is not trusted here: {reason}"),
            "check the name; for an authority of your own, name it with --tls-ca FILE",
        ),
        Some(Error::InvalidMessage(_)) => {
            (format!("{name} does not speak TLS"), "use http:// if it is on this machine, or check the port")
        }
        Some(Error::AlertReceived(_) | Error::PeerIncompatible(_)) => {
            (format!("{name} does not speak TLS 1.3: {error}"), "let the server, or the proxy before it, speak TLS 1.3")
        }
        _ => (format!("no encrypted connection to {name}: {error}"), "check the address and the port"),
    };
    DialError::new(DialErrorKind::Tls, message, hint)
}

async fn upgrade(target: &Target, token: &SecretString, line: Pulsed) -> Result<Socket, DialError> {
    let unequipped = |message: &str| {
        let hint = "copy it again from the server's serve.token";
        DialError::new(DialErrorKind::Unequipped, message, hint)
    };
    let mut request = target.feed().into_client_request().map_err(|error| foreign(target, &error.to_string()))?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| unequipped("the token has characters that no token has"))?;
    bearer.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let config = WebSocketConfig::default()
        .max_message_size(Some(protocol::MOST_FROM_SERVER))
        .max_frame_size(Some(protocol::MOST_FROM_SERVER))
        .write_buffer_size(0);
    let upgraded = tokio_tungstenite::client_async_with_config(request, line, Some(config));
    match tokio::time::timeout(STEP, upgraded).await.map_err(|_| no_answer(target))? {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(refused(target, &response)),
        Err(error) => Err(foreign(target, &error.to_string())),
    }
}

pub(super) fn foreign(target: &Target, what: &str) -> DialError {
    let message = format!("what answers at {} is not a morningai server: {what}", target.name());
    DialError::new(DialErrorKind::Foreign, message, "check the address and the port")
}

/// The answer of a server that did not switch to a WebSocket, in its own words if it is ours.
fn refused(target: &Target, response: &http::Response<Option<Vec<u8>>>) -> DialError {
    #[derive(serde::Deserialize)]
    struct Problem {
        detail: String,
        #[serde(default)]
        hint: String,
    }
    let status = response.status();
    let body = response.body().as_deref().unwrap_or_default();
    let Ok(Problem { detail, hint }) = serde_json::from_slice(body) else {
        return foreign(target, &format!("it answers with status {status}"));
    };
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => not_let_in(target, detail, hint),
        _ => DialError::new(DialErrorKind::Unreachable, format!("{} says: {detail}", target.name()), hint),
    }
}

/// The server does not let this token in, in its own words.
pub(super) fn not_let_in(target: &Target, said: String, hint: impl Into<String>) -> DialError {
    let message = format!("{} says: {said}", target.name());
    DialError { said, ..DialError::new(DialErrorKind::Refused, message, hint) }
}
