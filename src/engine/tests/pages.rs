//! The outbox of pages: queued once, sent by one at a time, tried again, given up, and told how it went on.

use chrono::TimeDelta;

use crate::domain::{Actor, IncidentId, PageId, Rejection, RejectionKind, Timestamp};
use crate::engine::decide;
use crate::fold::Snapshot;
use crate::kinds::{Envelope, Follows, Page, PageKey, PageOrder, PageState, PageVerb, Shown, Stream, Tidings};

fn start() -> Timestamp {
    "2026-11-30T03:00:00Z".parse().unwrap()
}

fn order(person: Option<&str>, notifier: &str, follows: Follows) -> PageOrder {
    let key = PageKey {
        about: Stream::Incident(IncidentId(uuid::Uuid::from_u128(7))),
        run: None,
        since: start(),
        step: 0,
        target: "primary".to_owned(),
        notifier: notifier.to_owned(),
    };
    PageOrder { key, person: person.map(str::to_owned), title: "HighErr".into(), follows }
}

/// A log in memory, with a clock.
struct Log {
    snapshot: Snapshot,
    now: Timestamp,
}

impl Log {
    fn new() -> Self {
        Self { snapshot: Snapshot::default(), now: start() }
    }

    fn ask(&mut self, id: PageId, verb: PageVerb) -> Result<Vec<&'static str>, Rejection> {
        let decided = decide(&self.snapshot, verb.on(id), &Actor::System, self.now)?;
        let kinds = decided.iter().map(|decided| decided.event.kind()).collect();
        for decided in decided {
            let (seq, version) = (self.snapshot.cursor + 1, self.snapshot.version(decided.stream) + 1);
            let (stream, by, event) = (decided.stream, decided.by, decided.event);
            self.snapshot.apply(&Envelope { seq, stream, version, at: self.now, by, event });
        }
        Ok(kinds)
    }

    fn queue(&mut self, order: PageOrder) -> PageId {
        let id = order.key.page();
        self.ask(id, PageVerb::Queue { order: Box::new(order) }).unwrap();
        id
    }

    fn later(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }

    fn page(&self, id: PageId) -> &Page {
        &self.snapshot.pages[&id]
    }

    fn arrives(&mut self, id: PageId) {
        let attempt = self.page(id).attempts + 1;
        self.ask(id, PageVerb::Attempt { attempt }).unwrap();
        self.ask(id, PageVerb::Deliver { attempt, receipt: String::new() }).unwrap();
    }
}

fn fail(attempt: u32, retry_at: Option<Timestamp>) -> PageVerb {
    PageVerb::Fail { attempt, reason: "503".into(), retry_at }
}

#[test]
fn a_page_is_queued_once_and_another_person_is_not_paged_beside_it() {
    let mut log = Log::new();
    let id = log.queue(order(Some("ana"), "pd", Follows::All));
    let again = PageVerb::Queue { order: Box::new(order(Some("ana"), "pd", Follows::All)) };
    assert!(log.ask(id, again).unwrap().is_empty());
    let other = order(Some("bo"), "chat", Follows::Not);
    assert!(log.ask(other.key.page(), PageVerb::Queue { order: Box::new(other) }).unwrap().is_empty());
    log.queue(order(Some("ana"), "chat", Follows::Not));
    assert_eq!(log.snapshot.pages.len(), 2, "one for each of her notifiers");
    let reopened = PageKey { since: start() + TimeDelta::seconds(1), ..order(None, "pd", Follows::All).key };
    assert_ne!(reopened.page(), id, "an incident that opens again pages again");
    assert_ne!(reopened.dedup(), log.page(id).key.dedup());
}

#[test]
fn one_process_sends_it_and_what_another_says_of_an_older_attempt_is_refused() {
    let mut log = Log::new();
    let id = log.queue(order(Some("ana"), "pd", Follows::All));
    assert_eq!(log.ask(id, PageVerb::Attempt { attempt: 1 }).unwrap(), ["page.attempted"]);
    let stale = |asked: Result<Vec<&str>, Rejection>| asked.unwrap_err().kind == RejectionKind::Stale;
    assert!(stale(log.ask(id, PageVerb::Attempt { attempt: 1 })), "it is claimed");
    assert!(stale(log.ask(id, PageVerb::Attempt { attempt: 2 })), "and not over yet");
    log.later(20);
    assert_eq!(log.ask(id, PageVerb::Attempt { attempt: 2 }).unwrap(), ["page.attempted"], "nobody said how it ended");
    assert!(stale(log.ask(id, PageVerb::Deliver { attempt: 1, receipt: String::new() })));
    assert_eq!(log.ask(id, PageVerb::Deliver { attempt: 2, receipt: String::new() }).unwrap(), ["page.delivered"]);
    assert!(stale(log.ask(id, fail(2, Some(log.now)))));
    assert_eq!((log.page(id).state, log.page(id).due), (PageState::Delivered, None));
}

