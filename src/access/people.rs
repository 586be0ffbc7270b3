//! What may be done with accounts and tokens, and by whom: each verb a function from what is stored to the change and
//! the events that tell of it. Stores nothing itself.
//!
//! Two rules stand behind all of it: nobody raises themselves or anybody to their own height, owners excepted; and the
//! last owner stays one.

use chrono::TimeDelta;

use super::password::WeakPassword;
use super::principal::{NotAllowed, Principal, Reach};
use super::secret;
use super::secret::SecretKind;
use crate::access::permission;
use crate::domain::{AccountId, AccountName, Action, Role, Scopes, Timestamp, TokenId};
use crate::kinds::AccessEvent;
use crate::ports::{
    AccessChange, AccessRecord, AccessWrite, Account, AccountSecrets, SecretHash, Standing, Token, TotpSecret,
};

/// Days that a token holds when nothing is said, and at most.
pub const USUAL_DAYS: u32 = 90;
pub const MOST_DAYS: u32 = 365;
/// Characters of the longest label.
const LONGEST_LABEL: usize = 80;

/// Why an account or a token stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeopleError {
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    #[error("nobody changes their own role or standing")]
    Oneself,
    #[error("{actor} may not manage accounts that are {target}")]
    TooHigh { actor: Role, target: Role },
    #[error("the first account must be an owner")]
    FirstIsOwner,
    #[error("{0} is the last owner; without one nobody could make another")]
    LastOwner(AccountName),
    #[error("there is an account {0} already")]
    NameTaken(AccountName),
    #[error("{0} is that already")]
    Nothing(AccountName),
    #[error("{0} has no password; a second factor needs a first")]
    NoPassword(AccountName),
    #[error("{role} may not do {actions}, so no token of theirs may")]
    BeyondRole { role: Role, actions: String },
    #[error("a token holds for 1 to {MOST_DAYS} days")]
    Lifetime,
    #[error("a token needs a label of 1 to {LONGEST_LABEL} characters, and at least one scope")]
    Unlabelled,
    #[error("{0} is disabled")]
    Disabled(AccountName),
}

impl PeopleError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NotAllowed(refused) => refused.hint(),
            Self::Weak(weak) => weak.hint().to_owned(),
            Self::Oneself => "ask another owner or admin to do it".to_owned(),
            Self::TooHigh { .. } => "ask an owner to do it".to_owned(),
            Self::FirstIsOwner => "add it with `--role owner`, then the others".to_owned(),
            Self::LastOwner(_) => "make somebody else an owner first".to_owned(),
            Self::NameTaken(name) => format!("`morningai accounts show {name}` shows it; choose another name"),
            Self::Nothing(_) => String::new(),
            Self::NoPassword(name) => format!("set one with `morningai accounts passwd {name}`"),
            Self::BeyondRole { .. } => "leave these scopes out, or use an account with a higher role".to_owned(),
            Self::Lifetime => format!("say `--days N`; without it {USUAL_DAYS}"),
            Self::Unlabelled => "say what it is for, and `--scope ACTION` for each thing it may do".to_owned(),
            Self::Disabled(name) => format!("`morningai accounts enable {name}` first"),
        }
    }
}

type Changed = Result<AccessChange, PeopleError>;

/// What somebody with access to the store itself is there: what their account says, and an owner without one.
pub fn role_at_the_store(own: Option<&Account>) -> Role {
    own.map_or(Role::Owner, |account| account.role)
}

/// How many accounts are not disabled.
pub fn active(accounts: &[Account]) -> usize {
    accounts.iter().filter(|account| account.standing == Standing::Active).count()
}

/// A new account. `others` are all there are.
pub fn create(
    by: &Principal,
    (id, name, role): (AccountId, AccountName, Role),
    password: Option<String>,
    others: &[Account],
    now: Timestamp,
) -> Changed {
    by.may(Action::ManageAccounts)?;
    if others.is_empty() && role != Role::Owner {
        return Err(PeopleError::FirstIsOwner);
    }
    below(by, role)?;
    if others.iter().any(|account| account.name == name) {
        return Err(PeopleError::NameTaken(name));
    }
    let secrets = AccountSecrets { password, ..AccountSecrets::default() };
    let event = AccessEvent::AccountCreated { name: name.clone(), role };
    let account = Account { id, name, role, standing: Standing::Active, created_at: now, version: 1, secrets };
    Ok(AccessChange { writes: vec![AccessWrite::Create(account)], records: vec![record(by, id, now, event)] })
}

