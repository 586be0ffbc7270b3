//! What a key and a running stream cost on the line to the terminal, as the painter writes it.

use ratatui::Terminal;

use super::Harness;
use crate::console::app::draw;
use crate::console::terminal::Painter;
use crate::console::theme::Theme;
use crate::console::view::fixtures::{crowd, dev, one_run, reply, run_id};
use crate::domain::{Actor, ModelReply, PurposeOfTurn, RunId};
use crate::kinds::RunEvent;
use crate::ports::{Delta, DeltaKind, FeedItem};

/// A terminal that is shown what the console shows.
struct Line {
    terminal: Terminal<Painter>,
    theme: Theme,
}

impl Line {
    fn new(width: u16, height: u16) -> Self {
        let terminal = Terminal::new(Painter::new(width, height)).unwrap();
        Self { terminal, theme: Theme::builtin("dark").unwrap().unwrap() }
    }

    /// Bytes that bring it from what it shows to what the console shows now.
    fn bytes(&mut self, console: &Harness) -> usize {
        draw(&mut self.terminal, &console.app.picture, &self.theme).unwrap();
        self.terminal.backend_mut().take().len()
    }
}

fn median(mut sizes: Vec<usize>) -> usize {
    sizes.sort_unstable();
    sizes[sizes.len() / 2]
}

#[tokio::test(start_paused = true)]
async fn moving_the_cursor_beside_a_preview_costs_two_kilobytes_at_most() {
    for (width, height) in [(120, 40), (160, 45), (200, 50)] {
        for screen in ["1", "2", "3"] {
            let mut console = Harness::new(crowd(), width, height).await;
            let mut line = Line::new(width, height);
            console.press(screen).await;
            line.bytes(&console);
            let mut sizes = Vec::new();
            for _ in 0..12 {
                console.press("j").await;
                sizes.push(line.bytes(&console));
                assert_eq!(line.bytes(&console), 0, "what has not changed is not written");
            }
            assert!(median(sizes.clone()) <= 2_048, "{width}×{height} screen {screen}: {sizes:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_of_a_running_stream_costs_a_kilobyte_at_most() {
    let say = |console: &Harness, run: RunId, text: &str| {
        let kind = DeltaKind::Token { turn: 2 };
        console.fake.say(FeedItem::Delta(Delta { run, kind, text: text.into() }));
    };
    for keys in ["1", "2", "2 enter"] {
        let mut console = Harness::new(one_run(), 120, 40).await;
        console.press(keys).await;
        let mut line = Line::new(120, 40);
        line.bytes(&console);
        let mut sizes = Vec::new();
        for number in 0..60 {
            say(&console, run_id(1), &format!("the {number}th piece of what it says, "));
            console.pass(50).await;
            sizes.push(line.bytes(&console));
        }
        assert!(median(sizes.clone()) <= 1_024, "{keys}: {sizes:?}");
    }
}

/// Many short turns after each other: sixteen between two frames, as a thousand events a second make them.
#[tokio::test(start_paused = true)]
async fn a_frame_of_a_storm_of_turns_costs_a_kilobyte_at_most() {
    let mut console = Harness::new(one_run(), 120, 40).await;
    console.press("2 enter").await;
    let mut line = Line::new(120, 40);
    line.bytes(&console);
    let mut sizes = Vec::new();
    for frame in 0..60 {
        console.fake.tell(|story| {
            for turn in 2 + frame * 16..18 + frame * 16 {
                let purpose = PurposeOfTurn::Act;
                story.run(run_id(1), &Actor::System, RunEvent::TurnStarted { turn, attempt: 1, purpose }).wait(2);
                let reply = ModelReply { usage: None, ..reply(&"twelve chars".repeat(10), None) };
                story.run(run_id(1), &dev(), RunEvent::TurnFinished { turn, attempt: 1, reply });
            }
        });
        console.pass(50).await;
        sizes.push(line.bytes(&console));
    }
    assert!(median(sizes.clone()) <= 1_024, "{sizes:?}");
}
