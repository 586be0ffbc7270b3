//! `morningai tokens`: what programs show instead of a password. A secret is shown once, when it is issued.

use serde::Serialize;
use uuid::Uuid;

use super::Context;
use super::Form;
use super::access_args::TokensAction;
use super::access_args::TokensOptions;
use super::accounts::administrator;
use super::accounts::commit;
use super::accounts::find;
use super::exit::Exit;
use super::failure::Failure;
use super::host::Access;
use super::host::StoreKeeper;
use super::table::table;
use super::time;
use crate::access::Entropy;
use crate::access::SystemEntropy;
use crate::access::people;
use crate::access::people::TokenOrder;
use crate::domain::AccountId;
use crate::domain::AccountName;
use crate::domain::Scopes;
use crate::domain::Timestamp;
use crate::domain::TokenId;
use crate::domain::Untrusted;
use crate::ports::Account;
use crate::ports::Clock;
use crate::ports::SystemClock;
use crate::ports::Token;

/// A token, as lists print it; never its secret.
#[derive(Serialize)]
pub(super) struct TokenShape<'a> {
    id: TokenId,
    account: &'a AccountName,
    label: &'a str,
    state: &'static str,
    scopes: &'a Scopes,
    created_at: Timestamp,
    expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
}

impl<'a> TokenShape<'a> {
    pub(super) fn of(token: &'a Token, account: &'a AccountName, now: Timestamp) -> Self {
        let state = match token.revoked_at {
            Some(_) => "revoked",
            None if now >= token.expires_at => "expired",
            None => "good",
        };
        Self {
            id: token.id,
            account,
            label: &token.label,
            state,
            scopes: &token.scopes,
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
            last_used_at: token.last_used_at,
        }
    }

    /// On one line, for the page of its account.
    pub(super) fn line(&self) -> String {
        let label = Untrusted::from(self.label);
        format!("{}  {}  {}  {}", self.id.short(), self.state, label.visible(), self.scopes.joined())
    }
}

pub async fn tokens(mut context: Context<'_>, options: TokensOptions) -> Result<Exit, Failure> {
    let access = if options.action.is_none() { Access::Read } else { Access::Write };
    let store = context.host.store(access).await?;
    let done = match options.action {
        None => list(&mut context, store.as_ref()).await,
        Some(TokensAction::Issue { account, label, scopes, days }) => {
            let order = TokenOrder {
                id: TokenId(Uuid::now_v7()),
                label,
                scopes: scopes.into_iter().collect(),
                days,
                random: [0; 32],
            };
            issue(&mut context, store.as_ref(), &account, order).await
        }
        Some(TokensAction::Revoke { id }) => revoke(&mut context, store.as_ref(), &id).await,
    };
    let closed = store.close().await;
    done?;
    closed.map(|()| Exit::Done)
}

async fn list(context: &mut Context<'_>, store: &dyn StoreKeeper) -> Result<(), Failure> {
    let accounts = store.accounts().accounts().await?;
    let tokens = store.accounts().tokens().await?;
    let now = SystemClock.now();
    let shapes: Vec<_> = tokens
        .iter()
        .filter_map(|token| Some(TokenShape::of(token, &owner(&accounts, token.account)?.name, now)))
        .collect();
    match context.form {
        Form::Json => shapes.iter().try_for_each(|shape| context.output.json(shape)),
        Form::Text if shapes.is_empty() => {
            context.output.line("no tokens; `morningai tokens issue ACCOUNT --label TEXT --scope ACTION` makes one")
        }
        Form::Text => {
            let row = |shape: &TokenShape<'_>| {
                vec![
                    shape.id.short(),
                    shape.account.to_string(),
                    shape.state.to_owned(),
                    time::shown(shape.expires_at),
                    shape.last_used_at.map_or_else(|| "never".to_owned(), time::shown),
                    Untrusted::from(shape.label).visible().into_owned(),
                ]
            };
            let rows: Vec<_> = shapes.iter().map(row).collect();
            context.output.line(&table(&["ID", "ACCOUNT", "STATE", "EXPIRES", "LAST USED", "FOR"], &rows))
        }
    }
}

fn owner(accounts: &[Account], id: AccountId) -> Option<&Account> {
    accounts.iter().find(|account| account.id == id)
}

async fn issue(
    context: &mut Context<'_>,
    store: &dyn StoreKeeper,
    account: &str,
    mut order: TokenOrder,
) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Issued<'a> {
        id: TokenId,
        account: &'a AccountName,
        /// The only time it is shown.
        secret: &'a str,
    }
    let accounts = store.accounts().accounts().await?;
    let by = administrator(&context.host.person(), &accounts)?;
    let account = find(&accounts, account)?;
    SystemEntropy::new().fill(&mut order.random).map_err(|error| Failure::failed(error.to_string()))?;
    let id = order.id;
    let (secret, change) = people::issue_token(&by, &account, order, SystemClock.now())?;
    commit(store, change).await?;
    match context.form {
        Form::Json => context.output.json(&Issued { id, account: &account.name, secret: &secret }),
        Form::Text => {
            context.output.diagnose("shown this once; only a hash of it is kept");
            context.output.line(&secret)
        }
    }
}

async fn revoke(context: &mut Context<'_>, store: &dyn StoreKeeper, given: &str) -> Result<(), Failure> {
    let accounts = store.accounts().accounts().await?;
    let by = administrator(&context.host.person(), &accounts)?;
    let tokens = store.accounts().tokens().await?;
    let token = one_token(&tokens, given)?;
    let account = owner(&accounts, token.account)
        .ok_or_else(|| Failure::failed(format!("token {} belongs to no account", token.id.short())))?;
    let now = SystemClock.now();
    commit(store, people::revoke_token(&by, account, token, now)?).await?;
    let revoked = Token { revoked_at: Some(now), ..token.clone() };
    let shape = TokenShape::of(&revoked, &account.name, now);
    match context.form {
        Form::Json => context.output.json(&shape),
        Form::Text => context.output.line(&format!("revoked: {}", shape.line())),
    }
}

/// The token whose id begins with this, or ends with it as lists show it.
fn one_token<'a>(tokens: &'a [Token], given: &str) -> Result<&'a Token, Failure> {
    let wanted = given.trim().to_ascii_lowercase();
    let matches = |token: &&Token| token.id.to_string().starts_with(&wanted) || token.id.short() == wanted;
    let mut found = tokens.iter().filter(matches).filter(|_| !wanted.is_empty());
    match (found.next(), found.next()) {
        (Some(token), None) => Ok(token),
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("several tokens begin with {given:?}")).next("give more digits"))
        }
        (None, _) => Err(Failure::usage(format!("there is no token {given:?}")).next("`morningai tokens` lists them")),
    }
}
