//! TLS 1.3 and nothing older, and no server in the clear where others could listen.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use morningai::client::RemoteClient;
use morningai::client::remote::{DialError, DialErrorKind, Target, Trust};
use morningai::ports::Client;
use morningai::server::{Exposure, Identity};
use secrecy::SecretString;

use super::post::{Post, TOKEN, TURNS, generous};

/// A certificate of its own authority for `localhost`, and its key.
fn certificate(dir: &Path) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (certificate, key)
}

async fn encrypted(dir: &Path) -> (Post, PathBuf) {
    let (certificate, key) = certificate(dir);
    let identity = Some(Identity::read(&certificate, &key).unwrap());
    let listen = "127.0.0.1:0".parse().unwrap();
    let exposure = Exposure { listen, identity, is_terminated_elsewhere: false, names: Vec::new() };
    (Post::open_with(dir, exposure, TURNS, generous()).await, certificate)
}

async fn attach(url: &str, trust: Trust) -> Result<RemoteClient, DialError> {
    let token = SecretString::from(TOKEN.to_owned());
    RemoteClient::connect(Target::parse(url, trust).unwrap(), Arc::new(move || Ok(token.clone()))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_attaches_encrypted_to_whom_it_trusts_and_to_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let (post, certificate) = encrypted(dir.path()).await;
    let port = post.server.address().port();
    let client = attach(&format!("https://localhost:{port}"), Trust::File(certificate.clone())).await.unwrap();
    client.open().await.unwrap();

    let stranger = attach(&format!("https://localhost:{port}"), Trust::Machine).await.err().unwrap();
    assert_eq!(stranger.kind, DialErrorKind::Tls, "{stranger}");
    assert!(stranger.message.contains("not trusted here"), "{stranger}");
    let misnamed = attach(&format!("https://127.0.0.1:{port}"), Trust::File(certificate)).await.err().unwrap();
    assert_eq!(misnamed.kind, DialErrorKind::Tls, "{misnamed}");
    let clear = attach(&format!("http://localhost:{port}"), Trust::Machine).await.err().unwrap();
    assert!(matches!(clear.kind, DialErrorKind::Foreign), "{clear:?}");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_the_clear_is_told_from_an_encrypted_one() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let error = attach(&format!("https://{}", post.server.address()), Trust::Machine).await.err().unwrap();
    assert_eq!(error.kind, DialErrorKind::Tls);
    assert!(error.message.contains("does not speak TLS"), "{error}");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn older_tls_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (post, certificate) = encrypted(dir.path()).await;
    let handshake = async |versions: &[&'static rustls::SupportedProtocolVersion]| {
        let mut roots = rustls::RootCertStore::empty();
        use rustls::pki_types::pem::PemObject;
        roots.add(rustls::pki_types::CertificateDer::from_pem_file(&certificate).unwrap()).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let line = tokio::net::TcpStream::connect(post.server.address()).await.unwrap();
        let name = "localhost".try_into().unwrap();
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, line).await.map(drop)
    };
    handshake(&[&rustls::version::TLS13]).await.unwrap();
    assert!(handshake(&[&rustls::version::TLS12]).await.is_err());
    post.end().await;
}

#[tokio::test]
async fn a_server_that_others_can_reach_needs_tls_or_an_explicit_word() {
    let dir = tempfile::tempdir().unwrap();
    for listen in ["0.0.0.0:0", "[::]:0", "10.1.2.3:0"] {
        let listen: SocketAddr = listen.parse().unwrap();
        let exposure = Exposure { listen, identity: None, is_terminated_elsewhere: false, names: Vec::new() };
        let error = exposure.check().unwrap_err();
        assert!(error.is_usage && error.hint.contains("--tls-cert"), "{error}");
        let exposure = Exposure { is_terminated_elsewhere: true, ..exposure };
        assert!(exposure.check().is_ok());
    }
    let (certificate, key) = certificate(dir.path());
    let error = Identity::read(&key, &key).err().unwrap();
    assert!(error.message.contains("there is none in it"), "{error}");
    assert!(Identity::read(&certificate, &certificate).is_err());
    assert!(Identity::read(&dir.path().join("absent.pem"), &key).is_err());
    let other = tempfile::tempdir().unwrap();
    let (_, foreign) = self::certificate(other.path());
    assert!(Identity::read(&certificate, &foreign).is_err(), "a key that belongs to another certificate");
}
