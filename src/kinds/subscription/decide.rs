//! What is asked of a subscription leads to. All of it may be asked twice, and by several processes at once.

use chrono::{NaiveDate, TimeDelta};

use super::event::SubscriptionEvent;
use super::meter::MeterPush;
use super::row::Subscription;
use super::verbs::SubscriptionVerb;
use crate::domain::{BudgetPeriod, Cents, Rejection, RejectionKind, Timestamp, Untrusted};

/// Differences kept, and bytes of each.
const MOST_DIFFERENCES: usize = 50;
const LONGEST: usize = 512;

pub(super) fn decide(
    known: Option<&Subscription>,
    verb: SubscriptionVerb,
    now: Timestamp,
) -> Result<Vec<SubscriptionEvent>, Rejection> {
    if let SubscriptionVerb::Begin { account } = verb {
        return Ok(if known.is_none() { vec![SubscriptionEvent::Begun { account }] } else { Vec::new() });
    }
    let known = known.ok_or_else(|| {
        Rejection::new(RejectionKind::NotFound, "there is no subscription in this store".to_owned())
            .hint("`morningai billing checkout PLAN` begins one")
    })?;
    Ok(match verb {
        SubscriptionVerb::Begin { .. } => Vec::new(),
        SubscriptionVerb::Know { customer } => match known.customer.as_deref() == Some(customer.as_str()) {
            true => Vec::new(),
            false => vec![SubscriptionEvent::CustomerKnown { customer }],
        },
        SubscriptionVerb::Read { to } => {
            if known.now == *to {
                Vec::new()
            } else {
                vec![SubscriptionEvent::Changed { to }]
            }
        }
        SubscriptionVerb::Refund { charge, cents } => match known.refunds.get(&charge) {
            Some(before) if *before >= cents => Vec::new(),
            _ => vec![SubscriptionEvent::Refunded { charge, cents }],
        },
        SubscriptionVerb::Measure { month, cents, at } => measure(known, month, cents, at),
        SubscriptionVerb::Attempt { attempt } => {
            let push = pushed(known, attempt.checked_sub(1))?;
            if !push.is_due(now) {
                return Err(stale());
            }
            vec![SubscriptionEvent::MeterAttempted { attempt }]
        }
        SubscriptionVerb::Take { attempt } => {
            pushed(known, Some(attempt))?;
            vec![SubscriptionEvent::MeterTaken {}]
        }
        SubscriptionVerb::Fail { attempt, reason, retry_at } => {
            pushed(known, Some(attempt))?;
            vec![SubscriptionEvent::MeterFailed { reason: reason.cut(LONGEST), retry_at }]
        }
        SubscriptionVerb::Compare { differences } => {
            let differences: Vec<Untrusted> =
                differences.into_iter().take(MOST_DIFFERENCES).map(|text| text.cut(LONGEST)).collect();
            vec![SubscriptionEvent::Compared { differences }]
        }
    })
}

/// Nothing where the provider knows, or one amount is on its way: the next one is told after that.
fn measure(known: &Subscription, month: NaiveDate, cents: Cents, at: Timestamp) -> Vec<SubscriptionEvent> {
    if known.push().is_some() || known.taken(month) == cents {
        return Vec::new();
    }
    // The provider takes the last amount by this time.
    let at = known.last_push().map_or(at, |last| at.max(last + TimeDelta::seconds(1)));
    let metered = SubscriptionEvent::Metered { month, cents, at };
    if BudgetPeriod::Month.has_both(at.date_naive(), month) {
        return vec![metered];
    }
    // Told now, it would be charged as the amount of the month after.
    let reason = "the next month has been reported already: charge or refund it by hand".into();
    vec![metered, SubscriptionEvent::MeterFailed { reason, retry_at: None }]
}

/// What is on its way, where that is the attempt.
fn pushed(known: &Subscription, attempts: Option<u32>) -> Result<&MeterPush, Rejection> {
    known.push().filter(|push| Some(push.attempts) == attempts).ok_or_else(stale)
}

fn stale() -> Rejection {
    Rejection::new(RejectionKind::Stale, "another process is telling Stripe, or has told it".to_owned())
}

