//! The page in the sizes and states that people meet.

use super::*;
use crate::billing::{AddOn, Band, Beyond, Cycle, Overage, OverageMode, Plan, Plans, Term};
use crate::console::view::fixtures::{Story, ana, picture, run_id, spec};
use crate::domain::Usd;
use crate::kinds::RunEvent;

fn dollars(amount: i64) -> Usd {
    Usd(amount * 1_000_000_000)
}

fn plan(name: &str, price: Option<i64>, runs: Option<u64>, beyond: Beyond) -> Plan {
    Plan {
        name: name.to_lowercase(),
        title: name.to_owned(),
        price: price.map(dollars),
        annual: None,
        runs,
        users: runs.map(|runs| runs / 20 + 1),
        beyond,
        includes: vec!["custom_agents".to_owned()],
        support: "email support".to_owned(),
    }
}

/// Three plans and an add-on, on the first of which `of` is subscribed with `add_ons`.
fn account(of: &str, add_ons: &[&str]) -> Account {
    let band = |up_to, cents: i64| Band { up_to, price: Usd(cents * Usd::CENT.0) };
    let plans = Plans {
        plans: vec![
            plan("Free", Some(0), Some(10), Beyond::Refuse),
            plan("Starter", Some(49), Some(12), Beyond::Charge),
            plan("Enterprise", None, None, Beyond::Refuse),
        ],
        add_ons: vec![AddOn { name: "help".to_owned(), title: "Priority support".to_owned(), price: dollars(99) }],
        overage: Some(Overage {
            mode: OverageMode::Volume,
            cap_times_price: 2,
            bands: vec![band(Some(500), 50), band(None, 40)],
        }),
    };
    let add_ons: Vec<_> = add_ons.iter().map(|name| (*name).to_owned()).collect();
    let term = Term::of(&plans, chrono::DateTime::UNIX_EPOCH, (of, Cycle::Monthly), &add_ons).unwrap();
    Account::new(plans, vec![term])
}

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
