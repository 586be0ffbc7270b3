//! One attached console, from its hello to its end.
//!
//! It gets a snapshot, or what it missed; then batches as they come. When it falls behind them it is caught up from
//! the log, without deltas; when it is too far behind for that, it gets a fresh snapshot.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::company::Seat;
use super::end::End;
use super::hub::{Batch, Listening, Store, message, packed};
use super::{standing, wishes};
use crate::access::Principal;
use crate::kinds::Envelope;
use crate::ports::FeedItem;
use crate::protocol;
use crate::protocol::{FromConsole, FromServer, Hello, Mark, Outcome, Welcome, close, parts_of};
use crate::server::app::App;

/// Events a console that comes back may have missed and still be caught up; one that missed more gets a snapshot.
const NEAR: u64 = 5_000;
/// The same for one that is attached and too slow: to it a snapshot is less, and what it cannot take costs others.
const NEAR_WHEN_SLOW: u64 = 1_000;
/// Events read from the log at once.
const PAGE: u32 = 200;
/// Bytes of events in one message.
const FULL: usize = 64 * 1024;
/// Batches a console may be behind before its deltas are left out.
const BEHIND: usize = 4;
/// Wishes of one console that are answered at the same time, and those that may wait for it.
const AT_ONCE: usize = 8;
const MOST_WAITING: usize = 64;
/// Longest reason a close frame carries, in bytes.
const LONGEST_REASON: usize = 120;

/// Attends to a console until it leaves or has to be left.
pub(super) async fn attend(mut socket: WebSocket, app: Arc<App>, principal: Principal) {
    let name = principal.actor().name().to_owned();
    tracing::info!(person = name, "a console attached");
    let End { code, reason } = match introduce(&mut socket, &app, &principal).await {
        Ok(hello) => follow(&mut socket, app, principal, hello.after).await,
        Err(end) => end,
    };
    tracing::info!(person = name, code, reason, "a console left");
    let mut reason = reason;
    while reason.len() > LONGEST_REASON {
        reason.pop();
    }
    // A console that has gone hears no farewell.
    let farewell = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() })));
    let _ = tokio::time::timeout(protocol::BEAT, farewell).await;
}

/// Hears the hello and answers it.
async fn introduce(socket: &mut WebSocket, app: &App, principal: &Principal) -> Result<Hello, End> {
    let first = tokio::time::timeout(protocol::PATIENCE, hear(socket)).await;
    let first = first.map_err(|_| End::new(close::SILENT, "no hello"))??;
    let FromConsole::Hello(hello) = first else {
        return Err(End::new(close::MALFORMED, "the first message is a hello"));
    };
    if hello.protocol != protocol::VERSION {
        let message = format!(
            "this server speaks version {} of the protocol, and the console version {}",
            protocol::VERSION,
            hello.protocol
        );
        let hint = "use the same version of morningai on both sides".to_owned();
        say(socket, &FromServer::Refused { message: message.clone(), hint }).await?;
        return Err(End::new(close::VERSION, message));
    }
    let status = app.client.status();
    let welcome = Welcome {
        protocol: protocol::VERSION,
        program: program(),
        person: principal.actor().name().to_owned(),
        role: principal.role.to_string(),
        source: status.source,
        model: status.model,
        sandbox: status.sandbox,
        sandbox_before: status.sandbox_before,
        observe: standing::observe(&status.observe, principal),
        rosters: app.host.rosters(app.gate.now()),
        billing: status.billing.map(|account| Box::new(Arc::unwrap_or_clone(account))),
    };
    say(socket, &FromServer::Welcome(Box::new(welcome))).await?;
    Ok(hello)
}

fn program() -> String {
    format!("morningai {}", env!("CARGO_PKG_VERSION"))
}

/// Tells it what happens, and hears what it wants.
async fn follow(socket: &mut WebSocket, app: Arc<App>, principal: Principal, after: Option<Mark>) -> End {
    let mut console = match Console::begin(socket, app, principal, after).await {
        Ok(console) => console,
        Err(end) => return end,
    };
    loop {
        match console.step(socket).await {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(end)) | Err(end) => return end,
        }
    }
}

/// An answer on its way.
struct Reply {
    text: String,
    /// The last event it tells of; a console hears of that event first.
    after: u64,
}

struct Console {
    app: Arc<App>,
    principal: Principal,
    batches: broadcast::Receiver<Arc<Batch>>,
    /// The last event it was sent.
    sent: u64,
    heard_at: Instant,
    replies: mpsc::Receiver<Reply>,
    reply: mpsc::Sender<Reply>,
    /// Wishes that are being answered or wait for it.
    waiting: Arc<Semaphore>,
    working: Arc<Semaphore>,
    seat: Seat,
    /// Ends once the person at it may not stay.
    standing: AbortOnDropHandle<End>,
}

