//! What a key and a running stream cost on the line to the terminal, as the painter writes it.

use ratatui::Terminal;

use super::Harness;
use crate::console::terminal::Painter;
use crate::console::view::fixtures::{Story, crowd, dev, one_run, reply, run_id};
use crate::domain::{Actor, ModelReply, PurposeOfTurn, RunId};
use crate::kinds::RunEvent;
use crate::ports::{Delta, DeltaKind, FeedItem};

/// A console on a line to a terminal of this size.
async fn on_a_line(story: Story, width: u16, height: u16, keys: &str) -> Harness {
    let mut console = Harness::new(story, width, height).await;
    console.app.surface_mut().line = Some(Terminal::new(Painter::new(width, height)).unwrap());
    // All of the screen is drawn, wherever it was.
    console.press("?").await;
    console.press("esc").await;
    console.press(keys).await;
    sent(&mut console);
    console
}

/// How many bytes each frame took since this was asked last.
fn sent(console: &mut Harness) -> Vec<usize> {
    std::mem::take(&mut console.app.surface_mut().sent)
}

fn median(mut sizes: Vec<usize>) -> usize {
    sizes.sort_unstable();
    sizes[sizes.len() / 2]
}

/// What stands beside the list changes with it, over some frames where it is all different.
#[tokio::test(start_paused = true)]
async fn moving_the_cursor_beside_a_preview_costs_two_kilobytes_a_frame_at_most() {
    for (width, height, whole) in [(120, 40, 3_072), (160, 45, 4_096), (200, 50, 5_120)] {
        for screen in ["2 1", "2", "3"] {
            let mut console = on_a_line(crowd(), width, height, screen).await;
            let mut moves = Vec::new();
            for _ in 0..14 {
                console.press("j").await;
                let frames = sent(&mut console);
                assert!(frames.iter().all(|bytes| *bytes <= 2_048), "{width}×{height} screen {screen}: {frames:?}");
                moves.push(frames.iter().sum::<usize>());
            }
            assert!(median(moves.clone()) <= 2_048, "{width}×{height} screen {screen}: {moves:?}");
            assert!(moves.iter().all(|bytes| *bytes <= whole), "{width}×{height} screen {screen}: {moves:?}");
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
        let mut console = on_a_line(one_run(), 120, 40, keys).await;
        for number in 0..60 {
            say(&console, run_id(1), &format!("the {number}th piece of what it says, "));
            console.pass(50).await;
        }
        let sizes = sent(&mut console);
        assert!(sizes.len() > 50, "{keys}: {sizes:?}");
        assert!(median(sizes.clone()) <= 1_024, "{keys}: {sizes:?}");
    }
}

/// Many short turns after each other: sixteen between two frames, as a thousand events a second make them.
#[tokio::test(start_paused = true)]
async fn a_frame_of_a_storm_of_turns_costs_a_kilobyte_at_most() {
    let mut console = on_a_line(one_run(), 120, 40, "2 enter").await;
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
    }
    let sizes = sent(&mut console);
    assert!(sizes.len() > 50 && median(sizes.clone()) <= 1_024, "{sizes:?}");
}
