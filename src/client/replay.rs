//! A recording as a client: the same feed, from a file, with the viewer's hand on the clock.
//!
//! It touches no state. At a request to a person the recording stops and its clock goes on, so that a request grows old
//! and expires as it would; the viewer decides as it was recorded, or lets it go on. A recording may hold what came of
//! the other decision as well, and then goes on with that. Any other decision is refused, for nobody knows what would
//! have followed. Long waits are passed over.

mod pace;
mod script;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;

use self::script::{Decision, Script, not_recorded};
use super::recording::Recording;
use crate::domain::{Actor, ApprovalId, BlobId, Rejection, RejectionKind, RunId, Timestamp};
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
    recorded: Script,
    /// The request that was decided otherwise in a second recording, and all of that one.
    otherwise: Option<(ApprovalId, Script)>,
    blobs: BTreeMap<BlobId, Vec<u8>>,
    requests: Arc<[Duration]>,
    only_run: Option<RunId>,
    state: Mutex<State>,
    feed: broadcast::Sender<FeedItem>,
    /// Rung when anything about the clock changed.
    changed: Notify,
}

/// Which of two recordings is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    Recorded,
    Otherwise,
}

struct State {
    course: Course,
    /// How much later than recorded each of the items was told that were told already.
    told: Vec<TimeDelta>,
    /// That a request expired while the viewer waited, after all that was told.
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
            course: Course::Recorded,
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
        let recorded = Script::new(&recording.events, now);
        let otherwise = recording.otherwise.as_ref().map(|otherwise| {
            let events = [&recording.events[..otherwise.shared], &otherwise.events].concat();
            (otherwise.approval, Script::new(&events, now))
        });
        let player = Arc::new(Player {
            requests: recorded.requests().collect(),
            only_run: recorded.only_run(),
            recorded,
            otherwise,
            blobs: recording.blobs,
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

    /// The state after the time that has passed.
    fn ticked(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let length = self.script(&state).length();
        state.tick(length);
        state
    }

    /// The recording that is played.
    fn script(&self, state: &State) -> &Script {
        match (state.course, &self.otherwise) {
            (Course::Otherwise, Some((_, script))) => script,
            (Course::Recorded, _) | (Course::Otherwise, None) => &self.recorded,
        }
    }

    /// What the clock shows.
    fn now(&self, state: &State) -> Timestamp {
        self.script(state).clock(state.at) + delta(state.late)
    }

    fn snapshot(&self, state: &State) -> Snapshot {
        self.script(state).snapshot(&state.told, state.own.as_ref())
    }

    /// Tells what is due; the time until something is, or `None` when the clock stands.
    fn advance(&self) -> Option<Duration> {
        let mut state = self.ticked();
        let script = self.script(&state);
        if state.ended.is_some() {
            return None;
        }
        if let Some(approval) = state.held_at {
            return self.wait(&mut state, approval);
        }
        let hold = script.next_hold(state.told.len(), &state.passed);
        while let Some(item) = script.items.get(state.told.len()) {
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
        self.lapse(state, approval);
        self.changed.notify_one();
        None
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.ticked());
        self.changed.notify_one();
    }

    /// The viewer's decision on the request that the recording has decided on somewhere ahead.
    fn decide(&self, command: &Command) -> Result<Vec<Envelope>, Rejection> {
        let mut state = self.ticked();
        if let Some(reason) = &state.ended {
            let over = Rejection::new(RejectionKind::NotAllowed, format!("this replay is over: {reason}"));
            return Err(over.hint("jump back in it to decide otherwise"));
        }
        let open = self.snapshot(&state).approvals;
        let (approval, decision) = Decision::of(command, |id| open.get(id).filter(|open| open.state.is_open()))?;
        self.settle(&mut state, approval, decision)?;
        drop(state);
        self.changed.notify_one();
        Ok(Vec::new())
    }

    /// Goes on with the recording in which that was decided.
    fn settle(&self, state: &mut State, approval: ApprovalId, decision: Decision) -> Result<(), Rejection> {
        let recorded = self.script(state).decision_on(approval);
        let other = self.otherwise.as_ref().filter(|(decided, _)| *decided == approval);
        let otherwise = other.and_then(|(_, script)| script.decision_on(approval));
        let at = match (recorded, otherwise) {
            (Some((recorded, at)), _) if recorded == decision => at,
            (_, Some((otherwise, at))) if otherwise == decision => {
                state.course = Course::Otherwise;
                at
            }
            _ => return Err(not_recorded(recorded.map(|(recorded, _)| recorded))),
        };
        state.pass(approval);
        self.jump(state, at);
        state.playing = true;
        Ok(())
    }

    /// Goes to a later place of the recording; time that was waited already is not waited again.
    fn jump(&self, state: &mut State, at: Duration) {
        let waited = self.now(state) - self.script(state).clock(at);
        state.late = waited.to_std().unwrap_or_default();
        state.at = at;
    }

    /// Nobody decided in time. Where that was not recorded, it is told, and all is over.
    fn lapse(&self, state: &mut State, approval: ApprovalId) {
        if self.settle(state, approval, Decision::Lapse).is_ok() {
            return;
        }
        let version = self.snapshot(state).approvals.get(&approval).map_or(1, |open| open.version + 1);
        let seq = self.script(state).events(&state.told).last().map_or(1, |last| last.seq + 1);
        let event = Event::Approval(ApprovalEvent::Expired {});
        let stream = Stream::Approval(approval);
        let envelope = Envelope { seq, stream, version, at: self.now(state), by: Actor::System, event };
        let _ = self.feed.send(FeedItem::Committed { envelope: Box::new(envelope.clone()) });
        state.own = Some(envelope);
        state.held_at = None;
        state.ended = Some(match self.script(state).decision_on(approval) {
            Some((recorded, _)) => format!("it expired while you waited; as recorded, {}", recorded.outcome()),
            None => "it expired while you waited".to_owned(),
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
            self.player.script(&state).events(&state.told).chain(own).collect::<Vec<_>>()
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
            Query::Blob { blob } => Answer::Blob(self.player.blobs.get(&blob).cloned()),
            // All there is stands in the snapshot.
            Query::Rows(_) => Answer::Rows(Page { rows: Vec::new(), more: false }),
            Query::Chart { .. } => Answer::Chart(None),
        })
    }

    async fn submit(&self, command: Command, _: Actor) -> Result<Vec<Envelope>, Rejection> {
        self.player.decide(&command)
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
        let state = self.ticked();
        let script = self.script(&state);
        Moment {
            at: state.at,
            length: script.length(),
            speed: state.speed,
            playing: state.playing && state.held_at.is_none() && state.ended.is_none(),
            held: state.held_at.is_some(),
            passing: script.passing(state.at),
            requests: Arc::clone(&self.requests),
            only_run: self.only_run,
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

    /// Time is as recorded again from there on, and a pause stays one. Before what was decided otherwise, all is open.
    fn seek(&self, to: Duration) {
        self.change(|state| {
            let decided = self.otherwise.as_ref().and_then(|(approval, script)| script.decision_on(*approval));
            if decided.is_some_and(|(_, at)| to < at) {
                state.course = Course::Recorded;
            }
            let script = self.script(state);
            let to = to.min(script.length());
            state.at = to;
            state.late = Duration::ZERO;
            state.told = vec![TimeDelta::zero(); script.items.partition_point(|item| item.at <= to)];
            state.own = None;
            state.held_at = None;
            state.passed = script.decided_by(to);
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
            let script = self.script(state);
            let next = script.items[state.told.len()..].iter().find(|item| item.is_event());
            if let Some(item) = next {
                self.jump(state, item.at);
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