#[test]
fn it_is_tried_again_later_and_later_and_then_given_up_loudly() {
    let mut log = Log::new();
    let id = log.queue(order(Some("ana"), "pd", Follows::All));
    let mut waits = Vec::new();
    for attempt in 1..=8 {
        log.ask(id, PageVerb::Attempt { attempt }).unwrap();
        let told = log.ask(id, fail(attempt, Some(log.now))).unwrap();
        let Some(due) = log.page(id).due else {
            assert_eq!(told, ["page.given_up"]);
            break;
        };
        waits.push((due - log.now).num_seconds());
        log.now = due;
    }
    assert_eq!(waits, [5, 15, 45, 120, 300, 600, 600]);
    assert!(log.page(id).needs_somebody());
    assert_eq!(log.ask(id, PageVerb::Retry).unwrap(), ["page.retried"]);
    assert!(log.page(id).is_due(log.now) && log.page(id).attempts == 0);
    log.ask(id, PageVerb::Attempt { attempt: 1 }).unwrap();
    let asked = Some(log.now + TimeDelta::seconds(60));
    log.ask(id, fail(1, asked)).unwrap();
    assert_eq!(log.page(id).due, asked, "the other side knows how long it needs");
    log.later(60);
    log.ask(id, PageVerb::Attempt { attempt: 2 }).unwrap();
    log.ask(id, fail(2, Some(log.now + TimeDelta::days(9)))).unwrap();
    assert_eq!(log.page(id).due, Some(log.now + TimeDelta::minutes(15)), "but not for ever");
    log.later(900);
    log.ask(id, PageVerb::Attempt { attempt: 3 }).unwrap();
    assert_eq!(log.ask(id, fail(3, None)).unwrap(), ["page.given_up"], "what cannot help is not tried again");
}

#[test]
fn a_notifier_that_follows_is_told_how_it_went_on_and_another_is_left_alone() {
    let mut log = Log::new();
    let (pd, chat) = (order(Some("ana"), "pd", Follows::All), order(Some("ana"), "chat", Follows::Not));
    let (pd, chat) = (log.queue(pd), log.queue(chat));
    log.arrives(pd);
    log.arrives(chat);
    let turn = |tidings| PageVerb::Turn { tidings };
    assert_eq!(log.ask(pd, turn(Tidings::Acknowledge)).unwrap(), ["page.turned"]);
    assert!(log.ask(pd, turn(Tidings::Acknowledge)).unwrap().is_empty());
    assert_eq!(log.ask(chat, turn(Tidings::Acknowledge)).unwrap(), ["page.ended"]);
    log.arrives(pd);
    assert_eq!(log.page(pd).told, Some(Tidings::Acknowledge));
    assert_eq!(log.ask(pd, turn(Tidings::Resolve)).unwrap(), ["page.turned"]);
    log.ask(pd, PageVerb::Attempt { attempt: 1 }).unwrap();
    assert_eq!(
        log.ask(pd, PageVerb::Deliver { attempt: 1, receipt: String::new() }).unwrap(),
        ["page.delivered", "page.ended"]
    );
    assert_eq!(log.ask(pd, turn(Tidings::Resolve)).unwrap_err().kind, RejectionKind::AlreadySettled);
}

#[test]
fn what_flaps_pages_again_after_a_while_and_what_was_snoozed_when_it_wakes() {
    let mut log = Log::new();
    let id = log.queue(order(Some("ana"), "pd", Follows::All));
    log.arrives(id);
    let first = log.page(id).round;
    log.ask(id, PageVerb::Turn { tidings: Tidings::Acknowledge }).unwrap();
    assert_eq!(log.ask(id, PageVerb::Turn { tidings: Tidings::Trigger }).unwrap(), ["page.turned"]);
    log.arrives(id);
    assert!(log.page(id).round > first, "another message, which nobody takes for the first one");
    log.ask(id, PageVerb::Turn { tidings: Tidings::Resolve }).unwrap();
    log.arrives(id);
    log.queue(order(Some("ana"), "pd", Follows::All));
    assert_eq!(log.page(id).state, PageState::Ended);
    log.later(15 * 60);
    log.queue(order(Some("ana"), "pd", Follows::All));
    assert_eq!((log.page(id).state, log.page(id).attempts), (PageState::Queued, 0));
    assert!(log.page(id).round > first);
    log.arrives(id);
}

#[test]
fn what_was_taken_up_before_it_was_sent_is_not_sent_and_what_may_have_arrived_is_resolved() {
    let mut log = Log::new();
    let id = log.queue(order(Some("ana"), "pd", Follows::All));
    assert_eq!(log.ask(id, PageVerb::Turn { tidings: Tidings::Acknowledge }).unwrap(), ["page.ended"]);
    let mut log = Log::new();
    let id = log.queue(order(Some("ana"), "pd", Follows::All));
    log.ask(id, PageVerb::Attempt { attempt: 1 }).unwrap();
    let over = PageVerb::Turn { tidings: Tidings::Resolve };
    assert!(log.ask(id, over.clone()).unwrap().is_empty(), "it is on its way");
    log.later(20);
    assert_eq!(log.ask(id, over).unwrap(), ["page.turned"]);
}

#[test]
fn where_nobody_is_on_call_it_is_said_and_can_be_dismissed() {
    let mut log = Log::new();
    let id = log.queue(order(None, "", Follows::Not));
    let page = log.page(id);
    assert_eq!((page.state, page.reason.raw()), (PageState::GivenUp, "nobody is on call for primary"));
    assert!(page.needs_somebody() && log.ask(id, PageVerb::Retry).is_err());
    let id = log.queue(order(Some("bo"), "pd", Follows::All));
    assert_eq!(log.page(id).state, PageState::Queued, "somebody who comes on call is paged");
    log.ask(id, PageVerb::Dismiss).unwrap();
    assert!(log.ask(id, PageVerb::Dismiss).is_err());
}
