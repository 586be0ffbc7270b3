//! The page in the sizes and states that people meet.

use super::*;
use crate::console::view::fixtures::{Story, account, ana, picture, run_id, spec};
use crate::kinds::RunEvent;

fn began(runs: u32) -> Story {
    let mut story = Story::new();
    for run in 1..=runs {
        story.run(run_id(run), &ana(), RunEvent::Started { spec: Box::new(spec("watch the parser", "dev")) });
    }
    story
}

fn page(account: Option<&Account>, story: &Story, (width, height): (u16, u16)) -> String {
    let context = BillingContext { account, snapshot: &story.snapshot, now: story.now(), size: Size { width, height } };
    let rows: Vec<_> = heading(&context).into_iter().chain(rows(&context)).collect();
    picture(&rows, width.into())
}

#[test]
fn the_page_of_each_kind_of_plan() {
    insta::assert_snapshot!("free_80x24", page(Some(&account("free", &[])), &began(9), (80, 24)));
    insta::assert_snapshot!("charged_80x24", page(Some(&account("starter", &["help"])), &began(15), (80, 24)));
    insta::assert_snapshot!("charged_200x50", page(Some(&account("starter", &["help"])), &began(15), (200, 50)));
    insta::assert_snapshot!("agreed_60x15", page(Some(&account("enterprise", &["help"])), &began(2), (60, 15)));
    insta::assert_snapshot!("none_80x24", page(None, &began(2), (80, 24)));
}

#[test]
fn the_amount_on_the_page_is_that_of_the_invoice() {
    let (account, story) = (account("starter", &["help"]), began(15));
    let standing = standing(&account, &story.snapshot, story.now()).unwrap();
    // 49.00 + 99.00 + 3 × 0.50
    assert_eq!((standing.used, standing.invoice.total().to_string()), (15, "149.50".to_owned()));
    assert!(page(Some(&account), &story, (80, 24)).contains("$149.50"));
}
