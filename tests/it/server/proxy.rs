//! A proxy between a console and a server that cuts their connection at chosen messages.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

/// Whether the message at which a connection is cut still arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    Lost,
    Delivered,
}

/// A cut at the `at`-th message from when it is planned, or from the cut before it.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub at: usize,
    pub last: Last,
}

#[derive(Default)]
struct State {
    /// Where the server is; `None` while it is away.
    server: Option<SocketAddr>,
    /// Messages are swallowed, and the connections stay.
    is_mute: bool,
    cuts: Vec<Cut>,
    seen: usize,
    /// The last messages that were cut at.
    cut_at: Vec<String>,
}

pub struct Proxy {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    listening: JoinHandle<()>,
}

impl Proxy {
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { server: Some(server), ..State::default() }));
        let listening = tokio::spawn({
            let state = state.clone();
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    tokio::spawn(pass_on(stream, state.clone()));
                }
            }
        });
        Self { address, state, listening }
    }

    /// Cuts at these messages, one after the other, counted from now.
    pub fn plan(&self, cuts: &[Cut]) {
        let mut state = self.state.lock().unwrap();
        state.cuts = cuts.iter().rev().copied().collect();
        state.seen = 0;
        state.cut_at.clear();
    }

    /// The messages that were cut at since the plan was made.
    pub fn cut_at(&self) -> Vec<String> {
        self.state.lock().unwrap().cut_at.clone()
    }

    pub fn mute(&self, is_mute: bool) {
        self.state.lock().unwrap().is_mute = is_mute;
    }

    pub fn lead_to(&self, server: Option<SocketAddr>) {
        self.state.lock().unwrap().server = server;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Passes messages on, each whole, until one is to be cut at. Dropping both sockets is the cut.
async fn pass_on(stream: TcpStream, state: Arc<Mutex<State>>) {
    let Some(server) = state.lock().unwrap().server else { return };
    let mut authorization = None;
    let note = |request: &Request, response: Response| {
        authorization = request.headers().get("authorization").cloned();
        Ok(response)
    };
    let Ok(mut console) = tokio_tungstenite::accept_hdr_async(stream, note).await else { return };
    let mut request = format!("ws://{server}/v1/feed").into_client_request().unwrap();
    request.headers_mut().extend(authorization.map(|value| (http::header::AUTHORIZATION, value)));
    let Ok(line) = TcpStream::connect(server).await else { return };
    let Ok((mut server, _)) = tokio_tungstenite::client_async(request, line).await else { return };
    loop {
        let (message, to_server) = tokio::select! {
            message = console.next() => (message, true),
            message = server.next() => (message, false),
        };
        let Some(Ok(message)) = message else { return };
        if state.lock().unwrap().is_mute {
            continue;
        }
        let cut = count(&state, &message);
        if cut != Some(Last::Lost) {
            let sent = if to_server { server.send(message).await } else { console.send(message).await };
            if sent.is_err() {
                return;
            }
        }
        if cut.is_some() {
            return;
        }
    }
}

fn count(state: &Mutex<State>, message: &Message) -> Option<Last> {
    let mut state = state.lock().unwrap();
    let next = *state.cuts.last()?;
    state.seen += 1;
    if state.seen <= next.at {
        return None;
    }
    state.seen = 0;
    state.cuts.pop();
    state.cut_at.push(message.to_text().unwrap_or_default().chars().take(60).collect());
    Some(next.last)
}
