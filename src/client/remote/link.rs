//! Keeping a connection: the hello, what is heard and said, beats, and another connection when this one is cut.

use std::collections::VecDeque;
use std::time::Duration;

use backon::BackoffBuilder;
use backon::ExponentialBuilder;
use futures::SinkExt;
use futures::StreamExt;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::tungstenite::Message;

use super::TokenSource;
use super::dial;
use super::dial::DialError;
use super::dial::DialErrorKind;
use super::dial::Socket;
use super::mirror::Mirror;
use super::pending::Pending;
use super::target::Target;
use crate::protocol;
use crate::protocol::Assembly;
use crate::protocol::FromConsole;
use crate::protocol::FromServer;
use crate::protocol::Hello;

/// Shortest and longest wait before another connection is tried; each is a matter of chance above half of it.
const SOONEST: Duration = Duration::from_millis(200);
const LATEST: Duration = Duration::from_secs(5);
/// Time between looks at the clock.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// What a client and its connection share.
pub(super) struct Shared {
    pub(super) target: Target,
    token: TokenSource,
    pub(super) mirror: Mirror,
    pub(super) pending: Pending,
}

impl Shared {
    pub(super) fn new(target: Target, token: TokenSource) -> Self {
        Self { target, token, mirror: Mirror::new(), pending: Pending::default() }
    }
}

/// A connection whose hello was answered.
pub(super) struct Connection {
    socket: Socket,
    /// When the hello was sent: what the server says next is at least as new.
    began: Instant,
    /// Beats that were not answered yet, oldest first.
    beats: VecDeque<(u64, Instant)>,
    number: u64,
    assembly: Assembly,
}

/// Connects and introduces itself.
pub(super) async fn connect(shared: &Shared) -> Result<Connection, DialError> {
    let token =
        (shared.token)().map_err(|error| DialError::new(DialErrorKind::Unequipped, error.message, error.hint))?;
    let mut socket = dial::dial(&shared.target, &token).await?;
    let began = Instant::now();
    let hello = FromConsole::Hello(Hello {
        protocol: protocol::VERSION,
        program: format!("morningai {}", env!("CARGO_PKG_VERSION")),
        after: shared.mirror.mark(),
    });
    let cut = |reason: String| {
        let message = format!("{} ended the connection: {reason}", shared.target.name());
        DialError::new(DialErrorKind::Foreign, message, "the server's log file says why")
    };
    say(&mut socket, &hello).await.map_err(cut)?;
    let answer = tokio::time::timeout(protocol::PATIENCE, hear(&mut socket)).await;
    match answer.map_err(|_| dial::no_answer(&shared.target))?.map_err(cut)? {
        FromServer::Welcome(welcome) if welcome.protocol == protocol::VERSION => shared.mirror.welcome(*welcome),
        FromServer::Refused { message, hint } => {
            let message = format!("{} says: {message}", shared.target.name());
            return Err(DialError::new(DialErrorKind::Foreign, message, hint));
        }
        _ => return Err(cut("it answered the hello with something else".to_owned())),
    }
    Ok(Connection { socket, began, beats: VecDeque::new(), number: 0, assembly: Assembly::default() })
}

/// Stays connected for as long as it is polled.
pub(super) async fn keep(shared: std::sync::Arc<Shared>, first: Connection) {
    let mut connection = Some(first);
    let mut waits = waits();
    loop {
        if let Some(connection) = connection.take() {
            waits = self::waits();
            let reason = connection.talk(&shared).await;
            shared.pending.cut();
            shared.mirror.down(reason);
        }
        tokio::time::sleep(waits.next().unwrap_or(LATEST)).await;
        match connect(&shared).await {
            Ok(made) => connection = Some(made),
            Err(error) => shared.mirror.down(error.message),
        }
    }
}

fn waits() -> impl Iterator<Item = Duration> {
    let waits = ExponentialBuilder::default().with_min_delay(SOONEST).with_max_delay(LATEST);
    waits.without_max_times().with_jitter().build()
}

