//! Which pages follow from what is open, by a policy of three steps.

use chrono::TimeDelta;

use super::due::{Matter, matters, orders, sendable, turns};
use super::plan::{Plan, Step, When};
use crate::domain::{Actor, IncidentId, Timestamp};
use crate::kinds::{
    Alert, Command, Follows, GroupKey, Hold, Incident, IncidentEvent, Kept, Labels, Page, PageEvent, PageOrder,
    PageState, PageVerb, Stamp, Tidings,
};
use crate::notify::{Notifier, PagerDuty, Secret};
use crate::rota::{Layer, Schedule, Window};

fn at(minutes: i64) -> Timestamp {
    "2026-11-30T03:00:00Z".parse::<Timestamp>().unwrap() + TimeDelta::minutes(minutes)
}

fn service() -> Notifier {
    let routing_key = Secret::new(|| Ok("key".to_owned().into()));
    Notifier::PagerDuty(PagerDuty { url: PagerDuty::URL.to_owned(), routing_key })
}

/// Ana until 03:30, then bo; cy after ten minutes; the boss after an hour.
fn plan() -> Plan {
    let layer = |people: &[&str]| Layer {
        people: people.iter().map(|name| (*name).to_owned()).collect(),
        length: "daily".parse().unwrap(),
        from: "2026-11-29T03:30:00".parse().unwrap(),
        window: Window::default(),
    };
    let schedule = Schedule { zone: chrono_tz::UTC, layers: vec![layer(&["ana", "bo"])], overrides: Vec::new() };
    let step = |minutes, target: &str| Step {
        when: When::After(TimeDelta::minutes(minutes)),
        targets: vec![target.to_owned()],
    };
    let people = ["ana", "bo", "cy", "boss"].map(|name| (name.to_owned(), vec![format!("pd-{name}")]));
    Plan {
        schedules: [("primary".to_owned(), schedule)].into(),
        people: people.into(),
        notifiers: [("pd-ana".to_owned(), service())].into(),
        incidents: vec![step(0, "primary"), step(10, "cy"), step(60, "boss")],
        approvals: Vec::new(),
    }
}

fn incident(events: Vec<(i64, IncidentEvent)>) -> Incident {
    let labels = |severity: &str| Labels::bounded([("severity".to_owned(), severity.to_owned())]);
    let id = IncidentId(uuid::Uuid::from_u128(7));
    let opened = IncidentEvent::Opened {
        group: GroupKey::of(["x"]),
        title: "HighErr".into(),
        labels: labels("critical"),
        runbook: None,
        agent: None,
        classifier: None,
        part: Default::default(),
        is_held: false,
    };
    let by = Actor::System;
    let mut incident = Incident::begin(id, &opened, &Stamp { version: 1, at: at(0), by: &by }).unwrap();
    for (version, (minutes, event)) in (2..).zip(events) {
        incident.apply(&event, &Stamp { version, at: at(minutes), by: &by });
    }
    incident
}

fn page(minutes: i64, order: &PageOrder, events: &[PageEvent]) -> Page {
    let by = Actor::System;
    let queued = PageEvent::Queued { order: Box::new(order.clone()) };
    let mut page = Page::begin(order.key.page(), &queued, &Stamp { version: 1, at: at(minutes), by: &by }).unwrap();
    for (version, event) in (2..).zip(events) {
        page.apply(event, &Stamp { version, at: at(minutes), by: &by });
    }
    page
}

fn of<'a>(plan: &'a Plan, incident: &Incident) -> Vec<Matter<'a>> {
    matters(plan, std::slice::from_ref(incident), &[], |_| String::new())
}

fn ordered(plan: &Plan, incident: &Incident, pages: &[Page], minutes: i64) -> Vec<PageOrder> {
    let orders = orders(plan, &of(plan, incident), pages, at(minutes));
    let order = |command| {
        let Command::Page { verb: PageVerb::Queue { order }, .. } = command else { panic!("{command:?}") };
        *order
    };
    orders.into_iter().map(order).collect()
}

fn who(orders: &[PageOrder]) -> Vec<(u32, &str)> {
    orders.iter().map(|order| (order.key.step, order.person.as_deref().unwrap_or("nobody"))).collect()
}

#[test]
fn one_after_another_is_paged_until_somebody_takes_it_up() {
    let (plan, open) = (plan(), incident(Vec::new()));
    let first = ordered(&plan, &open, &[], 0);
    assert_eq!(who(&first), [(0, "ana")]);
    assert_eq!(first[0].follows, Follows::All);
    let mut pages = vec![page(
        0,
        &first[0],
        &[PageEvent::Attempted { attempt: 1 }, PageEvent::Delivered { receipt: String::new() }],
    )];
    assert_eq!(who(&ordered(&plan, &open, &pages, 9)), []);
    let second = ordered(&plan, &open, &pages, 10);
    assert_eq!(who(&second), [(1, "cy")]);
    pages.push(page(10, &second[0], &[]));
    assert_eq!(who(&ordered(&plan, &open, &pages, 59)), [], "also after the handover to bo");
    assert_eq!(who(&ordered(&plan, &open, &pages, 60)), [(2, "boss")]);
    let taken = incident(vec![(5, IncidentEvent::Acknowledged {})]);
    assert_eq!(who(&ordered(&plan, &taken, &pages, 600)), []);
}

