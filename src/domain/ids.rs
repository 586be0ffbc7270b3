//! Ids that cannot be mixed up: UUIDs for runs, approvals, incidents, accounts and subjects, small numbers within a run, SHA-256 for blobs.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ShortId;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Its end, as people quote it.
            pub fn short(&self) -> String {
                ShortId::of(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// One run of an agent or a procedure.
    RunId
}
uuid_id! {
    /// One request to a person: an effect to approve, a question, or an outcome in doubt.
    ApprovalId
}
uuid_id! {
    /// One incident: alerts that belong together, and what is done about them.
    IncidentId
}
uuid_id! {
    /// One notification to one person.
    PageId
}
uuid_id! {
    /// One handover: what is open at the end of a shift, and who took it over.
    HandoverId
}
uuid_id! {
    /// One maintenance window.
    MaintenanceId
}
uuid_id! {
    /// One budget that people set: of a scope, in a period.
    BudgetId
}
uuid_id! {
    /// What a tenant is subscribed to at its payment provider.
    SubscriptionId
}
uuid_id! {
    /// One person's account.
    AccountId
}
uuid_id! {
    /// One token that a program shows instead of a person's password.
    TokenId
}

uuid_id! {
    /// A person as an encrypted store knows them: a random number that stays when their name is erased.
    SubjectId
}

impl RunId {
    /// Whether both follow from the same event, whenever that was: a replay moves times, and ids begin with one.
    pub fn is_alike(&self, other: &Self) -> bool {
        self.0.as_bytes()[6..] == other.0.as_bytes()[6..]
    }
}

impl SubjectId {
    /// What stands where their name was.
    pub fn pseudonym(&self) -> String {
        format!("erased-{}", self.short())
    }
}

impl SubscriptionId {
    /// A log has one subscription at most, and it is found without a search.
    pub const OF_TENANT: Self = Self(Uuid::from_u128(0x0193_8000_0000_7000_8000_0000_0000_0001));
}

impl BudgetId {
    /// Milliseconds since 1970 with which they all begin: like every id, they begin with a time.
    pub(super) const SINCE: u64 = 0x0193_8000_0000;
}

impl AccountId {
    /// People who are not known: attempts under names that do not exist.
    pub const NOBODY: Self = Self(Uuid::nil());
}

/// Number of a tool call within its run, dense from 1 in the order the calls were requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CallNo(pub u32);

impl fmt::Display for CallNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Number of a plan step within its run, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StepNo(pub u32);

impl fmt::Display for StepNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Name of a stored byte string: the lower-case hex SHA-256 of its content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlobId(pub String);

impl BlobId {
    /// The id that `content` has.
    pub fn of(content: &[u8]) -> Self {
        use sha2::Digest;
        Self(hex::encode(sha2::Sha256::digest(content)))
    }
}
