//! What is held back, and who is on call, as they are listed and shown.

use super::fake::Fake;
use super::harness::Harness;
use super::incidents::{id, incidents, opened, tell};
use crate::console::view::fixtures::{Story, ana};
use crate::domain::{Actor, MaintenanceId, Matching};
use crate::kinds::{Event, Hold, IncidentEvent, MaintenanceEvent, MaintenanceOrder, Stream};
use crate::ports::{Chart, ClientError, Roster, Turn};

fn window() -> MaintenanceId {
    MaintenanceId(uuid::Uuid::from_u128(9))
}

fn held() -> Story {
    let mut story = incidents();
    let (from, matching) = (story.now(), Matching::read("svc=shop").unwrap());
    let until = from + chrono::TimeDelta::hours(2);
    let order = Box::new(MaintenanceOrder { name: "shop upgrade".into(), matching, from, until });
    let planned = MaintenanceEvent::Planned { order, is_configured: false };
    for event in [planned, MaintenanceEvent::Began {}] {
        story.append(Stream::Maintenance(window()), &ana(), Event::Maintenance(event));
    }
    let events = opened(&story, "ShopDown", "critical", "checkout answers 503", 1);
    tell(&mut story, id("ShopDown"), &Actor::System, events, 0);
    let why = Hold::Maintenance { window: window(), name: "shop upgrade".into() };
    tell(&mut story, id("ShopDown"), &Actor::System, vec![IncidentEvent::Held { why }], 1);
    let events = opened(&story, "WritesFail", "critical", "no space left", 2);
    tell(&mut story, id("WritesFail"), &Actor::System, events, 0);
    let why = Hold::Inhibited { by: id("DiskFilling") };
    tell(&mut story, id("WritesFail"), &Actor::System, vec![IncidentEvent::Held { why }], 1);
    story
}

async fn on_call(story: Story, width: u16, height: u16) -> Harness {
    let turn =
        |from: &str, person: Option<&str>| Turn { from: from.parse().unwrap(), person: person.map(str::to_owned) };
    let turns = vec![turn("2026-11-20T08:00:00Z", Some("bo")), turn("2026-11-24T08:00:00Z", Some("cy"))];
    let gap = vec![turn("2026-11-20T08:00:00Z", None), turn("2026-11-25T08:00:00Z", Some("ana"))];
    let roster = |schedule: &str, turns| Roster { schedule: schedule.to_owned(), turns };
    let mut console = Harness::new(story, width, height).await;
    console.fake.status.lock().unwrap().rosters = vec![roster("primary", turns), roster("secondary", gap)];
    console.press("2 1").await;
    console
}

#[tokio::test(start_paused = true)]
async fn what_is_held_back_is_listed_below_what_is_not_and_says_why() {
    for (width, height) in [(80, 24), (200, 50)] {
        let mut console = on_call(held(), width, height).await;
        insta::assert_snapshot!(format!("held_now_{width}x{height}"), console.screen());
        console.press("5").await;
        insta::assert_snapshot!(format!("held_{width}x{height}"), console.screen());
    }
}

#[tokio::test(start_paused = true)]
async fn the_page_of_an_incident_says_who_is_on_call_and_leads_to_what_holds_it_back() {
    let mut console = on_call(held(), 80, 24).await;
    console.press("5 j j enter").await;
    assert!(console.sees("on call") && console.sees("primary bo until"), "{}", console.screen());
    assert!(console.sees("secondary NOBODY until"), "{}", console.screen());
    insta::assert_snapshot!("held_incident_80x24", console.screen());
    let before = console.screen();
    console.press("down enter").await;
    assert!(console.screen() != before && console.sees("DiskFilling"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn without_schedules_nothing_is_said_of_being_on_call() {
    let mut console = Harness::new(incidents(), 80, 24).await;
    assert!(!console.sees("On call"), "{}", console.screen());
    console.press("5 enter").await;
    assert!(!console.sees("on call"), "{}", console.screen());
}

#[tokio::test(start_paused = true)]
async fn a_window_is_ended_from_its_page() {
    let mut console = Harness::new(held(), 100, 24).await;
    console.press(":").await;
    console.write("maintenance").await;
    console.press("enter").await;
    assert!(console.sees("shop upgrade") && console.sees("svc=shop"), "{}", console.screen());
    insta::assert_snapshot!("maintenance_100x24", console.screen());
    console.press("enter :").await;
    console.write("end maintenance").await;
    console.press("enter").await;
    assert!(console.sees("over"), "{}", console.screen());
}

/// The alerts of an incident, and how their metric went.
fn charted() -> (Story, Chart) {
    let mut story = incidents();
    let mut events = opened(&story, "ErrorsUp", "critical", "5 % of all requests fail", 1);
    for event in &mut events {
        if let IncidentEvent::AlertFired { alert, .. } = event {
            alert.url = "http://prometheus/graph?g0.expr=rate%28errors%5B5m%5D%29+%3E+0.05".into();
        }
    }
    tell(&mut story, id("ErrorsUp"), &Actor::System, events, 1);
    let rises: String = "▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂▃▄▅▆▇█▇▇█".to_owned();
    let text = format!(
        "errors{{job=\"api\"}}  now 0.07, least 0.001, most 0.07\n 0.07 ┤{}▅\n0.001 ┤{rises}\n  11-24 00:45 to 11-24 03:45 UTC\n",
        " ".repeat(60)
    );
    (story, Chart { query: "rate(errors[5m]) > 0.05".into(), text: text.into() })
}

#[tokio::test(start_paused = true)]
async fn the_page_and_the_preview_of_an_incident_show_what_made_its_alerts_fire() {
    for (width, height) in [(80, 24), (200, 50)] {
        let (story, chart) = charted();
        let fake = Fake::new(story);
        *fake.chart.lock().unwrap() = Ok(Some(chart));
        let mut console = Harness::over(fake, width, height).await;
        console.press("5").await;
        console.settle().await;
        assert_eq!(console.sees("metric"), width >= 120, "{}", console.screen());
        console.press("enter").await;
        console.settle().await;
        assert!(console.sees("rate(errors[5m]) > 0.05") && console.sees("▄▅▆▇█▇▇█"), "{}", console.screen());
        insta::assert_snapshot!(format!("chart_{width}x{height}"), console.screen());
        assert_eq!(*console.fake.charts_asked.lock().unwrap(), 1, "it is known by then");
    }
}

#[tokio::test(start_paused = true)]
async fn why_there_is_no_chart_is_said_and_what_names_no_query_asks_for_none() {
    let (story, _) = charted();
    let mut console = Harness::new(story, 100, 24).await;
    let reason = ClientError { message: "http://p:9090: it cannot be reached".to_owned(), hint: String::new() };
    *console.fake.chart.lock().unwrap() = Err(reason);
    console.press("5 enter").await;
    console.settle().await;
    assert!(console.sees("no chart: http://p:9090: it cannot be reached"), "{}", console.screen());
    let mut console = Harness::new(incidents(), 100, 24).await;
    console.press("5 enter").await;
    console.settle().await;
    assert_eq!(*console.fake.charts_asked.lock().unwrap(), 0);
}
