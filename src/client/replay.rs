//! A recording as a client: the same feed, from a file, with the viewer's hand on the clock.
//!
//! It touches no state. At a request to a person the recording stops and its clock goes on, so that a request grows old
//! and expires as it would; the viewer decides, or lets it go on as recorded. A decision that differs from the recorded
//! one is told as an event of its own and ends the replay, for nobody knows what would have followed.

mod script;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;

use self::script::{Decision, Script};
use super::recording::Recording;
use crate::domain::{Actor, ApprovalId, Rejection, RejectionKind, Timestamp};
use crate::fold::Snapshot;
use crate::kinds::{ApprovalEvent, Command, Envelope, Event, Stream};
use crate::ports::{Answer, Client, ClientError, Feed, FeedItem, Moment, Page, Query, Status, Transport};

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
    /// How much later than recorded each of the items was told that were told already.
    told: Vec<TimeDelta>,
    /// What the viewer decided otherwise than recorded, after all that was told.
    own: Option<Envelope>,
    /// Place on the recording's clock when `since` was taken.
    at: Duration,
    /// How much later than recorded it is.
    late: Duration,
    since: Instant,
    speed: f64,
    /// What the viewer wants, whether or not there is anything to play.
    playing: bool,
    /// The request the recording stands at, until the viewer decides or lets it go on.
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
            told: Vec::new(),
            own: None,
            at: Duration::ZERO,
            late: Duration::ZERO,
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

    /// What the clock shows.
    fn now(&self, state: &State) -> Timestamp {
        self.script.start() + delta(state.at + state.late)
    }

    fn snapshot(&self, state: &State) -> Snapshot {
        self.script.snapshot(&state.told, state.own.as_ref())
    }

    /// Tells what is due; the time until something is, or `None` when the clock stands.
    fn advance(&self) -> Option<Duration> {
        let mut state = self.state();
        state.tick(self.script.length());
        if state.ended.is_some() {
            return None;
        }
        if let Some(approval) = state.held_at {
            return self.wait(&mut state, approval);
        }
        let hold = self.script.next_hold(state.told.len(), &state.passed);
        while let Some(item) = self.script.items.get(state.told.len()) {
            if let Some((approval, from)) = hold.filter(|(_, from)| *from <= item.at) {
                if state.at < from {
                    return state.until(from);
                }
                state.at = from;
                state.held_at = state.playing.then_some(approval);
                return state.held_at.and_then(|approval| self.wait(&mut state, approval));
            }
            if item.at > state.at {
                return state.until(item.at);
            }
            let late = delta(state.late);
            let _ = self.feed.send(item.told(late));
            state.told.push(late);
        }
        state.ended.get_or_insert_with(|| "the recording ends here".to_owned());
        None
    }

    /// The time until the request that the recording stands at expires, unless it just did.
    fn wait(&self, state: &mut State, approval: ApprovalId) -> Option<Duration> {
        let expires = self.snapshot(state).approvals.get(&approval)?.expires_at?;
        let now = self.now(state);
        if expires > now {
            return (expires - now).to_std().ok().map(|left| left.div_f64(state.speed));
        }
        self.settle(state, approval, Decision::Lapse, Actor::System, ApprovalEvent::Expired {});
        self.changed.notify_one();
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
    fn decide(&self, command: &Command, by: Actor) -> Result<Vec<Envelope>, Rejection> {
        let mut state = self.state();
        state.tick(self.script.length());
        if let Some(reason) = &state.ended {
            let over = Rejection::new(RejectionKind::NotAllowed, format!("this replay is over: {reason}"));
            return Err(over.hint("jump back in it to decide otherwise"));
        }
        let open = self.snapshot(&state).approvals;
        let (approval, decision, event) = Decision::of(command, |id| open.get(id).filter(|open| open.state.is_open()))?;
        self.settle(&mut state, approval, decision, by, event);
        drop(state);
        self.changed.notify_one();
        Ok(Vec::new())
    }

    /// Goes on as recorded where this is what was recorded; otherwise it is told, and all is over.
    fn settle(&self, state: &mut State, approval: ApprovalId, decision: Decision, by: Actor, event: ApprovalEvent) {
        let recorded = self.script.decision_on(approval);
        if let Some((_, at)) = recorded.filter(|(recorded, _)| *recorded == decision) {
            state.pass(approval);
            state.jump(at);
            state.playing = true;
            return;
        }
        let version = self.snapshot(state).approvals.get(&approval).map_or(1, |open| open.version + 1);
        let seq = self.script.events(&state.told).last().map_or(1, |last| last.seq + 1);
        let stream = Stream::Approval(approval);
        let envelope = Envelope { seq, stream, version, at: self.now(state), by, event: Event::Approval(event) };
        let _ = self.feed.send(FeedItem::Committed { envelope: Box::new(envelope.clone()) });
        state.own = Some(envelope);
        state.held_at = None;
        state.ended = Some(match recorded {
            Some((recorded, _)) => format!("{}; as recorded, {}", decision.done(), recorded.outcome()),
            None => format!("{}; the recording ends before anybody decided", decision.done()),
        });
    }
}