#[cfg(test)]
mod tests {
    use chrono::Datelike;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Actor, SubscriptionId};
    use crate::kinds::{Kept, Stamp, Subscribed, SubscriptionState};

    /// A stream that is decided and folded by turns.
    struct Log {
        row: Option<Subscription>,
        version: u64,
    }

    impl Log {
        fn ask(&mut self, second: i64, verb: SubscriptionVerb) -> Result<Vec<SubscriptionEvent>, Rejection> {
            let at = at(second);
            let events = decide(self.row.as_ref(), verb, at)?;
            for event in &events {
                self.version += 1;
                let stamp = Stamp { version: self.version, at, by: &Actor::System };
                match &mut self.row {
                    Some(row) => row.apply(event, &stamp),
                    None => self.row = Subscription::begin(SubscriptionId::OF_TENANT, event, &stamp),
                }
            }
            Ok(events)
        }

        fn row(&self) -> &Subscription {
            self.row.as_ref().unwrap()
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_796_000_000 + second, 0).unwrap()
    }

    fn begun() -> Log {
        let mut log = Log { row: None, version: 0 };
        let account = Uuid::from_u128(7);
        assert_eq!(log.ask(0, SubscriptionVerb::Begin { account }).unwrap().len(), 1);
        assert_eq!(log.ask(0, SubscriptionVerb::Begin { account: Uuid::from_u128(8) }).unwrap(), []);
        log
    }

    fn read(state: SubscriptionState, plan: &str) -> SubscriptionVerb {
        let plan = Some(plan.to_owned());
        SubscriptionVerb::Read { to: Box::new(Subscribed { state, plan, ..Subscribed::default() }) }
    }

    #[test]
    fn a_plan_holds_while_it_is_paid_or_might_still_be() {
        let mut log = begun();
        let steps = [
            (SubscriptionState::Incomplete, None),
            (SubscriptionState::Trial, Some("starter")),
            (SubscriptionState::Active, Some("starter")),
            (SubscriptionState::PastDue, Some("starter")),
            (SubscriptionState::Unpaid, None),
            (SubscriptionState::Active, Some("starter")),
            (SubscriptionState::Cancelled, None),
        ];
        for (second, (state, plan)) in (10..).zip(steps) {
            assert_eq!(log.ask(second, read(state, "starter")).unwrap().len(), 1, "{state:?}");
            assert_eq!(log.ask(second, read(state, "starter")).unwrap(), [], "the same again changes nothing");
            assert_eq!(log.row().terms.last().unwrap().plan.as_deref(), plan, "{state:?}");
            assert_eq!(log.row().past_due_since.is_some(), state == SubscriptionState::PastDue);
        }
        let plans: Vec<_> = log.row().terms.iter().map(|term| term.plan.is_some()).collect();
        assert_eq!(plans, [false, true, false, true, false], "a plan that goes on is one term");
    }

    #[test]
    fn an_amount_is_told_by_one_process_at_a_time_under_one_identifier() {
        let mut log = begun();
        let month = at(0).date_naive();
        let measure = |cents, second| SubscriptionVerb::Measure { month, cents: Cents(cents), at: at(second) };
        assert_eq!(log.ask(1, measure(0, 1)).unwrap(), [], "there is nothing to tell");
        assert_eq!(log.ask(1, measure(50, 1)).unwrap().len(), 1);
        assert_eq!(log.ask(2, measure(100, 2)).unwrap(), [], "one is on its way");
        let event = log.row().push().unwrap().event;
        log.ask(3, SubscriptionVerb::Attempt { attempt: 1 }).unwrap();
        assert!(log.ask(4, SubscriptionVerb::Attempt { attempt: 1 }).is_err(), "another process has it");
        assert!(log.ask(4, SubscriptionVerb::Attempt { attempt: 2 }).is_err(), "it is claimed");
        // The process dies; another one takes over under the same identifier.
        let later = 3 + MeterPush::LEASE.num_seconds();
        log.ask(later, SubscriptionVerb::Attempt { attempt: 2 }).unwrap();
        assert_eq!(log.row().push().unwrap().event, event);
        assert!(log.ask(later, SubscriptionVerb::Take { attempt: 1 }).is_err(), "the first one wakes too late");
        let retry_at = Some(at(later + 5));
        log.ask(later, SubscriptionVerb::Fail { attempt: 2, reason: "busy".into(), retry_at }).unwrap();
        log.ask(later + 5, SubscriptionVerb::Attempt { attempt: 3 }).unwrap();
        log.ask(later + 6, SubscriptionVerb::Take { attempt: 3 }).unwrap();
        assert_eq!((log.row().taken(month), log.row().push()), (Cents(50), None));
        assert_eq!(log.ask(later + 7, measure(50, 0)).unwrap(), []);
        // The provider goes by the time, so a clock that was set back does not make the next one older.
        log.ask(later + 8, measure(100, -500)).unwrap();
        assert_eq!(log.row().push().unwrap().at, at(2));
    }

    #[test]
    fn a_month_is_not_corrected_once_the_next_one_was_reported() {
        let mut log = begun();
        let (last, next) = (at(0), at(40 * 86_400));
        let measure = |at: Timestamp, cents| {
            let month = at.date_naive().with_day(1).unwrap();
            SubscriptionVerb::Measure { month, cents: Cents(cents), at }
        };
        log.ask(1, measure(next, 50)).unwrap();
        log.ask(2, SubscriptionVerb::Attempt { attempt: 1 }).unwrap();
        log.ask(3, SubscriptionVerb::Take { attempt: 1 }).unwrap();
        assert_eq!(log.ask(4, measure(last, 70)).unwrap().len(), 2);
        assert_eq!(log.row().push(), None, "it would be charged in the month after");
        assert!(log.row().lost().raw().contains("by hand"), "{:?}", log.row().lost());
        assert_eq!(log.ask(5, measure(last, 70)).unwrap(), [], "people are told once");
    }

    #[test]
    fn a_refund_is_noted_once() {
        let mut log = begun();
        let refund = |cents| SubscriptionVerb::Refund { charge: "ch_1".into(), cents: Cents(cents) };
        let counts = [100, 100, 300, 100].map(|cents| log.ask(1, refund(cents)).unwrap().len());
        assert_eq!((counts, log.row().refunds["ch_1"]), ([1, 0, 1, 0], Cents(300)));
    }
}
