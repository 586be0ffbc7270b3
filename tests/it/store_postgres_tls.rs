//! Encrypted connections: `sslmode` and `sslrootcert` of the URL mean what they mean elsewhere.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use morningai::domain::Tenant;
use morningai::ports::{LogError, LogErrorKind};
use morningai::store::{OpenMode, PostgresAddress, PostgresLog};

use crate::store_contract::{append_one, run};
use crate::support::postgres::{Cluster, Database, PROGRAM, run_for_server};

/// An authority of its own, `NAME.crt`, and a key for it.
fn make_authority(name: &str, dir: &Path) {
    let (key, certificate, subject) = (format!("{name}.key"), format!("{name}.crt"), format!("/CN={name}"));
    let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", &subject];
    run_for_server("openssl", &[&request[..], &["-keyout", &key, "-out", &certificate]].concat(), dir);
}

/// A certificate for the name `localhost` and for no address.
fn make_certificate(dir: &Path) {
    let request = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"];
    let files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "server.key", "-out", "server.csr"];
    run_for_server("openssl", &[&request[..], &files[..]].concat(), dir);
    let sign = ["x509", "-req", "-in", "server.csr", "-CA", "ours.crt", "-CAkey", "ours.key", "-CAcreateserial"];
    let files = ["-copy_extensions", "copy", "-days", "2", "-out", "server.crt"];
    run_for_server("openssl", &[&sign[..], &files[..]].concat(), dir);
}

fn encrypting_server() -> (Arc<Cluster>, u16) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cluster = Cluster::start_with(port, |data| {
        make_authority("ours", data);
        make_authority("strange", data);
        make_certificate(data);
        "ssl = on\nlisten_addresses = '127.0.0.1'\n".to_owned()
    });
    (Arc::new(cluster), port)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_who_it_claims_to_be_or_it_is_not_talked_to() {
    let (cluster, port) = encrypting_server();
    cluster.make_roles();
    let database = Database::migrated_on(&cluster).await;
    // The directory of the data is the server's alone; certificates are for everybody.
    let certificates = tempfile::tempdir().unwrap();
    for name in ["ours.crt", "strange.crt"] {
        std::fs::copy(cluster.dir.join("data").join(name), certificates.path().join(name)).unwrap();
    }
    let open = async |host: &str, options: &str| -> Result<PostgresLog, LogError> {
        let options = options.replace("DIR", &certificates.path().display().to_string());
        let url = format!("postgres://{PROGRAM}@{host}:{port}/{}?{options}", database.name);
        let address: PostgresAddress = url.parse().unwrap();
        PostgresLog::open(&address, Tenant::default(), OpenMode::ReadWrite, database.data.path()).await
    };

    let log = open("localhost", "sslmode=verify-full&sslrootcert=DIR/ours.crt").await.unwrap();
    append_one(&log, run(1), 1, "x").await;
    open("127.0.0.1", "sslmode=verify-ca&sslrootcert=DIR/ours.crt").await.unwrap();
    open("127.0.0.1", "sslmode=require").await.unwrap();
    for (host, options, says) in [
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=DIR/ours.crt", "not valid for name"),
        ("localhost", "sslmode=verify-full&sslrootcert=DIR/strange.crt", "invalid peer certificate"),
        ("localhost", "sslmode=verify-full", "invalid peer certificate"),
        ("localhost", "sslmode=verify-full&sslrootcert=DIR/missing.crt", "missing.crt, cannot be read"),
        ("localhost", "sslmode=disable", "no encryption"),
    ] {
        let error = open(host, options).await.expect_err(options);
        assert_eq!(error.kind, LogErrorKind::Unusable, "{host} {options}: {error}");
        assert!(error.message.contains(says), "{host} {options}: {error}");
    }
}
