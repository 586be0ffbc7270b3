//! A surface that keeps the bytes a terminal would get, frame by frame, and when.

use std::io;
use std::time::Duration;

use ratatui::Terminal;
use tokio::time::Instant;

use crate::console::app::{Sent, Surface, draw};
use crate::console::state::{Mouse, Size};
use crate::console::terminal::Painter;
use crate::console::theme::Theme;
use crate::console::view::frame::Picture;

/// What was painted at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub at: Duration,
    /// As the painter wrote it.
    pub bytes: Vec<u8>,
}

/// Frames in order.
pub struct Film {
    terminal: Terminal<Painter>,
    size: Size,
    began: Instant,
    pub frames: Vec<Frame>,
}

impl Film {
    pub fn new(size: Size) -> io::Result<Self> {
        let terminal = Terminal::new(Painter::new(size.width, size.height))?;
        Ok(Self { terminal, size, began: Instant::now(), frames: Vec::new() })
    }
}

impl Surface for Film {
    fn size(&self) -> Size {
        self.size
    }

    fn resize(&mut self, size: Size) {
        self.size = size;
        self.terminal.backend_mut().set_size(size.width, size.height);
    }

    fn paint(&mut self, _: u64, picture: &Picture, theme: &Theme) -> io::Result<Sent> {
        draw(&mut self.terminal, picture, theme)?;
        let bytes = self.terminal.backend_mut().take();
        if !bytes.is_empty() {
            self.frames.push(Frame { at: self.began.elapsed(), bytes });
        }
        Ok(Sent::Flushed)
    }

    fn forget(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().forget();
        self.terminal.clear()
    }

    /// A bell or a copy is for somebody who sits there.
    fn send(&mut self, _: Vec<u8>) {}

    fn set_mouse(&mut self, _: Mouse) -> io::Result<()> {
        Ok(())
    }

    fn leave(&mut self) {}

    fn enter(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }
}
