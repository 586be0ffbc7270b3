//! The silence of an incident's alerts: wanted by a person, made by a run, and lifted by another one when it is resolved.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::row::Incident;
use crate::domain::{Actor, RunId, RunState, Timestamp};
use crate::kinds::{Stamp, Stream, Wanted};

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

impl Silence {
    pub(super) fn new(of: &Incident, length: &str, stamp: &Stamp<'_>) -> Self {
        let (wanted_by, wanted_at, since) = (stamp.by.clone(), stamp.at, stamp.version);
        let run = RunId(uuid::Uuid::nil());
        let silence = Self { length: length.to_owned(), wanted_by, wanted_at, since, run, made: None, lift: None };
        Self { run: silence.making(of).run(), ..silence }
    }

    fn making(&self, of: &Incident) -> Wanted {
        let stamp = Stamp { version: self.since, at: self.wanted_at, by: &self.wanted_by };
        let mut wanted = Wanted { rule: "silence", ..of.wanted("silence-alerts", &stamp) };
        let shared = of.labels.iter().map(|(name, value)| (name.raw().to_owned(), Value::from(value.raw())));
        wanted.inputs.insert("SHARED_LABELS".to_owned(), Value::Object(shared.collect()).to_string().into());
        wanted.inputs.insert("SILENCE_LENGTH".to_owned(), self.length.as_str().into());
        wanted
    }

    /// Nobody need ask for it: it only ends what was made for the incident.
    fn lifting(of: &Incident, since: u64, at: Timestamp) -> Wanted {
        let stamp = Stamp { version: since, at, by: &Actor::System };
        Wanted { rule: "lift", ..of.wanted("lift-silences", &stamp) }
    }

    /// The incident is over. What could not be made needs no lifting.
    pub(super) fn end(self, of: &Incident, stamp: &Stamp<'_>) -> Self {
        if !self.is_on() {
            return self;
        }
        let (since, at) = (stamp.version, stamp.at);
        let run = Self::lifting(of, since, at).run();
        Self { lift: Some(Lift { since, at, run, ended: None }), ..self }
    }

    /// How one of its runs ended.
    pub(super) fn ended(&mut self, run: RunId, state: RunState) {
        if run == self.run {
            self.made = Some(state);
        }
        if let Some(lift) = self.lift.as_mut().filter(|lift| lift.run == run) {
            lift.ended = Some(state);
        }
    }

    pub(super) fn waits_for(&self, run: RunId) -> bool {
        let lifts = |lift: &Lift| lift.run == run && lift.ended.is_none();
        (self.run == run && self.made.is_none()) || self.lift.as_ref().is_some_and(lifts)
    }

    pub(super) fn is_to_be_lifted(&self) -> bool {
        self.lift.as_ref().is_some_and(|lift| lift.ended.is_none())
    }

    /// Whether it is there, or about to be.
    pub(super) fn is_on(&self) -> bool {
        self.lift.is_none() && matches!(self.made, None | Some(RunState::Succeeded))
    }

    /// The runs that it wants now. It is lifted once the run that makes it has ended.
    pub(super) fn wanted(&self, of: &Incident) -> Option<Wanted> {
        match (self.made, &self.lift) {
            (None, _) => Some(self.making(of)),
            (Some(_), Some(lift)) if lift.ended.is_none() => Some(Self::lifting(of, lift.since, lift.at)),
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
