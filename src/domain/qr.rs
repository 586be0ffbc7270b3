//! A text as a QR code of half blocks, for a phone to read off a terminal.

use qrcode::{EcLevel, QrCode};

/// Light cells around the code, without which phones do not find it.
const QUIET: usize = 2;

/// Lines of a code that is dark on light, whatever colours the terminal has: every cell is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QrLines {
    pub lines: Vec<String>,
    pub columns: usize,
}

impl QrLines {
    /// `None` where the text is too long for any code.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let (width, colors) = (code.width(), code.to_colors());
        let columns = width + 2 * QUIET;
        let is_light = |row: usize, column: usize| {
            let inside = |place: usize| place.checked_sub(QUIET).filter(|place| *place < width);
            match (inside(row), inside(column)) {
                (Some(row), Some(column)) => colors[row * width + column] == qrcode::Color::Light,
                _ => true,
            }
        };
        let sign = |row: usize, column: usize| match (is_light(row, column), is_light(row + 1, column)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        let line = |row: usize| (0..columns).map(|column| sign(row, column)).collect();
        Some(Self { lines: (0..columns).step_by(2).map(line).collect(), columns })
    }

    /// Whether it has room in a terminal of this size, with some lines for words.
    pub fn fits(&self, columns: usize, rows: usize) -> bool {
        self.columns <= columns && self.lines.len() <= rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_link_fits_a_small_terminal_and_a_long_one_says_so() {
        let short = QrLines::of("https://billing.stripe.com/p/session/test_YWNjdF8xUGdhZnlCN1daMDF6Z2tX").unwrap();
        assert!(short.fits(80, 22), "{} × {}", short.columns, short.lines.len());
        assert!(short.lines.iter().all(|line| line.chars().count() == short.columns));
        let long = QrLines::of(&format!("https://checkout.stripe.com/c/pay/{}", "a".repeat(500))).unwrap();
        assert!(!long.fits(80, 22) && long.fits(200, 50), "{} × {}", long.columns, long.lines.len());
        assert_eq!(QrLines::of(&"a".repeat(5000)), None);
    }

    /// Read back from the signs: the three marks in the corners are where a phone looks for them.
    #[test]
    fn the_marks_in_the_corners_are_there() {
        let code = QrLines::of("https://example.com").unwrap();
        let is_dark = |row: usize, column: usize| {
            let sign = code.lines[row / 2].chars().nth(column).unwrap();
            if row.is_multiple_of(2) { matches!(sign, '▄' | ' ') } else { matches!(sign, '▀' | ' ') }
        };
        let far = code.columns - QUIET - 7;
        for (row, column) in [(QUIET, QUIET), (QUIET, far), (far, QUIET)] {
            let ring: Vec<_> = (0..7).map(|step| is_dark(row, column + step)).collect();
            assert_eq!(ring, [true; 7]);
            assert!(!is_dark(row + 1, column + 1) && is_dark(row + 3, column + 3));
        }
        assert!((0..code.columns).all(|column| !is_dark(0, column)));
    }
}
