//! The lock of a console on an embedded store: for a person whose account there has a password.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::Wire;
use crate::access::{Door, Moment, RefusalKind, SignIn, SystemEntropy};
use crate::cli::Failure;
use crate::console::IdleLock;
use crate::domain::AccountName;
use crate::ports::{Account, Accounts, ClientError, Clock, SystemClock, Unlock, Unlocking};

/// How long nobody may be there.
const USUAL: u64 = 30 * 60;

impl Wire {
    /// The account of the person at the console, if there is one of their name.
    pub(super) async fn own_account(&self, accounts: &dyn Accounts) -> Result<Option<Account>, Failure> {
        match AccountName::parse(self.person.name()) {
            Ok(name) => Ok(accounts.account_named(&name).await?),
            Err(_) => Ok(None),
        }
    }

    /// `None` where nothing could open it again: no account, or one without a password.
    pub(super) fn idle_lock(
        &self,
        accounts: Arc<dyn Accounts>,
        own: Option<Account>,
    ) -> Result<Option<IdleLock>, Failure> {
        let after = self.config.console.lock_after.unwrap_or(USUAL);
        let own = own.filter(|account| account.secrets.password.is_some());
        // Opening it is an event, which a store that is only looked at does not take.
        let Some(Account { name, .. }) = own.filter(|_| after > 0 && !self.options.observe) else { return Ok(None) };
        let door = Door::new(accounts, Arc::new(SystemEntropy::new()), self.door_settings()?);
        let keyhole = Arc::new(Keyhole { door, name, started: Instant::now() });
        Ok(Some(IdleLock { after: Duration::from_secs(after), keyhole }))
    }
}

/// The door of the store, for one person.
struct Keyhole {
    door: Door,
    name: AccountName,
    started: Instant,
}

#[async_trait]
impl Unlock for Keyhole {
    async fn unlock(&self, password: &str, code: &str) -> Unlocking {
        let attempt = SignIn { name: self.name.as_str(), password, code, from: None };
        match self.door.confirm(attempt, Moment::new(SystemClock.now(), self.started)).await {
            Ok(()) => Unlocking::Opened,
            Err(refusal) if refusal.kind == RefusalKind::CodeWanted => Unlocking::CodeWanted,
            Err(refusal) => Unlocking::Refused(ClientError { message: refusal.message, hint: refusal.hint }),
        }
    }
}