impl Console {
    async fn begin(
        socket: &mut WebSocket,
        app: Arc<App>,
        principal: Principal,
        after: Option<Mark>,
    ) -> Result<Self, End> {
        let Listening { batches, upto, store } = app.hub.listen();
        let (reply, replies) = mpsc::channel(AT_ONCE);
        let standing = AbortOnDropHandle::new(tokio::spawn(standing::over(app.clone(), principal.clone())));
        let mut console = Self {
            seat: app.company.join(),
            app,
            principal,
            standing,
            batches,
            sent: 0,
            heard_at: Instant::now(),
            replies,
            reply,
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            working: Arc::new(Semaphore::new(AT_ONCE)),
        };
        match after {
            Some(mark) if console.is_near(&mark, upto).await => {
                console.sent = mark.seq;
                console.catch_up(socket, upto).await?;
                say(socket, &FromServer::Resumed {}).await?;
            }
            Some(_) | None => console.send_snapshot(socket).await?,
        }
        tell_of_store(socket, store).await?;
        Ok(console)
    }

    /// Whether the log has exactly that event there, and not much after it.
    async fn is_near(&self, mark: &Mark, upto: u64) -> bool {
        if mark.seq == 0 || mark.seq > upto || upto - mark.seq > NEAR {
            return false;
        }
        match self.app.log.read(mark.seq - 1, 1).await {
            Ok(events) => events.first().map(Mark::of).as_ref() == Some(mark),
            Err(error) => {
                tracing::warn!(%error, "a console cannot be caught up");
                false
            }
        }
    }

