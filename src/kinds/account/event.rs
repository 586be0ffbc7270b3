//! What can have happened to an account: changes, and attempts to get in. No secret and no hash of one is ever in it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::domain::{
    AccountName, Action, Means, RefusalCause, Role, Scopes, Spent, SubjectId, Timestamp, TokenId, Untrusted,
};
use crate::kinds::{KindEvent, Look};

/// The kind of streams about accounts.
pub enum Account {}

/// What happened in an account's stream. Attempts under names that do not exist stand in the stream of
/// [`AccountId::NOBODY`](crate::domain::AccountId::NOBODY), without the name: people type passwords into that field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum AccessEvent {
    #[serde(rename = "access.account_created")]
    AccountCreated { name: AccountName, role: Role },
    #[serde(rename = "access.role_changed")]
    RoleChanged { from: Role, to: Role },
    #[serde(rename = "access.account_disabled")]
    AccountDisabled {},
    #[serde(rename = "access.account_enabled")]
    AccountEnabled {},
    #[serde(rename = "access.password_changed")]
    PasswordChanged {},
    #[serde(rename = "access.totp_set")]
    TotpSet { recovery_codes: u32 },
    #[serde(rename = "access.totp_removed")]
    TotpRemoved {},
    #[serde(rename = "access.token_issued")]
    TokenIssued { token: TokenId, label: String, scopes: Scopes, expires_at: Timestamp },
    #[serde(rename = "access.token_revoked")]
    TokenRevoked { token: TokenId },
    #[serde(rename = "access.signed_in")]
    SignedIn {
        with: Means,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<IpAddr>,
        /// Of the codes kept for a lost second factor, how many are left; only where one was used.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recovery_codes_left: Option<u32>,
    },
    #[serde(rename = "access.signed_out")]
    SignedOut {},
    /// `count` attempts from one place for one cause, since the event before of this kind.
    #[serde(rename = "access.sign_in_refused")]
    SignInRefused {
        cause: RefusalCause,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<IpAddr>,
        count: u32,
    },
    /// `count` requests for something the role or the token is not for, since the event before of this kind.
    #[serde(rename = "access.permission_refused")]
    PermissionRefused { action: Action, count: u32 },
    /// Runs that ended before then were removed, with what they asked: `events` of the log, the first and the last by
    /// `seq`, and the SHA-256 over what was left of them. Stands in the stream of `NOBODY`.
    #[serde(rename = "access.log_pruned")]
    LogPruned {
        ended_before: Timestamp,
        events: u64,
        first: u64,
        last: u64,
        digest: String,
        spent: Vec<Spent>,
        /// Runs that began on each day, of those removed.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        began: BTreeMap<NaiveDate, u64>,
    },
    /// A person's data was erased for good. Stands in the stream of `NOBODY`: there is nobody of that name any more.
    #[serde(rename = "access.subject_erased")]
    SubjectErased { subject: SubjectId },
}

impl KindEvent for AccessEvent {
    const AUDITED: Option<&'static str> = Some("access.");

    fn name(&self) -> &'static str {
        match self {
            Self::AccountCreated { .. } => "access.account_created",
            Self::RoleChanged { .. } => "access.role_changed",
            Self::AccountDisabled {} => "access.account_disabled",
            Self::AccountEnabled {} => "access.account_enabled",
            Self::PasswordChanged {} => "access.password_changed",
            Self::TotpSet { .. } => "access.totp_set",
            Self::TotpRemoved {} => "access.totp_removed",
            Self::TokenIssued { .. } => "access.token_issued",
            Self::TokenRevoked { .. } => "access.token_revoked",
            Self::SignedIn { .. } => "access.signed_in",
            Self::SignedOut {} => "access.signed_out",
            Self::SignInRefused { .. } => "access.sign_in_refused",
            Self::PermissionRefused { .. } => "access.permission_refused",
            Self::LogPruned { .. } => "access.log_pruned",
            Self::SubjectErased { .. } => "access.subject_erased",
        }
    }

    /// Names and labels are an account's own words.
    fn remark(&self) -> Untrusted {
        let remark = match self {
            Self::AccountCreated { name, role } => format!("{name}, {role}"),
            Self::RoleChanged { from, to } => format!("{from} to {to}"),
            Self::TotpSet { recovery_codes } => format!("{recovery_codes} recovery codes"),
            Self::TokenIssued { token, label, expires_at, .. } => {
                format!("{} {label:?} until {}", token.short(), expires_at.format("%Y-%m-%d"))
            }
            Self::TokenRevoked { token } => token.short(),
            Self::SubjectErased { subject } => subject.pseudonym(),
            Self::SignedIn { with, from, .. } => format!("{}{}", means(*with), place(*from)),
            Self::SignInRefused { cause, from, count } => {
                format!("{}{}{}", cause.words(), place(*from), times(*count))
            }
            Self::PermissionRefused { action, count } => format!("{action}{}", times(*count)),
            Self::LogPruned { ended_before, events, .. } => {
                format!("{events} events of runs that ended before {}", ended_before.format("%Y-%m-%d"))
            }
            Self::AccountDisabled {}
            | Self::AccountEnabled {}
            | Self::PasswordChanged {}
            | Self::TotpRemoved {}
            | Self::SignedOut {} => String::new(),
        };
        remark.into()
    }

    fn look(&self) -> Look {
        match self {
            Self::SignInRefused { .. } | Self::PermissionRefused { .. } => Look::Bad,
            Self::RoleChanged { .. }
            | Self::AccountDisabled {}
            | Self::TotpRemoved {}
            | Self::TokenIssued { .. }
            | Self::TokenRevoked { .. }
            | Self::LogPruned { .. }
            | Self::SubjectErased { .. } => Look::Warning,
            Self::AccountCreated { .. }
            | Self::AccountEnabled {}
            | Self::PasswordChanged {}
            | Self::TotpSet { .. }
            | Self::SignedIn { .. }
            | Self::SignedOut {} => Look::Plain,
        }
    }
}

fn means(means: Means) -> &'static str {
    match means {
        Means::Password => "by password",
        Means::PasswordAndCode => "by password and code",
        Means::PasswordAndRecoveryCode => "by password and recovery code",
        Means::Session => "by session",
        Means::Token => "by token",
        Means::Jwt => "by signed token",
        Means::Slack => "in Slack",
        Means::Store => "by access to the store",
    }
}

fn place(from: Option<IpAddr>) -> String {
    from.map(|address| format!(" from {address}")).unwrap_or_default()
}

fn times(count: u32) -> String {
    if count == 1 { String::new() } else { format!(", {count} times") }
}
