//! Turns changed cells into bytes. Writes nothing itself, and nothing at all when nothing changed.

use std::io;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use super::bridge::{Blank, Bridge};

/// Bytes on their way, shared between the backend that fills them and the painter that takes them.
#[derive(Clone, Debug, Default)]
struct Bytes(Arc<Mutex<Vec<u8>>>);

impl Bytes {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        // Bytes have no invariant that a panic could have broken.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A ratatui backend whose output is taken frame by frame.
#[derive(Debug)]
pub struct Painter {
    inner: CrosstermBackend<Bytes>,
    bytes: Bytes,
    size: Size,
    cursor: Option<Position>,
    bridge: Bridge,
}

/// Begin and end of a synchronized update: a terminal that knows it shows the frame at once.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

impl Painter {
    pub fn new(width: u16, height: u16) -> Self {
        let bytes = Bytes::default();
        let inner = CrosstermBackend::new(bytes.clone());
        let mut painter = Self { inner, bytes, size: Size { width, height }, cursor: None, bridge: Bridge::default() };
        painter.bridge.clear(width, height);
        painter
    }

    pub fn set_size(&mut self, width: u16, height: u16) {
        self.size = Size { width, height };
    }

    /// Forgets where the cursor is: somebody else has written to the terminal.
    pub fn forget(&mut self) {
        self.cursor = None;
    }

    /// The bytes of the frame; empty when nothing changed.
    pub fn take(&mut self) -> Vec<u8> {
        let body = std::mem::take(&mut *self.bytes.lock());
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
        let strokes = self.bridge.join(content);
        if strokes.is_empty() {
            return Ok(());
        }
        // Leaves no style set, which is how blanks are to be erased.
        self.inner.draw(strokes.cells.iter().map(|(x, y, cell)| (*x, *y, cell)))?;
        for Blank { x, y, length } in strokes.blanks {
            self.inner.set_cursor_position(Position { x, y })?;
            write!(self.bytes, "\x1b[{length}X")?;
        }
        // Painting has moved the cursor; where it is shown, it must be put back.
        if let Some(position) = self.cursor {
            self.inner.set_cursor_position(position)?;
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        match self.cursor.take() {
            Some(_) => self.inner.hide_cursor(),
            None => Ok(()),
        }
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor.is_none() {
            self.inner.show_cursor()?;
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor != Some(position) {
            self.inner.set_cursor_position(position)?;
            self.cursor = Some(position);
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.bridge.clear(self.size.width, self.size.height);
        self.inner.clear()
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