    async fn step(&mut self, socket: &mut WebSocket) -> Result<ControlFlow<End>, End> {
        tokio::select! {
            biased;
            () = self.app.stopping.cancelled() => {
                return Ok(ControlFlow::Break(End::new(close::GOING_AWAY, "the server ends")));
            }
            end = &mut self.standing => {
                return Ok(ControlFlow::Break(end.unwrap_or_else(|_| End::gone())));
            }
            // Before the timer, so that what was said while something long was sent still counts as a sign of life.
            heard = hear(socket) => {
                self.heard_at = Instant::now();
                self.answer(socket, heard?).await?;
            }
            Some(reply) = self.replies.recv() => {
                self.catch_up(socket, reply.after).await?;
                send(socket, packed(reply.text)).await?;
            }
            batch = self.batches.recv() => match batch {
                Ok(batch) => self.pass(socket, &batch).await?,
                Err(RecvError::Lagged(_)) => self.listen_anew(socket).await?,
                Err(RecvError::Closed) => return Ok(ControlFlow::Break(End::new(close::GOING_AWAY, "the server ends"))),
            },
            others = self.seat.changed() => say(socket, &FromServer::Company { others }).await?,
            () = tokio::time::sleep_until(self.heard_at + protocol::PATIENCE) => {
                return Ok(ControlFlow::Break(End::new(close::SILENT, "nothing was heard for too long")));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn answer(&mut self, socket: &mut WebSocket, heard: FromConsole) -> Result<(), End> {
        match heard {
            FromConsole::Hello(_) => Err(End::new(close::MALFORMED, "a second hello")),
            FromConsole::Beat { number } => {
                self.pass_all(socket).await?;
                say(socket, &FromServer::Beat { number }).await
            }
            FromConsole::LooksAt { place } if self.seat.moves_to(&place) => Ok(()),
            FromConsole::LooksAt { .. } => Err(End::new(close::MALFORMED, "not the name of a place")),
            FromConsole::Request { id, wish } => {
                let Ok(place) = self.waiting.clone().try_acquire_owned() else {
                    return Err(End::new(close::POLICY, "too many requests at once"));
                };
                let (app, principal, reply) = (self.app.clone(), self.principal.clone(), self.reply.clone());
                let working = self.working.clone();
                tokio::spawn(async move {
                    let Ok(_turn) = working.acquire_owned().await else { return };
                    let outcome = Box::new(wishes::fulfil(&app, &principal, id, *wish).await);
                    let after = last_event(&outcome);
                    let text = written(&FromServer::Reply { id, outcome });
                    // A console that has left asks again when it is back.
                    let _ = reply.send(Reply { text, after }).await;
                    drop(place);
                });
                Ok(())
            }
        }
    }

    /// Passes on every batch that is there, so that what is said next is said of all of them.
    async fn pass_all(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        for _ in 0..self.batches.len() {
            match self.batches.try_recv() {
                Ok(batch) => self.pass(socket, &batch).await?,
                Err(TryRecvError::Lagged(_)) => return self.listen_anew(socket).await,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Ok(())
    }

    /// Passes a batch on, or what it stands for.
    async fn pass(&mut self, socket: &mut WebSocket, batch: &Batch) -> Result<(), End> {
        if batch.after > self.sent {
            self.catch_up(socket, batch.after).await?;
        }
        let is_behind = self.batches.len() > BEHIND;
        let message = if is_behind { batch.events.as_ref() } else { Some(&batch.whole) };
        // Events in it that were sent before, with a snapshot or from the log, the console knows by their number.
        if let Some(message) = message {
            send(socket, message.clone()).await?;
        }
        self.sent = self.sent.max(batch.upto);
        Ok(())
    }

    /// Batches were missed: goes on with those to come, after what is in the log by now.
    async fn listen_anew(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        let Listening { batches, upto, store } = self.app.hub.listen();
        self.batches = batches;
        match upto.saturating_sub(self.sent) > NEAR_WHEN_SLOW {
            true => self.send_snapshot(socket).await?,
            false => self.catch_up(socket, upto).await?,
        }
        tell_of_store(socket, store).await
    }

    /// Sends what the log has after the last event sent, up to `upto`.
    async fn catch_up(&mut self, socket: &mut WebSocket, upto: u64) -> Result<(), End> {
        if upto.saturating_sub(self.sent) > NEAR {
            return self.send_snapshot(socket).await;
        }
        while self.sent < upto {
            let page = self.app.log.read(self.sent, PAGE).await.map_err(|error| {
                tracing::warn!(%error, "a console cannot be caught up");
                End::new(close::AGAIN, "the log cannot be read now")
            })?;
            let Some(last) = page.last() else { return Ok(()) };
            let last = last.seq;
            for text in messages(page) {
                send(socket, packed(text)).await?;
            }
            self.sent = last;
        }
        Ok(())
    }

    async fn send_snapshot(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        let opened = self.app.client.open().await;
        let (snapshot, _) = opened.map_err(|error| End::new(close::AGAIN, error.message))?;
        self.sent = snapshot.cursor;
        for part in parts_of(snapshot) {
            say(socket, &FromServer::Snapshot { part: Box::new(part) }).await?;
        }
        let last = self.app.log.read(self.sent.saturating_sub(1), 1).await;
        let mark = last.ok().and_then(|events| events.first().map(Mark::of)).filter(|mark| mark.seq == self.sent);
        say(socket, &FromServer::SnapshotEnd { mark }).await
    }
}

/// What is no event is in no log: a console that missed it is told how it is now.
async fn tell_of_store(socket: &mut WebSocket, store: Store) -> Result<(), End> {
    say(socket, &FromServer::Items { items: store.items() }).await
}

fn last_event(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Committed { events } => events.last().map_or(0, |event| event.seq),
        _ => 0,
    }
}

/// Events as messages, none of them large unless one event is.
fn messages(events: Vec<Envelope>) -> Vec<String> {
    let mut messages = Vec::new();
    let mut items = String::new();
    for envelope in events {
        let item = serde_json::to_string(&FeedItem::Committed { envelope: Box::new(envelope) }).unwrap_or_default();
        if !items.is_empty() && items.len() + item.len() > FULL {
            messages.push(message(&items));
            items.clear();
        }
        if !items.is_empty() {
            items.push(',');
        }
        items.push_str(&item);
    }
    messages.push(message(&items));
    messages
}

/// The next message of the protocol.
async fn hear(socket: &mut WebSocket) -> Result<FromConsole, End> {
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => {
                return serde_json::from_str(&text)
                    .map_err(|error| End::new(close::MALFORMED, format!("not a message of this protocol: {error}")));
            }
            Some(Ok(Message::Binary(_))) => return Err(End::new(close::MALFORMED, "messages are text")),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_))) | None => return Err(End::gone()),
            Some(Err(error)) if is_too_big(&error) => {
                let reason = format!("a message may have {} KB", protocol::MOST_FROM_CONSOLE / 1024);
                return Err(End::new(close::TOO_BIG, reason));
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "a console's connection failed");
                return Err(End::new(close::MALFORMED, "not a WebSocket frame"));
            }
        }
    }
}

fn is_too_big(error: &axum::Error) -> bool {
    error.to_string().contains("too long")
}

async fn say(socket: &mut WebSocket, message: &FromServer) -> Result<(), End> {
    send(socket, packed(written(message))).await
}

fn written(message: &FromServer) -> String {
    serde_json::to_string(message).unwrap_or_else(|error| {
        tracing::error!(%error, "a message cannot be written as JSON");
        super::hub::message("")
    })
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    socket.send(message).await.map_err(|_| End::gone())
}
