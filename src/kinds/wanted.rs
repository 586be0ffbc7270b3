//! Runs that things want. Everything that acts is a run: another kind only remembers, and says which procedure is to run
//! on its behalf.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use uuid::Builder;

use super::stream::Stream;
use crate::domain::{Actor, RunId, Timestamp, Untrusted, Usd};

/// A run of a procedure, or of an agent, that a thing wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub of: Stream,
    /// The version of the stream at which it came to want it, and when that was.
    pub since: u64,
    pub at: Timestamp,
    /// Who asked for it: the run is started in their name, and they do not approve what it asks for.
    pub by: Actor,
    /// Which of the kind's rules asks for it; one may ask for several runs at once.
    pub rule: &'static str,
    /// The procedure's name, or the agent's.
    pub procedure: String,
    /// Whether that is a procedure's name, or an agent's.
    pub handler: Handler,
    /// What it is given: variables of the environment of its programs.
    pub inputs: BTreeMap<String, Untrusted>,
}

/// Who carries out what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handler {
    Procedure,
    /// A procedure or, where none has that name, an agent.
    Either(Brief),
    Agent(Brief),
}

impl Handler {
    pub fn brief(&self) -> Option<&Brief> {
        match self {
            Self::Procedure => None,
            Self::Either(brief) | Self::Agent(brief) => Some(brief),
        }
    }
}

/// What an agent is started with on behalf of a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// In words of this program alone: what the agent does follows from them.
    pub goal: String,
    /// What it is told besides the inputs of a procedure. An outsider's text, which the agent gets as data.
    pub told: BTreeMap<String, Untrusted>,
    /// What it may cost at most, where that is less than its own limit.
    pub most_cost: Option<Usd>,
}

impl Wanted {
    /// The id of the run: the same each time, so that asking twice starts one. Like every run's, it begins with the time.
    pub fn run(&self) -> RunId {
        let mut hash = Sha256::new();
        let (kind, id) = self.of.parts();
        hash.update(kind);
        hash.update(id.as_bytes());
        hash.update(self.since.to_be_bytes());
        hash.update(self.rule);
        let mut tail = [0; 10];
        tail.copy_from_slice(&hash.finalize()[..10]);
        let millis = u64::try_from(self.at.timestamp_millis()).unwrap_or(0);
        RunId(Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_wish_has_one_run_and_another_wish_another() {
        let of = Stream::Run(RunId(Uuid::from_u128(7)));
        let at: Timestamp = "2026-11-24T03:00:00Z".parse().unwrap();
        let (by, procedure) = (Actor::System, "look".to_owned());
        let wish = Wanted {
            of,
            since: 3,
            at,
            by,
            rule: "mend",
            procedure,
            handler: Handler::Procedure,
            inputs: BTreeMap::new(),
        };
        assert_eq!(wish.run(), wish.clone().run());
        assert_ne!(wish.run(), Wanted { since: 4, ..wish.clone() }.run());
        assert_ne!(wish.run(), Wanted { rule: "tell", ..wish.clone() }.run());
        let later = Wanted { at: at + chrono::TimeDelta::seconds(1), ..wish.clone() };
        assert!(later.run() > wish.run() && wish.run().0.get_version_num() == 7);
    }
}
