//! Which pages are to be queued, and which notifiers are to be told how it went on. Pure.

use chrono::TimeDelta;

use super::plan::{Plan, Step, When};
use crate::domain::{ApprovalId, RunId, Timestamp, Untrusted};
use crate::kinds::{
    Approval, Command, Follows, Incident, IncidentState, Page, PageKey, PageOrder, PageState, PageVerb, Severity,
    Stream, Tidings,
};

/// Something that somebody must take up.
#[derive(Clone, Debug)]
pub(super) struct Matter<'a> {
    pub(super) about: Stream,
    run: Option<RunId>,
    /// Since when.
    since: Timestamp,
    expires: Option<Timestamp>,
    /// Whether nobody has.
    is_waiting: bool,
    title: Untrusted,
    steps: &'a [Step],
}

/// What is open now.
pub(super) fn matters<'a>(
    plan: &'a Plan,
    incidents: &[Incident],
    approvals: &[Approval],
    headline: impl Fn(&Approval) -> String,
) -> Vec<Matter<'a>> {
    let incident = |incident: &Incident| Matter {
        about: Stream::Incident(incident.id),
        run: None,
        since: incident.called_at.unwrap_or(incident.opened_at),
        expires: None,
        is_waiting: incident.state == IncidentState::Firing
            && incident.severity == Severity::Critical
            && incident.snoozed_until.is_none(),
        title: incident.title.clone(),
        steps: &plan.incidents,
    };
    let approval = |approval: &Approval| Matter {
        about: Stream::Approval(approval.id),
        run: Some(approval.run),
        since: approval.requested_at,
        expires: approval.expires_at,
        is_waiting: approval.state.is_open(),
        title: headline(approval).into(),
        steps: &plan.approvals,
    };
    incidents.iter().map(incident).chain(approvals.iter().map(approval)).collect()
}

impl Matter<'_> {
    fn is_of(&self, key: &PageKey) -> bool {
        self.about == key.about && self.since == key.since
    }
}

/// The pages that are due and not queued yet. `pages` are those that are open.
pub(super) fn orders(plan: &Plan, matters: &[Matter<'_>], pages: &[Page], now: Timestamp) -> Vec<Command> {
    let waiting = matters.iter().filter(|matter| matter.is_waiting);
    waiting.flat_map(|matter| due(plan, matter, pages, now)).collect()
}

/// A step begins no sooner after the one before than the policy has it, even where that one began late; and at once
/// where that one reached nobody.
fn due(plan: &Plan, matter: &Matter<'_>, pages: &[Page], now: Timestamp) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut before: Option<(TimeDelta, Timestamp)> = None;
    let (mut is_blocked, mut reached_nobody) = (false, false);
    for (number, step) in (0..).zip(matter.steps) {
        let sent: Vec<_> = pages.iter().filter(|page| matter.is_of(&page.key) && page.key.step == number).collect();
        let at = match step.when {
            When::After(_) if reached_nobody => Some(now),
            When::After(after) => {
                let behind = before.map(|(earlier, then)| then + (after - earlier));
                Some((matter.since + after).max(behind.unwrap_or(matter.since)))
            }
            When::BeforeExpiry(early) => matter.expires.map(|expires| expires - early),
        };
        let is_timed = matches!(step.when, When::After(_));
        let is_due = !sent.is_empty() || (at.is_some_and(|at| at <= now) && !(is_timed && is_blocked));
        if !is_due {
            is_blocked |= is_timed;
            continue;
        }
        commands.extend(ordered(plan, matter, (number, step), pages, now));
        if let When::After(after) = step.when {
            let queued = sent.iter().map(|page| page.queued_at).min().unwrap_or(now);
            before = Some((after, queued));
            reached_nobody = !sent.is_empty() && sent.iter().all(|page| page.state == PageState::GivenUp);
        }
    }
    commands
}

fn ordered(
    plan: &Plan,
    matter: &Matter<'_>,
    (number, step): (u32, &Step),
    pages: &[Page],
    now: Timestamp,
) -> Vec<Command> {
    let mut commands = Vec::new();
    for target in &step.targets {
        let key = |notifier: &str| PageKey {
            about: matter.about,
            run: matter.run,
            since: matter.since,
            step: number,
            target: target.clone(),
            notifier: notifier.to_owned(),
        };
        let person = plan.person(target, now);
        let known = pages.iter().filter(|page| page.key.is_beside(&key("")));
        // Who was found first is paged, also after a handover.
        if known.clone().any(|page| page.person.is_some() && page.person.as_deref() != person) {
            continue;
        }
        let nobody = [String::new()];
        let notifiers = person.and_then(|person| plan.people.get(person)).map_or(&nobody[..], Vec::as_slice);
        for notifier in notifiers.iter().filter(|name| known.clone().all(|page| page.key.notifier != **name)) {
            let follows = plan.notifiers.get(notifier).map_or(Follows::Not, |notifier| notifier.follows());
            let (person, title) = (person.map(str::to_owned), matter.title.clone());
            let order = PageOrder { key: key(notifier), person, title, follows };
            let id = order.key.page();
            commands.push(PageVerb::Queue { order: Box::new(order) }.on(id));
        }
    }
    commands
}

/// What open pages are to be told of how it went on.
pub(super) fn turns(matters: &[Matter<'_>], pages: &[Page]) -> Vec<Command> {
    let turn = |page: &Page| {
        let matter = matters.iter().find(|matter| matter.is_of(&page.key));
        let tidings = match matter {
            None => Tidings::Resolve,
            // A time for which it was snoozed is over.
            Some(matter) if matter.is_waiting && page.tidings == Tidings::Acknowledge => Tidings::Trigger,
            Some(matter) if matter.is_waiting => return None,
            Some(_) => Tidings::Acknowledge,
        };
        (page.tidings != tidings).then(|| PageVerb::Turn { tidings }.on(page.id))
    };
    pages.iter().filter_map(turn).collect()
}

/// A page by a notifier that is configured elsewhere alone is left to that process, for so long.
const LEFT_TO_OTHERS: TimeDelta = TimeDelta::minutes(1);

/// The pages that are to be sent now, unless what they are about was taken up meanwhile.
pub(super) fn sendable<'a>(
    plan: &'a Plan,
    matters: &'a [Matter<'_>],
    pages: &'a [Page],
    now: Timestamp,
) -> impl Iterator<Item = &'a Page> {
    let is_wanted = |page: &Page| {
        let is_waiting = matters.iter().any(|matter| matter.is_waiting && matter.is_of(&page.key));
        page.tidings > Tidings::Trigger || is_waiting
    };
    let is_ours =
        move |page: &Page| plan.notifiers.contains_key(&page.key.notifier) || now - page.queued_at > LEFT_TO_OTHERS;
    pages.iter().filter(move |page| page.is_due(now) && is_wanted(page) && is_ours(page))
}

/// The request that a page is about.
pub(super) fn approval_of(page: &Page) -> Option<ApprovalId> {
    let Stream::Approval(id) = page.key.about else { return None };
    Some(id)
}
