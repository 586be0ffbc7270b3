//! The page in the sizes and states that people meet.

use super::*;
use crate::billing::Account;
use crate::console::state::{Payment, Size};
use crate::console::view::fixtures::{Story, account, ana, picture, run_id, spec};
use crate::domain::{Actor, Cents};
use crate::kinds::{Event, LastInvoice, RunEvent, Stream, Subscribed, SubscriptionEvent, SubscriptionState};

fn began(runs: u32) -> Story {
    let mut story = Story::new();
    for run in 1..=runs {
        story.run(run_id(run), &ana(), RunEvent::Started { spec: Box::new(spec("watch the parser", "dev")) });
    }
    story
}

fn page(account: Option<&Account>, story: &Story, (width, height): (u16, u16)) -> String {
    let context = BillingContext {
        account,
        snapshot: &story.snapshot,
        now: story.now(),
        size: Size { width, height },
        payment: &Payment::Closed,
    };
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

#[test]
fn a_payment_that_failed_is_said_above_the_page_with_what_to_do() {
    let mut story = began(2);
    let stream = Stream::Subscription(SubscriptionId::OF_TENANT);
    let last_invoice = LastInvoice { invoice: "A-1".to_owned(), state: "open".into(), due_cents: Cents(4900) };
    let to = |state| Subscribed { state, last_invoice: Some(last_invoice.clone()), ..Subscribed::default() };
    let begun = SubscriptionEvent::Begun { account: uuid::Uuid::nil() };
    let changed = |state| SubscriptionEvent::Changed { to: Box::new(to(state)) };
    for event in [begun, changed(SubscriptionState::Active)] {
        story.append(stream, &Actor::System, Event::Subscription(event));
    }
    let shown = |story: &Story| page(Some(&account("starter", &[])), story, (80, 24));
    assert!(!shown(&story).contains("▲"));
    story.append(stream, &Actor::System, Event::Subscription(changed(SubscriptionState::PastDue)));
    assert!(shown(&story).contains("▲ a payment failed ($49.00 is due): `morningai billing portal` to pay"));
}
