//! What a verb has to say of itself: a verb is what may be asked of one thing of a kind, by people, scripts and timers.

use std::fmt::Debug;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::stream::Stream;
use crate::domain::{Action, Untrusted};

/// The verbs of a kind, a closed enum that the macro `verbs` declares.
pub trait Declared: Clone + Debug + PartialEq + Serialize + DeserializeOwned + JsonSchema {
    /// Every verb, as declared.
    const ALL: &'static [VerbDoc];

    fn name(&self) -> &'static str;

    /// What the caller must be allowed to do. Where it depends on more than the verb, the most it can take.
    fn action(&self) -> Action;
}

/// What is declared of a verb, beside the fields it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerbDoc {
    /// The word that people type for it; in JSON it is the field `command`.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    pub action: Action,
    /// Whether it makes a new thing, whose id is the caller's choice.
    pub begins: bool,
}

impl VerbDoc {
    /// Whether people ask for it, and not the program alone.
    pub fn is_for_people(&self) -> bool {
        self.action != Action::Orchestrate
    }
}

/// What the verbs of a kind say of themselves beyond their declaration.
pub trait Verb: Declared {
    /// Hands out everything that people typed, so that it can be searched for secrets.
    fn words(&mut self, each: &mut dyn FnMut(Words<'_>));

    /// The id of what it begins, where that follows from what it begins with.
    fn begins_as(&self) -> Option<Uuid> {
        None
    }

    /// What it names beside its own thing, and whose row must be in memory for the decision.
    fn names(&self) -> Option<Stream> {
        None
    }
}

/// Something that a person typed.
#[derive(Debug)]
pub enum Words<'a> {
    Text(&'a mut Untrusted),
    Plain(&'a mut String),
    Json(&'a mut Value),
}

/// Declares the verbs of a kind, once: what each takes, the word for it, the right it needs, and whether it begins a new
/// thing. The first comment of a verb is its help; that of a field says what is to be given.
macro_rules! verbs {
    ($(#[$meta:meta])* $Verb:ident of $Kind:ident {
        $($(#[doc = $doc:literal])+ $Variant:ident $({ $($(#[$said:meta])* $field:ident: $Type:ty,)+ })?
            = $name:literal, $Action:ident $(, $begins:ident)?;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(tag = "command")]
        pub enum $Verb {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $Variant $({ $($(#[$said])* $field: $Type,)+ })?,)*
        }

        impl $Verb {
            pub fn on(self, id: <$crate::kinds::$Kind as $crate::kinds::Kind>::Id) -> $crate::kinds::Command {
                $crate::kinds::Command::$Kind { id, verb: self }
            }
        }

        impl $crate::kinds::Declared for $Verb {
            const ALL: &'static [$crate::kinds::VerbDoc] = &[$($crate::kinds::VerbDoc {
                name: $name,
                about: concat!($($doc),+).trim_ascii(),
                action: $crate::domain::Action::$Action,
                begins: $crate::kinds::verbs!(@begins $($begins)?),
            },)*];

            fn name(&self) -> &'static str {
                match self {
                    $(Self::$Variant { .. } => $name,)*
                }
            }

            fn action(&self) -> $crate::domain::Action {
                match self {
                    $(Self::$Variant { .. } => $crate::domain::Action::$Action,)*
                }
            }
        }
    };
    (@begins) => { false };
    (@begins begins) => { true };
}
pub(crate) use verbs;