impl State {
    /// Moves the clock on by what has passed. The recording never passes a request that it stands at.
    fn tick(&mut self, length: Duration) {
        let now = Instant::now();
        let passed = now.duration_since(self.since).mul_f64(self.speed);
        self.since = now;
        if !self.playing || self.ended.is_some() {
            return;
        }
        match self.held_at {
            Some(_) => self.late += passed,
            None => self.at = (self.at + passed).min(length),
        }
    }

    /// How long it takes until `at`, at this speed; `None` while it is paused or over.
    fn until(&self, at: Duration) -> Option<Duration> {
        let plays = self.playing && self.ended.is_none();
        plays.then(|| at.saturating_sub(self.at).div_f64(self.speed))
    }

    /// Goes to a later place of the recording; time that was waited already is not waited again.
    fn jump(&mut self, at: Duration) {
        self.late = self.late.saturating_sub(at.saturating_sub(self.at));
        self.at = at;
    }

    fn pass(&mut self, approval: ApprovalId) {
        self.passed.push(approval);
        self.held_at = None;
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[async_trait]
impl Client for ReplayClient {
    async fn open(&self) -> Result<(Snapshot, Feed), ClientError> {
        let state = self.player.state();
        Ok((self.player.snapshot(&state), self.player.feed.subscribe()))
    }

    async fn query(&self, query: Query) -> Result<Answer, ClientError> {
        let events = {
            let state = self.player.state();
            let own = state.own.clone();
            self.player.script.events(&state.told).chain(own).collect::<Vec<_>>()
        };
        let events = events.iter();
        Ok(match query {
            Query::Stream { stream, after, limit } => {
                let matching = events.filter(|envelope| envelope.stream == stream && envelope.version > after);
                Answer::Events(page(matching.cloned(), limit))
            }
            Query::LogBefore { before, limit } => {
                Answer::Events(page(events.rev().filter(|envelope| envelope.seq < before).cloned(), limit))
            }
            Query::Search { text, before, limit } => {
                let contains =
                    |envelope: &&Envelope| serde_json::to_string(envelope).is_ok_and(|json| json.contains(&text));
                let matching = events.rev().filter(|envelope| envelope.seq < before).filter(contains);
                Answer::Events(page(matching.cloned(), limit))
            }
            Query::Blob { blob } => Answer::Blob(self.player.script.blobs.get(&blob).cloned()),
            // All there is stands in the snapshot.
            Query::Rows(_) => Answer::Rows(Page { rows: Vec::new(), more: false }),
        })
    }

    async fn submit(&self, command: Command, by: Actor) -> Result<Vec<Envelope>, Rejection> {
        self.player.decide(&command, by)
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
            playing: state.playing && state.held_at.is_none() && state.ended.is_none(),
            held: state.held_at.is_some(),
            now: Some(self.now(&state)),
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

    /// Time is as recorded again from there on, and a pause stays one.
    fn seek(&self, to: Duration) {
        self.change(|state| {
            let to = to.min(self.script.length());
            state.at = to;
            state.late = Duration::ZERO;
            state.told = vec![TimeDelta::zero(); self.script.items.partition_point(|item| item.at <= to)];
            state.own = None;
            state.held_at = None;
            state.passed = self.script.decided_by(to);
            state.ended = None;
        });
        let _ = self.feed.send(FeedItem::Lost);
    }

    fn step(&self) {
        self.change(|state| {
            if state.ended.is_some() {
                return;
            }
            if let Some(approval) = state.held_at {
                state.pass(approval);
            }
            state.playing = false;
            let next = self.script.items[state.told.len()..].iter().find(|item| item.is_event());
            if let Some(item) = next {
                state.jump(item.at);
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
