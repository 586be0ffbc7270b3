//! Turns changed cells into bytes. Writes nothing itself, and nothing at all when nothing changed.

use std::io;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use super::grid::Grid;
use super::strokes;

/// A ratatui backend whose output is taken frame by frame.
#[derive(Debug)]
pub struct Painter {
    bytes: String,
    size: Size,
    cursor: Option<Position>,
    /// What the terminal shows, as far as it was told since it was last cleared.
    shown: Grid,
    /// What it is to show; between frames, the same.
    wanted: Grid,
}

/// Begin and end of a synchronized update: a terminal that knows it shows the frame at once.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

impl Painter {
    pub fn new(width: u16, height: u16) -> Self {
        let shown = Grid::cleared(width, height);
        Self { bytes: String::new(), size: Size { width, height }, cursor: None, wanted: shown.clone(), shown }
    }

    pub fn set_size(&mut self, width: u16, height: u16) {
        self.size = Size { width, height };
    }

    /// Forgets where the cursor is: somebody else has written to the terminal.
    pub fn forget(&mut self) {
        self.cursor = None;
    }

    fn go(&mut self, position: Position) {
        self.bytes.push_str(&format!("\x1b[{};{}H", position.y + 1, position.x + 1));
    }

    /// The bytes of the frame; empty when nothing changed.
    pub fn take(&mut self) -> Vec<u8> {
        let body = std::mem::take(&mut self.bytes).into_bytes();
        if body.is_empty() {
            return body;
        }
        let mut frame = Vec::with_capacity(body.len() + BEGIN.len() + END.len());
        frame.extend_from_slice(BEGIN);
        frame.extend_from_slice(&body);
        frame.extend_from_slice(END);
        frame
    }
}

impl Backend for Painter {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        content.for_each(|(x, y, cell)| self.wanted.set(x, y, cell));
        let bytes = strokes::bytes(&mut self.shown, &self.wanted);
        if bytes.is_empty() {
            return Ok(());
        }
        self.bytes.push_str(&bytes);
        // Painting has moved the cursor; where it is shown, it must be put back.
        if let Some(position) = self.cursor {
            self.go(position);
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor.take().is_some() {
            self.bytes.push_str("\x1b[?25l");
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor.is_none() {
            self.bytes.push_str("\x1b[?25h");
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor != Some(position) {
            self.go(position);
            self.cursor = Some(position);
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.shown = Grid::cleared(self.size.width, self.size.height);
        self.wanted = self.shown.clone();
        self.bytes.push_str("\x1b[2J");
        Ok(())
    }

    /// Of regions, only all is ever asked for; anything else would leave us not knowing what is shown.
    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        match region {
            ClearType::All => self.clear(),
            ClearType::AfterCursor | ClearType::BeforeCursor | ClearType::CurrentLine | ClearType::UntilNewLine => {
                Err(io::Error::from(io::ErrorKind::Unsupported))
            }
        }
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;

    use super::*;

    #[test]
    fn an_unchanged_frame_is_no_bytes_at_all() {
        let mut terminal = Terminal::new(Painter::new(20, 3)).unwrap();
        let draw = |terminal: &mut Terminal<Painter>| {
            terminal.draw(|frame| frame.render_widget("hello", frame.area())).unwrap();
            terminal.backend_mut().take()
        };
        let first = draw(&mut terminal);
        assert!(first.starts_with(BEGIN) && first.ends_with(END));
        assert_eq!(draw(&mut terminal), b"");
    }

    #[test]
    fn a_shown_cursor_is_put_back_behind_what_was_painted() {
        let mut terminal = Terminal::new(Painter::new(20, 3)).unwrap();
        for text in ["a", "b"] {
            let cursor = Position { x: 5, y: 1 };
            terminal
                .draw(|frame| {
                    frame.render_widget(text, frame.area());
                    frame.set_cursor_position(cursor);
                })
                .unwrap();
            let bytes = terminal.backend_mut().take();
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.trim_end_matches("\x1b[?2026l").ends_with("\x1b[2;6H"), "{text:?}");
        }
    }
}
