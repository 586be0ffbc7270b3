//! `morningai cast`: a recording as asciicast, painted by the console off-screen.

use std::path::PathBuf;
use std::sync::Arc;

use super::Wire;
use super::demos::find;
use super::desk::DemoDesk;
use crate::cli::{CastFormat, CastOptions, Exit, Failure, Output, write_new_file};
use crate::client::{Recording, ReplayClient};
use crate::console::ConsoleOptions;
use crate::console::cast::{Film, Format, Header, asciicast, play};
use crate::console::keymap::Keymap;
use crate::console::state::{Mouse, Size};
use crate::console::theme::{Depth, Ground, Theme};
use crate::domain::{Actor, Faults, Timestamp};
use crate::ports::Clock;

impl Wire {
    /// Writes the cast to standard output or a file.
    pub async fn cast(self: Arc<Self>, options: CastOptions, output: &mut Output) -> Result<Exit, Failure> {
        if self.options.json {
            return Err(Failure::usage("a cast has a form of its own").next("leave --json out"));
        }
        let recording = find(Some(&options.recording))?;
        let (width, height) = options.size;
        let format = match options.format {
            CastFormat::V2 => Format::V2,
            CastFormat::V3 => Format::V3,
        };
        let painting = std::thread::Builder::new().name("cast".to_owned()).spawn({
            let wire = Arc::clone(&self);
            move || wire.paint(recording, Size { width, height }, format)
        });
        let painted = painting.map_err(|error| Failure::failed(format!("nothing can be painted: {error}")))?;
        let joined = tokio::task::spawn_blocking(move || painted.join()).await;
        let broken = || Failure::failed("something failed while painting; this is a defect of the program");
        let text = joined.map_err(|_| broken())?.map_err(|_| broken())??;
        match &options.output {
            None => output.write(&text)?,
            Some(path) => {
                write_new_file(path, &text, "cast")?;
                output.diagnose(&format!("written to {}; `asciinema play FILE` shows it", path.display()));
            }
        }
        Ok(Exit::Done)
    }

    /// Plays the recording on a clock that moves on by itself whenever nothing is left to do, on a thread of its own:
    /// as fast as frames can be painted, and always the same.
    fn paint(&self, recording: Recording, size: Size, format: Format) -> Result<String, Failure> {
        let failed = |error: std::io::Error| Failure::failed(format!("nothing can be painted: {error}"));
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().map_err(failed)?;
        let at = recording.events.first().map_or_else(Default::default, |(_, first)| first.at);
        let header = Header { size, title: recording.title.clone(), at };
        // Not what suits this terminal: the cast is the same wherever it is made.
        let theme = self.options.theme.as_deref().filter(|name| !name.is_empty());
        let theme = self.theme(theme.unwrap_or(Theme::usual(Depth::True, Ground::Dark)))?;
        let options = options(at, vec![theme])?;
        let (film, marks) = runtime
            .block_on(async {
                let client = Arc::new(ReplayClient::play(recording, 1.0, at));
                play(client, options, Film::new(size)?).await
            })
            .map_err(failed)?;
        Ok(asciicast(format, &header, &film.frames, &marks))
    }
}

/// A console without anything of this machine or this person in it, but for the theme.
pub(super) fn options(at: Timestamp, themes: Vec<Theme>) -> Result<ConsoleOptions, Failure> {
    Ok(ConsoleOptions {
        person: Actor::Person("viewer".to_owned()),
        launcher: Arc::new(DemoDesk),
        clock: Arc::new(Stopped(at)),
        lock: None,
        keymap: Keymap::builtin().map_err(Faults::from)?,
        themes,
        depth: Depth::True,
        mouse: Mouse::Terminal,
        editor: Vec::new(),
        copy_file: PathBuf::new(),
        term: "xterm-256color".to_owned(),
    })
}

/// A clock that stands; a replay shows its own.
struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::buffer::Cell;
    use ratatui::style::{Color, Modifier};

    use super::*;
    use crate::console::app::{Sent, Surface, draw};
    use crate::console::view::frame::Picture;

    const SIZE: Size = Size { width: 80, height: 24 };

    /// A film that a terminal emulator watches, and the cells that it should show.
    struct Watched {
        film: Film,
        emulator: vt100::Parser,
        cells: Terminal<TestBackend>,
        compared: usize,
    }

    impl Surface for Watched {
        fn size(&self) -> Size {
            self.film.size()
        }
        fn resize(&mut self, size: Size) {
            self.film.resize(size);
        }
        fn paint(&mut self, number: u64, picture: &Picture, theme: &Theme) -> io::Result<Sent> {
            let known = self.film.frames.len();
            let sent = self.film.paint(number, picture, theme)?;
            self.film.frames[known..].iter().for_each(|frame| self.emulator.process(&frame.bytes));
            let Ok(()) = draw(&mut self.cells, picture, theme);
            let buffer = self.cells.backend().buffer();
            for y in 0..SIZE.height {
                for x in 0..SIZE.width {
                    let (shown, painted) = (self.emulator.screen().cell(y, x).unwrap(), &buffer[(x, y)]);
                    assert!(looks_like(shown, painted), "frame {number}, {x},{y}: {shown:?} for {painted:?}");
                }
            }
            self.compared += 1;
            Ok(sent)
        }
        fn forget(&mut self) -> io::Result<()> {
            self.film.forget()
        }
        fn send(&mut self, bytes: Vec<u8>) {
            self.film.send(bytes);
        }
        fn set_mouse(&mut self, mouse: Mouse) -> io::Result<()> {
            self.film.set_mouse(mouse)
        }
        fn leave(&mut self) {}
        fn enter(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn suspend(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn looks_like(shown: &vt100::Cell, painted: &Cell) -> bool {
        let blank = |text: &str| text.trim().is_empty();
        if blank(shown.contents()) && blank(painted.symbol()) {
            return colour(shown.bgcolor()) == painted.bg;
        }
        let bold = painted.modifier.contains(Modifier::BOLD);
        (shown.contents(), colour(shown.fgcolor()), colour(shown.bgcolor()), shown.bold())
            == (painted.symbol(), painted.fg, painted.bg, bold)
    }

    fn colour(shown: vt100::Color) -> Color {
        match shown {
            vt100::Color::Default => Color::Reset,
            vt100::Color::Idx(index) => Color::Indexed(index),
            vt100::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_terminal_shows_of_each_frame_what_the_console_painted() {
        let recording = find(Some("fixed-test")).unwrap();
        let at = recording.events[0].1.at;
        let client = Arc::new(ReplayClient::play(recording, 1.0, at));
        let watched = Watched {
            film: Film::new(SIZE).unwrap(),
            emulator: vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0),
            cells: Terminal::new(TestBackend::new(SIZE.width, SIZE.height)).unwrap(),
            compared: 0,
        };
        let (watched, marks) = play(client, options(at, Theme::all_builtin()).unwrap(), watched).await.unwrap();
        assert!(watched.compared > 20, "{}", watched.compared);
        let labels: Vec<_> = marks.iter().map(|mark| mark.label.as_str()).collect();
        assert_eq!(labels, ["a person decides: git_push"], "the card was opened");
        let last = watched.emulator.screen().contents();
        assert!(last.contains("over: the recording ends here"), "{last}");
    }
}
