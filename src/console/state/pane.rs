//! A scrolling page with a cursor that rests on anchors. Knows where rows are, not what they say.

use crate::console::anchor::Anchor;

/// Where a page was laid out the last time it was composed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Laid {
    /// Rows of the whole page.
    pub rows: usize,
    /// Rows of it that fit on the screen.
    pub height: usize,
    /// Each anchor with its first row, from top to bottom.
    pub stops: Vec<(Anchor, usize)>,
}

/// What stays on the screen while the page changes around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hold {
    /// The row under the cursor.
    #[default]
    Cursor,
    /// The first row shown.
    Scroll,
    /// The last row of the page, however long it grows.
    End,
}

/// How far to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Down,
    Up,
    HalfDown,
    HalfUp,
    PageDown,
    PageUp,
    Top,
    Bottom,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pane {
    pub cursor: Option<Anchor>,
    pub scroll: usize,
    pub hold: Hold,
    pub laid: Laid,
    /// Place of the cursor among the stops, for when what it rested on is gone.
    place: usize,
}

impl Laid {
    fn furthest(&self) -> usize {
        self.rows.saturating_sub(self.height)
    }

    fn row_of(&self, anchor: Anchor) -> Option<usize> {
        self.stops.iter().rfind(|(stop, _)| *stop == anchor).map(|(_, row)| *row)
    }
}

impl Pane {
    /// A pane that stays at the end of a growing page.
    pub fn following() -> Self {
        Self { hold: Hold::End, ..Self::default() }
    }

    /// What the cursor rests on now, given where things are.
    pub fn selected(&self, laid: &Laid) -> Option<Anchor> {
        match self.cursor {
            // It goes along: a key would otherwise act on something far above, and end the following.
            _ if self.hold == Hold::End => laid.stops.last().map(|(anchor, _)| *anchor),
            Some(cursor) if laid.row_of(cursor).is_some() => Some(cursor),
            _ => laid.stops.get(self.place.min(laid.stops.len().saturating_sub(1))).map(|(anchor, _)| *anchor),
        }
    }

    /// The first row to show, given where things are.
    pub fn first_row(&self, laid: &Laid) -> usize {
        let scroll = self.scroll.min(laid.furthest());
        match self.hold {
            Hold::Scroll => scroll,
            Hold::End => laid.furthest(),
            Hold::Cursor => match self.selected(laid).and_then(|anchor| laid.row_of(anchor)) {
                Some(row) if laid.stops.first().is_some_and(|(_, first)| *first == row) && row < laid.height => 0,
                Some(row) if row < scroll => row,
                Some(row) if row >= scroll + laid.height => (row + 1).saturating_sub(laid.height),
                Some(_) | None => scroll,
            },
        }
    }

    /// Remembers how the page was composed.
    pub fn settle(&mut self, laid: Laid) {
        self.scroll = self.first_row(&laid);
        self.cursor = self.selected(&laid);
        if let Some(place) = laid.stops.iter().rposition(|(anchor, _)| Some(*anchor) == self.cursor) {
            self.place = place;
        }
        self.laid = laid;
    }

    /// Puts the cursor on `anchor` and shows it.
    pub fn select(&mut self, anchor: Anchor) {
        self.cursor = Some(anchor);
        self.hold = Hold::Cursor;
    }

    /// Puts the cursor on `anchor`, and what grows below it into sight.
    pub fn bring_up(&mut self, anchor: Anchor) {
        self.select(anchor);
        let row = self.laid.row_of(anchor).unwrap_or(self.scroll);
        if row > self.scroll + self.laid.height / 3 {
            self.scroll = row.saturating_sub(self.laid.height / 3);
            self.hold = Hold::Scroll;
        }
    }

    pub fn step(&mut self, step: Step) {
        let page = self.laid.height.max(1);
        match step {
            Step::Down => self.down(),
            Step::Up => self.up(),
            Step::HalfDown => self.jump(self.scroll + page.div_ceil(2)),
            Step::HalfUp => self.jump(self.scroll.saturating_sub(page.div_ceil(2))),
            Step::PageDown => self.jump(self.scroll + (page - 1).max(1)),
            Step::PageUp => self.jump(self.scroll.saturating_sub((page - 1).max(1))),
            Step::Top => {
                self.cursor = self.laid.stops.first().map(|(anchor, _)| *anchor);
                self.place = 0;
                self.scroll = 0;
                self.hold = Hold::Scroll;
            }
            Step::Bottom => {
                self.cursor = self.laid.stops.last().map(|(anchor, _)| *anchor);
                self.scroll = self.laid.furthest();
                self.hold = Hold::End;
            }
        }
    }

    /// Scrolls without moving the cursor, as a wheel does.
    pub fn wheel(&mut self, rows: isize) {
        self.scroll = self.scroll.saturating_add_signed(rows).min(self.laid.furthest());
        self.hold = Hold::Scroll;
    }

    /// To the next stop when it is on the screen, else a row further: nothing between is skipped unseen.
    fn down(&mut self) {
        let here = self.row();
        let next = self.laid.stops.iter().find(|(_, row)| here.is_none_or(|here| *row > here)).copied();
        if self.scroll < self.laid.furthest() && next.is_none_or(|(_, row)| row >= self.scroll + self.laid.height) {
            self.scroll += 1;
            self.hold = Hold::Scroll;
        }
        let last_row = self.scroll + self.laid.height;
        match next {
            Some((anchor, row)) if row < last_row => self.select(anchor),
            _ => {}
        }
    }

