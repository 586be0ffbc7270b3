//! A recording played through the console with nobody at the keys, for a terminal that is only a list of frames.
//!
//! The viewer played here does what a reader of the README would: it opens each card that waits, reads it to its end,
//! lets the recording go on as recorded, and goes back. Time is Tokio's; on a paused clock a recording of minutes
//! takes as long as painting it, and the same recording gives the same frames.

mod asciicast;
mod film;

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tokio::time::Instant;

use crate::console::app::{App, ConsoleOptions, Flow, Surface, Wakes};
use crate::console::state::Page;
use crate::console::terminal::{Listener, Told};
use crate::ports::{Client, Moment, Transport};

pub use asciicast::{Format, Header, asciicast};
pub use film::{Film, Frame};

/// Time between two looks at where the recording is.
const LOOK: Duration = Duration::from_millis(100);
/// How long a page is left alone, so that it can be read.
const READ: Duration = Duration::from_secs(4);
/// The same for each further part of a card.
const READ_ON: Duration = Duration::from_millis(1_500);

/// Where something begins that a player may jump to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub at: Duration,
    pub label: String,
}

/// Plays the recording of `client` to its end, painting on `surface`.
pub async fn play<S: Surface>(
    client: Arc<dyn Client>,
    options: ConsoleOptions,
    surface: S,
) -> std::io::Result<(S, Vec<Mark>)> {
    let Some(transport) = client.transport() else { return Ok((surface, Vec::new())) };
    let wakes = Wakes::default();
    let mut viewer = Viewer {
        listener: wakes.listener(),
        transport,
        began: Instant::now(),
        busy_until: Duration::ZERO,
        marks: Vec::new(),
        stage: Stage::Watching,
    };
    let mut app = App::new(client, options, surface, wakes);
    app.begin()?;
    let mut next_look = Instant::now() + LOOK;
    loop {
        tokio::select! {
            biased;
            flow = app.step() => if let Flow::End(_) = flow? { break },
            () = tokio::time::sleep_until(next_look) => {
                next_look += LOOK;
                if viewer.look(&app) == Watching::Done {
                    break;
                }
            }
        }
    }
    Ok((app.into_surface(), viewer.marks))
}

/// Whether there is more to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watching {
    On,
    Done,
}

/// What the viewer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Watching,
    /// A card is open and waits.
    Reading,
    /// It was let go on; the outcome is shown.
    Following,
    /// The recording has ended.
    Leaving,
}

struct Viewer {
    listener: Arc<dyn Listener>,
    transport: Arc<dyn Transport>,
    began: Instant,
    /// Nothing is done before then.
    busy_until: Duration,
    marks: Vec<Mark>,
    stage: Stage,
}

impl Viewer {
    fn look<S: Surface>(&mut self, app: &App<S>) -> Watching {
        let at = self.began.elapsed();
        if at < self.busy_until {
            return Watching::On;
        }
        let moment = self.transport.moment();
        match self.stage {
            Stage::Leaving => return Watching::Done,
            Stage::Watching if moment.ended.is_some() => self.turn_to(Stage::Leaving, READ),
            Stage::Watching if moment.held => self.open_card(app, at),
            Stage::Watching => {}
            Stage::Reading => self.read(app, &moment),
            Stage::Following => {
                self.press(KeyCode::Esc, KeyModifiers::NONE);
                self.turn_to(Stage::Watching, LOOK);
            }
        }
        Watching::On
    }

    fn open_card<S: Surface>(&mut self, app: &App<S>, at: Duration) {
        let waiting = app.snapshot().open_approvals().min_by_key(|approval| approval.requested_at);
        let tool = waiting.map_or_else(String::new, |approval| approval.tool.to_string());
        self.marks.push(Mark { at, label: format!("a person decides: {tool}") });
        self.press(KeyCode::Char('w'), KeyModifiers::NONE);
        self.turn_to(Stage::Reading, READ);
    }

    /// Reads on until the end of the card was shown, then lets the recording go on.
    fn read<S: Surface>(&mut self, app: &App<S>, moment: &Moment) {
        let unread = match app.state().page() {
            Some(Page::Card(review)) => review.unread().unwrap_or(0),
            _ => 0,
        };
        if unread > 0 {
            self.press(KeyCode::Char('d'), KeyModifiers::CONTROL);
            self.busy_until = self.began.elapsed() + READ_ON;
            return;
        }
        if moment.held {
            self.transport.toggle();
        }
        self.turn_to(Stage::Following, READ);
    }

    fn turn_to(&mut self, stage: Stage, rest: Duration) {
        self.stage = stage;
        self.busy_until = self.began.elapsed() + rest;
    }

    fn press(&self, code: KeyCode, modifiers: KeyModifiers) {
        let key = Event::Key(KeyEvent::new(code, modifiers));
        self.listener.tell(Told::Event(key, Instant::now().into_std()));
    }
}
