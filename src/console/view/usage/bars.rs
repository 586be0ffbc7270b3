//! What each of the last days cost, as bars.

use chrono::{Days, NaiveDate};

use super::context::UsageContext;
use crate::console::role::Role;
use crate::console::view::text::{Align, Row};
use crate::domain::Usd;
use crate::kinds::first_called;

/// Most days that have a bar.
const MOST_DAYS: usize = 90;
/// Fewest, where nothing is known of earlier ones.
const FEWEST_DAYS: usize = 14;
/// Columns of the amounts beside them.
const AMOUNT: usize = 9;
/// Columns of the widest bar, with the blank behind it.
const WIDEST: usize = 4;

const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub fn lay(context: &UsageContext<'_>, rows: &mut Vec<Row>) {
    let today = context.now.date_naive();
    let room = context.width().saturating_sub(AMOUNT + 2);
    let first = first_called(&context.snapshot.spend).unwrap_or(today);
    let known = usize::try_from((today - first).num_days() + 1).unwrap_or(1);
    let count = known.clamp(FEWEST_DAYS, MOST_DAYS).min(room).max(1);
    let column = (room / count).clamp(1, WIDEST);
    let day = |ago: usize| today.checked_sub_days(Days::new(ago as u64)).unwrap_or(today);
    let cost = |day: NaiveDate| context.snapshot.spend.get(&day).map_or(Usd::ZERO, |spend| spend.cost());
    let amounts: Vec<_> = (0..count).rev().map(|ago| cost(day(ago)).0).collect();
    let most = amounts.iter().copied().max().unwrap_or(0);
    if most <= 0 {
        rows.push(Row::of(
            Role::Dim,
            " The price of what was called in these days is not known, so no bars are shown.",
        ));
        return;
    }
    let height = if context.size.height >= 40 { 8 } else { 4 };
    for (place, line) in bars(&amounts, height, column).into_iter().enumerate() {
        let amount = if place == 0 { Usd(most).display() } else { String::new() };
        let mut row = Row::new();
        row.push_cell(Role::Dim, amount, AMOUNT, Align::Right);
        rows.push(row.with(Role::Rule, "│").with(Role::Money, line));
    }
    rows.push(dates(day(count - 1), count * column));
}

/// Lines of bars from top to bottom, the largest amount as high as all of them; only nothing has no height.
fn bars(amounts: &[i64], height: usize, column: usize) -> Vec<String> {
    let most = amounts.iter().copied().max().unwrap_or(0).max(1);
    let eighths = |amount: i64| match amount {
        ..=0 => 0,
        some => (i128::from(some) * (height as i128 * 8) / i128::from(most)).max(1) as usize,
    };
    let cell = |amount: i64, line: usize| {
        let filled = eighths(amount).saturating_sub((height - 1 - line) * 8).min(8);
        let sign = EIGHTHS[filled].to_string();
        format!("{}{}", sign.repeat((column - 1).max(1)), " ".repeat(usize::from(column > 1)))
    };
    (0..height).map(|line| amounts.iter().map(|amount| cell(*amount, line)).collect()).collect()
}

/// `Sep 02 …  today`, below the first and the last bar.
fn dates(first: NaiveDate, columns: usize) -> Row {
    let first = first.format("%b %d").to_string();
    let mut row = Row::new();
    row.blank(AMOUNT);
    row.push(Role::Rule, "└");
    let gap = columns.saturating_sub(first.len() + "today".len());
    row.push(Role::Dim, first);
    row.blank(gap);
    row.with(Role::Dim, "today")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_as_high_as_all_lines_and_only_nothing_has_no_height() {
        assert_eq!(bars(&[0, 1, 50, 100], 2, 1), ["   █", " ▁██"]);
        assert_eq!(bars(&[25, 100], 1, 3), ["▂▂ ██ "]);
        assert_eq!(bars(&[i64::MAX, 1], 1, 1), ["█▁"]);
    }
}
