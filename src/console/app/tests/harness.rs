//! A console on a buffer: press keys, let time pass, look at the screen.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Cell;
use ratatui::style::Style;
use tokio::time::Instant;

use super::fake::{Fake, FakeLauncher, StoryClock};
use crate::console::app::{App, Bell, ConsoleOptions, End, Flow, IdleLock, Sent, Surface, Wakes, draw};
use crate::console::keymap::Keymap;
use crate::console::state::{Mouse, Size, State};
use crate::console::terminal::{Listener, Painter, Told};
use crate::console::theme::{Depth, Theme};
use crate::console::view::fixtures::{Story, ana};
use crate::console::view::frame::Picture;

/// A surface that keeps what it was given.
pub struct Screen {
    pub terminal: Terminal<TestBackend>,
    pub bytes: Vec<Vec<u8>>,
    pub frames: usize,
    pub held: bool,
    /// The same as bytes on a line to a terminal, where somebody counts them: how many each frame took.
    pub line: Option<Terminal<Painter>>,
    pub sent: Vec<usize>,
}

impl Surface for Screen {
    fn size(&self) -> Size {
        let area = self.terminal.backend().buffer().area;
        Size { width: area.width, height: area.height }
    }

    fn resize(&mut self, size: Size) {
        self.terminal.backend_mut().resize(size.width, size.height);
    }

    fn paint(&mut self, _: u64, picture: &Picture, theme: &Theme) -> io::Result<Sent> {
        let Ok(()) = draw(&mut self.terminal, picture, theme);
        self.frames += 1;
        if let Some(line) = &mut self.line {
            draw(line, picture, theme)?;
            self.sent.push(line.backend_mut().take().len());
        }
        Ok(Sent::Flushed)
    }

    fn forget(&mut self) -> io::Result<()> {
        let Ok(()) = self.terminal.clear();
        Ok(())
    }

    fn send(&mut self, bytes: Vec<u8>) {
        self.bytes.push(bytes);
    }

    fn set_mouse(&mut self, _: Mouse) -> io::Result<()> {
        Ok(())
    }

    fn leave(&mut self) {
        self.held = false;
    }