#[test]
fn a_pager_that_starts_late_does_not_wake_everybody_at_once() {
    let (plan, open) = (plan(), incident(Vec::new()));
    let first = ordered(&plan, &open, &[], 500);
    assert_eq!(who(&first), [(0, "bo")]);
    let pages = [page(500, &first[0], &[])];
    assert_eq!(who(&ordered(&plan, &open, &pages, 509)), []);
    assert_eq!(who(&ordered(&plan, &open, &pages, 510)), [(1, "cy")]);
}

#[test]
fn where_nobody_is_reached_the_next_is_paged_at_once() {
    let (mut plan, open) = (plan(), incident(Vec::new()));
    let first = ordered(&plan, &open, &[], 0);
    let failed = PageEvent::GivenUp { reason: "403".into() };
    let pages = [page(0, &first[0], &[PageEvent::Attempted { attempt: 1 }, failed])];
    assert_eq!(pages[0].state, PageState::GivenUp);
    assert_eq!(who(&ordered(&plan, &open, &pages, 1)), [(1, "cy")], "and the one after takes its time");
    plan.schedules.get_mut("primary").unwrap().layers.clear();
    assert_eq!(who(&ordered(&plan, &open, &[], 0)), [(0, "nobody")]);
}

#[test]
fn only_critical_incidents_page_and_each_time_they_open() {
    let plan = plan();
    let labels = Labels::bounded([("severity".to_owned(), "warning".to_owned())]);
    let mut mild = incident(Vec::new());
    mild.severity = crate::kinds::Severity::of(&labels);
    assert_eq!(who(&ordered(&plan, &mild, &[], 5)), []);
    let alert = Alert {
        fingerprint: "a".to_owned(),
        starts_at: at(1),
        ended_at: None,
        labels: Labels::bounded([("severity".to_owned(), "critical".to_owned())]),
        annotations: Labels::default(),
        url: Default::default(),
        source: Default::default(),
        marks: Default::default(),
    };
    let worse = IncidentEvent::AlertFired { alert: Box::new(alert), group: None };
    mild.apply(&worse, &Stamp { version: 2, at: at(1), by: &Actor::System });
    assert_eq!(who(&ordered(&plan, &mild, &[], 5)), [(0, "ana")]);
    let open = incident(Vec::new());
    let first = ordered(&plan, &open, &[], 0);
    let pages =
        [page(0, &first[0], &[PageEvent::Attempted { attempt: 1 }, PageEvent::Delivered { receipt: String::new() }])];
    let again = incident(vec![
        (3, IncidentEvent::Resolved {}),
        (8, IncidentEvent::Reopened { is_flapping: false, is_held: false }),
    ]);
    let second = ordered(&plan, &again, &pages, 8);
    assert_eq!(who(&second), [(0, "ana")]);
    assert_ne!(second[0].key.dedup(), first[0].key.dedup());
    let over = PageVerb::Turn { tidings: Tidings::Resolve }.on(pages[0].id);
    assert_eq!(turns(&of(&plan, &again), &pages), [over], "the page of the first time is over");
}

#[test]
fn what_is_held_back_pages_nobody_and_pages_again_once_it_is_released() {
    let plan = plan();
    let open = incident(Vec::new());
    let first = ordered(&plan, &open, &[], 0);
    let pages =
        [page(0, &first[0], &[PageEvent::Attempted { attempt: 1 }, PageEvent::Delivered { receipt: String::new() }])];
    let why = Hold::Inhibited { by: IncidentId(uuid::Uuid::from_u128(8)) };
    let held = incident(vec![(3, IncidentEvent::Held { why: why.clone() })]);
    assert_eq!(who(&ordered(&plan, &held, &[], 3)), []);
    let quiet = PageVerb::Turn { tidings: Tidings::Acknowledge }.on(pages[0].id);
    assert_eq!(turns(&of(&plan, &held), &pages), [quiet]);
    let freed = incident(vec![(3, IncidentEvent::Held { why }), (9, IncidentEvent::Released { is_quiet: false })]);
    let second = ordered(&plan, &freed, &pages, 9);
    assert_eq!(who(&second), [(0, "ana")]);
    assert_eq!(second[0].key.since, at(9));
}

#[test]
fn a_page_that_was_taken_up_meanwhile_is_not_sent() {
    let plan = plan();
    let open = incident(Vec::new());
    let pages = [page(0, &ordered(&plan, &open, &[], 0)[0], &[])];
    assert_eq!(sendable(&plan, &of(&plan, &open), &pages, at(0)).count(), 1);
    let elsewhere = Plan { notifiers: Default::default(), ..plan.clone() };
    assert_eq!(sendable(&elsewhere, &of(&plan, &open), &pages, at(1)).count(), 0, "somebody else can");
    assert_eq!(sendable(&elsewhere, &of(&plan, &open), &pages, at(2)).count(), 1, "or nobody, which is to be said");
    let taken = incident(vec![(1, IncidentEvent::Acknowledged {})]);
    assert_eq!(sendable(&plan, &of(&plan, &taken), &pages, at(1)).count(), 0);
    let told = PageVerb::Turn { tidings: Tidings::Acknowledge }.on(pages[0].id);
    assert_eq!(turns(&of(&plan, &taken), &pages), [told]);
    assert_eq!(turns(&of(&plan, &open), &pages), []);
}
