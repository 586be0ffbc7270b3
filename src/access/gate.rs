//! The gate of a server: the door, and the token in a file for a server that has no accounts yet.
//!
//! One rule stands between the two: as long as the tenant has no account, the token stands for the person who runs the
//! server, who may do everything; from the first account on it opens nothing, and only accounts do.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::moment::{Entropy, Moment, NoEntropy, draw};
use super::principal::{Credential, Principal, Reach};
use super::{Door, DoorSettings, Refusal, SignIn, SignedIn};
use crate::domain::{AccountId, AccountName, Action, Actor, Means, RefusalCause, Role};
use crate::ports::{Accounts, Clock};

/// What somebody shows at the gate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    Nothing,
    /// The value of `Authorization: Bearer`.
    Bearer(&'a str),
}

/// The token of a server without accounts, and who runs that server.
pub struct OwnToken {
    person: String,
    digest: [u8; 32],
}

impl OwnToken {
    pub fn new(person: impl Into<String>, token: &SecretString) -> Self {
        Self { person: person.into(), digest: digest(token.expose_secret()) }
    }

    /// The digests are compared, so neither content nor length of the token can be timed.
    fn is(&self, presented: &str) -> bool {
        digest(presented).ct_eq(&self.digest).into()
    }

    fn principal(&self) -> Result<Principal, Refusal> {
        // A login name that no account could have keeps its own spelling where things are done in its name.
        let name = AccountName::parse(&self.person).or_else(|_| AccountName::parse("local"));
        Ok(Principal {
            account: AccountId::NOBODY,
            name: name.map_err(|_| Refusal::not_known())?,
            role: Role::Owner,
            reach: Reach::Role,
            means: Means::Store,
            credential: Credential::TokenFile { person: self.person.clone() },
        })
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Everything that comes in is shown to it before anything else is done.
pub struct Gate {
    door: Door,
    accounts: Arc<dyn Accounts>,
    entropy: Arc<dyn Entropy>,
    own_token: Option<OwnToken>,
    clock: Arc<dyn Clock>,
    started: Instant,
}

impl Gate {
    pub fn new(
        accounts: Arc<dyn Accounts>,
        entropy: Arc<dyn Entropy>,
        clock: Arc<dyn Clock>,
        settings: DoorSettings,
        own_token: Option<OwnToken>,
    ) -> Self {
        let door = Door::new(accounts.clone(), entropy.clone(), settings);
        Self { door, accounts, entropy, own_token, clock, started: Instant::now() }
    }

    fn at(&self) -> Moment {
        Moment::new(self.now(), self.started)
    }

    pub fn now(&self) -> crate::domain::Timestamp {
        self.clock.now()
    }

    pub fn accounts(&self) -> &dyn Accounts {
        self.accounts.as_ref()
    }

    /// Random bytes for what is made here.
    pub fn draw<const N: usize>(&self) -> Result<[u8; N], NoEntropy> {
        draw(self.entropy.as_ref())
    }

    /// Who this is. Asked once a request, and once for each console; counts as a request.
    pub async fn admit(&self, presented: Presented<'_>, from: IpAddr) -> Result<Principal, Refusal> {
        let Presented::Bearer(presented) = presented else { return Err(Refusal::nothing_shown()) };
        match self.own_token.as_ref().filter(|own| own.is(presented)) {
            None => self.door.admit(presented, Some(from), self.at()).await,
            Some(own) => self.admit_own(own, from).await,
        }
    }

    async fn admit_own(&self, own: &OwnToken, from: IpAddr) -> Result<Principal, Refusal> {
        if self.has_accounts().await? {
            let (cause, account) = (RefusalCause::UnknownCredential, AccountId::NOBODY);
            let too_many = self.door.not_good(cause, account, Some(from), self.at()).await;
            return Err(too_many.unwrap_or_else(Refusal::token_file_over));
        }
        let principal = own.principal()?;
        self.door.count(&principal, self.at()).await?;
        Ok(principal)
    }

    /// Who this is, by the word of another service whose request was signed.
    pub async fn vouched(&self, name: &AccountName) -> Result<Principal, Refusal> {
        self.door.vouched(name, self.at()).await
    }

    pub async fn has_accounts(&self) -> Result<bool, Refusal> {
        Ok(!self.accounts.accounts().await?.is_empty())
    }

    /// Whether somebody who was admitted still is, and as what. Asked before each command, and every second of a
    /// console that stays.
    pub async fn again(&self, principal: &Principal) -> Result<Principal, Refusal> {
        match principal.credential {
            Credential::TokenFile { .. } if self.has_accounts().await? => Err(Refusal::token_file_over()),
            _ => self.door.again(principal, self.at()).await,
        }
    }

    /// Whether they may do this.
    pub async fn permit(&self, principal: &Principal, action: Action) -> Result<(), Refusal> {
        self.door.permit(principal, action, self.at()).await
    }

    /// The same for a decision that must not be by those who asked for it. Who is alone on a server without accounts
    /// has nobody else to ask.
    pub async fn permit_decision(
        &self,
        principal: &Principal,
        action: Action,
        asked_by: &[Actor],
    ) -> Result<(), Refusal> {
        match principal.credential {
            Credential::TokenFile { .. } => self.permit(principal, action).await,
            _ => self.door.permit_decision(principal, action, asked_by, self.at()).await,
        }
    }

    /// Counts one more command of somebody who was admitted before.
    pub async fn count(&self, principal: &Principal) -> Result<(), Refusal> {
        self.door.count(principal, self.at()).await
    }

    /// Notes that somebody who stays connected is there.
    pub async fn used(&self, principal: &Principal) -> Result<(), Refusal> {
        self.door.used(principal, self.at()).await
    }

    pub async fn sign_in(&self, attempt: SignIn<'_>) -> Result<SignedIn, Refusal> {
        self.door.sign_in(attempt, self.at()).await
    }

    /// Whether somebody who is signed in knows their own password, and the code where one is wanted.
    pub async fn confirm(&self, attempt: SignIn<'_>) -> Result<(), Refusal> {
        self.door.confirm(attempt, self.at()).await
    }

    pub async fn sign_out(&self, principal: &Principal) -> Result<(), Refusal> {
        self.door.sign_out(principal, self.at()).await
    }

    /// Tells the log of attempts that waited to be told. To be called every few seconds.
    pub async fn tell(&self) {
        self.door.tell(self.at()).await;
    }

    /// The same for all of them, when the server ends.
    pub async fn tell_rest(&self) {
        self.door.tell_rest(self.at()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_itself_and_nothing_else_and_stands_for_who_runs_the_server() {
        let own = OwnToken::new("Ana Ruiz", &SecretString::from("right".to_owned()));
        assert!(own.is("right"));
        for wrong in ["", "righ", "Right", "right "] {
            assert!(!own.is(wrong), "{wrong:?}");
        }
        let principal = own.principal().unwrap();
        assert_eq!((principal.actor(), principal.role), (Actor::Person("Ana Ruiz".to_owned()), Role::Owner));
        assert!(!format!("{principal:?}").contains("right"));
    }
}
