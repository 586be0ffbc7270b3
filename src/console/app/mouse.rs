//! The mouse, where a person turned it on: selects rows, scrolls, changes screens. It never decides.

use std::io;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::pace::Wanted;
use super::{App, Flow, Surface};
use crate::console::intent::Intent;
use crate::console::state::Screen;

/// Rows a wheel moves by.
const NOTCH: isize = 3;

impl<S: Surface> App<S> {
    pub(super) fn take_mouse(&mut self, mouse: MouseEvent) -> io::Result<Flow> {
        match mouse.kind {
            MouseEventKind::ScrollDown => self.state.pane_mut().wheel(NOTCH),
            MouseEventKind::ScrollUp => self.state.pane_mut().wheel(-NOTCH),
            MouseEventKind::Down(MouseButton::Left) => return self.click(mouse.column.into(), mouse.row.into()),
            _ => return Ok(Flow::GoOn),
        }
        self.want(Wanted::Answer);
        Ok(Flow::GoOn)
    }

    fn click(&mut self, column: usize, row: usize) -> io::Result<Flow> {
        if self.state.sheet.is_some() {
            return Ok(Flow::GoOn);
        }
        if row == 0
            && let Some((_, screen)) = self.picture.tabs.iter().find(|(columns, _)| columns.contains(&column))
        {
            let intent = match screen {
                Screen::Overview => Intent::ShowOverview,
                Screen::Runs => Intent::ShowRuns,
                Screen::Approvals => Intent::ShowApprovals,
                Screen::Log => Intent::ShowLog,
                Screen::Incidents => Intent::ShowIncidents,
                Screen::Usage => Intent::ShowUsage,
                Screen::Billing => Intent::ShowBilling,
            };
            return self.intend(intent, self.uptime());
        }
        if self.picture.body.contains(&row) && self.state.review().is_none() {
            let place = self.picture.scroll + row - self.picture.body.start;
            let stops = &self.picture.laid.stops;
            if let Some((anchor, _)) = stops.iter().rfind(|(_, first)| *first <= place) {
                self.state.pane_mut().select(*anchor);
                self.want(Wanted::Answer);
            }
        }
        Ok(Flow::GoOn)
    }
}
