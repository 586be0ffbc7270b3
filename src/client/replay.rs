//! A recording as a client: the same feed, from a file, with the viewer's hand on the clock.
//!
//! It touches no state. At a request to a person the clock stops; the viewer decides, or lets it go on as recorded.
//! A decision that differs from the recorded one ends the replay, for nobody knows what would have followed.

mod script;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::sync::broadcast;
use tokio::time::Instant;

use self::script::Decision;
use self::script::Script;
use super::recording::Recording;
use crate::domain::Actor;
use crate::domain::ApprovalId;
use crate::domain::Command;
use crate::domain::Envelope;
use crate::domain::FeedItem;
use crate::domain::Page;
use crate::domain::Query;
use crate::domain::QueryAnswer;
use crate::domain::Rejection;
use crate::domain::RejectionKind;
use crate::domain::Timestamp;
use crate::fold::Snapshot;
use crate::ports::Answer;
use crate::ports::Client;
use crate::ports::ClientError;
use crate::ports::Feed;
use crate::ports::Moment;
use crate::ports::Status;
use crate::ports::Transport;

const FEED_DEPTH: usize = 8192;

/// Plays a recording.
pub struct ReplayClient {
    player: Arc<Player>,
    title: String,
}

/// The recording and where it is played.
struct Player {
    script: Script,
    state: Mutex<State>,
    feed: broadcast::Sender<FeedItem>,
    /// Rung when anything about the clock changed.
    changed: Notify,
}

struct State {
    /// Items already told.
    told: usize,
    /// Place on the recording's clock when `since` was taken.
    at: Duration,
    since: Instant,
    speed: f64,
    playing: bool,
    /// The request the clock stands at, until the viewer decides or lets it go on.
    held_at: Option<ApprovalId>,
    /// Requests that are not stopped at any more.
    passed: Vec<ApprovalId>,
    ended: Option<String>,
}

impl ReplayClient {
    /// Begins to play at once. `now` is what the recording's beginning is shown as.
    pub fn play(recording: Recording, speed: f64, now: Timestamp) -> Self {
        let title = recording.title.clone();
        let state = State {
            told: 0,
            at: Duration::ZERO,
            since: Instant::now(),
            speed,
            playing: true,
            held_at: None,
            passed: Vec::new(),
            ended: None,
        };
        let player = Arc::new(Player {
            script: Script::new(recording, now),
            state: Mutex::new(state),
            feed: broadcast::channel(FEED_DEPTH).0,
            changed: Notify::new(),
        });
        tokio::spawn(run(Arc::downgrade(&player)));
        Self { player, title }
    }
}

/// Tells each item when its time has come, for as long as anybody holds the player.
async fn run(player: std::sync::Weak<Player>) {
    while let Some(player) = player.upgrade() {
        match player.advance() {
            Some(pause) => tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = player.changed.notified() => {}
            },
            None => {
                // Nothing is due until the viewer does something; look now and then whether anybody still watches.
                let _ = tokio::time::timeout(Duration::from_secs(60), player.changed.notified()).await;
            }
        }
    }
}

impl Player {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what is due; the time to the next item, or `None` when the clock stands.
    fn advance(&self) -> Option<Duration> {
        let mut state = self.state();
        state.tick(self.script.length());
        let hold = self.script.next_hold(state.told, &state.passed);
        while let Some(item) = self.script.items.get(state.told) {
            if let Some((approval, from)) = hold.filter(|(_, from)| *from <= item.at) {
                if state.at < from {
                    let pause = from - state.at;
                    return state.playing.then(|| pause.div_f64(state.speed));
                }
                state.at = from;
                state.held_at = state.playing.then_some(approval);
                return None;
            }
            if item.at > state.at {
                let pause = item.at - state.at;
                return state.playing.then(|| pause.div_f64(state.speed));
            }
            let _ = self.feed.send(item.item.clone());
            state.told += 1;
        }
        if state.ended.is_none() {
            state.ended = Some("the recording ends here".to_owned());
            state.playing = false;
        }
        None
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        {
            let mut state = self.state();
            state.tick(self.script.length());
            change(&mut state);
        }
        self.changed.notify_one();
    }

    /// The viewer's decision on the request that the recording has decided on somewhere ahead.
    fn decide(&self, approval: ApprovalId, decision: Decision) -> Result<Vec<Envelope>, Rejection> {
        let state = self.state();
        let is_open =
            self.script.snapshot(state.told).approvals.get(&approval).is_some_and(|open| open.state.is_open());
        drop(state);
        if !is_open {
            return Err(Rejection::new(RejectionKind::AlreadySettled, "nothing waits for this decision here"));
        }
        let Some((recorded, at)) = self.script.decision_on(approval) else {
            self.change(|state| state.end("the recording ends before this was decided"));
            return Ok(Vec::new());
        };
        if recorded == decision {
            self.change(|state| {
                state.pass(approval);
                state.at = at;
                state.playing = true;
            });
        } else {
            let reason = format!("you {}; as recorded, {}", decision.done(), recorded.outcome());
            self.change(|state| state.end(&reason));
        }
        Ok(Vec::new())
    }
}

