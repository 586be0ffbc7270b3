//! Somebody who has shown who they are, and what they may do here.

use crate::domain::{AccountId, AccountName, Action, Actor, Means, Role, Scopes, Timestamp, TokenId};
use crate::ports::SecretHash;

use super::permission;

/// Who it is. Holds as long as one request: what changes in the store holds from the next one on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// `NOBODY` for a signed token of another system, which has no account here.
    pub account: AccountId,
    pub name: AccountName,
    pub role: Role,
    pub reach: Reach,
    pub means: Means,
    pub credential: Credential,
}

/// By what somebody is known, so that it can be looked up later whether it still holds. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Access to the store itself.
    Store,
    Token {
        id: TokenId,
        hash: SecretHash,
    },
    Session(SecretHash),
    /// A signed token of another system: what it says they are, and until when.
    Jwt {
        role: Role,
        until: Timestamp,
    },
    /// Who Slack says pressed a button.
    Slack,
    /// The token file of a server without accounts, which stands for the person who runs that server.
    TokenFile {
        person: String,
    },
}

impl Credential {
    /// Whether it is one that programs are given, and not people.
    pub fn is_for_programs(&self) -> bool {
        matches!(self, Self::Token { .. } | Self::Jwt { .. })
    }
}

/// How much of the role this way of showing oneself opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All that the role may do.
    Role,
    /// These actions, as far as the role may do them.
    Scoped(Scopes),
}

/// What somebody is not allowed, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    #[error("{role} may not {}", .action.about())]
    ByRole { role: Role, action: Action },
    #[error("this token is not for {action}")]
    ByToken { action: Action },
    #[error("nobody decides on what they asked for themselves")]
    OwnRequest,
}

impl NotAllowed {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::ByRole { action, .. } => {
                let lowest = Role::ALL.into_iter().find(|role| permission::allows(*role, *action));
                lowest.map(|role| format!("ask somebody who is {role} or more")).unwrap_or_default()
            }
            Self::ByToken { action } => format!("issue a token with the scope {action}"),
            Self::OwnRequest => "ask somebody else to look at it".to_owned(),
        }
    }
}

impl Principal {
    /// The person in whose name things are done. A login name that no account could have stays as it is.
    pub fn actor(&self) -> Actor {
        match &self.credential {
            Credential::TokenFile { person } => Actor::Person(person.clone()),
            _ => Actor::Person(self.name.as_str().to_owned()),
        }
    }

    /// All that they may do, in the order of the table.
    pub fn actions(&self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(|action| self.may(*action).is_ok())
    }

    /// Whether any of the commands that people give is theirs to give.
    pub fn may_command(&self) -> bool {
        const COMMANDS: [Action; 9] = [
            Action::StartRuns,
            Action::SteerRuns,
            Action::HandleIncidents,
            Action::Answer,
            Action::Deny,
            Action::Settle,
            Action::ApproveLow,
            Action::ApproveHigh,
            Action::ApproveCritical,
        ];
        COMMANDS.into_iter().any(|action| self.may(action).is_ok())
    }

    pub fn may(&self, action: Action) -> Result<(), NotAllowed> {
        if !permission::allows(self.role, action) {
            return Err(NotAllowed::ByRole { role: self.role, action });
        }
        match &self.reach {
            Reach::Role => Ok(()),
            Reach::Scoped(scopes) if scopes.contains(action) => Ok(()),
            Reach::Scoped(_) => Err(NotAllowed::ByToken { action }),
        }
    }

    /// The same for a decision that must be somebody else's than those who asked. Names are compared without case.
    pub fn may_decide(&self, action: Action, asked_by: &[Actor]) -> Result<(), NotAllowed> {
        self.may(action)?;
        let is_own = |actor: &Actor| match actor {
            Actor::Person(name) => name.eq_ignore_ascii_case(self.name.as_str()),
            Actor::Agent(_) | Actor::System => false,
        };
        if asked_by.iter().any(is_own) { Err(NotAllowed::OwnRequest) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn principal(role: Role, reach: Reach) -> Principal {
        let (account, name) = (AccountId(Uuid::from_u128(1)), AccountName::parse("ana").unwrap());
        Principal { account, name, role, reach, means: Means::Token, credential: Credential::Store }
    }

    #[test]
    fn nobody_approves_what_they_asked_for() {
        let ana = principal(Role::Owner, Reach::Role);
        let asked = |name: &str| [Actor::Agent("ana".into()), Actor::Person(name.into())];
        assert_eq!(ana.may_decide(Action::ApproveLow, &asked("Ana")), Err(NotAllowed::OwnRequest));
        assert_eq!(ana.may_decide(Action::ApproveLow, &asked("bo")), Ok(()));
        assert_eq!(ana.may_decide(Action::ApproveLow, &[Actor::Agent("ana".into())]), Ok(()));
    }

    #[test]
    fn a_refusal_names_who_may() {
        let refused = principal(Role::Operator, Reach::Role).may(Action::ApproveCritical).unwrap_err();
        assert!(refused.to_string().starts_with("operator may not approve an effect of critical risk"));
        assert_eq!(refused.hint(), "ask somebody who is admin or more");
    }

    proptest! {
        #[test]
        fn a_token_never_opens_more_than_its_role(
            role in prop::sample::select(&Role::ALL[..]),
            scopes in prop::collection::btree_set(prop::sample::select(Action::ALL), 0..8),
            action in prop::sample::select(Action::ALL),
        ) {
            let token = principal(role, Reach::Scoped(Scopes(scopes.clone())));
            let person = principal(role, Reach::Role);
            let expected = person.may(action).is_ok() && scopes.contains(&action);
            prop_assert_eq!(token.may(action).is_ok(), expected);
        }
    }
}
