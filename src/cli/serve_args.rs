//! The options of `serve` and `attach`, as data.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7417")]
    pub listen: SocketAddr,
    /// The certificate chain, PEM; only TLS 1.3 is spoken
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Something in front of this speaks TLS, so listen in the clear on any address
    #[arg(long, conflicts_with = "tls_cert")]
    pub tls_elsewhere: bool,
    /// A name it is reached by, besides its address; may be repeated
    #[arg(long = "name", value_name = "HOST")]
    pub names: Vec<String>,
}

#[derive(Debug, Args)]
pub struct AttachOptions {
    /// The server: https://HOST:PORT, or http://127.0.0.1:7417 on this machine
    #[arg(value_name = "URL")]
    pub server: String,
    /// Where the token is [default: MORNINGAI_TOKEN; for this machine, serve.token in the data directory; without one, a
    /// name and a password are asked for]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The authority that vouches for the server, PEM [default: those that this machine trusts]
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
}
