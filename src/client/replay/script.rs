//! A recording laid out for playing: every item with its time, streams of text filled in, times moved to today.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;

use super::pace::Pace;
use crate::client::recording::{Source, streamed};
use crate::domain::{ApprovalId, Rejection, RejectionKind, RunId, Settlement, Timestamp};
use crate::fold::Snapshot;
use crate::kinds::{Approval, ApprovalEvent, ApprovalVerb, Command, Envelope, Event, Stream};
use crate::ports::{Delta, DeltaKind, FeedItem};

/// Characters of a stream told at a time, and the longest time to the next of them: what took longer was thought
/// about before it came.
const PIECE: usize = 12;
const LONGEST_PIECE: Duration = Duration::from_millis(250);
/// Time a request is shown before the clock stops for it.
const LOOK: Duration = Duration::from_millis(400);

pub(super) struct Script {
    /// What its beginning is shown as.
    start: Timestamp,
    /// In order of time.
    pub(super) items: Vec<Item>,
    /// Where among them requests are decided.
    decisions: Vec<usize>,
    pace: Pace,
    length: Duration,
}

pub(super) struct Item {
    /// When it is played.
    pub(super) at: Duration,
    pub(super) item: FeedItem,
    /// The request that this event decides.
    pub(super) decides: Option<ApprovalId>,
    /// Where the clock stops to let the viewer decide first.
    pub(super) holds_from: Duration,
}

impl Item {
    pub(super) fn is_event(&self) -> bool {
        matches!(self.item, FeedItem::Committed { .. })
    }

    /// What is told of it so much later than recorded.
    pub(super) fn told(&self, late: TimeDelta) -> FeedItem {
        match self.envelope() {
            Some(envelope) => FeedItem::Committed { envelope: Box::new(moved(envelope.clone(), late)) },
            None => self.item.clone(),
        }
    }

    fn envelope(&self) -> Option<&Envelope> {
        match &self.item {
            FeedItem::Committed { envelope } => Some(envelope),
            FeedItem::Delta(_)
            | FeedItem::Lost
            | FeedItem::StoreDown { .. }
            | FeedItem::StoreBack
            | FeedItem::StoreSlow { .. }
            | FeedItem::StoreQuick
            | FeedItem::LinkChanged => None,
        }
    }
}

/// What a person can decide, as far as it changes what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Approve,
    Deny,
    Edit,
    Answer,
    Settle(Settlement),
    /// Not a person's: the recording shows that nobody decided.
    Lapse,
}

impl Decision {
    /// The decision, and on what; `open` finds a request that waits for one.
    pub(super) fn of<'a>(
        command: &Command,
        open: impl Fn(&ApprovalId) -> Option<&'a Approval>,
    ) -> Result<(ApprovalId, Self), Rejection> {
        let fixed = || {
            let what = "this is a replay: nothing can be started, changed or steered in it";
            Rejection::new(RejectionKind::NotAllowed, what)
                .hint("at a card you may decide as recorded, or let it continue")
        };
        let Command::Approval { id, verb } = command else { return Err(fixed()) };
        let settled = || Rejection::new(RejectionKind::AlreadySettled, "nothing waits for this decision here");
        let request = open(id).ok_or_else(settled)?;
        let decision = match verb {
            ApprovalVerb::Approve { digest } if !request.digest.matches(digest) => {
                let mismatch = Rejection::new(RejectionKind::DigestMismatch, "that is not the card's digest");
                return Err(mismatch.hint("read the card, which ends with it"));
            }
            ApprovalVerb::Approve { .. } => Self::Approve,
            ApprovalVerb::Deny { .. } => Self::Deny,
            ApprovalVerb::Answer { .. } => Self::Answer,
            ApprovalVerb::Settle { settlement, .. } => Self::Settle(*settlement),
            ApprovalVerb::Edit { .. } | ApprovalVerb::Expire => return Err(fixed()),
        };
        Ok((*id, decision))
    }

    fn in_event(event: &ApprovalEvent) -> Option<Self> {
        match event {
            ApprovalEvent::Requested { .. } => None,
            ApprovalEvent::Approved { .. } => Some(Self::Approve),
            ApprovalEvent::Denied { .. } => Some(Self::Deny),
            ApprovalEvent::Edited { .. } => Some(Self::Edit),
            ApprovalEvent::Answered { .. } => Some(Self::Answer),
            ApprovalEvent::Settled { settlement, .. } => Some(Self::Settle(*settlement)),
            ApprovalEvent::Expired {} | ApprovalEvent::Withdrawn { .. } | ApprovalEvent::Superseded { .. } => {
                Some(Self::Lapse)
            }
        }
    }

    /// What the recording shows.
    pub(super) fn outcome(self) -> &'static str {
        match self {
            Self::Approve => "it was approved",
            Self::Deny => "it was denied",
            Self::Edit => "it was changed first",
            Self::Answer => "it was answered",
            Self::Settle(Settlement::Happened) => "it had happened",
            Self::Settle(Settlement::Retry) => "it was tried again",
            Self::Settle(Settlement::GiveUp) => "it was given up",
            Self::Lapse => "nobody decided",
        }
    }
}

