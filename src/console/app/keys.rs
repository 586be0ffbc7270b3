//! What comes from the keyboard: chords to intents, text to sheets. And what time alone changes.

use std::io;
use std::time::Duration;

use crossterm::event::{Event, KeyEvent, KeyEventKind};

use super::held::Held;
use super::pace::Wanted;
use super::{App, Flow, Surface};
use crate::console::intent::{Context, Intent};
use crate::console::keymap::Chord;
use crate::console::state::{Page, SETTLE, Screen, Size, Uptime};
use crate::console::update;
use crate::console::update::{Pressed, World};
use crate::domain::RunState;
use crate::kinds::Approval;

/// How often a clock on the screen moves while something runs.
const SECOND: Duration = Duration::from_secs(1);
/// How often ages are refreshed while nothing runs.
const MINUTE: Duration = Duration::from_secs(60);
/// From when on the time left to decide is shown by the second.
const CLOSE: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

impl<S: Surface> App<S> {
    pub(super) fn take_event(&mut self, event: Event, at: Uptime) -> io::Result<Flow> {
        if let Some(flow) = self.take_locked(&event, at) {
            return flow;
        }
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.take_key(key, at),
            Event::Paste(text) => {
                self.state.last_key = Some(at);
                self.update(|state, world| update::pasted(state, world, &text))
            }
            Event::Resize(width, height) => {
                self.resize(Size { width, height })?;
                Ok(Flow::GoOn)
            }
            Event::Mouse(mouse) => self.take_mouse(mouse),
            Event::Key(_) | Event::FocusGained | Event::FocusLost => Ok(Flow::GoOn),
        }
    }

    fn take_key(&mut self, key: KeyEvent, at: Uptime) -> io::Result<Flow> {
        let before = self.state.last_key.replace(at);
        if let Some(held) = self.held.take() {
            // Text pasted into a terminal that does not mark it comes like this; the first of its keys is no decision.
            let pressed = Pressed { before: Some(held.pressed.at), ..held.pressed };
            self.update(|state, world| update::intent(state, world, held.intent, pressed))?;
        }
        let pressed = Pressed { at, before };
        let chord = Chord::from(key);
        if update::takes_text(&self.state) && self.state.size.is_enough() {
            // These work wherever one types; everything else is the sheet's.
            return match self.options.keymap.intent(chord, &[Context::Everywhere]) {
                Some(intent @ (Intent::Redraw | Intent::Suspend)) => {
                    self.update(|state, world| update::intent(state, world, intent, pressed))
                }
                _ => self.update(|state, world| update::typed(state, world, key, pressed)),
            };
        }
        let contexts = update::contexts(&self.state, &self.world());
        match self.options.keymap.intent(chord, &contexts) {
            Some(intent) if intent.decides() && (self.state.size.is_enough() || works_when_small(intent)) => {
                self.held = Some(Held { intent, pressed });
                Ok(Flow::GoOn)
            }
            Some(intent) if self.state.size.is_enough() || works_when_small(intent) => {
                self.update(|state, world| update::intent(state, world, intent, pressed))
            }
            Some(_) | None => Ok(Flow::GoOn),
        }
    }

    /// An intent that came by another way than a key.
    pub(super) fn intend(&mut self, intent: Intent, at: Uptime) -> io::Result<Flow> {
        let pressed = Pressed { at, before: self.state.last_key };
        self.update(|state, world| update::intent(state, world, intent, pressed))
    }

    pub(super) fn world(&self) -> World<'_> {
        World {
            snapshot: &self.snapshot,
            status: &self.status,
            offers: &self.offers,
            replay: self.replay.as_ref(),
            uptime: self.uptime(),
            now: self.now(),
        }
    }

    /// When time alone will change the screen next; `None` when it will not.
    pub(super) fn deadline(&self) -> Option<Uptime> {
        let falls = self.state.lock.falls_at(self.state.last_key);
        [self.held.as_ref().map(Held::due), falls, self.draw_deadline()].into_iter().flatten().min()
    }

    fn draw_deadline(&self) -> Option<Uptime> {
        // While a frame is on its way nothing can be drawn; its arrival wakes the loop.
        if self.is_away || self.in_flight.is_some() {
            return None;
        }
        if let Some(wanted) = self.wanted {
            return Some(self.pace.due(wanted, self.uptime()));
        }
        let toast = self.state.toast.as_ref().map(|toast| toast.until);
        let armed = self.state.review().and_then(|review| review.armed_at()).filter(|at| *at > self.drawn_at);
        let clock = self.clock_moves_in().map(|after| self.drawn_at + after);
        [toast, armed, clock].into_iter().flatten().min()
    }

    /// Something that time changes is due: the console locks, a key decides, a toast goes, a card can be decided, a clock moves, a frame
    /// is drawn.
    pub(super) fn pass_time(&mut self) -> io::Result<Flow> {
        let now = self.uptime();
        if self.state.lock.falls_at(self.state.last_key).is_some_and(|at| at <= now) {
            self.lock();
        }
        if let Some(held) = self.held.take_if(|held| held.due() <= now) {
            return self.update(|state, world| update::intent(state, world, held.intent, held.pressed));
        }
        if self.state.toast.as_ref().is_some_and(|toast| toast.until <= now) {
            self.state.toast = None;
            self.want(Wanted::News);
        }
        let armed = self.state.review().and_then(|review| review.armed_at());
        let clock = self.clock_moves_in().map(|after| self.drawn_at + after);
        let is_due = |at: Option<Uptime>| at.is_some_and(|at| at > self.drawn_at && at <= now);
        if is_due(armed) || is_due(clock) {
            self.want(Wanted::News);
        }
        Ok(Flow::GoOn)
    }

    /// Clocks move by the second only while something runs, plays or is about to expire where one can see it.
    fn clock_moves_in(&self) -> Option<Duration> {
        let now = self.now();
        if self.status.link.is_stale() {
            return Some(SECOND);
        }
        if self.replay.as_ref().is_some_and(|moment| (moment.playing || moment.held) && moment.ended.is_none()) {
            return Some(SECOND);
        }
        if self.replay.is_some() {
            return None;
        }
        let expires_soon =
            |approval: &&Approval| approval.expires_at.is_some_and(|at| at > now - SETTLE_SPAN && at - now < CLOSE);
        let runs = |state: RunState| matches!(state, RunState::Planning | RunState::Running);
        let any_runs = || self.snapshot.runs.values().any(|run| runs(run.state));
        let moves = match self.state.page() {
            Some(Page::Card(review)) => self
                .snapshot
                .approvals
                .get(&review.approval)
                .filter(|a| a.state.is_open())
                .filter(expires_soon)
                .is_some(),
            Some(Page::Run(open)) => self.snapshot.runs.get(&open.run).is_some_and(|run| runs(run.state)),
            Some(Page::Things(_) | Page::Thing(_) | Page::Document(_)) => false,
            None => match self.state.screen {
                Screen::Overview => any_runs() || self.snapshot.open_approvals().any(|a| expires_soon(&a)),
                Screen::Runs => any_runs(),
                Screen::Approvals => self.snapshot.open_approvals().any(|a| expires_soon(&a)),
                Screen::Log | Screen::Incidents | Screen::Usage | Screen::Billing => false,
            },
        };
        let is_empty = self.snapshot.runs.is_empty() && self.snapshot.incidents.is_empty();
        let ages = self.state.screen != Screen::Log && !is_empty;
        if moves { Some(SECOND) } else { ages.then_some(MINUTE) }
    }
}

/// A request that has just expired still moves once more, to say so.
const SETTLE_SPAN: chrono::TimeDelta = chrono::TimeDelta::milliseconds(4 * SETTLE.as_millis() as i64);

/// Where there is no room for a card, one may deny, leave, or look for more room.
fn works_when_small(intent: Intent) -> bool {
    matches!(
        intent,
        Intent::Deny
            | Intent::Dismiss
            | Intent::NextWaiting
            | Intent::Back
            | Intent::Quit
            | Intent::Interrupt
            | Intent::Redraw
            | Intent::Suspend
    )
}