    fn enter(&mut self) -> io::Result<()> {
        self.held = true;
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub struct Harness {
    pub app: App<Screen>,
    pub fake: Arc<Fake>,
    pub launcher: Arc<FakeLauncher>,
    listener: Arc<dyn Listener>,
    pub ended: Option<End>,
}

impl Harness {
    pub async fn new(story: Story, width: u16, height: u16) -> Self {
        Self::over(Fake::new(story), width, height).await
    }

    pub async fn over(fake: Fake, width: u16, height: u16) -> Self {
        Self::locking(fake, width, height, None).await
    }

    /// A console that locks itself, if it does.
    pub async fn locking(fake: Fake, width: u16, height: u16, lock: Option<IdleLock>) -> Self {
        let now = fake.story.lock().unwrap().now();
        let fake = Arc::new(fake);
        let launcher = Arc::new(FakeLauncher::default());
        let directory = std::env::temp_dir();
        let options = ConsoleOptions {
            person: ana(),
            launcher: launcher.clone(),
            clock: Arc::new(StoryClock(now)),
            lock,
            keymap: Keymap::builtin().unwrap(),
            themes: Theme::all_builtin(),
            depth: Depth::True,
            mouse: Mouse::Terminal,
            bell: Bell::Rings,
            editor: vec!["true".to_owned()],
            copy_file: directory.join("copy.txt"),
            term: "xterm-256color".to_owned(),
        };
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let screen = Screen { terminal, bytes: Vec::new(), frames: 0, held: true, line: None, sent: Vec::new() };
        let wakes = Wakes::default();
        let listener = wakes.listener();
        let app = App::new(fake.clone(), options, screen, wakes);
        let mut harness = Self { app, fake, launcher, listener, ended: None };
        harness.app.begin().unwrap();
        harness.settle().await;
        harness
    }

    /// Until nothing is under way any more.
    pub async fn settle(&mut self) {
        while self.ended.is_none() && !self.app.is_idle() {
            if let Flow::End(end) = self.app.step().await.unwrap() {
                self.ended = Some(end);
            }
        }
    }

    /// Lets time pass, and then whatever is under way come to its end.
    pub async fn wait(&mut self, milliseconds: u64) {
        self.pass(milliseconds).await;
        self.settle().await;
    }

    /// Lets exactly this much time pass.
    pub async fn pass(&mut self, milliseconds: u64) {
        let until = Instant::now() + Duration::from_millis(milliseconds);
        while self.ended.is_none() {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(until) => break,
                flow = self.app.step() => {
                    if let Flow::End(end) = flow.unwrap() {
                        self.ended = Some(end);
                    }
                }
            }
        }
    }

    pub fn tell(&self, event: Event) {
        self.listener.tell(Told::Event(event, Instant::now().into_std()));
    }

    /// Chords separated by blanks, each pressed by itself, as a person does.
    pub async fn press(&mut self, chords: &str) {
        for chord in chords.split(' ') {
            self.wait(100).await;
            self.tell(Event::Key(key(chord)));
            self.settle().await;
        }
    }

    /// Presses a chord and does not wait for what comes of it.
    pub fn tell_chord(&self, chord: &str) {
        self.tell(Event::Key(key(chord)));
    }

    /// Text, letter by letter.
    pub async fn write(&mut self, text: &str) {
        for letter in text.chars() {
            self.tell(Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE)));
        }
        self.settle().await;
    }

    pub async fn paste(&mut self, text: &str) {
        self.tell(Event::Paste(text.to_owned()));
        self.settle().await;
    }

    pub async fn resize(&mut self, width: u16, height: u16) {
        self.tell(Event::Resize(width, height));
        self.settle().await;
    }

    pub fn state(&self) -> &State {
        self.app.state()
    }

    /// The screen, row by row, without blanks at the end of rows.
    pub fn screen(&mut self) -> String {
        let buffer = self.app.surface_mut().terminal.backend().buffer().clone();
        let width = usize::from(buffer.area.width);
        let rows = buffer.content().chunks(width).map(|cells| {
            let mut text = String::new();
            let mut skip = 0;
            for cell in cells {
                if skip == 0 {
                    text.push_str(cell.symbol());
                    skip = unicode_width::UnicodeWidthStr::width(cell.symbol());
                }
                skip = skip.saturating_sub(1);
            }
            format!("{}\n", text.trim_end())
        });
        rows.collect()
    }

    /// How the screen looks: each row as its stretches of one style, without those that look like plain text.
    pub fn looks(&mut self) -> String {
        let buffer = self.app.surface_mut().terminal.backend().buffer().clone();
        let mut shown = String::new();
        for cells in buffer.content().chunks(usize::from(buffer.area.width)) {
            for stretch in cells.chunk_by(|one, next| one.style() == next.style()) {
                let text: String = stretch.iter().map(Cell::symbol).collect();
                let style = stretch[0].style();
                let is_plain = style.add_modifier.is_empty() && named(style.bg).is_empty();
                if !(text.trim().is_empty() && is_plain) {
                    shown.push_str(&format!("{}⟦{}⟧ ", text.trim(), words_of(style)));
                }
            }
            shown.push('\n');
        }
        shown
    }

    pub fn sees(&mut self, text: &str) -> bool {
        self.screen().contains(text)
    }
}

/// A colour that a theme chose; empty where it is the terminal's own.
fn named(colour: Option<impl ToString>) -> String {
    colour.map(|colour| colour.to_string()).filter(|name| name.starts_with('#')).unwrap_or_default().to_lowercase()
}

/// `#9ece8a bold on #2b313c`.
fn words_of(style: Style) -> String {
    let marks = format!("{:?}", style.add_modifier).to_lowercase();
    let ground = match named(style.bg) {
        none if none.is_empty() => none,
        some => format!("on {some}"),
    };
    [named(style.fg), marks.trim_start_matches("none").to_owned(), ground].join(" ").trim().to_owned()
}

fn key(chord: &str) -> KeyEvent {
    let (modifiers, name) = match chord.split_once('-') {
        Some(("ctrl", name)) => (KeyModifiers::CONTROL, name),
        Some(("alt", name)) => (KeyModifiers::ALT, name),
        Some(("shift", name)) => (KeyModifiers::SHIFT, name),
        _ => (KeyModifiers::NONE, chord),
    };
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "space" => KeyCode::Char(' '),
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "pagedown" => KeyCode::PageDown,
        one => KeyCode::Char(one.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}
