//! `check_certificate`: until when a certificate is valid, in a file or as a server shows it. It fails where that is soon.

use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use rustix::fs::OFlags;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use x509_parser::prelude::FromDer;

use crate::domain::{
    EffectClass, Environment, FailureKind, Output, Repeat, Timestamp, ToolResult, ToolSpec, Untrusted,
};
use crate::ports::{Clock, Invocation, Prepared, Tool, ToolContext};
use crate::tools::remote::{Hosts, Machine, NamedHost};
use crate::tools::{args, cards};

/// Days that must be left where nobody says otherwise.
const USUAL_DAYS: u32 = 14;
/// Longest that a server may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest file that is read.
const LARGEST: u64 = 1024 * 1024;
/// The inputs that say which certificate: labels of the alert.
const FILE_LABEL: &str = "LABEL_certificate";
const SERVER_LABEL: &str = "LABEL_instance";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// Whether to look into a file or to ask a server.
    from: From,
    /// The absolute path of a file in PEM, or a server as host:port or https address; when left out, what the alert's
    /// label `certificate` says of the file, or its label `instance` of the server.
    name: Option<String>,
    /// Fail where fewer days than this are left; 14 when left out.
    days: Option<u32>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum From {
    File,
    Server,
}

/// Looks until when a certificate is valid.
pub struct CheckCertificate {
    spec: ToolSpec,
    clock: Arc<dyn Clock>,
    hosts: Hosts,
}

/// Where a certificate is.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    /// A file of another host.
    FileOn(NamedHost, PathBuf),
    Server {
        host: String,
        port: u16,
    },
}

impl CheckCertificate {
    pub fn new(clock: Arc<dyn Clock>, hosts: Hosts) -> Self {
        let about = "Says until when a TLS certificate is valid, in a file or as a server shows it. Fails where that \
                     is less than some days.";
        let spec = args::spec::<Args>("check_certificate", EffectClass::Observe, Repeat::Repeatable, about);
        Self { spec, clock, hosts }
    }

    fn read(&self, context: &ToolContext, args: &Value) -> Result<(Place, u32), ToolResult> {
        let Args { from, name, days } = args::parse(&self.spec, args)?;
        let label = match from {
            From::File => FILE_LABEL,
            From::Server => SERVER_LABEL,
        };
        let name = name.or_else(|| context.inputs.get(label).map(|label| label.raw().to_owned())).ok_or_else(|| {
            let label = label.trim_start_matches("LABEL_");
            let missing =
                format!("no certificate is named: neither in the call, nor by a label `{label}` of the alert");
            ToolResult::failure(FailureKind::BadCall, missing)
        })?;
        let place = match from {
            From::File => {
                let machine = self.hosts.of(context)?;
                Some(PathBuf::from(name)).filter(|path| path.is_absolute()).map(|path| match machine {
                    Machine::Here => Place::File(path),
                    Machine::Host(host) => Place::FileOn(host, path),
                })
            }
            From::Server => server_of(&name),
        };
        let wrong = || args::bad_call(&self.spec, "\"name\" is the absolute path of a file, or host:port of a server");
        Ok((place.ok_or_else(wrong)?, days.unwrap_or(USUAL_DAYS)))
    }

    async fn look(&self, place: &Place, days: u32, cancel: &CancellationToken) -> Result<ToolResult, ToolResult> {
        let certificate = match place {
            Place::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || in_file(&path));
                let late = |_| failed("the file cannot be read in time".to_owned());
                let read = tokio::time::timeout(PATIENCE, read).await.map_err(late)?;
                read.map_err(|error| failed(error.to_string()))?.map_err(failed)?
            }
            Place::FileOn(host, path) => on_host(host, path, cancel).await?,
            Place::Server { host, port } => {
                let asked = tokio::time::timeout(PATIENCE, of_server(host, *port)).await;
                let late = |_| failed(format!("{host}:{port} did not answer within {} s", PATIENCE.as_secs()));
                asked.map_err(late)?.map_err(failed)?
            }
        };
        let (subject, until) = validity(&certificate).map_err(failed)?;
        Ok(said(&subject, until, self.clock.now(), days))
    }
}

fn said(subject: &str, until: Timestamp, now: Timestamp, days: u32) -> ToolResult {
    let left = (until - now).num_days();
    let when = until.format("%Y-%m-%d %H:%M UTC");
    let summary = match until <= now {
        true => format!("expired on {when}"),
        false => {
            format!("valid until {when}, {} left", cards::count(usize::try_from(left).unwrap_or(0), "day", "days"))
        }
    };
    let mut result = ToolResult::success(summary.clone(), Output::text(format!("{subject}\n{summary}\n")));
    if left < i64::from(days) {
        result.failure = Some(FailureKind::Failed);
    }
    result.data = Some(json!({ "not_after": until.to_rfc3339(), "days_left": left }));
    result
}

fn failed(why: String) -> ToolResult {
    ToolResult::failure(FailureKind::Failed, why)
}

