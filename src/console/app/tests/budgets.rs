//! Budgets by keys: one is set on the usage screen, and one that paused a run is raised on its card.

use super::decisions::{asking, card_open, submitted};
use super::harness::Harness;
use crate::console::view::fixtures::night;
use crate::domain::{Ask, BudgetAnswer, BudgetOffer, BudgetPeriod, BudgetScope, Usd};
use crate::kinds::{ApprovalVerb, Command};

#[tokio::test(start_paused = true)]
async fn a_budget_is_set_for_the_row_under_the_cursor_and_stands_as_a_gauge_at_once() {
    let mut console = Harness::new(night(), 80, 24).await;
    console.press("6").await;
    assert!(console.sees("b set budget"), "{}", console.screen());
    console.press("b").await;
    insta::assert_snapshot!("budget_sheet_80x24", console.screen());
    console.write("25.00").await;
    console.press("enter").await;
    console.settle().await;
    assert!(console.sees("budget for today of agent") && console.sees("$25.00"), "{}", console.screen());
    console.press("f b").await;
    console.write("--period month 300").await;
    console.press("enter").await;
    console.settle().await;
    assert!(console.sees("budget for this month") && console.sees("$300.00"), "{}", console.screen());
    console.press("b").await;
    console.write("-5").await;
    console.press("enter").await;
    console.settle().await;
    assert!(console.sees("not an amount"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_paused_a_run_is_raised_by_the_number_of_a_choice() {
    let offer = BudgetOffer {
        scope: BudgetScope::Agent("dev".to_owned()),
        period: BudgetPeriod::Day,
        raised: Usd(30_010_000_000),
    };
    let ask = Ask::Question {
        text:
            "budget of $25.00 for today of agent dev is used up: $25.01 spent.\nraise once: this run can spend $5.00 \
               more today, and nothing else changes."
                .into(),
        choices: BudgetAnswer::ALL.map(|answer| answer.name().into()).to_vec(),
        budget: Some(Box::new(offer)),
    };
    let mut console = card_open(asking(ask), 24).await;
    insta::assert_snapshot!("budget_card_80x24", console.screen());
    console.wait(1_000).await;
    console.press("a").await;
    console.write("2").await;
    console.press("enter").await;
    let [Command::Approval { verb: ApprovalVerb::Answer { text }, .. }] = &submitted(&console)[..] else {
        panic!("{}", console.screen())
    };
    assert_eq!(text.raw(), "raise for good");
}
