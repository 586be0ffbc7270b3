//! A kind that only tests have: three events, two verbs and a due date. It lives in this folder, its line in the table
//! and its declaration in `kinds/mod.rs`; tests of the whole program, and of the console, see that all else follows.

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Column, Decided, Fact, Handler, Index, Kept, Kind, KindEvent, Look, Owned, Owner, Shown, Stamp, Stream, Surface,
    Surfaced, Verb, Wanted, Words, World, verbs,
};
use crate::domain::{Action, Actor, Rejection, RejectionKind, RunId, Timestamp, Untrusted};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ToyId(Uuid);

impl From<Uuid> for ToyId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl From<ToyId> for Uuid {
    fn from(id: ToyId) -> Self {
        id.0
    }
}

impl std::fmt::Display for ToyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for ToyId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ToyEvent {
    #[serde(rename = "toy.made")]
    Made {
        name: Untrusted,
        until: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
    },
    #[serde(rename = "toy.played_with")]
    PlayedWith { how: Untrusted },
    #[serde(rename = "toy.broken")]
    Broken {},
}

impl KindEvent for ToyEvent {
    const AUDITED: Option<&'static str> = Some("toy.");

    fn name(&self) -> &'static str {
        match self {
            Self::Made { .. } => "toy.made",
            Self::PlayedWith { .. } => "toy.played_with",
            Self::Broken {} => "toy.broken",
        }
    }

    fn remark(&self) -> Untrusted {
        match self {
            Self::Made { name, .. } => name.clone(),
            Self::PlayedWith { how } => how.clone(),
            Self::Broken {} => Untrusted::default(),
        }
    }
}

verbs! {
    /// What may be asked of a toy.
    ToyVerb of Toy {
        /// Make a toy
        Make {
            /// What it is called.
            name: Untrusted,
            /// How long it holds.
            #[serde(default = "an_hour")]
            seconds: u32,
            /// A run that it is a part of.
            #[serde(default)]
            run: Option<RunId>,
        } = "make", StartRuns, begins;
        /// Play with a toy
        Play {
            /// In which way.
            how: Untrusted,
        } = "play", SteerRuns;
        /// Break, once its time is over
        Break = "break", Orchestrate;
    }
}

fn an_hour() -> u32 {
    3600
}

impl Verb for ToyVerb {
    fn words(&mut self, each: &mut dyn FnMut(Words<'_>)) {
        match self {
            Self::Make { name, .. } => each(Words::Text(name)),
            Self::Play { how } => each(Words::Text(how)),
            Self::Break => {}
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Toy {
    pub id: ToyId,
    version: u64,
    name: Untrusted,
    made_at: Timestamp,
    until: Timestamp,
    played: Vec<Untrusted>,
    is_broken: bool,
    run: Option<RunId>,
    /// Since which event it wants to be looked at.
    hurt: Option<(u64, Timestamp)>,
}

impl Kind for Toy {
    type Id = ToyId;
    type Event = ToyEvent;
}

impl Owned for Toy {
    fn owner<'a>(first: &'a ToyEvent, by: &'a Actor) -> Owner<'a> {
        match (first, by) {
            (ToyEvent::Made { run: Some(run), .. }, _) => Owner::Stream(Stream::Run(*run)),
            (_, Actor::Person(name)) => Owner::Person(name),
            _ => Owner::Tenant,
        }
    }
}

impl Kept for Toy {
    type Verb = ToyVerb;

    const READING: Action = Action::ReadRuns;

    fn decide(
        world: &dyn World,
        id: ToyId,
        verb: ToyVerb,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<Decided>, Rejection> {
        let toy = world.toys().get(&id);
        let event = match (verb, toy) {
            (ToyVerb::Make { .. }, Some(_)) => return Ok(Vec::new()),
            (ToyVerb::Make { name, seconds, run }, None) => {
                ToyEvent::Made { name, until: now + TimeDelta::seconds(seconds.into()), run }
            }
            (_, None) => return Err(Rejection::new(RejectionKind::NotFound, "there is no such toy")),
            (ToyVerb::Play { .. }, Some(toy)) if toy.is_broken => {
                return Err(Rejection::new(RejectionKind::AlreadySettled, "that toy is broken").hint("make another"));
            }
            (ToyVerb::Play { how }, Some(_)) => ToyEvent::PlayedWith { how },
            (ToyVerb::Break, Some(toy)) if toy.is_broken || toy.until > now => return Ok(Vec::new()),
            (ToyVerb::Break, Some(_)) => ToyEvent::Broken {},
        };
        Ok(vec![Decided::of::<Self>(id, by, event)])
    }

    fn begin(id: ToyId, event: &ToyEvent, stamp: &Stamp<'_>) -> Option<Self> {
        let ToyEvent::Made { name, until, run } = event else { return None };
        let (name, until, run) = (name.clone(), *until, *run);
        Some(Self {
            id,
            version: 1,
            name,
            made_at: stamp.at,
            until,
            played: Vec::new(),
            is_broken: false,
            run,
            hurt: None,
        })
    }

    fn apply(&mut self, event: &ToyEvent, stamp: &Stamp<'_>) {
        self.version = stamp.version;
        match event {
            ToyEvent::Made { .. } => {}
            ToyEvent::PlayedWith { how } => {
                self.played.push(how.clone());
                let is_rough = how.raw() == "roughly";
                self.hurt = self.hurt.or(is_rough.then_some((stamp.version, stamp.at)));
            }
            ToyEvent::Broken {} => self.is_broken = true,
        }
    }

    fn id(&self) -> ToyId {
        self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn index(&self) -> Index {
        let state = if self.is_broken { "broken" } else { "whole" };
        let (parent, due) = (self.run.map(Stream::Run), (!self.is_broken).then_some(self.until));
        Index { is_open: !self.is_broken, sort: self.made_at, state, parent, due }
    }

    fn wants(&self) -> Vec<Wanted> {
        let wanted = |(since, at)| {
            let (of, by, procedure) = (Stream::Toy(self.id), Actor::System, "look".to_owned());
            Wanted {
                of,
                since,
                at,
                by,
                rule: "look",
                procedure,
                handler: Handler::Procedure,
                inputs: Default::default(),
            }
        };
        self.hurt.into_iter().map(wanted).collect()
    }

    fn when_due(&self) -> Option<ToyVerb> {
        Some(ToyVerb::Break)
    }
}

impl Surfaced for Toy {
    fn surface() -> Option<Surface> {
        Some(Surface::of::<Self>())
    }
}

impl Shown for Toy {
    const COLUMNS: &'static [Column] =
        &[Column { title: "name", width: None }, Column { title: "played", width: Some(6) }];

    const STATES: &'static [&'static str] = &["whole", "broken"];

    fn cells(&self) -> Vec<Untrusted> {
        vec![self.name.clone(), self.played.len().to_string().into()]
    }

    fn facts(&self) -> Vec<Fact> {
        let name = Fact::new("name", self.name.clone());
        let played = self.played.iter().map(|how| Fact::new("played", how.clone()));
        std::iter::once(name).chain(played).collect()
    }

    fn look(&self) -> Look {
        if self.is_broken { Look::Bad } else { Look::Good }
    }
}