/// `host:port`, `host`, or `https://host/path`.
fn server_of(text: &str) -> Option<Place> {
    let text = text.strip_prefix("https://").unwrap_or(text);
    let text = text.split('/').next().unwrap_or_default();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') => (host, port.parse().ok()?),
        _ => (text, 443),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte));
    is_host.then(|| Place::Server { host: host.to_owned(), port })
}

/// The first in a file. Opening a pipe does not wait, and only a file is read.
fn in_file(path: &Path) -> Result<CertificateDer<'static>, String> {
    let wrong = |why: String| format!("{}: {why}", path.display());
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let opened = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| wrong(error.to_string()))?;
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Err(wrong("it is not a file".to_owned()));
    }
    let mut content = Vec::new();
    file.take(LARGEST).read_to_end(&mut content).map_err(|error| wrong(error.to_string()))?;
    CertificateDer::from_pem_slice(&content).map_err(|error| wrong(format!("no certificate in PEM: {error}")))
}

/// Prints the beginning of a file.
const READ: &str = "[ -f \"$1\" ] && [ -r \"$1\" ] || exit 3\nexec head -c 1048576 \"$1\"";

/// The first in a file of another host.
async fn on_host(
    host: &NamedHost,
    path: &Path,
    cancel: &CancellationToken,
) -> Result<CertificateDer<'static>, ToolResult> {
    let wrong = |why: String| failed(format!("{} on {}: {why}", path.display(), host.name));
    let seen = host.look(READ, &[&path.to_string_lossy()], cancel).await?;
    if seen.code != 0 {
        return Err(wrong("it is not a file, or may not be read".to_owned()));
    }
    CertificateDer::from_pem_slice(&seen.bytes).map_err(|error| wrong(format!("no certificate in PEM: {error}")))
}

/// The one that a server shows. Nothing else is sent to it, so that it need not be trusted.
async fn of_server(host: &str, port: u16) -> Result<CertificateDer<'static>, String> {
    let wrong = |why: String| format!("{host}:{port}: {why}");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(Any)).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| wrong(error.to_string()))?;
    let stream = TcpStream::connect((host, port)).await.map_err(|error| wrong(error.to_string()))?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await.map_err(|error| wrong(error.to_string()))?;
    let (_, session) = stream.get_ref();
    let first = session.peer_certificates().and_then(|shown| shown.first());
    first.map(|shown| shown.clone().into_owned()).ok_or_else(|| wrong("it shows no certificate".to_owned()))
}

fn validity(certificate: &CertificateDer<'_>) -> Result<(String, Timestamp), String> {
    let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(certificate)
        .map_err(|error| format!("the certificate is not understood: {error}"))?;
    let until = certificate.validity().not_after.timestamp();
    let until = DateTime::from_timestamp(until, 0).ok_or("the certificate ends at no time there is")?;
    Ok((certificate.subject().to_string(), until))
}

/// Takes every certificate: it is only looked at, also where it has expired.
#[derive(Debug)]
struct Any;

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

#[async_trait]
impl Tool for CheckCertificate {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let (place, _) = self.read(context, args)?;
        let (target, environment) = match &place {
            Place::File(path) => (path.display().to_string(), Environment::Host),
            Place::FileOn(_, path) => (path.display().to_string(), Environment::Remote),
            Place::Server { host, port } if is_here(host) => (format!("{host}:{port}"), Environment::Host),
            Place::Server { host, port } => (format!("{host}:{port}"), Environment::Remote),
        };
        let mut card = cards::observe(&self.spec, "check", Untrusted::new(target), args);
        card.environment = environment;
        if let Place::FileOn(host, _) = &place {
            host.mark(&mut card);
        }
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        let (place, days) = match self.read(invocation.context, invocation.args) {
            Ok(read) => read,
            Err(wrong) => return wrong,
        };
        tokio::select! {
            looked = self.look(&place, days, &invocation.cancel) => looked.unwrap_or_else(|result| result),
            () = invocation.cancel.cancelled() => ToolResult::failure(FailureKind::Cancelled, "the check was cancelled"),
        }
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_written_as_alerts_have_it() {
        let server = |host: &str, port| Some(Place::Server { host: host.to_owned(), port });
        assert_eq!(server_of("https://shop.example:8443/health"), server("shop.example", 8443));
        assert_eq!(server_of("shop.example"), server("shop.example", 443));
        assert_eq!(server_of("[::1]:9443"), server("::1", 9443));
        for wrong in ["", "http://x y", "a:b", "shop.example:70000", "x\u{1b}[2J:1"] {
            assert_eq!(server_of(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_ends_soon_or_has_ended_fails() {
        let now: Timestamp = "2026-11-24T03:00:00Z".parse().unwrap();
        let at = |days| said("CN=shop", now + chrono::TimeDelta::days(days), now, 14);
        assert!(at(30).succeeded() && at(30).summary.raw().ends_with("30 days left"));
        assert!(!at(13).succeeded() && !at(-1).succeeded());
        assert_eq!(at(-1).summary.raw(), "expired on 2026-11-23 03:00 UTC");
    }
}
