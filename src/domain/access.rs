//! Who may do what, in words: roles, actions, account names, and the scopes of a token. Which role may do which action
//! is the table in `access`, not here.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a person is here. Each role may do all that those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Looks, and takes evidence away: exports, verification, who did what.
    Analyst,
    /// On call: starts and steers runs, decides on what is not critical.
    Operator,
    /// Decides on what is critical, looks after people and policies, sees how the store is.
    Admin,
    /// May do everything, backups, pruning and erasing included.
    Owner,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Viewer, Self::Analyst, Self::Operator, Self::Admin, Self::Owner];

    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no role {text:?}; the roles are {names}")
        })
    }
}

/// Writes the closed list of actions once: variant, name, and what it means to a person.
macro_rules! actions {
    ($($variant:ident = $name:literal, $about:literal;)*) => {
        /// Something that a role allows or does not. Every command and every query needs exactly one of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Action {
            $(#[doc = $about] #[serde(rename = $name)] $variant,)*
        }

        impl Action {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name it has in tokens, in the log and in documents.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What it lets somebody do.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about),* }
            }
        }
    };
}

actions! {
    ReadRuns = "runs.read", "see runs, their histories and output";
    ReadApprovals = "approvals.read", "see requests and their cards";
    ReadIncidents = "incidents.read", "see incidents and their alerts";
    ReadLog = "log.read", "read and search the event log";
    ManageSelf = "self.manage", "change one's own password, second factor and tokens";
    ReadAccess = "access.read", "see accounts and tokens";
    Export = "log.export", "export the log and recordings of runs";
    Verify = "log.verify", "check the hash chain";
    StartRuns = "runs.start", "start runs, and the runbooks of incidents";
    SteerRuns = "runs.steer", "pause, resume and cancel runs";
    HandleIncidents = "incidents.handle", "acknowledge, assign, note and resolve incidents";
    Answer = "approvals.answer", "answer an agent's question";
    Deny = "approvals.deny", "deny an effect";
    Edit = "approvals.edit", "change what an agent asks to do before it is approved";
    ApproveLow = "approvals.approve_low", "approve an effect of low or medium risk";
    ApproveHigh = "approvals.approve_high", "approve an effect of high risk";
    Settle = "approvals.settle", "settle an outcome in doubt";
    ApproveCritical = "approvals.approve_critical", "approve an effect of critical risk, or any in production";
    ManagePolicies = "policies.manage", "change policies and limits";
    ManageBudgets = "budgets.manage", "set and remove budgets, and raise them for good";
    ManageAccounts = "accounts.manage", "manage accounts and tokens of roles below one's own";
    Inspect = "store.read", "inspect the store, and compare its tables with the log";
    Backup = "store.backup", "take backups, migrate and rebuild the store";
    Restore = "store.restore", "replace the store with a backup";
    Prune = "store.prune", "remove runs that ended long ago";
    Erase = "store.erase", "erase a person's data permanently";
    ManageOwners = "owners.manage", "appoint and remove owners and admins";
    Orchestrate = "runtime.orchestrate", "report outcomes of effects; only the program itself may";
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Action {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|action| action.name() == text)
            .ok_or_else(|| format!("there is no action {text:?}; `morningai accounts roles` lists them"))
    }
}

/// Actions that a token is for. Never widens what the account behind it may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Scopes(pub BTreeSet<Action>);

impl Scopes {
    pub fn contains(&self, action: Action) -> bool {
        self.0.contains(&action)
    }

    /// `runs.read approvals.read`.
    pub fn joined(&self) -> String {
        self.0.iter().map(|action| action.name()).collect::<Vec<_>>().join(" ")
    }
}

impl FromIterator<Action> for Scopes {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().collect())
    }
}

/// The name a person signs in with, and decides under: lower case, so that `Ana` and `ana` cannot be two people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

impl AccountName {
    /// Longest name, in bytes.
    pub const LONGEST: usize = 64;

    /// Takes `Ana` as `ana`. Letters and digits of ASCII, and `. _ - @ +` after the first: a name in another script
    /// could look like somebody else's.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = text.trim().to_ascii_lowercase();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
        let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if starts_well && name.len() <= Self::LONGEST && name.bytes().all(is_plain) {
            return Ok(Self(name));
        }
        Err(format!(
            "not a name for an account: 1 to {} ASCII letters, digits or . _ - @ +, the first a letter or digit",
            Self::LONGEST
        ))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AccountName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

/// By what somebody showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    Password,
    /// A password, and a code of the second factor.
    PasswordAndCode,
    /// A password, and one of the codes kept for a lost second factor.
    PasswordAndRecoveryCode,
    Session,
    Token,
    Jwt,
    /// A button in Slack, by a request that Slack signed.
    Slack,
    /// Access to the store itself: which needs no password of ours.
    Store,
}

/// Why somebody was not let in. Written to the log; the person is told less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCause {
    /// No such name, or the wrong password; to the caller, one and the same.
    WrongPassword,
    /// A code of the second factor is wanted, and none or a wrong one was given.
    WrongCode,
    /// The code is right, and was used before.
    CodeUsedBefore,
    Disabled,
    /// Too many failures: to be tried again later.
    Delayed,
    /// No such token, session or signature.
    UnknownCredential,
    Expired,
    /// A signed token that begins later: of the two clocks, one is wrong.
    NotYet,
    Revoked,
    /// More requests than the limit allows.
    RateLimited,
}

impl RefusalCause {
    /// As a person reads it in the log.
    pub fn words(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong name or password",
            Self::WrongCode => "wrong or missing code",
            Self::CodeUsedBefore => "code used before",
            Self::Disabled => "account disabled",
            Self::Delayed => "too many failures",
            Self::UnknownCredential => "unknown credential",
            Self::Expired => "expired",
            Self::NotYet => "not valid yet",
            Self::Revoked => "revoked",
            Self::RateLimited => "too many requests",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_persons_however_it_is_typed() {
        assert_eq!(AccountName::parse(" Ana.B@x ").unwrap().as_str(), "ana.b@x");
        for bad in ["", " ", ".ana", "a b", "аna", "ana\u{202e}", "person:ana", &"x".repeat(65)] {
            assert!(AccountName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_of_roles_and_actions_read_back() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
        for action in Action::ALL {
            assert_eq!(action.name().parse(), Ok(*action));
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
        }
        assert!("root".parse::<Role>().unwrap_err().contains("viewer, analyst"));
    }
}
