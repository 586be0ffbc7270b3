//! The billing screen by its key, its place in the header, and what needs somebody.

use std::sync::Arc;

use super::fake::Fake;
use super::harness::Harness;
use crate::console::view::fixtures::{Story, account, crowd, one_run};

async fn with_plan(plan: &str, story: Story, (width, height): (u16, u16)) -> Harness {
    let fake = Fake::new(story);
    fake.status.lock().unwrap().billing = Some(Arc::new(account(plan, &["help"])));
    Harness::over(fake, width, height).await
}

#[tokio::test(start_paused = true)]
async fn a_key_shows_it_and_every_screen_has_room_in_the_header() {
    for (width, height) in [(80, 24), (100, 30), (120, 40)] {
        let mut console = with_plan("starter", crowd(), (width, height)).await;
        let header = console.screen().lines().next().unwrap().to_owned();
        assert!(header.contains(" 7 Bill") && !header.contains('…'), "{header}");
        console.press("7").await;
        assert!(console.sees("Next invoice, as it would be issued now"), "{}", console.screen());
        insta::assert_snapshot!(format!("billing_{width}x{height}"), console.screen());
    }
}

#[tokio::test(start_paused = true)]
async fn no_title_in_the_header_is_cut_at_any_width() {
    for width in 80..=130 {
        for story in [one_run(), crowd()] {
            let mut console = with_plan("starter", story, (width, 24)).await;
            let header = console.screen().lines().next().unwrap().to_owned();
            assert!(header.contains(" 7 Bill") && !header.contains('…'), "{width}: {header}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn runs_that_are_used_up_need_somebody_where_more_are_refused() {
    let mut console = with_plan("free", crowd(), (120, 40)).await;
    assert!(
        console.sees("10 runs of the plan Free are used") && console.sees("no more start before"),
        "{}",
        console.screen()
    );
    console.press("7").await;
    let mut console = with_plan("free", one_run(), (120, 40)).await;
    console.press("1").await;
    assert!(!console.sees("the plan Free"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn without_a_plan_it_says_how_to_set_one_and_has_no_tab_elsewhere() {
    let mut console = Harness::new(Story::new(), 120, 40).await;
    assert!(!console.sees("7 Billing"), "{}", console.screen());
    console.press("7").await;
    assert!(console.sees("7 Billing") && console.sees("No plan is set"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_link_to_pay_at_is_shown_while_somebody_looks_and_no_longer() {
    const LINK: &str = "https://checkout.stripe.com/c/pay/starter";
    let mut console = with_plan("free", crowd(), (80, 30)).await;
    console.press("7").await;
    console.press("u").await;
    assert!(console.sees(LINK) && console.sees("▄▄▄"), "{}", console.screen());
    console.press("esc").await;
    assert!(!console.sees(LINK), "{}", console.screen());
    console.press("u").await;
    assert!(console.sees(LINK));
    console.press("1").await;
    console.press("7").await;
    assert!(!console.sees(LINK), "{}", console.screen());
    // On the largest plan there is nothing to subscribe to.
    let mut console = with_plan("enterprise", crowd(), (80, 24)).await;
    console.press("7").await;
    console.press("u").await;
    assert!(console.sees("there is no customer at Stripe yet"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn one_who_only_looks_on_is_given_no_link() {
    let fake = Fake::new(crowd());
    {
        let mut status = fake.status.lock().unwrap();
        status.billing = Some(Arc::new(account("free", &["help"])));
        status.observe = crate::ports::Observe::Yes { hint: "ask an operator".to_owned() };
    }
    let mut console = Harness::over(fake, 80, 30).await;
    console.press("7").await;
    console.press("u").await;
    assert!(console.sees("this console is read-only") && !console.sees("checkout.stripe.com"), "{}", console.screen());
}
