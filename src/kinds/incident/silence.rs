//! The silence of an incident's alerts: wanted by a person, made by a run, lifted by another one when it is resolved, and
//! made again when the incident comes back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Actor, RunId, RunState, Timestamp};
use crate::kinds::{Stamp, Stream};

/// A silence, and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Silence {
    /// How long at most.
    pub length: String,
    #[schemars(with = "String")]
    pub wanted_by: Actor,
    pub wanted_at: Timestamp,
    since: u64,
    pub run: RunId,
    /// How the run ended that makes it.
    pub made: Option<RunState>,
    /// Whether an earlier one was made for the incident, which is lifted with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_earlier: bool,
    /// The end of an earlier one that is not over yet: it would end this one, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Lift>,
    /// The run that lifts it, once it is to be lifted.
    pub lift: Option<Lift>,
}

/// A run that lifts a silence, and since which event it is wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lift {
    since: u64,
    at: Timestamp,
    pub run: RunId,
    pub ended: Option<RunState>,
}

/// What is to be done about a silence, since an event.
pub(super) enum Step<'a> {
    Make(Stamp<'a>),
    Lift(Stamp<'a>),
}

impl Silence {
    /// Wanted by the event with this stamp; `run` will make it. `before` is the one that there was.
    pub(super) fn new(length: &str, run: RunId, before: Option<&Self>, stamp: &Stamp<'_>) -> Self {
        let has_earlier = before.is_some_and(|before| before.is_there() && !before.is_lifted());
        let after = before.and_then(|before| before.lift.clone().or_else(|| before.after.clone()));
        let after = after.filter(|lift| lift.ended.is_none());
        let (wanted_by, wanted_at, since) = (stamp.by.clone(), stamp.at, stamp.version);
        let length = length.to_owned();
        Self { length, wanted_by, wanted_at, since, run, made: None, has_earlier, after, lift: None }
    }

    /// For how long to make it again, now that the incident has come back: not where it was never made.
    pub(super) fn to_renew(&self) -> Option<&str> {
        (self.made.is_some() && self.lift.is_some() && self.is_there()).then_some(self.length.as_str())
    }

    /// The incident is open again: what was still being made is not to be lifted.
    pub(super) fn reopen(&mut self) {
        self.lift = self.lift.take().filter(|_| self.made.is_some());
    }

    /// The incident is over, and `run` will lift what is there. What could not be made needs no lifting.
    pub(super) fn end(self, run: RunId, stamp: &Stamp<'_>) -> Self {
        let lift = Lift { since: stamp.version, at: stamp.at, run, ended: None };
        let is_to_be_lifted = self.lift.is_none() && (self.made.is_none() || self.is_there());
        if is_to_be_lifted { Self { lift: Some(lift), ..self } } else { self }
    }

    /// How one of its runs ended.
    pub(super) fn ended(&mut self, run: RunId, state: RunState) {
        if run.is_alike(&self.run) {
            self.made = Some(state);
        }
        for lift in [&mut self.lift, &mut self.after].into_iter().flatten().filter(|lift| lift.run.is_alike(&run)) {
            lift.ended = Some(state);
        }
    }

    pub(super) fn waits_for(&self, run: RunId) -> bool {
        let lifts = |lift: &Lift| lift.run == run && lift.ended.is_none();
        (self.run == run && self.made.is_none()) || [&self.lift, &self.after].into_iter().flatten().any(lifts)
    }

    pub(super) fn is_to_be_lifted(&self) -> bool {
        self.lift.as_ref().is_some_and(|lift| lift.ended.is_none())
    }

    /// Whether its run is yet to end. One that was made can be made again, for longer.
    pub(super) fn is_being_made(&self) -> bool {
        self.made.is_none() && self.lift.is_none()
    }

    fn is_lifted(&self) -> bool {
        self.lift.as_ref().is_some_and(|lift| lift.ended.is_none_or(|ended| ended == RunState::Succeeded))
    }

    fn is_there(&self) -> bool {
        self.made == Some(RunState::Succeeded) || self.has_earlier
    }

    /// What it wants now: to be made, or to be lifted once the run that makes it has ended.
    pub(super) fn wants(&self) -> Option<Step<'_>> {
        let ends = |lift: &Lift| Stamp { version: lift.since, at: lift.at, by: &Actor::System };
        if let Some(lift) = self.after.as_ref().filter(|lift| lift.ended.is_none()) {
            return Some(Step::Lift(ends(lift)));
        }
        match (self.made, &self.lift) {
            (None, _) => Some(Step::Make(Stamp { version: self.since, at: self.wanted_at, by: &self.wanted_by })),
            (Some(_), Some(lift)) if lift.ended.is_none() => Some(Step::Lift(ends(lift))),
            (Some(_), _) => None,
        }
    }

    /// What is to be said of it, and the run to look at.
    pub(super) fn said(&self) -> (String, Stream) {
        let at_most = format!("for at most {}", self.length);
        let (said, run) = match (self.made, &self.lift) {
            (None, None) => (format!("asked for, {at_most}"), self.run),
            (Some(RunState::Succeeded), None) => (format!("made, {at_most}, until it is resolved"), self.run),
            (Some(state), None) => (format!("not made: the run {state}"), self.run),
            (_, Some(Lift { run, ended: None, .. })) => ("being lifted".to_owned(), *run),
            (_, Some(Lift { run, ended: Some(RunState::Succeeded), .. })) => ("lifted".to_owned(), *run),
            (_, Some(Lift { run, .. })) => (format!("could not be lifted; it was made {at_most}"), *run),
        };
        (said, Stream::Run(run))
    }
}
