//! Every screen, from 60×15 to 200×50, in the themes that come with the program.

use super::Harness;
use crate::console::view::fixtures::{Story, crowd, night, one_run};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

async fn at_each_size(name: &str, keys: &str) {
    for (width, height) in SIZES {
        let mut console = Harness::new(night(), width, height).await;
        for part in keys.split(' ').filter(|part| !part.is_empty()) {
            console.press(part).await;
        }
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), console.screen());
    }
}

#[tokio::test(start_paused = true)]
async fn overview() {
    at_each_size("overview", "").await;
}

#[tokio::test(start_paused = true)]
async fn runs() {
    at_each_size("runs", "2").await;
}

#[tokio::test(start_paused = true)]
async fn approvals() {
    at_each_size("approvals", "3").await;
}

/// From the least that is drawn to more than most people have.
const EVERY_SIZE: [(u16, u16); 5] = [(60, 15), (80, 24), (120, 40), (160, 45), (200, 50)];

/// Every screen, and the keys that lead to it from any other.
const SCREENS: [(&str, &str); 6] =
    [("now", "1"), ("runs", "2"), ("approvals", "3"), ("log", "4"), ("run", "2 enter"), ("card", "3 enter")];

/// The themes one gets by pressing `t` from the first on.
const THEMES: [&str; 3] = ["dark", "light", "monochrome"];

/// Each screen at each size. A theme changes how they look, never what they say.
async fn screens_of(name: &str, story: fn() -> Story) {
    for (width, height) in EVERY_SIZE {
        for (place, theme) in THEMES.iter().enumerate() {
            let mut console = Harness::new(story(), width, height).await;
            for _ in 0..place {
                console.press("t").await;
            }
            // Until the name of the theme is not said any more.
            console.wait(60_000).await;
            assert_eq!(console.state().theme, *theme);
            for (screen, keys) in SCREENS {
                console.press("esc esc").await;
                console.press(keys).await;
                // The buffer behind the harness keeps what a wide character covers; a terminal does not.
                console.press("ctrl-l").await;
                insta::assert_snapshot!(format!("{name}_{screen}_{width}x{height}"), console.screen());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_screens_of_one_run() {
    screens_of("one_run", one_run).await;
}

#[tokio::test(start_paused = true)]
async fn the_screens_of_forty_runs_and_twelve_cards() {
    screens_of("crowd", crowd).await;
}

#[tokio::test(start_paused = true)]
async fn the_looks_of_the_screens_in_each_theme() {
    let mut console = Harness::new(night(), 80, 24).await;
    for theme in THEMES {
        let mut looks = String::new();
        for (screen, keys) in SCREENS {
            console.press("esc esc").await;
            console.press(keys).await;
            looks.push_str(&format!("{screen}\n{}\n", console.looks()));
        }
        insta::assert_snapshot!(format!("looks_{theme}"), looks);
        console.press("esc esc t").await;
    }
}

#[tokio::test(start_paused = true)]
async fn log() {
    at_each_size("log", "4").await;
}

#[tokio::test(start_paused = true)]
async fn a_run() {
    at_each_size("run", "2 G enter").await;
}

#[tokio::test(start_paused = true)]
async fn a_card() {
    at_each_size("card", "w").await;
}

#[tokio::test(start_paused = true)]
async fn help() {
    at_each_size("help", "?").await;
}

#[tokio::test(start_paused = true)]
async fn palette() {
    at_each_size("palette", ": r u").await;
}

#[tokio::test(start_paused = true)]
async fn a_new_goal() {
    at_each_size("goal", "n f i x").await;
}

#[tokio::test(start_paused = true)]
async fn nothing_yet() {
    let mut console = Harness::new(Story::new(), 80, 24).await;
    insta::assert_snapshot!("nothing_yet_80x24", console.screen());
}
