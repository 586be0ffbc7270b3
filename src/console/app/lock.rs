//! The lock: falls when no key came for long, takes all that comes while it is down, and asks whether to open.

use std::io;

use chrono::TimeDelta;
use crossterm::event::{Event, KeyEventKind};

use super::pace::Wanted;
use super::{App, Flow, Surface};
use crate::console::state::{Hidden, Uptime};
use crate::console::update;
use crate::console::update::Reply;
use crate::ports::{ClientError, Unlocking};

impl<S: Surface> App<S> {
    /// Hides everything now. What is on its way to the terminal does not count as read any more.
    pub(super) fn lock(&mut self) {
        update::lock(&mut self.state);
        self.held = None;
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.painted = None;
        }
        self.want(Wanted::Answer);
    }

    /// Takes what belongs to a locked console; `None` for what goes the usual way. The key that finds out that the
    /// computer slept meanwhile is nobody's.
    pub(super) fn take_locked(&mut self, event: &Event, at: Uptime) -> Option<io::Result<Flow>> {
        let is_key = matches!(event, Event::Key(key) if key.kind != KeyEventKind::Release);
        if is_key || matches!(event, Event::Paste(_)) {
            let slept = self.slept_too_long(at);
            self.last_key_at = self.options.clock.now();
            if slept {
                self.lock();
                self.state.last_key = Some(at);
                return Some(Ok(Flow::GoOn));
            }
        }
        if !self.state.lock.is_locked() {
            return None;
        }
        match event {
            Event::Key(key) if is_key => {
                self.state.last_key = Some(at);
                Some(self.update(|state, world| update::lock_key(state, world, *key)))
            }
            Event::Paste(text) => {
                self.state.last_key = Some(at);
                update::lock_pasted(&mut self.state, text);
                self.want(Wanted::Answer);
                Some(Ok(Flow::GoOn))
            }
            Event::Mouse(_) => Some(Ok(Flow::GoOn)),
            Event::Key(_) | Event::Resize(..) | Event::FocusGained | Event::FocusLost => None,
        }
    }

    /// By either clock: the one that is never set may stand still while the computer sleeps.
    fn slept_too_long(&self, at: Uptime) -> bool {
        let lock = &self.state.lock;
        let Some(after) = lock.after.filter(|_| !lock.is_locked()) else { return false };
        let by_wall = self.options.clock.now() - self.last_key_at;
        let is_over = |after: TimeDelta| by_wall >= after;
        lock.falls_at(self.state.last_key).is_some_and(|falls| falls <= at)
            || TimeDelta::from_std(after).is_ok_and(is_over)
    }

    pub(super) fn unlock(&mut self, password: Hidden, code: Hidden) {
        let keyhole = self.options.lock.as_ref().map(|lock| lock.keyhole.clone());
        self.spawn(async move {
            Reply::Unlocked(match keyhole {
                Some(keyhole) => keyhole.unlock(password.reveal(), code.reveal()).await,
                None => Unlocking::Refused(ClientError {
                    message: "nothing here can open it".to_owned(),
                    hint: String::new(),
                }),
            })
        });
    }
}
