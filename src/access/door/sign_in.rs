//! Signing in: a password, the second factor where there is one, and a session for it.
//!
//! A name that does not exist takes the same way as a wrong password, hashing included, and is told the same.

use std::net::IpAddr;

use chrono::TimeDelta;

use super::{Books, Door, Refusal};
use crate::access::backoff::Place;
use crate::access::moment::{Moment, draw};
use crate::access::refusals::Refused;
use crate::access::secret::SecretKind;
use crate::access::{password, recovery, secret, totp};
use crate::domain::{AccountId, AccountName, Actor, Means, RefusalCause, Timestamp};
use crate::kinds::AccessEvent;
use crate::ports::{AccessChange, AccessRecord, AccessWrite, Account, LogErrorKind, Session, Standing, TotpSecret};

/// What somebody typed.
pub struct SignIn<'a> {
    pub name: &'a str,
    pub password: &'a str,
    /// Of the authenticator, or a recovery code; empty for none.
    pub code: &'a str,
    pub from: Option<IpAddr>,
}

/// A session that began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// To be shown with each request; kept nowhere here.
    pub secret: String,
    pub name: AccountName,
    /// When it ends at the latest.
    pub until: Timestamp,
}

/// What a right password and code change in the account.
struct Proven {
    means: Means,
    /// The account after it: the step or the recovery code is used up.
    account: Account,
    recovery_codes_left: Option<u32>,
}

impl Proven {
    /// Uses up what was shown, and tells the log; a conflict means that the account is not what was looked at.
    fn change(&self, from: Option<IpAddr>, now: Timestamp) -> AccessChange {
        let Self { means, account, recovery_codes_left } = self;
        let (id, version) = (account.id, account.version);
        let held = match means {
            Means::Password => AccessWrite::Witness { account: id, version },
            _ => AccessWrite::Update(Account { version: version + 1, ..account.clone() }),
        };
        let event = AccessEvent::SignedIn { with: *means, from, recovery_codes_left: *recovery_codes_left };
        let by = Actor::Person(account.name.as_str().to_owned());
        AccessChange { writes: vec![held], records: vec![AccessRecord { account: id, at: now, by, event }] }
    }
}

impl Door {
    /// Begins a session for a person who shows a password, and a code where one is wanted.
    pub async fn sign_in(&self, attempt: SignIn<'_>, at: Moment) -> Result<SignedIn, Refusal> {
        let proven = self.proven(&attempt, at).await?;
        let text = secret::write(SecretKind::Session, draw(self.entropy.as_ref())?);
        let account = proven.account.id;
        let session = Session { hash: secret::hash(&text), account, created_at: at.now, last_used_at: at.now };
        // Twice as long as any session may be unused, so that a clock a little off ends none.
        let unused_since = at.now - self.settings.idle - self.settings.idle - TimeDelta::minutes(1);
        let mut change = proven.change(attempt.from, at.now);
        change.writes.extend([AccessWrite::Sweep { unused_since }, AccessWrite::Begin(session)]);
        self.finish(&proven, attempt.from, change, at).await?;
        let until = at.now + self.settings.longest_session;
        Ok(SignedIn { secret: text, name: proven.account.name, until })
    }

    /// The same without a session: for a console that somebody left and comes back to.
    pub async fn confirm(&self, attempt: SignIn<'_>, at: Moment) -> Result<(), Refusal> {
        let proven = self.proven(&attempt, at).await?;
        let change = proven.change(attempt.from, at.now);
        self.finish(&proven, attempt.from, change, at).await
    }

    async fn proven(&self, attempt: &SignIn<'_>, at: Moment) -> Result<Proven, Refusal> {
        let place = Place::of(attempt.from);
        // What is no name is nobody's: it goes on as a name that does not exist.
        let name = AccountName::parse(attempt.name).ok();
        self.may_try(name.as_ref(), place, at).await?;
        let found = match &name {
            Some(name) => self.accounts.account_named(name).await?,
            None => None,
        };
        let id = found.as_ref().map_or(AccountId::NOBODY, |account| account.id);
        match self.prove(found, attempt, at).await? {
            Ok(proven) => Ok(proven),
            Err(cause) => Err(self.refuse(name.as_ref(), id, place, cause, at).await),
        }
    }

