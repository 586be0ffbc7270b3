//! The command line of accounts, tokens and the audit, as data. No password is ever an argument: other users of the
//! machine can read those.

use clap::{Args, Subcommand};

use crate::access::people::{MOST_DAYS, USUAL_DAYS};
use crate::domain::{Action, Role};

#[derive(Debug, Args)]
pub struct AccountsOptions {
    #[command(subcommand)]
    pub action: Option<AccountsAction>,
}

#[derive(Debug, Subcommand)]
pub enum AccountsAction {
    /// Show one in full, its tokens included
    Show { name: String },
    /// Add one; its password is read from the terminal, or is the first line of standard input
    Add {
        name: String,
        /// viewer, analyst, operator, admin or owner; the first account must be an owner
        #[arg(long, value_name = "ROLE")]
        role: Role,
        /// It will only use tokens: for programs
        #[arg(long)]
        no_password: bool,
    },
    /// Give one another role
    SetRole { name: String, role: Role },
    /// Let nobody in with it, end its sessions and revoke its tokens
    Disable { name: String },
    /// Let its owner in again
    Enable { name: String },
    /// Set a password, read from the terminal or the first line of standard input; ends its sessions
    Passwd { name: String },
    /// Set a second factor, and show what an authenticator needs and the recovery codes, once
    Totp {
        name: String,
        /// Take it away instead
        #[arg(long)]
        remove: bool,
    },
    /// Which role may do what
    Roles,
}

#[derive(Debug, Args)]
pub struct TokensOptions {
    #[command(subcommand)]
    pub action: Option<TokensAction>,
}

#[derive(Debug, Subcommand)]
pub enum TokensAction {
    /// Issue one, and show its secret, once
    Issue {
        /// Whose it is: it may never do more than they may
        account: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        label: String,
        /// What it may do, as `morningai accounts roles` lists it; may be repeated
        #[arg(long = "scope", value_name = "ACTION", required = true)]
        scopes: Vec<Action>,
        /// How long it holds
        #[arg(long, value_name = "N", default_value_t = USUAL_DAYS,
              value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DAYS)))]
        days: u32,
    },
    /// Let nobody in with it any more
    Revoke {
        /// The token: its id, any unique prefix of it, or its last 8 digits
        id: String,
    },
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct AuditOptions {
    #[command(subcommand)]
    pub action: Option<AuditAction>,
    /// Only what this person did
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
}

#[derive(Debug, Subcommand)]
pub enum AuditAction {
    /// One event with all it holds
    Show {
        /// Its number in the log
        seq: u64,
    },
}