impl State {
    /// Moves the clock on by what has passed. It never passes a request that it stands at.
    fn tick(&mut self, length: Duration) {
        let now = Instant::now();
        if self.playing && self.held_at.is_none() {
            self.at = (self.at + now.duration_since(self.since).mul_f64(self.speed)).min(length);
        }
        self.since = now;
    }

    fn pass(&mut self, approval: ApprovalId) {
        self.passed.push(approval);
        self.held_at = None;
    }

    fn end(&mut self, reason: &str) {
        self.ended = Some(reason.to_owned());
        self.playing = false;
        self.held_at = None;
    }
}

#[async_trait]
impl Client for ReplayClient {
    async fn open(&self) -> Result<(Snapshot, Feed), ClientError> {
        let state = self.player.state();
        Ok((self.player.script.snapshot(state.told), self.player.feed.subscribe()))
    }

    async fn query(&self, query: Query) -> Result<Answer, ClientError> {
        let told = self.player.state().told;
        let events = self.player.script.events(told);
        Ok(match query {
            Query::Stream { stream, after, limit } => {
                let matching = events.filter(|envelope| envelope.stream == stream && envelope.version > after);
                QueryAnswer::Events(page(matching.cloned(), limit))
            }
            Query::LogBefore { before, limit } => {
                QueryAnswer::Events(page(events.rev().filter(|envelope| envelope.seq < before).cloned(), limit))
            }
            Query::Search { text, before, limit } => {
                let contains =
                    |envelope: &&Envelope| serde_json::to_string(envelope).is_ok_and(|json| json.contains(&text));
                let matching = events.rev().filter(|envelope| envelope.seq < before).filter(contains);
                QueryAnswer::Events(page(matching.cloned(), limit))
            }
            Query::Blob { blob } => QueryAnswer::Blob(self.player.script.blobs.get(&blob).cloned()),
            // All there is stands in the snapshot.
            Query::Runs { .. } => QueryAnswer::Runs(Page { rows: Vec::new(), more: false }),
            Query::Approvals { .. } => QueryAnswer::Approvals(Page { rows: Vec::new(), more: false }),
        })
    }

    async fn submit(&self, command: Command, _by: Actor) -> Result<Vec<Envelope>, Rejection> {
        if let Command::Edit { .. } = command {
            return Err(Rejection::new(RejectionKind::NotAllowed, "this is a replay: nothing can be changed in it")
                .hint("approve or deny as it stands, or let it go on as recorded"));
        }
        match Decision::of(&command) {
            Some((approval, decision)) => self.player.decide(approval, decision),
            None => Err(Rejection::new(RejectionKind::NotAllowed, "this is a replay: it can only be watched")
                .hint("at a request you may decide; everything else needs the live console")),
        }
    }

    fn status(&self) -> Status {
        let source = format!("demo: {}", self.title);
        Status { source, model: Some("recorded model".to_owned()), ..Status::default() }
    }

    fn transport(&self) -> Option<Arc<dyn Transport>> {
        Some(self.player.clone())
    }
}

impl Transport for Player {
    fn moment(&self) -> Moment {
        let mut state = self.state();
        state.tick(self.script.length());
        Moment {
            at: state.at,
            length: self.script.length(),
            speed: state.speed,
            playing: state.playing && state.held_at.is_none(),
            held: state.held_at.is_some(),
            ended: state.ended.clone(),
        }
    }

    /// At a request, playing on means letting it go on as recorded.
    fn toggle(&self) {
        self.change(|state| match state.held_at {
            Some(approval) => state.pass(approval),
            None if state.ended.is_none() => state.playing = !state.playing,
            None => {}
        });
    }

    fn set_speed(&self, speed: f64) {
        self.change(|state| state.speed = speed.clamp(0.1, 100.0));
    }

    fn seek(&self, to: Duration) {
        self.change(|state| {
            let to = to.min(self.script.length());
            state.at = to;
            state.told = self.script.items.partition_point(|item| item.at <= to);
            state.held_at = None;
            state.passed = self.script.decided_by(to);
            state.ended = None;
            state.playing = true;
        });
        let _ = self.feed.send(FeedItem::Lost);
    }

    fn step(&self) {
        self.change(|state| {
            if let Some(approval) = state.held_at {
                state.pass(approval);
            }
            state.playing = false;
            let next = self.script.items[state.told.min(self.script.items.len())..].iter().find(|item| item.is_event());
            if let Some(item) = next {
                state.at = item.at;
                state.passed.extend(item.decides);
            }
        });
    }
}

fn page(rows: impl Iterator<Item = Envelope>, limit: u32) -> Page<Envelope> {
    let mut rows: Vec<_> = rows.take(limit as usize + 1).collect();
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    Page { rows, more }
}

#[cfg(test)]
mod tests;
