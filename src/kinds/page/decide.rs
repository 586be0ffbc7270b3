//! What is asked of a page leads to. All of it may be asked twice, and by several processes at once.

use chrono::TimeDelta;

use super::event::PageEvent;
use super::row::{Page, PageState};
use super::tidings::{Follows, Tidings};
use super::verbs::{PageOrder, PageVerb};
use crate::domain::{PageId, Rejection, RejectionKind, Timestamp, Untrusted};
use crate::kinds::World;

/// Attempts before it is given up: with the pauses below, within half an hour.
const MOST_ATTEMPTS: u32 = 8;
/// Seconds after the attempts that failed; the last holds from there on.
const PAUSES: [i64; 7] = [5, 15, 45, 120, 300, 600, 600];
/// Longest that the other side may ask to wait.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(15);
/// The least time between two pages of the same step, where a matter is over and back again.
const REPEAT: TimeDelta = TimeDelta::minutes(15);
/// Bytes kept of a reason and of a title.
const LONGEST: usize = 512;
/// Bytes of what the other side calls a message.
const LONGEST_RECEIPT: usize = 100;

pub(super) fn decide(
    world: &dyn World,
    id: PageId,
    verb: PageVerb,
    now: Timestamp,
) -> Result<Vec<PageEvent>, Rejection> {
    if let PageVerb::Queue { order } = verb {
        return Ok(queue(world, id, *order, now));
    }
    let page = world.pages().get(&id).ok_or_else(|| {
        Rejection::new(RejectionKind::NotFound, format!("no page has the id {id}")).hint("`morningai pages` lists them")
    })?;
    if page.ended_at.is_some() {
        return Err(settled(page, "over"));
    }
    match verb {
        PageVerb::Queue { .. } => Ok(Vec::new()),
        PageVerb::Attempt { attempt } => attempts(page, attempt, now),
        PageVerb::Deliver { attempt, receipt } => is_current(page, attempt).map(|()| {
            let ended = (page.tidings == Tidings::Resolve).then_some(PageEvent::Ended {});
            std::iter::once(PageEvent::Delivered { receipt: cut(receipt) }).chain(ended).collect()
        }),
        PageVerb::Fail { attempt, reason, retry_at } => {
            is_current(page, attempt).map(|()| vec![failed(page, reason.cut(LONGEST), retry_at, now)])
        }
        PageVerb::Turn { tidings } => Ok(turn(page, tidings, now)),
        PageVerb::Retry if page.state == PageState::GivenUp && page.person.is_some() => Ok(vec![PageEvent::Retried {}]),
        PageVerb::Retry => Err(settled(page, "not given up")),
        PageVerb::Dismiss => Ok(vec![PageEvent::Ended {}]),
    }
}

/// One page a notifier, and one person a step: who was found first is paged, wherever it was asked. What ended and waits
/// again, as what flaps does, pages again after a while.
fn queue(world: &dyn World, id: PageId, order: PageOrder, now: Timestamp) -> Vec<PageEvent> {
    let is_another = |page: &&Page| {
        page.ended_at.is_none()
            && page.key.is_beside(&order.key)
            && page.person.is_some()
            && page.person != order.person
    };
    let is_new = world.pages().get(&id).is_none_or(|page| page.ended_at.is_some() && now - page.queued_at >= REPEAT);
    if !is_new || world.pages().values().any(|page| is_another(&page)) {
        return Vec::new();
    }
    let (is_reachable, whom) = (order.person.is_some(), order.whom());
    let order = PageOrder { title: order.title.cut(LONGEST), ..order };
    let mut events = vec![PageEvent::Queued { order: Box::new(order) }];
    if !is_reachable {
        events.push(PageEvent::GivenUp { reason: whom.into() });
    }
    events
}

/// A claim of the attempt after the last one, once it is due.
fn attempts(page: &Page, attempt: u32, now: Timestamp) -> Result<Vec<PageEvent>, Rejection> {
    if attempt != page.attempts + 1 || !page.is_due(now) {
        return Err(Rejection::new(RejectionKind::Stale, format!("page {} is not to be sent now", page.id.short())));
    }
    Ok(vec![PageEvent::Attempted { attempt }])
}

/// What came of an attempt that another one took the place of is not told.
fn is_current(page: &Page, attempt: u32) -> Result<(), Rejection> {
    match page.state == PageState::Sending && page.attempts == attempt {
        true => Ok(()),
        false => {
            let message = format!("page {} is not in attempt {attempt}", page.id.short());
            Err(Rejection::new(RejectionKind::Stale, message))
        }
    }
}

/// Tried again after a pause, or, without a time, not at all.
fn failed(page: &Page, reason: Untrusted, asked: Option<Timestamp>, now: Timestamp) -> PageEvent {
    let Some(asked) = asked.filter(|_| page.attempts < MOST_ATTEMPTS) else {
        return PageEvent::GivenUp { reason };
    };
    let place = usize::try_from(page.attempts.saturating_sub(1)).unwrap_or(0).min(PAUSES.len() - 1);
    let usual = now + TimeDelta::seconds(PAUSES[place]);
    PageEvent::Failed { reason, retry_at: asked.clamp(usual, usual.max(now + LONGEST_PAUSE)) }
}

/// A page that did not arrive need not any more, and a notifier that does not follow is told nothing. One that is on its
/// way is asked again once it has arrived.
fn turn(page: &Page, tidings: Tidings, now: Timestamp) -> Vec<PageEvent> {
    if page.state == PageState::Sending && !page.is_due(now) {
        return Vec::new();
    }
    // An attempt whose outcome is unknown may have arrived.
    let is_untried = page.tidings == Tidings::Trigger && page.attempts == 0;
    let is_unheard = page.told.is_none() && (is_untried || page.state == PageState::GivenUp);
    match () {
        () if tidings > Tidings::Trigger && (is_unheard || page.follows == Follows::Not) => vec![PageEvent::Ended {}],
        // What is resolved stays so under its key.
        () if page.tidings == tidings || page.tidings == Tidings::Resolve => Vec::new(),
        () => vec![PageEvent::Turned { tidings }],
    }
}

/// A name that is longer is none that this program asked for.
fn cut(receipt: String) -> String {
    if receipt.len() > LONGEST_RECEIPT { String::new() } else { receipt }
}

fn settled(page: &Page, what: &str) -> Rejection {
    Rejection::new(RejectionKind::AlreadySettled, format!("page {} is {what}", page.id.short()))
}
