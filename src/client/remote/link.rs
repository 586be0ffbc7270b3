//! Keeping a connection: the hello, what is heard and said, beats, and another connection when this one is cut.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::{SinkExt, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::tungstenite::Message;

use super::dial;
use super::dial::{DialError, DialErrorKind, Socket};
use super::mirror::{LOOK, Mirror};
use super::pending::Pending;
use super::target::Target;
use crate::ports::ClientError;
use crate::protocol;
use crate::protocol::{Assembly, FromConsole, FromServer, Hello, close};

/// Shortest and longest wait before another connection is tried; each is a matter of chance above half of it.
const SOONEST: Duration = Duration::from_millis(200);
const LATEST: Duration = Duration::from_secs(5);

/// Gives the token to present; asked for at each connection, since it may have been renewed.
pub type TokenSource = Arc<dyn Fn() -> Result<SecretString, ClientError> + Send + Sync>;

/// What a client and its connection share.
pub(super) struct Shared {
    pub(super) target: Target,
    token: TokenSource,
    /// What was shown last.
    shown: Mutex<Option<SecretString>>,
    pub(super) mirror: Mirror,
    pub(super) pending: Pending,
}

impl Shared {
    pub(super) fn new(target: Target, token: TokenSource) -> Self {
        Self { target, token, shown: Mutex::new(None), mirror: Mirror::new(), pending: Pending::default() }
    }