pub fn set_role(by: &Principal, target: &Account, role: Role, others: &[Account], now: Timestamp) -> Changed {
    another(by, target)?;
    below(by, role)?;
    if target.role == role {
        return Err(PeopleError::Nothing(target.name.clone()));
    }
    let mut writes = Vec::new();
    if role < Role::Owner {
        writes.extend(witness_of_owner(target, others)?);
    }
    writes.push(AccessWrite::Update(Account { role, ..next(target) }));
    let event = AccessEvent::RoleChanged { from: target.role, to: role };
    Ok(AccessChange { writes, records: vec![record(by, target.id, now, event)] })
}

/// Disabling ends sessions and revokes tokens, so that enabling again opens nothing by itself.
pub fn set_standing(
    by: &Principal,
    target: &Account,
    standing: Standing,
    others: &[Account],
    now: Timestamp,
) -> Changed {
    another(by, target)?;
    if target.standing == standing {
        return Err(PeopleError::Nothing(target.name.clone()));
    }
    let mut writes = vec![AccessWrite::Update(Account { standing, ..next(target) })];
    let event = match standing {
        Standing::Active => AccessEvent::AccountEnabled {},
        Standing::Disabled => {
            writes.extend(witness_of_owner(target, others)?);
            writes.push(AccessWrite::EndAll(target.id));
            writes.push(AccessWrite::RevokeAll { account: target.id, at: now });
            AccessEvent::AccountDisabled {}
        }
    };
    Ok(AccessChange { writes, records: vec![record(by, target.id, now, event)] })
}

/// One's own, or that of somebody below. `kept` is what `password::keep` made. Ends all sessions.
pub fn set_password(by: &Principal, target: &Account, kept: String, now: Timestamp) -> Changed {
    oneself_or_below(by, target)?;
    let mut account = next(target);
    account.secrets.password = Some(kept);
    let writes = vec![AccessWrite::Update(account), AccessWrite::EndAll(target.id)];
    Ok(AccessChange { writes, records: vec![record(by, target.id, now, AccessEvent::PasswordChanged {})] })
}

/// One's own, or that of somebody below, who then learns the secret from the person who set it up.
pub fn set_totp(
    by: &Principal,
    target: &Account,
    totp: TotpSecret,
    recovery: Vec<SecretHash>,
    now: Timestamp,
) -> Changed {
    oneself_or_below(by, target)?;
    if target.secrets.password.is_none() {
        return Err(PeopleError::NoPassword(target.name.clone()));
    }
    let event = AccessEvent::TotpSet { recovery_codes: u32::try_from(recovery.len()).unwrap_or(u32::MAX) };
    let mut account = next(target);
    (account.secrets.totp, account.secrets.recovery) = (Some(totp), recovery);
    let writes = vec![AccessWrite::Update(account), AccessWrite::EndAll(target.id)];
    Ok(AccessChange { writes, records: vec![record(by, target.id, now, event)] })
}

pub fn remove_totp(by: &Principal, target: &Account, now: Timestamp) -> Changed {
    oneself_or_below(by, target)?;
    if target.secrets.totp.is_none() {
        return Err(PeopleError::Nothing(target.name.clone()));
    }
    let mut account = next(target);
    (account.secrets.totp, account.secrets.recovery) = (None, Vec::new());
    let writes = vec![AccessWrite::Update(account), AccessWrite::EndAll(target.id)];
    Ok(AccessChange { writes, records: vec![record(by, target.id, now, AccessEvent::TotpRemoved {})] })
}

/// A token that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOrder {
    pub id: TokenId,
    pub label: String,
    pub scopes: Scopes,
    pub days: u32,
    /// What the secret is made of.
    pub random: [u8; secret::BYTES],
}

