//! The loop: wakes up, changes state, performs what was requested, draws when something changed.
//!
//! Nothing here awaits but the next wake-up. Whatever takes time is spawned and comes back as a `Wake`.

mod clipboard;
mod editor;
#[cfg(test)]
pub(in crate::console) mod fake;
mod held;
mod keys;
mod lock;
mod mouse;
mod options;
mod pace;
mod perform;
mod source;
mod surface;
mod wake;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

pub use editor::edit_text;
pub use options::{Bell, ConsoleOptions, IdleLock, Launcher, submit};
pub use surface::{Sent, Surface, Tty, draw};
pub use wake::{Heard, Wake};

use crate::console::anchor::Anchor;
use crate::console::state::{ChartForm, Charts, Lock, Matter, Offers, Painted, Size, State, Tone, Uptime};
use crate::console::terminal::{Listener, Told};
use crate::console::theme::{Depth, Theme};
use crate::console::update;
use crate::console::update::{Reply, Request, World};
use crate::console::view::frame::{Caches, Picture, Scene, compose};
use crate::domain::{RunId, Timestamp};
use crate::fold::Snapshot;
use crate::kinds::Envelope;
use crate::ports::{Client, Feed, Moment, Status, Transport};

use held::Held;
use pace::{Pace, Wanted};

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A person left, or a signal asked for it.
    Left,
    /// The line to the terminal is gone.
    LineLost,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    GoOn,
    End(End),
}

/// The way to the loop, made before the terminal that uses it.
pub struct Wakes {
    sender: mpsc::UnboundedSender<Wake>,
    wakes: mpsc::UnboundedReceiver<Wake>,
}

impl Default for Wakes {
    fn default() -> Self {
        let (sender, wakes) = mpsc::unbounded_channel();
        Self { sender, wakes }
    }
}

impl Wakes {
    /// Where the terminal tells what it has to tell.
    pub fn listener(&self) -> Arc<dyn Listener> {
        let sender = self.sender.clone();
        Arc::new(move |told| {
            // A console that has ended hears nothing.
            let _ = sender.send(Wake::Terminal(told));
        })
    }
}

/// A frame that was sent and has not reached the terminal yet.
struct InFlight {
    number: u64,
    painted: Option<Painted>,
}

/// The console, between two wake-ups.
pub struct App<S> {
    client: Arc<dyn Client>,
    options: ConsoleOptions,
    surface: S,
    state: State,
    snapshot: Snapshot,
    status: Status,
    offers: Offers,
    transport: Option<Arc<dyn Transport>>,
    replay: Option<Moment>,
    theme: Theme,
    caches: Caches,
    picture: Picture,
    feed: Option<Feed>,
    sender: mpsc::UnboundedSender<Wake>,
    wakes: mpsc::UnboundedReceiver<Wake>,
    /// Events of runs whose history is being read, so that none falls between the history and the feed.
    reading: BTreeMap<RunId, Vec<Envelope>>,
    started: Instant,
    wanted: Option<Wanted>,
    pace: Pace,
    frames: u64,
    drawn_at: Uptime,
    in_flight: Option<InFlight>,
    /// What the source was told is looked at.
    place: String,
    held: Option<Held>,
    /// The last key by the wall: a computer that slept does not count that as time passed.
    last_key_at: Timestamp,
    /// Replies that are still to come.
    outstanding: usize,
    /// Somebody else has the terminal: nothing is drawn.
    is_away: bool,
    heard_since_forgetting: usize,
}

impl<S: Surface> App<S> {
    /// A console that has drawn nothing yet and asked for nothing.
    pub fn new(client: Arc<dyn Client>, options: ConsoleOptions, surface: S, wakes: Wakes) -> Self {
        let Wakes { sender, wakes } = wakes;
        let size = surface.size();
        let status = client.status();
        let transport = client.transport();
        let theme = options.themes.first().cloned().unwrap_or_default().for_depth(options.depth);
        let lock = Lock { after: options.lock.as_ref().map(|lock| lock.after), screen: None };
        let state = State { size, mouse: options.mouse, theme: theme.name.clone(), lock, ..State::default() };
        let form = if options.depth == Depth::None { ChartForm::Ascii } else { ChartForm::Blocks };
        let state = State { charts: Charts::new(form), ..state };
        let last_key_at = options.clock.now();
        Self {
            client,
            options,
            surface,
            state,
            snapshot: Snapshot::default(),
            status,
            offers: Offers::default(),
            replay: transport.as_ref().map(|transport| transport.moment()),
            transport,
            theme,
            caches: Caches::default(),
            picture: Picture::default(),
            feed: None,
            sender,
            wakes,
            reading: BTreeMap::new(),
            started: Instant::now(),
            wanted: Some(Wanted::Answer),
            pace: Pace::default(),
            frames: 0,
            drawn_at: Uptime::ZERO,
            in_flight: None,
            place: String::new(),
            held: None,
            last_key_at,
            outstanding: 0,
            is_away: false,
            heard_since_forgetting: 0,
        }
    }

