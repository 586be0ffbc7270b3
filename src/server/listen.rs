//! Taking connections: where, how many, encrypted or not, and patient with none of them for long.
//!
//! A peer that sends no request head, finishes no handshake, or takes nothing of what is written to it, is cut off.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::hosts::{Hosts, is_loopback};
use super::listen_error::ListenError;
use super::peer::Peer;
use super::tls::Identity;

/// Connections open at once; more are closed as they come.
const MOST_CONNECTIONS: usize = 1024;
/// What a peer has for its handshake, and for each request's head.
const HEAD: Duration = Duration::from_secs(10);
/// How long a peer may take nothing of what is written to it.
const STALLED: Duration = Duration::from_secs(10);
/// Longest request head, in bytes.
pub(super) const LONGEST_HEAD: usize = 32 * 1024;
/// Room for a head that is too long, so that it can be said how long it may be.
const HEAD_BUFFER: usize = 2 * LONGEST_HEAD;
/// Pause after a connection could not be taken, for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);
/// What requests under way get when the server ends.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(5);

/// Where a server listens, and what protects those who connect.
pub struct Exposure {
    pub listen: SocketAddr,
    pub identity: Option<Identity>,
    /// Whether something else encrypts what reaches a listener that does not.
    pub is_terminated_elsewhere: bool,
    /// Names besides its own address that it is spoken to by.
    pub names: Vec<String>,
}

impl Exposure {
    /// Tokens and cards never travel in the clear over a network.
    pub fn check(&self) -> Result<(), ListenError> {
        let is_protected = self.identity.is_some() || self.is_terminated_elsewhere;
        if is_protected || is_loopback(&self.listen.ip().to_string()) {
            return Ok(());
        }
        Err(ListenError {
            message: format!("{} can be reached from other machines, and nothing would be encrypted", self.listen),
            hint:
                "give --tls-cert and --tls-key; or listen on 127.0.0.1 and reach it by `ssh -L`; or, when a proxy in \
                   front of it speaks TLS, say so with --tls-elsewhere"
                    .to_owned(),
            is_usage: true,
        })
    }

    /// Which names are answered.
    pub(super) fn hosts(&self, address: SocketAddr) -> Hosts {
        let is_protected = self.identity.is_some() || self.is_terminated_elsewhere;
        if is_protected && self.names.is_empty() { Hosts::Any } else { Hosts::of_listener(address, &self.names) }
    }
}

/// A bound socket.
pub(super) struct Listener {
    socket: TcpListener,
    pub(super) address: SocketAddr,
    identity: Option<Identity>,
}

impl Listener {
    pub(super) async fn bind(exposure: &Exposure) -> Result<Self, ListenError> {
        exposure.check()?;
        let failed = |error: io::Error| ListenError {
            message: format!("cannot listen on {}: {error}", exposure.listen),
            hint: match error.kind() {
                io::ErrorKind::AddrInUse => "something listens there already; give another port with --listen",
                io::ErrorKind::PermissionDenied => "ports below 1024 need privileges; give a higher one with --listen",
                _ => "give an address of this machine with --listen",
            }
            .to_owned(),
            is_usage: false,
        };
        let socket = TcpListener::bind(exposure.listen).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, identity: exposure.identity.clone() })
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.identity.is_some() { "https" } else { "http" }
    }

    /// Takes connections until it is stopped; each is served by a task of its own.
    pub(super) async fn serve(self, router: Router, stopping: CancellationToken, tasks: TaskTracker) {
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = stopping.cancelled() => return,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            let Ok(place) = room.clone().try_acquire_owned() else {
                tracing::warn!(%peer, "closed a connection: too many are open");
                continue;
            };
            let (router, identity, stopping) = (router.clone(), self.identity.clone(), stopping.clone());
            tasks.spawn(async move {
                if let Err(problem) = connection(stream, peer, identity, router, stopping).await {
                    tracing::debug!(%peer, problem, "a connection ended");
                }
                drop(place);
            });
        }
    }
}

/// One connection, from its handshake to its end.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    identity: Option<Identity>,
    router: Router,
    stopping: CancellationToken,
) -> Result<(), String> {
    // A key press must not wait for more to send.
    let _ = stream.set_nodelay(true);
    let stream = Impatient::new(stream);
    match identity {
        None => requests(stream, peer, router, stopping).await,
        Some(identity) => {
            let accepted = tokio::time::timeout(HEAD, identity.acceptor().accept(stream)).await;
            let encrypted = accepted.map_err(|_| "no handshake".to_owned())?.map_err(|error| error.to_string())?;
            requests(encrypted, peer, router, stopping).await
        }
    }
}

async fn requests(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    stopping: CancellationToken,
) -> Result<(), String> {
    let service = router.map_request(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        request.map(Body::new)
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BUFFER);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        served = connection.as_mut() => return served.map_err(|error| error.to_string()),
        () = stopping.cancelled() => {}
    }
    // The request under way is answered, and no other.
    connection.as_mut().graceful_shutdown();
    connection.await.map_err(|error| error.to_string())
}

/// A stream that fails once its peer has taken nothing for too long.
struct Impatient {
    stream: TcpStream,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    fn new(stream: TcpStream) -> Self {
        Self { stream, stalled: None }
    }

    /// Notes whether a write made progress, and fails it when none did for too long.
    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let until = || Box::pin(tokio::time::sleep_until(Instant::now() + STALLED));
        match self.stalled.get_or_insert_with(until).as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Impatient {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buf)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, buf);
        self.watch(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bufs);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
