//! A model server whose answers are written in advance: the published chat-completions format on a loopback
//! socket, at the level of bytes. Needs nothing of the program under test, so an example can serve it too.

#![allow(dead_code, unused_imports)]

mod http;
pub mod night;
pub mod outage;
mod script;
pub mod story;

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use std::{io, thread};

use serde_json::{Value, json};

pub use http::Received;
pub use script::{Ids, Turn};

/// How long a test waits for something that must happen before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server answers, request by request.
pub struct Script {
    turns: VecDeque<Turn>,
    forever: Option<Turn>,
    models: Vec<String>,
    pace: Duration,
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    pub fn new() -> Self {
        Self { turns: VecDeque::new(), forever: None, models: vec!["scripted".to_owned()], pace: Duration::ZERO }
    }

    /// The answer to the next request.
    pub fn turn(mut self, turn: Turn) -> Self {
        self.turns.push_back(turn);
        self
    }

    /// The answer to every request after the last turn.
    pub fn forever(mut self, turn: Turn) -> Self {
        self.forever = Some(turn);
        self
    }

    /// What `GET /models` lists.
    pub fn models<const N: usize>(mut self, models: [&str; N]) -> Self {
        self.models = models.map(str::to_owned).to_vec();
        self
    }

    /// A pause between two writes, for people to watch; tests use none.
    pub fn paced(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    fn next(&mut self, request: &Value) -> Turn {
        let turn = self.turns.pop_front().or_else(|| self.forever.clone());
        turn.unwrap_or_else(|| Turn::error(500, "the script has no further turn")).resolved(request)
    }
}

/// A running server; dropping it ends it.
pub struct ScriptedModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<thread::JoinHandle<()>>,
}

struct Shared {
    script: Mutex<Script>,
    requests: Mutex<Vec<Received>>,
    /// Clients that went away before their answer was complete.
    hangups: Mutex<usize>,
    changed: Condvar,
    stopping: AtomicBool,
}

impl ScriptedModel {
    /// Serves on a free port of the loopback address.
    pub fn start(script: Script) -> Self {
        Self::start_at("127.0.0.1:0", script).expect("a loopback port")
    }

    pub fn start_at(address: &str, script: Script) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            requests: Mutex::default(),
            hangups: Mutex::default(),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
        });
        let accepting = thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared)
        });
        Ok(Self { address, shared, accepting: Some(accepting) })
    }

    /// What `OPENAI_BASE_URL` is to be.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Every request so far, the list of models included.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The bodies of the requests for an answer.
    pub fn chats(&self) -> Vec<Value> {
        let requests = self.requests();
        requests.into_iter().filter(|request| request.method == "POST").map(|request| request.body).collect()
    }

    /// Waits until a client has gone away before its answer was complete.
    pub fn wait_for_hangup(&self) {
        let hangups = self.shared.hangups.lock().unwrap();
        let (hangups, _) = self.shared.changed.wait_timeout_while(hangups, PATIENCE, |hangups| *hangups == 0).unwrap();
        assert!(*hangups > 0, "no client hung up");
    }

    /// Waits until that many requests have come in.
    pub fn wait_for_requests(&self, count: usize) {
        let requests = self.shared.requests.lock().unwrap();
        let waiting = |requests: &mut Vec<Received>| requests.len() < count;
        let (requests, _) = self.shared.changed.wait_timeout_while(requests, PATIENCE, waiting).unwrap();
        assert!(requests.len() >= count, "{} requests instead of {count}", requests.len());
    }

    /// Serves until the process ends.
    pub fn serve(mut self) {
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then sees that it is to stop.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(connection) = connection else { continue };
        let shared = shared.clone();
        thread::spawn(move || {
            let served = serve(connection, &shared);
            if matches!(served, Ok(http::Sent::HungUp) | Err(_)) {
                *shared.hangups.lock().unwrap() += 1;
                shared.changed.notify_all();
            }
        });
    }
}

fn serve(mut connection: TcpStream, shared: &Shared) -> io::Result<http::Sent> {
    let Some(request) = http::receive(&mut connection)? else { return Ok(http::Sent::All) };
    let (answer, pace) = {
        let mut script = shared.script.lock().unwrap();
        let answer = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1/models") => model_list(&script.models),
            ("POST", "/v1/chat/completions") => script.next(&request.body).wire(&request.body),
            _ => Turn::error(404, "no such path").wire(&Value::Null),
        };
        (answer, script.pace)
    };
    shared.requests.lock().unwrap().push(request);
    shared.changed.notify_all();
    http::send(&mut connection, &answer, pace, &shared.stopping)
}

fn model_list(models: &[String]) -> http::Answer {
    let data: Vec<_> = models.iter().map(|id| json!({ "id": id, "object": "model", "owned_by": "script" })).collect();
    http::Answer::document(200, json!({ "object": "list", "data": data }).to_string().into_bytes())
}
