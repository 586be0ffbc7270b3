//! Finds what only moved: a stretch of rows that the terminal can move itself for a few bytes.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::grid::{Grid, Look};

/// Bytes it takes to move rows: setting and unsetting the margins, going there, the order itself.
const PRICE: isize = 28;
/// Bytes of a frame below which looking for what moved is not worth the time.
const SMALL: usize = 300;
/// Bytes to go to a run of cells and set its style.
const RUN: usize = 10;
/// Columns of a part of a row: short enough that a list and the preview beside it are told apart.
const PART: usize = 20;
/// Moves that are tried.
const LIKELY: usize = 4;

/// Rows from `top` to before `bottom` move by so many rows, up where it is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    pub top: usize,
    pub bottom: usize,
    pub by: isize,
}

/// The move after which the fewest bytes are left to write; `None` where none saves any.
pub fn find(shown: &Grid, wanted: &Grid) -> Option<Shift> {
    let in_place: Vec<_> = shown.rows().zip(wanted.rows()).map(|(row, wanted)| price_of(row, wanted)).collect();
    if in_place.iter().sum::<usize>() < SMALL {
        return None;
    }
    let likely = likely(shown, wanted, &in_place);
    if likely.is_empty() {
        return None;
    }
    // Rows that come in blank are written as a whole: the bytes that this costs more, for all rows before each.
    let mut blank = vec![0];
    for (wanted, in_place) in wanted.rows().zip(&in_place) {
        blank.push(blank[blank.len() - 1] + signed(blank_price(wanted)) - signed(*in_place));
    }
    let [shown, wanted] = [shown, wanted].map(|grid| grid.rows().map(marks).collect::<Vec<_>>());
    let moves = likely.into_iter();
    let best = moves.filter_map(|by| best_by(&shown, &wanted, &in_place, &blank, by)).max_by_key(|(saved, _)| *saved);
    best.filter(|(saved, _)| *saved > 0).map(|(_, shift)| shift)
}

/// The few moves by which most of what would have to be written comes to its place, judged by parts of rows.
fn likely(shown: &Grid, wanted: &Grid, in_place: &[usize]) -> Vec<isize> {
    let there: Vec<_> = shown.rows().map(parts).collect();
    let rows = wanted.rows().enumerate().zip(in_place).filter(|(_, in_place)| **in_place > 0);
    let mut found: BTreeMap<isize, usize> = BTreeMap::new();
    for ((to, row), _) in rows {
        let here = parts(row);
        for (from, there) in there.iter().enumerate().filter(|(from, _)| *from != to) {
            let same = here.iter().zip(there).filter(|(here, there)| here == there);
            let letters: usize = same.map(|((_, letters), _)| letters).sum();
            if letters > 0 {
                *found.entry(signed(from) - signed(to)).or_default() += letters;
            }
        }
    }
    let mut found: Vec<_> = found.into_iter().filter(|(_, letters)| signed(*letters) > PRICE).collect();
    found.sort_by_key(|(_, letters)| Reverse(*letters));
    found.into_iter().take(LIKELY).map(|(by, _)| by).collect()
}

/// Stretches of a row, each by a number that tells it from others, and how many of its cells are not blank.
fn parts(row: &[Look]) -> Vec<(u64, usize)> {
    let mark = |part: &[Look]| part.iter().fold(0, |all: u64, look| all.rotate_left(7) ^ look.mark);
    let letters = |part: &[Look]| part.iter().filter(|look| !look.is_erased()).count();
    row.chunks(PART).map(|part| (mark(part), letters(part))).collect()
}

/// The stretch of rows for which moving by just so many saves the most bytes.
fn best_by(
    shown: &[Vec<u64>],
    wanted: &[Vec<u64>],
    in_place: &[usize],
    blank: &[isize],
    by: isize,
) -> Option<(isize, Shift)> {
    let distance = by.unsigned_abs();
    let places = wanted.len().checked_sub(distance)?;
    let (mut best, mut saved, mut begin) = (None, 0, 0);
    for place in 0..places {
        // Moving up, a row comes from below; moving down, from above.
        let (from, to) = if by > 0 { (place + distance, place) } else { (place, place + distance) };
        // A row that costs more than all that was saved before it ends the stretch, however much more it is.
        let most = saved + signed(in_place[to]);
        saved = if most == 0 { 0 } else { most - signed(price_up_to(most, &shown[from], &wanted[to])) };
        if saved <= 0 {
            (saved, begin) = (0, place + 1);
            continue;
        }
        let shift = Shift { top: begin, bottom: place + distance + 1, by };
        let opened = if by > 0 { place + 1 } else { begin };
        let net = saved - (blank[opened + distance] - blank[opened]) - PRICE;
        if best.is_none_or(|(most, _)| net > most) {
            best = Some((net, shift));
        }
    }
    best
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

/// What tells the cells of a row from others, close together: they are compared many times.
fn marks(row: &[Look]) -> Vec<u64> {
    row.iter().map(|look| look.mark).collect()
}

/// About how many bytes make one row the other.
fn price_of(shown: &[Look], wanted: &[Look]) -> usize {
    runs(usize::MAX, shown.iter().zip(wanted).map(|(one, other)| one.mark != other.mark))
}

/// The same, counted no further than to `most`.
fn price_up_to(most: isize, shown: &[u64], wanted: &[u64]) -> usize {
    if shown == wanted {
        return 0;
    }
    runs(most.unsigned_abs(), shown.iter().zip(wanted).map(|(one, other)| one != other))
}

fn blank_price(wanted: &[Look]) -> usize {
    runs(usize::MAX, wanted.iter().map(|look| !look.is_erased()))
}

fn runs(most: usize, differs: impl Iterator<Item = bool>) -> usize {
    let (mut bytes, mut since) = (0, usize::MAX);
    for differs in differs {
        if bytes >= most {
            return bytes;
        }
        since = if differs { 0 } else { since.saturating_add(1) };
        bytes += match (differs, since) {
            (true, _) => 1,
            // A run has ended where a few cells stay the same.
            (false, 4) => RUN,
            (false, _) => 0,
        };
    }
    bytes + if since < 4 { RUN } else { 0 }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Cell;

    use super::*;

    fn grid(rows: &[String]) -> Grid {
        let mut grid = Grid::cleared(40, rows.len() as u16);
        for (y, row) in rows.iter().enumerate() {
            for (x, letter) in row.char_indices() {
                let mut cell = Cell::EMPTY;
                cell.set_char(letter);
                grid.set(x as u16, y as u16, &cell);
            }
        }
        grid
    }

    fn page(from: usize) -> Vec<String> {
        let lines = (from..from + 12).map(|line| format!("{} line {line}", "x".repeat(line * 7 % 25)));
        std::iter::once("a head".to_owned()).chain(lines).chain(["a foot".to_owned()]).collect()
    }

    #[test]
    fn a_page_that_scrolls_is_moved_between_what_stays() {
        assert_eq!(find(&grid(&page(1)), &grid(&page(3))), Some(Shift { top: 1, bottom: 13, by: 2 }));
        assert_eq!(find(&grid(&page(3)), &grid(&page(1))), Some(Shift { top: 1, bottom: 13, by: -2 }));
    }

    #[test]
    fn what_did_not_move_is_left_alone() {
        assert_eq!(find(&grid(&page(1)), &grid(&page(1))), None);
        let other: Vec<_> = (0..14).map(|row| format!("{row} something quite different stands here")).collect();
        assert_eq!(find(&grid(&page(1)), &grid(&other)), None);
    }
}
