//! The usage screen by its keys: shown, turned to another table, and gone through to a run.

use super::harness::Harness;
use crate::console::anchor::Anchor;
use crate::console::view::fixtures::{Story, night};
use crate::fold::TurnStatus;
use crate::kinds::UsageBy;

#[tokio::test(start_paused = true)]
async fn a_key_turns_the_table_and_enter_opens_the_run_that_cost_it() {
    for (width, height) in [(80, 24), (200, 50)] {
        let mut console = Harness::new(night(), width, height).await;
        console.press("6").await;
        insta::assert_snapshot!(format!("usage_{width}x{height}"), console.screen());
    }
    let mut console = Harness::new(night(), 80, 24).await;
    console.press("6 f").await;
    assert!(console.sees("By model"), "{}", console.screen());
    console.press("f f").await;
    assert_eq!(console.state().usage.by, UsageBy::Run);
    assert!(console.sees("enter open"), "{}", console.screen());
    insta::assert_snapshot!("usage_by_run_80x24", console.screen());
    let cursor = console.state().pane().cursor;
    console.press("enter").await;
    assert_eq!(console.state().run().map(Anchor::Run), cursor);
    console.press("esc f").await;
    assert_eq!(console.state().usage.by, UsageBy::Day);
    console.press("f").await;
    assert_eq!(console.state().usage.by, UsageBy::Agent);
}

#[tokio::test(start_paused = true)]
async fn enter_goes_from_an_agent_to_its_runs_and_to_the_answer_that_cost_the_most() {
    let mut console = Harness::new(night(), 120, 40).await;
    console.press("6 enter").await;
    assert!(console.sees("Runs of agent dev, last 30 days"), "{}", console.screen());
    insta::assert_snapshot!("usage_runs_of_dev_120x40", console.screen());
    let cursor = console.state().pane().cursor;
    let Some(Anchor::Run(run)) = cursor else { panic!("{}", console.screen()) };
    console.press("enter").await;
    let turns = &console.app.snapshot().threads[&run].turns;
    let costs = turns.iter().filter_map(|turn| match &turn.status {
        TurnStatus::Answered(reply) => Some((reply.cost?, turn.turn)),
        TurnStatus::Open | TurnStatus::Failed(_) => None,
    });
    let dearest = costs.max().map(|(_, turn)| Anchor::Turn(turn));
    assert!(dearest.is_some());
    let cursor = console.state().pane().cursor;
    assert_eq!(cursor, dearest, "{}", console.screen());
    console.press("esc").await;
    assert!(console.sees("Runs of agent dev"), "{}", console.screen());
    console.press("esc").await;
    assert!(console.sees("By agent, last 30 days"), "{}", console.screen());
    console.press("f enter").await;
    assert!(console.sees("Runs of model"), "{}", console.screen());
    console.press("f f f enter").await;
    assert!(console.sees("Runs of 20"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_without_colour() {
    let mut console = Harness::new(night(), 80, 24).await;
    console.press("6 t t").await;
    console.wait(60_000).await;
    assert_eq!(console.state().theme, "monochrome");
    insta::assert_snapshot!("usage_looks_monochrome", console.looks());
}

#[tokio::test(start_paused = true)]
async fn an_empty_store_says_what_will_stand_there() {
    let mut console = Harness::new(Story::new(), 80, 24).await;
    console.press("6").await;
    assert!(console.sees("No model has been called yet"), "{}", console.screen());
    console.press("f enter j").await;
}