    fn up(&mut self) {
        let here = self.row();
        let previous = self.laid.stops.iter().rfind(|(_, row)| here.is_some_and(|here| *row < here)).copied();
        if self.scroll > 0 && previous.is_none_or(|(_, row)| row < self.scroll) {
            self.scroll -= 1;
            self.hold = Hold::Scroll;
        } else if self.hold == Hold::End {
            self.hold = Hold::Scroll;
        }
        match previous {
            Some((anchor, row)) if row >= self.scroll => self.select(anchor),
            _ => {}
        }
    }

    fn jump(&mut self, scroll: usize) {
        let goes_down = scroll > self.scroll;
        let stuck = scroll.min(self.laid.furthest()) == self.scroll;
        self.scroll = scroll.min(self.laid.furthest());
        self.hold = if goes_down && stuck { self.hold } else { Hold::Scroll };
        let end = self.scroll + self.laid.height;
        let on_screen = |row: usize| row >= self.scroll && row < end;
        let stops = &self.laid.stops;
        let wanted = match (stuck, goes_down) {
            (true, true) => stops.last(),
            (true, false) => stops.first(),
            (false, _) if self.row().is_some_and(on_screen) => return,
            (false, true) => stops.iter().find(|(_, row)| on_screen(*row)),
            (false, false) => stops.iter().rfind(|(_, row)| on_screen(*row)),
        };
        if let Some((anchor, _)) = wanted {
            self.cursor = Some(*anchor);
        }
    }

    fn row(&self) -> Option<usize> {
        self.cursor.and_then(|cursor| self.laid.row_of(cursor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(count: usize, height: usize) -> Laid {
        Laid { rows: count, height, stops: (0..count).map(|at| (Anchor::Entry(at), at)).collect() }
    }

    fn pane(laid: Laid) -> Pane {
        let mut pane = Pane::default();
        pane.settle(laid);
        pane
    }

    #[test]
    fn the_cursor_walks_and_the_list_scrolls_with_it() {
        let mut pane = pane(list(10, 3));
        for _ in 0..4 {
            pane.step(Step::Down);
            pane.settle(list(10, 3));
        }
        assert_eq!((pane.cursor, pane.scroll), (Some(Anchor::Entry(4)), 2));
        for _ in 0..3 {
            pane.step(Step::Up);
            pane.settle(list(10, 3));
        }
        assert_eq!((pane.cursor, pane.scroll), (Some(Anchor::Entry(1)), 1));
    }

    #[test]
    fn a_long_entry_is_read_row_by_row_before_the_next() {
        let laid = Laid { rows: 30, height: 5, stops: vec![(Anchor::Entry(0), 0), (Anchor::Entry(1), 20)] };
        let mut pane = pane(laid.clone());
        pane.step(Step::Down);
        pane.settle(laid.clone());
        assert_eq!((pane.cursor, pane.scroll), (Some(Anchor::Entry(0)), 1));
        for _ in 0..15 {
            pane.step(Step::Down);
            pane.settle(laid.clone());
        }
        assert_eq!((pane.cursor, pane.scroll), (Some(Anchor::Entry(1)), 16));
    }

    #[test]
    fn the_end_is_followed_until_one_looks_up() {
        let mut pane = Pane::following();
        pane.settle(list(10, 4));
        pane.settle(list(20, 4));
        assert_eq!((pane.scroll, pane.cursor), (16, Some(Anchor::Entry(19))));
        pane.step(Step::Down);
        pane.settle(list(22, 4));
        assert_eq!((pane.scroll, pane.hold), (18, Hold::End));
        pane.step(Step::Up);
        pane.settle(list(22, 4));
        pane.settle(list(30, 4));
        assert!(pane.scroll <= 18, "{}", pane.scroll);
        pane.step(Step::Bottom);
        pane.settle(list(40, 4));
        assert_eq!((pane.scroll, pane.hold), (36, Hold::End));
    }

    #[test]
    fn what_is_unfolded_at_the_bottom_comes_into_sight() {
        let mut pane = Pane::following();
        pane.settle(list(20, 6));
        pane.bring_up(Anchor::Entry(19));
        let unfolded = Laid { rows: 30, ..list(20, 6) };
        pane.settle(unfolded);
        assert_eq!((pane.cursor, pane.scroll), (Some(Anchor::Entry(19)), 17));
    }

    #[test]
    fn when_what_it_rested_on_is_gone_the_cursor_stays_in_place() {
        let mut pane = pane(list(5, 5));
        pane.step(Step::Down);
        pane.settle(list(5, 5));
        let mut without = list(5, 5);
        without.stops.remove(1);
        pane.settle(without);
        assert_eq!(pane.cursor, Some(Anchor::Entry(2)));
    }

    #[test]
    fn pages_reach_both_ends() {
        let mut pane = pane(list(25, 10));
        for step in [Step::PageDown, Step::PageDown, Step::PageDown] {
            pane.step(step);
            pane.settle(list(25, 10));
        }
        assert_eq!((pane.cursor, pane.scroll), (Some(Anchor::Entry(24)), 15));
        for step in [Step::HalfUp, Step::PageUp, Step::PageUp, Step::PageUp] {
            pane.step(step);
            pane.settle(list(25, 10));
        }
        assert_eq!((pane.cursor, pane.scroll), (Some(Anchor::Entry(0)), 0));
    }

    #[test]
    fn a_page_without_stops_just_scrolls() {
        let laid = Laid { rows: 9, height: 4, stops: Vec::new() };
        let mut pane = pane(laid.clone());
        for _ in 0..20 {
            pane.step(Step::Down);
            pane.settle(laid.clone());
        }
        assert_eq!(pane.scroll, 5);
        pane.step(Step::Top);
        assert_eq!(pane.scroll, 0);
    }
}