    pub fn surface_mut(&mut self) -> &mut S {
        &mut self.surface
    }

    /// Ends the console; what it painted on is left.
    pub fn into_surface(self) -> S {
        self.surface
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Draws the first frame, asks for the source and for what can be started.
    pub fn begin(&mut self) -> io::Result<()> {
        self.draw_if_due()?;
        self.open_source(std::time::Duration::ZERO);
        self.ask_offers();
        Ok(())
    }

    /// Runs until somebody leaves.
    pub async fn run(&mut self) -> io::Result<End> {
        self.begin()?;
        loop {
            if let Flow::End(end) = self.step().await? {
                return Ok(end);
            }
        }
    }

    /// One turn of the loop: waits for a wake-up, handles it and all that came with it, draws if it is time.
    pub async fn step(&mut self) -> io::Result<Flow> {
        let wake = self.next_wake().await;
        let mut flow = self.handle(wake)?;
        // Whatever is there already is handled before drawing; keys first, and news in bounded portions.
        while flow == Flow::GoOn
            && let Ok(wake) = self.wakes.try_recv()
        {
            flow = self.handle(wake)?;
        }
        self.hear_more();
        if flow == Flow::GoOn {
            self.draw_if_due()?;
            // Drawing has put the cursor where it is.
            let mut requests = update::follow_cursor(&mut self.state);
            let now = self.uptime();
            requests.extend(update::chart_wanted(&mut self.state, &self.snapshot, now));
            flow = self.perform_all(requests)?;
        }
        Ok(flow)
    }

    async fn next_wake(&mut self) -> Wake {
        let deadline = self.deadline().map(|at| self.started + at);
        let feed = self.feed.as_mut();
        tokio::select! {
            biased;
            wake = self.wakes.recv() => wake.unwrap_or(Wake::Terminal(Told::Gone)),
            () = sleep_until(deadline) => Wake::Time,
            heard = Heard::next(feed) => Wake::Feed(heard),
        }
    }

    fn handle(&mut self, wake: Wake) -> io::Result<Flow> {
        match wake {
            Wake::Terminal(told) => self.told(told),
            Wake::Reply(reply) => {
                self.outstanding = self.outstanding.saturating_sub(1);
                self.take_reply(reply)
            }
            Wake::Opened(result) => {
                self.outstanding = self.outstanding.saturating_sub(1);
                self.opened(result)
            }
            Wake::Feed(heard) => self.hear(heard),
            Wake::Time => self.pass_time(),
        }
    }

    fn told(&mut self, told: Told) -> io::Result<Flow> {
        match told {
            Told::Event(event, at) => {
                let at = Instant::from_std(at).saturating_duration_since(self.started);
                self.take_event(event, at)
            }
            Told::Flushed(number) => {
                self.flushed(number);
                Ok(Flow::GoOn)
            }
            Told::Gone => Ok(Flow::End(End::LineLost)),
            Told::Terminate => Ok(Flow::End(End::Left)),
            // The editor that has the terminal is meant.
            Told::Interrupt if self.is_away => Ok(Flow::GoOn),
            Told::Interrupt if self.state.lock.is_locked() => self.update(update::interrupted),
            Told::Interrupt => self.intend(crate::console::intent::Intent::Interrupt, self.uptime()),
            Told::Continued => {
                if !self.is_away {
                    self.surface.enter()?;
                    self.redraw()?;
                }
                Ok(Flow::GoOn)
            }
            Told::Panicked(message) => {
                let text = format!("internal error: {}", message.lines().next().unwrap_or_default());
                self.say_bad(&text, "the log file has the details; decisions already made are saved");
                Ok(Flow::GoOn)
            }
        }
    }

    /// Lets `update` work on the state, and performs what it requests.
    fn update(&mut self, change: impl FnOnce(&mut State, &World<'_>) -> Vec<Request>) -> io::Result<Flow> {
        let world = World {
            snapshot: &self.snapshot,
            status: &self.status,
            offers: &self.offers,
            replay: self.replay.as_ref(),
            uptime: self.started.elapsed(),
        };
        let requests = change(&mut self.state, &world);
        self.want(Wanted::Answer);
        self.perform_all(requests)
    }

    fn perform_all(&mut self, requests: Vec<Request>) -> io::Result<Flow> {
        for request in requests {
            if let Flow::End(end) = self.perform(request)? {
                return Ok(Flow::End(end));
            }
        }
        Ok(Flow::GoOn)
    }

    fn take_reply(&mut self, reply: Reply) -> io::Result<Flow> {
        let reply = match self.absorb(reply)? {
            Some(reply) => reply,
            None => return Ok(Flow::GoOn),
        };
        self.update(|state, world| update::replied(state, world, reply))
    }

    fn say_bad(&mut self, text: &str, hint: &str) {
        let uptime = self.uptime();
        self.state.toast = Some(crate::console::state::Toast::new(Tone::Bad, text, hint, uptime));
        self.want(Wanted::Answer);
    }

    fn uptime(&self) -> Uptime {
        self.started.elapsed()
    }

    /// What a page takes for now: in a replay its own clock, since the ages of what it shows are of that time.
    fn now(&self) -> Timestamp {
        self.replay.as_ref().and_then(|moment| moment.now).unwrap_or_else(|| self.options.clock.now())
    }

    fn want(&mut self, wanted: Wanted) {
        self.wanted = self.wanted.max(Some(wanted));
    }

    /// Whether nothing is under way that would change the screen by itself, time aside. For tests.
    pub fn is_idle(&self) -> bool {
        let heard_all = self.feed.as_ref().is_none_or(|feed| feed.is_empty());
        let nothing_to_do = self.outstanding == 0 && self.wanted.is_none() && self.held.is_none();
        nothing_to_do && self.wakes.is_empty() && heard_all && self.in_flight.is_none()
    }

    fn draw_if_due(&mut self) -> io::Result<()> {
        let Some(wanted) = self.wanted else { return Ok(()) };
        let now = self.uptime();
        self.pace.earn(now);
        if self.is_away || self.in_flight.is_some() || self.pace.due(wanted, now) > now {
            return Ok(());
        }
        self.wanted = None;
        self.pace.drawn(now);
        self.drawn_at = now;
        self.frames += 1;
        self.compose(now);
        self.say_place();
        if self.caches.is_unfinished() {
            self.want(Wanted::News);
        }
        self.caches.painted();
        match self.surface.paint(self.frames, &self.picture, &self.theme)? {
            Sent::OnItsWay => {
                self.in_flight = Some(InFlight { number: self.frames, painted: self.picture.painted.clone() });
            }
            Sent::Flushed => {
                let painted = self.picture.painted.clone();
                self.reached(painted);
            }
        }
        Ok(())
    }

    fn compose(&mut self, uptime: Uptime) {
        self.status = self.client.status();
        self.replay = self.transport.as_ref().map(|transport| transport.moment());
        let before = self.state.pane().cursor;
        self.lay_out(uptime);
        // What a row offers is known once it is known which one the cursor rests on.
        let has_keys = |cursor| matches!(cursor, Some(Anchor::Run(_) | Anchor::Thing(_)));
        let after = self.state.pane().cursor;
        if after != before && (has_keys(before) || has_keys(after)) {
            self.lay_out(uptime);
        }
    }

    fn lay_out(&mut self, uptime: Uptime) {
        let world = World {
            snapshot: &self.snapshot,
            status: &self.status,
            offers: &self.offers,
            replay: self.replay.as_ref(),
            uptime,
        };
        update::take_stale_toast(&mut self.state, &world);
        let contexts = update::contexts(&self.state, &world);
        let scene = Scene {
            snapshot: &self.snapshot,
            state: &self.state,
            status: &self.status,
            replay: self.replay.as_ref(),
            keymap: &self.options.keymap,
            person: &self.options.person,
            contexts: &contexts,
            now: self.now(),
            uptime,
        };
        self.picture = compose(&scene, &mut self.caches);
        if self.state.size.is_enough() && !self.state.lock.is_locked() {
            self.state.pane_mut().settle(self.picture.laid.clone());
            if let (Some(list), Some(offered)) = (self.state.list_mut(), &self.picture.offered) {
                list.offered.clone_from(offered);
            }
        }
    }

    /// Says what is looked at, where that has changed. Nothing is, behind a lock.
    fn say_place(&mut self) {
        let place = if self.state.lock.is_locked() { String::new() } else { self.state.place() };
        if place != self.place {
            self.client.look_at(&place);
            self.place = place;
        }
    }

    fn flushed(&mut self, number: u64) {
        if let Some(in_flight) = self.in_flight.take_if(|in_flight| in_flight.number == number) {
            self.reached(in_flight.painted);
        }
    }

    /// A frame is on the terminal: what it showed of a card counts as seen from now on.
    fn reached(&mut self, painted: Option<Painted>) {
        let uptime = self.uptime();
        let Some(painted) = painted else { return };
        let Some(review) = self.state.review_mut() else { return };
        let before = review.unread();
        review.flushed(&painted, uptime);
        if review.unread() != before {
            if review.unread() == Some(0) {
                // Whatever said that there is more to read is no longer so.
                self.state.toast.take_if(|toast| toast.about == Matter::Unread);
            }
            self.want(Wanted::Answer);
        }
    }

    fn resize(&mut self, size: Size) -> io::Result<()> {
        self.state.size = size;
        self.surface.resize(size);
        self.redraw()
    }

    /// Paints everything again, whatever is on the screen.
    fn redraw(&mut self) -> io::Result<()> {
        self.surface.forget()?;
        self.in_flight = None;
        self.want(Wanted::Answer);
        Ok(())
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
