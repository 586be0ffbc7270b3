//! What the loop draws on: the real terminal, or a buffer in tests.

use std::io;
use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::layout::Position;

use crate::console::render;
use crate::console::state::{Mouse, Size};
use crate::console::terminal::{Guard, Input, Listener, Modes, Painter, Signals, TerminalError, Writer};
use crate::console::theme::Theme;
use crate::console::view::frame::Picture;

/// When a frame has reached the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is there: nothing had to be written, or writing is immediate.
    Flushed,
    /// `Told::Flushed` with its number will follow.
    OnItsWay,
}

/// Where frames go.
pub trait Surface {
    fn size(&self) -> Size;
    fn resize(&mut self, size: Size);
    fn paint(&mut self, number: u64, picture: &Picture, theme: &Theme) -> io::Result<Sent>;
    /// Everything is to be painted again: somebody else wrote to the terminal.
    fn forget(&mut self) -> io::Result<()>;
    /// Bytes that are no picture: a bell, a copy. Constant or encoded, never an outsider's text.
    fn send(&mut self, bytes: Vec<u8>);
    fn set_mouse(&mut self, mouse: Mouse) -> io::Result<()>;
    /// Gives the terminal to somebody else, and takes it back.
    fn leave(&mut self);
    fn enter(&mut self) -> io::Result<()>;
    fn suspend(&mut self) -> io::Result<()>;
}

/// The real terminal.
pub struct Tty {
    terminal: Terminal<Painter>,
    writer: Writer,
    guard: Guard,
    /// `None` while somebody else has the keys.
    input: Option<Input>,
    listener: Arc<dyn Listener>,
    _signals: Signals,
}

impl Tty {
    /// Takes the terminal, which tells `listener` what comes from it. Must be called within a runtime.
    pub fn take(mouse: Mouse, listener: Arc<dyn Listener>) -> Result<Self, TerminalError> {
        let guard = Guard::take(modes(mouse), Arc::clone(&listener))?;
        let (width, height) = crossterm::terminal::size()?;
        Ok(Self {
            terminal: Terminal::new(Painter::new(width, height))?,
            writer: Writer::start(Arc::clone(&listener))?,
            guard,
            input: Some(Input::start(Arc::clone(&listener))?),
            _signals: Signals::start(Arc::clone(&listener))?,
            listener,
        })
    }
}

/// Paints a picture with any backend.
pub fn draw<B: Backend>(terminal: &mut Terminal<B>, picture: &Picture, theme: &Theme) -> Result<(), B::Error> {
    terminal.draw(|frame| {
        let area = frame.area();
        render::paint(&picture.rows, theme, area, frame.buffer_mut());
        if let Some((x, y)) = picture.cursor.filter(|(x, y)| *x < area.width && *y < area.height) {
            frame.set_cursor_position(Position { x, y });
        }
    })?;
    Ok(())
}

impl Surface for Tty {
    fn size(&self) -> Size {
        let (width, height) = crossterm::terminal::size().unwrap_or((80, 24));
        Size { width, height }
    }

    fn resize(&mut self, size: Size) {
        self.terminal.backend_mut().set_size(size.width, size.height);
    }

    fn paint(&mut self, number: u64, picture: &Picture, theme: &Theme) -> io::Result<Sent> {
        draw(&mut self.terminal, picture, theme)?;
        let bytes = self.terminal.backend_mut().take();
        if bytes.is_empty() {
            return Ok(Sent::Flushed);
        }
        self.writer.send(number, bytes);
        Ok(Sent::OnItsWay)
    }

    fn forget(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().forget();
        self.terminal.clear()
    }

    fn send(&mut self, bytes: Vec<u8>) {
        // Frame numbers begin at 1, so nothing waits for this one.
        self.writer.send(0, bytes);
    }

    fn set_mouse(&mut self, mouse: Mouse) -> io::Result<()> {
        self.writer.wait();
        self.guard.set_modes(modes(mouse))
    }

    fn leave(&mut self) {
        self.input = None;
        self.writer.wait();
        self.guard.leave();
    }

    fn enter(&mut self) -> io::Result<()> {
        self.guard.enter()?;
        if self.input.is_none() {
            self.input = Some(Input::start(Arc::clone(&self.listener))?);
        }
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.writer.wait();
        self.guard.suspend()
    }
}

impl Drop for Tty {
    /// Frames on their way come before the terminal is given back; `Guard` does that, dropped after this.
    fn drop(&mut self) {
        self.writer.wait();
        tracing::debug!(bytes = self.writer.written(), "the console wrote to the terminal");
    }
}

fn modes(mouse: Mouse) -> Modes {
    match mouse {
        Mouse::Terminal => Modes::Keys,
        Mouse::Console => Modes::KeysAndMouse,
    }
}
