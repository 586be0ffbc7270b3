//! Every screen at three sizes.

use super::Harness;
use crate::console::view::fixtures::{Story, night};

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
