//! What may be asked of the engine: a verb of one thing, by people, scripts and timers; and the runtime's reports.

use serde::{Deserialize, Serialize};

use super::decided::Decided;
use super::kept::Kept;
use super::kind::Kind;
use super::report::Report;
use super::stream::Stream;
use super::table::with_kinds;
use super::verb::{Declared, Verb, Words};
use super::world::World;
use crate::domain::{Action, Actor, ApprovalId, Rejection, Timestamp};

macro_rules! define_commands {
    (kept { $($Kept:ident = $kept:literal, $table:ident, $tag:literal;)* } events { $($bare:tt)* }) => {
        /// A wish. In JSON the verb is the field `command`, and the id stands in a field named after the kind.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(untagged)]
        pub enum Command {
            $($Kept {
                #[serde(rename = $kept)]
                id: <$crate::kinds::$Kept as Kind>::Id,
                #[serde(flatten)]
                verb: <$crate::kinds::$Kept as Kept>::Verb,
            },)*
            Report(Report),
        }

        impl Command {
            /// The stream it is about.
            pub fn stream(&self) -> Stream {
                match self {
                    $(Self::$Kept { id, .. } => Stream::$Kept(*id),)*
                    Self::Report(report) => Stream::Run(report.run()),
                }
            }

            /// What it names beside that, and whose row must be in memory for the decision.
            pub fn names(&self) -> Option<Stream> {
                match self {
                    $(Self::$Kept { verb, .. } => verb.names(),)*
                    Self::Report(_) => None,
                }
            }

            /// The request it decides on, where it is about one.
            pub fn approval(&self) -> Option<ApprovalId> {
                let Stream::Approval(id) = self.stream() else { return None };
                Some(id)
            }

            /// What the caller must be allowed to do. Where it depends on more than the command, the most it can take.
            pub fn action(&self) -> Action {
                match self {
                    $(Self::$Kept { verb, .. } => verb.action(),)*
                    Self::Report(_) => Action::Orchestrate,
                }
            }

            /// Hands out everything that people typed. What the runtime reports was searched where it came from.
            pub fn words(&mut self, each: &mut dyn FnMut(Words<'_>)) {
                match self {
                    $(Self::$Kept { verb, .. } => verb.words(each),)*
                    Self::Report(_) => {}
                }
            }
        }

        $(impl Commanded for $crate::kinds::$Kept {
            fn command(id: Self::Id, verb: Self::Verb) -> Command {
                Command::$Kept { id, verb }
            }
        })*

        /// What a verb leads to in `world`, asked by `by` at `now`.
        pub fn decide_verb(
            world: &dyn World,
            command: Command,
            by: &Actor,
            now: Timestamp,
        ) -> Result<Result<Vec<Decided>, Report>, Rejection> {
            match command {
                $(Command::$Kept { id, verb } => $crate::kinds::$Kept::decide(world, id, verb, by, now).map(Ok),)*
                Command::Report(report) => Ok(Err(report)),
            }
        }
    };
}

/// A kind whose verbs are commands.
pub trait Commanded: Kept {
    fn command(id: Self::Id, verb: Self::Verb) -> Command;
}

with_kinds!(define_commands);
