//! `morningai tokens`: what programs show instead of a password. A secret is shown once, when it is issued.

use uuid::Uuid;

use super::access_args::{TokensAction, TokensOptions};
use super::accounts::{administrator, commit, find};
use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::{Access, StoreKeeper};
use super::table::table;
use super::time;
use crate::access::people::TokenOrder;
use crate::access::{Entropy, SystemEntropy, people};
use crate::billing::Feature;
use crate::domain::{AccountId, TokenId, Untrusted};
use crate::ports::{Account, Clock, SystemClock, Token};
use crate::shape;
use crate::shape::{IssuedToken, TokenNotFound, TokenShape};

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
    let shapes = TokenShape::all(&tokens, &accounts, SystemClock.now());
    match context.form {
        Form::Json => shapes.iter().try_for_each(|shape| context.output.json(shape)),
        Form::Text if shapes.is_empty() => {
            context.output.line("no tokens; `morningai tokens issue ACCOUNT --label TEXT --scope ACTION` makes one")
        }
        Form::Text => {
            let row = |shape: &TokenShape| {
                vec![
                    shape.id.short(),
                    shape.account.to_string(),
                    shape.state.to_owned(),
                    time::shown(shape.expires_at),
                    shape.last_used_at.map_or_else(|| "never".to_owned(), time::shown),
                    Untrusted::from(shape.label.as_str()).visible().into_owned(),
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
    if let Some(billing) = context.host.billing() {
        billing.check(Feature::ApiAccess, SystemClock.now())?;
    }
    let accounts = store.accounts().accounts().await?;
    let by = administrator(&context.host.person(), &accounts)?;
    let account = find(&accounts, account)?;
    SystemEntropy::new().fill(&mut order.random).map_err(|error| Failure::failed(error.to_string()))?;
    let id = order.id;
    let (secret, change) = people::issue_token(&by, &account, order, SystemClock.now())?;
    commit(store, change).await?;
    match context.form {
        Form::Json => context.output.json(&IssuedToken { id, account: account.name, secret }),
        Form::Text => {
            context.output.diagnose("shown only once; the store keeps only a hash");
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

fn one_token<'a>(tokens: &'a [Token], given: &str) -> Result<&'a Token, Failure> {
    shape::token(tokens, given).map_err(|not_one| match not_one {
        TokenNotFound::Several => {
            Failure::usage(format!("several tokens begin with {given:?}")).next("give more digits")
        }
        TokenNotFound::Nothing => {
            Failure::usage(format!("there is no token {given:?}")).next("`morningai tokens` lists them")
        }
    })
}