    /// The token to show now.
    fn show(&self) -> Result<SecretString, DialError> {
        let token =
            (self.token)().map_err(|error| DialError::new(DialErrorKind::Unequipped, error.message, error.hint))?;
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    /// Whether `token` is the one that was shown last.
    fn was_shown(&self, token: &SecretString) -> bool {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.as_ref().is_some_and(|shown| shown.expose_secret() == token.expose_secret())
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

/// Why a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// It may be made again.
    Broken(String),
    /// The server lets nobody in with what was shown.
    Over(String),
}

impl Cut {
    fn broken(reason: impl std::fmt::Display) -> Self {
        Self::Broken(reason.to_string())
    }
}

/// Connects and introduces itself.
pub(super) async fn connect(shared: &Shared) -> Result<Connection, DialError> {
    let mut socket = dial::dial(&shared.target, &shared.show()?).await?;
    let began = Instant::now();
    let hello = FromConsole::Hello(Hello {
        protocol: protocol::VERSION,
        program: format!("morningai {}", env!("CARGO_PKG_VERSION")),
        after: shared.mirror.mark(),
    });
    let cut = |cut: Cut| match cut {
        Cut::Broken(reason) => {
            let message = format!("{} ended the connection: {reason}", shared.target.name());
            DialError::new(DialErrorKind::Foreign, message, "the server's log file says why")
        }
        Cut::Over(reason) => dial::not_let_in(&shared.target, reason, "sign in again"),
    };
    say(&mut socket, &hello).await.map_err(cut)?;
    let answer = tokio::time::timeout(protocol::PATIENCE, hear(&mut socket)).await;
    match answer.map_err(|_| dial::no_answer(&shared.target))?.map_err(cut)? {
        FromServer::Welcome(welcome) if welcome.protocol == protocol::VERSION => shared.mirror.welcome(*welcome),
        FromServer::Refused { message, hint } => {
            let message = format!("{} says: {message}", shared.target.name());
            return Err(DialError::new(DialErrorKind::Foreign, message, hint));
        }
        _ => return Err(cut(Cut::broken("it answered the hello with something else"))),
    }
    Ok(Connection { socket, began, beats: VecDeque::new(), number: 0, assembly: Assembly::default() })
}

/// Stays connected for as long as it is polled. Where nobody is let in any more, that is said and waited out: only
/// another token is worth another try.
pub(super) async fn keep(shared: std::sync::Arc<Shared>, first: Connection) {
    let mut connection = Some(first);
    let mut waits = waits();
    loop {
        if let Some(connection) = connection.take() {
            waits = self::waits();
            let cut = connection.talk(&shared).await;
            shared.pending.cut();
            match cut {
                Cut::Broken(reason) => shared.mirror.down(reason),
                Cut::Over(reason) => wait_for_another_token(&shared, reason).await,
            }
        }
        tokio::time::sleep(waits.next().unwrap_or(LATEST)).await;
        match connect(&shared).await {
            Ok(made) => connection = Some(made),
            Err(error) if error.kind == DialErrorKind::Refused => wait_for_another_token(&shared, error.said).await,
            Err(error) => shared.mirror.down(error.message),
        }
    }
}

/// Says that it is over, and returns once there is something else to show than what was refused.
async fn wait_for_another_token(shared: &Shared, reason: String) {
    shared.mirror.ended(reason);
    // What was asked for is not answered any more; a decision among it may have been made or not.
    shared.pending.end();
    loop {
        tokio::time::sleep(LATEST).await;
        match (shared.token)() {
            Ok(token) if !shared.was_shown(&token) => return,
            Ok(_) | Err(_) => {}
        }
    }
}

fn waits() -> impl Iterator<Item = Duration> {
    let waits = ExponentialBuilder::default().with_min_delay(SOONEST).with_max_delay(LATEST);
    waits.without_max_times().with_jitter().build()
}

impl Connection {
    /// Hears and speaks until the connection is cut.
    async fn talk(mut self, shared: &Shared) -> Cut {
        let pulse = self.socket.get_ref().pulse();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks: u32 = 0;
        // Whatever was asked over the last connection and not answered.
        if let Err(cut) = self.send_wishes(shared).await {
            return cut;
        }
        loop {
            let done = tokio::select! {
                heard = hear(&mut self.socket) => match heard {
                    Ok(message) => self.take(shared, message),
                    Err(cut) => Err(cut),
                },
                () = shared.pending.news() => self.send_wishes(shared).await,
                _ = look.tick() => {
                    shared.mirror.look_at_age();
                    ticks = ticks.wrapping_add(1);
                    match pulse.silence() > protocol::PATIENCE {
                        true => Err(Cut::broken("the server does not answer")),
                        false if ticks.is_multiple_of(2) => self.beat().await,
                        false => Ok(()),
                    }
                }
            };
            if let Err(cut) = done {
                return cut;
            }
        }
    }

    /// Asks how old what is here is.
    async fn beat(&mut self) -> Result<(), Cut> {
        self.number += 1;
        self.beats.push_back((self.number, Instant::now()));
        say(&mut self.socket, &FromConsole::Beat { number: self.number }).await
    }

    async fn send_wishes(&mut self, shared: &Shared) -> Result<(), Cut> {
        for wish in shared.pending.to_send() {
            say(&mut self.socket, &wish).await?;
        }
        Ok(())
    }

    fn take(&mut self, shared: &Shared, message: FromServer) -> Result<(), Cut> {
        match message {
            FromServer::Snapshot { part } => self.assembly.add(*part),
            FromServer::SnapshotEnd { mark } => {
                let snapshot = std::mem::take(&mut self.assembly).finish();
                shared.mirror.replace(snapshot, mark, self.began);
            }
            FromServer::Resumed {} => shared.mirror.resumed(self.began),
            FromServer::Items { items } => {
                for item in items {
                    shared.mirror.take(item).map_err(|_| Cut::broken("an event is missing"))?;
                }
            }
            FromServer::Beat { number } => {
                while let Some((sent, at)) = self.beats.pop_front_if(|(sent, _)| *sent <= number) {
                    if sent == number {
                        shared.mirror.is_fresh_as_of(at);
                    }
                }
            }
            FromServer::Company { others } => shared.mirror.company(others),
            FromServer::Reply { id, outcome } => shared.pending.settle(id, *outcome),
            FromServer::Welcome(_) | FromServer::Refused { .. } => return Err(Cut::broken("a second welcome")),
        }
        Ok(())
    }
}

/// The next message of the protocol, or why there is none.
async fn hear(socket: &mut Socket) -> Result<FromServer, Cut> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return read(&text),
            Some(Ok(Message::Binary(packed))) => {
                return protocol::unpack(&packed).map_err(Cut::broken).and_then(|text| read(&text));
            }
            Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == close::OVER => {
                return Err(Cut::Over(frame.reason.to_string()));
            }
            Some(Ok(Message::Close(Some(frame)))) if !frame.reason.is_empty() => return Err(Cut::broken(frame.reason)),
            Some(Ok(Message::Close(_))) | None => return Err(Cut::broken("the connection was closed")),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(Cut::broken(format_args!("the connection was cut: {error}"))),
        }
    }
}

fn read(text: &str) -> Result<FromServer, Cut> {
    serde_json::from_str(text).map_err(|error| Cut::broken(format_args!("the server said nonsense: {error}")))
}

/// A server that takes nothing for too long is as good as gone.
async fn say(socket: &mut Socket, message: &FromConsole) -> Result<(), Cut> {
    let text =
        serde_json::to_string(message).map_err(|error| Cut::broken(format_args!("this cannot be said: {error}")))?;
    match tokio::time::timeout(protocol::PATIENCE, socket.send(Message::text(text))).await {
        Ok(sent) => sent.map_err(|error| Cut::broken(format_args!("the connection was cut: {error}"))),
        Err(_) => Err(Cut::broken("the server takes nothing")),
    }
}