impl Connection {
    /// Hears and speaks until the connection is cut; the reason.
    async fn talk(mut self, shared: &Shared) -> String {
        let pulse = self.socket.get_ref().pulse();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks: u32 = 0;
        // Whatever was asked over the last connection and not answered.
        if let Err(reason) = self.send_wishes(shared).await {
            return reason;
        }
        loop {
            let done = tokio::select! {
                heard = hear(&mut self.socket) => match heard {
                    Ok(message) => self.take(shared, message),
                    Err(reason) => Err(reason),
                },
                () = shared.pending.news() => self.send_wishes(shared).await,
                _ = look.tick() => {
                    shared.mirror.look_at_age();
                    ticks = ticks.wrapping_add(1);
                    match pulse.silence() > protocol::PATIENCE {
                        true => Err("the server does not answer".to_owned()),
                        false if ticks.is_multiple_of(2) => self.beat().await,
                        false => Ok(()),
                    }
                }
            };
            if let Err(reason) = done {
                return reason;
            }
        }
    }

    /// Asks how old what is here is.
    async fn beat(&mut self) -> Result<(), String> {
        self.number += 1;
        self.beats.push_back((self.number, Instant::now()));
        say(&mut self.socket, &FromConsole::Beat { number: self.number }).await
    }

    async fn send_wishes(&mut self, shared: &Shared) -> Result<(), String> {
        for wish in shared.pending.to_send() {
            say(&mut self.socket, &wish).await?;
        }
        Ok(())
    }

    fn take(&mut self, shared: &Shared, message: FromServer) -> Result<(), String> {
        match message {
            FromServer::Snapshot { part } => self.assembly.add(*part),
            FromServer::SnapshotEnd { mark } => {
                let snapshot = std::mem::take(&mut self.assembly).finish();
                shared.mirror.replace(snapshot, mark, self.began);
            }
            FromServer::Resumed {} => shared.mirror.resumed(self.began),
            FromServer::Items { items } => {
                for item in items {
                    shared.mirror.take(item).map_err(|_| "an event is missing".to_owned())?;
                }
            }
            FromServer::Beat { number } => {
                while let Some((sent, at)) = self.beats.pop_front_if(|(sent, _)| *sent <= number) {
                    if sent == number {
                        shared.mirror.is_fresh_as_of(at);
                    }
                }
            }
            FromServer::Reply { id, outcome } => shared.pending.settle(id, *outcome),
            FromServer::Welcome(_) | FromServer::Refused { .. } => return Err("a second welcome".to_owned()),
        }
        Ok(())
    }
}

/// The next message of the protocol, or why there is none.
async fn hear(socket: &mut Socket) -> Result<FromServer, String> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return read(&text),
            Some(Ok(Message::Binary(packed))) => {
                return protocol::unpack(&packed).map_err(|error| error.to_string()).and_then(|text| read(&text));
            }
            Some(Ok(Message::Close(Some(frame)))) if !frame.reason.is_empty() => return Err(frame.reason.to_string()),
            Some(Ok(Message::Close(_))) | None => return Err("the connection was closed".to_owned()),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(format!("the connection was cut: {error}")),
        }
    }
}

fn read(text: &str) -> Result<FromServer, String> {
    serde_json::from_str(text).map_err(|error| format!("the server said nonsense: {error}"))
}

/// A server that takes nothing for too long is as good as gone.
async fn say(socket: &mut Socket, message: &FromConsole) -> Result<(), String> {
    let text = serde_json::to_string(message).map_err(|error| format!("this cannot be said: {error}"))?;
    match tokio::time::timeout(protocol::PATIENCE, socket.send(Message::text(text))).await {
        Ok(sent) => sent.map_err(|error| format!("the connection was cut: {error}")),
        Err(_) => Err("the server takes nothing".to_owned()),
    }
}