/// Why a decision is refused that nothing was recorded for.
pub(super) fn not_recorded(recorded: Option<Decision>) -> Rejection {
    let shows = recorded.map_or("nobody decided before it ends", Decision::outcome);
    let what = format!("only what was recorded can be replayed: {shows}");
    Rejection::new(RejectionKind::NotAllowed, what).hint("decide so, or play on")
}

impl Script {
    pub(super) fn new(events: &[(Duration, Envelope)], now: Timestamp) -> Self {
        let shift = events.first().map_or_else(Default::default, |(_, first)| now - first.at);
        let mut items = Vec::new();
        let mut requested: BTreeMap<ApprovalId, Duration> = BTreeMap::new();
        for (index, (at, envelope)) in events.iter().enumerate() {
            items.extend(pieces(events, index));
            let decides = decision_in(envelope).map(|(approval, _)| approval);
            if let (Stream::Approval(approval), None) = (envelope.stream, decides) {
                requested.insert(approval, *at);
            }
            let asked = decides.and_then(|approval| requested.get(&approval).copied());
            let envelope = Box::new(moved(envelope.clone(), shift));
            items.push(Item {
                at: *at,
                item: FeedItem::Committed { envelope },
                decides,
                holds_from: asked.map_or(*at, |asked| (asked + LOOK).min(*at)),
            });
        }
        items.sort_by_key(|item| item.at);
        let mut times: Vec<_> = items.iter().flat_map(|item| [item.holds_from, item.at]).collect();
        times.sort_unstable();
        let pace = Pace::of(times);
        for item in &mut items {
            (item.at, item.holds_from) = (pace.played(item.at), pace.played(item.holds_from));
        }
        let length = items.last().map_or(Duration::ZERO, |item| item.at);
        let decisions = (0..items.len()).filter(|index| items[*index].decides.is_some()).collect();
        Self { start: now, items, decisions, pace, length }
    }

    /// What the clock shows when `at` is played.
    pub(super) fn clock(&self, at: Duration) -> Timestamp {
        self.start + TimeDelta::from_std(self.pace.recorded(at)).unwrap_or(TimeDelta::MAX)
    }

    /// How long the wait lasted that is passed over at this time.
    pub(super) fn passing(&self, at: Duration) -> Option<Duration> {
        self.pace.passing(at)
    }

    /// When requests to a person are played.
    pub(super) fn requests(&self) -> impl Iterator<Item = Duration> {
        self.items.iter().filter(|item| item.envelope().is_some_and(is_request)).map(|item| item.at)
    }