/// The secret, to be shown once, and the change.
pub fn issue_token(
    by: &Principal,
    owner: &Account,
    order: TokenOrder,
    now: Timestamp,
) -> Result<(String, AccessChange), PeopleError> {
    oneself_or_below(by, owner)?;
    check_order(by, owner, &order)?;
    let TokenOrder { id, label, scopes, days, random } = order;
    let text = secret::write(SecretKind::Token, random);
    let expires_at = now + TimeDelta::days(i64::from(days));
    let event = AccessEvent::TokenIssued { token: id, label: label.clone(), scopes: scopes.clone(), expires_at };
    let token = Token {
        id,
        account: owner.id,
        label,
        hash: secret::hash(&text),
        scopes,
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    let witness = AccessWrite::Witness { account: owner.id, version: owner.version };
    let writes = vec![witness, AccessWrite::Issue(token)];
    Ok((text, AccessChange { writes, records: vec![record(by, owner.id, now, event)] }))
}

fn check_order(by: &Principal, owner: &Account, order: &TokenOrder) -> Result<(), PeopleError> {
    if owner.standing == Standing::Disabled {
        return Err(PeopleError::Disabled(owner.name.clone()));
    }
    if !(1..=MOST_DAYS).contains(&order.days) {
        return Err(PeopleError::Lifetime);
    }
    if !(1..=LONGEST_LABEL).contains(&order.label.trim().chars().count()) || order.scopes.0.is_empty() {
        return Err(PeopleError::Unlabelled);
    }
    let beyond: Scopes = order.scopes.0.iter().copied().filter(|a| !permission::allows(owner.role, *a)).collect();
    if !beyond.0.is_empty() {
        return Err(PeopleError::BeyondRole { role: owner.role, actions: beyond.joined() });
    }
    // A token never makes one that opens more than itself.
    if let Reach::Scoped(own) = &by.reach
        && let Some(action) = order.scopes.0.iter().find(|action| !own.contains(**action))
    {
        return Err(NotAllowed::ByToken { action: *action }.into());
    }
    Ok(())
}

pub fn revoke_token(by: &Principal, owner: &Account, token: &Token, now: Timestamp) -> Changed {
    oneself_or_below(by, owner)?;
    if token.revoked_at.is_some() {
        return Err(PeopleError::Nothing(owner.name.clone()));
    }
    let writes = vec![AccessWrite::Revoke { token: token.id, at: now }];
    let event = AccessEvent::TokenRevoked { token: token.id };
    Ok(AccessChange { writes, records: vec![record(by, owner.id, now, event)] })
}

/// Whether everything about somebody may be erased, their account too where they have one.
pub fn may_erase(by: &Principal, target: Option<&Account>, others: &[Account]) -> Result<(), PeopleError> {
    by.may(Action::Erase)?;
    target.map_or(Ok(()), |target| witness_of_owner(target, others).map(|_| ()))
}

/// The account with one more change.
fn next(account: &Account) -> Account {
    Account { version: account.version + 1, ..account.clone() }
}

fn record(by: &Principal, account: AccountId, at: Timestamp, event: AccessEvent) -> AccessRecord {
    AccessRecord { account, at, by: by.actor(), event }
}

fn is_oneself(by: &Principal, target: &Account) -> bool {
    by.account == target.id || by.name == target.name
}

/// Somebody else, and below: what is done to a role or a standing.
fn another(by: &Principal, target: &Account) -> Result<(), PeopleError> {
    by.may(Action::ManageAccounts)?;
    if is_oneself(by, target) {
        return Err(PeopleError::Oneself);
    }
    below(by, target.role)
}

fn oneself_or_below(by: &Principal, target: &Account) -> Result<(), PeopleError> {
    if is_oneself(by, target) {
        return Ok(by.may(Action::ManageSelf)?);
    }
    by.may(Action::ManageAccounts)?;
    below(by, target.role)
}

fn below(by: &Principal, role: Role) -> Result<(), PeopleError> {
    if role < by.role || by.may(Action::ManageOwners).is_ok() {
        return Ok(());
    }
    Err(PeopleError::TooHigh { actor: by.role, target: role })
}

/// For an active owner who is about to be none: another one, who must still be one when it is done.
fn witness_of_owner(target: &Account, others: &[Account]) -> Result<Option<AccessWrite>, PeopleError> {
    let is_active_owner = |account: &Account| account.role == Role::Owner && account.standing == Standing::Active;
    if !is_active_owner(target) {
        return Ok(None);
    }
    let other = others.iter().find(|account| account.id != target.id && is_active_owner(account));
    let other = other.ok_or_else(|| PeopleError::LastOwner(target.name.clone()))?;
    Ok(Some(AccessWrite::Witness { account: other.id, version: other.version }))
}

#[cfg(test)]
mod tests;