    /// Stores what follows from it. Where somebody else was faster with the same code, or changed the account
    /// meanwhile, it is refused after all.
    async fn finish(
        &self,
        proven: &Proven,
        from: Option<IpAddr>,
        change: AccessChange,
        at: Moment,
    ) -> Result<(), Refusal> {
        let (place, name, id) = (Place::of(from), &proven.account.name, proven.account.id);
        match self.accounts.commit(change).await {
            Ok(_) => {
                self.books().backoff.succeeded(name, place);
                Ok(())
            }
            Err(error) if error.kind == LogErrorKind::Conflict => {
                Err(self.refuse(Some(name), id, place, RefusalCause::CodeUsedBefore, at).await)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether this attempt is looked at at all.
    async fn may_try(&self, name: Option<&AccountName>, place: Place, at: Moment) -> Result<(), Refusal> {
        let (cause, refusal) = {
            let mut books = self.books();
            let Books { places, backoff, .. } = &mut *books;
            let wait = name.map(|name| backoff.wait(name, place, at.steady)).unwrap_or_default();
            match places.take(place, at.steady) {
                Err(too_many) => (RefusalCause::RateLimited, Refusal::from(too_many)),
                Ok(()) if wait.is_zero() => return Ok(()),
                Ok(()) => (RefusalCause::Delayed, Refusal::later(wait)),
            }
        };
        self.note(Refused::SignIn { account: AccountId::NOBODY, cause, place }, at).await;
        Err(refusal)
    }

    async fn prove(
        &self,
        found: Option<Account>,
        attempt: &SignIn<'_>,
        at: Moment,
    ) -> Result<Result<Proven, RefusalCause>, Refusal> {
        let kept = found.as_ref().and_then(|account| account.secrets.password.clone());
        let is_right = self.check_password(attempt.password, kept).await?;
        let account = match found {
            Some(account) if is_right => account,
            Some(_) | None => return Ok(Err(RefusalCause::WrongPassword)),
        };
        if account.standing == Standing::Disabled {
            return Ok(Err(RefusalCause::Disabled));
        }
        let Some(totp) = account.secrets.totp.clone() else {
            return Ok(Ok(Proven { means: Means::Password, account, recovery_codes_left: None }));
        };
        if attempt.code.trim().is_empty() {
            return Err(Refusal::code_wanted());
        }
        Ok(second_factor(account, &totp, attempt.code, at.now))
    }

    /// Off the threads that serve others, and not many at once.
    async fn check_password(&self, given: &str, kept: Option<String>) -> Result<bool, Refusal> {
        let Ok(_permit) = self.hashing.acquire().await else { return Ok(false) };
        let given = secrecy::SecretString::from(given);
        let checking = tokio::task::spawn_blocking(move || {
            use secrecy::ExposeSecret;
            password::is_right(given.expose_secret(), kept.as_deref())
        });
        Ok(checking.await.unwrap_or(false))
    }

    async fn refuse(
        &self,
        name: Option<&AccountName>,
        account: AccountId,
        place: Place,
        cause: RefusalCause,
        at: Moment,
    ) -> Refusal {
        if let Some(name) = name {
            self.books().backoff.failed(name, place, at.steady);
        }
        self.note(Refused::SignIn { account, cause, place }, at).await;
        Refusal::wrong()
    }
}

fn second_factor(mut account: Account, totp: &TotpSecret, code: &str, now: Timestamp) -> Result<Proven, RefusalCause> {
    match totp::check(totp, code, now) {
        totp::Code::Right { step } => {
            account.secrets.totp = Some(TotpSecret { last_step: step, ..totp.clone() });
            Ok(Proven { means: Means::PasswordAndCode, account, recovery_codes_left: None })
        }
        totp::Code::UsedBefore => Err(RefusalCause::CodeUsedBefore),
        totp::Code::Wrong => {
            let left = recovery::take(&account.secrets.recovery, code).ok_or(RefusalCause::WrongCode)?;
            let count = u32::try_from(left.len()).unwrap_or(u32::MAX);
            account.secrets.recovery = left;
            Ok(Proven { means: Means::PasswordAndRecoveryCode, account, recovery_codes_left: Some(count) })
        }
    }
}