    /// The run in it, where it has only one.
    pub(super) fn only_run(&self) -> Option<RunId> {
        let mut runs = self.items.iter().filter_map(Item::envelope).filter_map(|envelope| {
            let Stream::Run(run) = envelope.stream else { return None };
            (envelope.version == 1).then_some(run)
        });
        runs.next().filter(|_| runs.next().is_none())
    }

    pub(super) fn length(&self) -> Duration {
        self.length
    }

    /// What is live after the items that were told, each so much later than recorded, and after what came instead.
    pub(super) fn snapshot(&self, told: &[TimeDelta], own: Option<&Envelope>) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for envelope in self.events(told).chain(own.cloned()) {
            snapshot.apply(&envelope);
        }
        snapshot
    }

    /// The events among the items that were told, each so much later than recorded.
    pub(super) fn events(&self, told: &[TimeDelta]) -> impl Iterator<Item = Envelope> {
        let items = self.items.iter().zip(told);
        items.filter_map(|(item, late)| Some(moved(item.envelope()?.clone(), *late)))
    }

    /// What the recording shows for a request, and when.
    pub(super) fn decision_on(&self, approval: ApprovalId) -> Option<(Decision, Duration)> {
        let item = self.items.iter().find(|item| item.decides == Some(approval))?;
        let (_, decision) = decision_in(item.envelope()?)?;
        Some((decision, item.at))
    }

    /// The request that the clock stops at next, and where: whatever else was recorded meanwhile waits with it.
    pub(super) fn next_hold(&self, told: usize, passed: &[ApprovalId]) -> Option<(ApprovalId, Duration)> {
        let ahead = self.decisions.iter().filter(|index| **index >= told);
        let holds = ahead.filter_map(|index| self.items.get(*index));
        let holds = holds.filter_map(|item| Some((item.decides?, item.holds_from)));
        holds.filter(|(approval, _)| !passed.contains(approval)).min_by_key(|(_, from)| *from)
    }

    /// Requests decided up to a time.
    pub(super) fn decided_by(&self, at: Duration) -> Vec<ApprovalId> {
        self.items.iter().filter(|item| item.at <= at).filter_map(|item| item.decides).collect()
    }
}

fn decision_in(envelope: &Envelope) -> Option<(ApprovalId, Decision)> {
    let (Stream::Approval(approval), Event::Approval(event)) = (envelope.stream, &envelope.event) else { return None };
    Some((approval, Decision::in_event(event)?))
}

fn is_request(envelope: &Envelope) -> bool {
    matches!(envelope.event, Event::Approval(ApprovalEvent::Requested { .. }))
}

/// An event at the same distance from today as it was from the recording's beginning.
fn moved(mut envelope: Envelope, shift: TimeDelta) -> Envelope {
    envelope.at += shift;
    if let Event::Approval(ApprovalEvent::Requested { expires_at: Some(expires), .. }) = &mut envelope.event {
        *expires += shift;
    }
    envelope
}

/// The stream of text that the event at `index` ends, in pieces over the time it took, or the last part of it.
fn pieces(events: &[(Duration, Envelope)], index: usize) -> Vec<Item> {
    let Some((began, streamed)) = streamed(events, index) else { return Vec::new() };
    let ended = events[index].0;
    let kind = match streamed.source {
        Source::Turn(turn) => DeltaKind::Token { turn },
        Source::Call(call) => DeltaKind::Output { call },
    };
    let characters: Vec<char> = streamed.text.chars().collect();
    let count = characters.len().div_ceil(PIECE);
    let longest = LONGEST_PIECE * u32::try_from(count + 1).unwrap_or(u32::MAX);
    let span = ended.saturating_sub(began).min(longest);
    let began = ended - span;
    characters
        .chunks(PIECE)
        .enumerate()
        .map(|(number, piece)| {
            let at = began + span.mul_f64((number + 1) as f64 / (count + 1) as f64);
            let text = piece.iter().collect::<String>().into();
            let item = FeedItem::Delta(Delta { run: streamed.run, kind, text });
            Item { at, item, decides: None, holds_from: at }
        })
        .collect()
}
