//! The server's certificate and key, and what it speaks with them: TLS 1.3 and nothing older.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::listen_error::ListenError;

/// Who the server is to those who connect.
#[derive(Clone)]
pub struct Identity(TlsAcceptor);

impl Identity {
    /// Reads a certificate chain and its private key, both PEM.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, ListenError> {
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unusable("certificate", certificate, &error.to_string()))?;
        if chain.is_empty() {
            return Err(unusable("certificate", certificate, "there is none in it"));
        }
        let key_der =
            PrivateKeyDer::from_pem_file(key).map_err(|error| unusable("private key", key, &error.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key_der))
            .map_err(|error| unusable("certificate", certificate, &error.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }
}

fn unusable(what: &str, path: &Path, problem: &str) -> ListenError {
    ListenError {
        message: format!("the {what} {} cannot be used: {problem}", path.display()),
        hint: "give a PEM certificate chain with --tls-cert, and the key that belongs to it with --tls-key".to_owned(),
        is_usage: true,
    }
}
