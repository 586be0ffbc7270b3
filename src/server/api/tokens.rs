//! `/v1/tokens`: what programs show instead of a password. A secret is shown once, when it is issued.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::people::{committed, found, refused};
use crate::access::people::{TokenOrder, USUAL_DAYS};
use crate::access::{Principal, people};
use crate::billing::Feature;
use crate::domain::{Action, Scopes, TokenId};
use crate::ports::Token;
use crate::server::app::App;
use crate::server::body::{Given, InPath, json, with_status};
use crate::server::problem::Problem;
use crate::shape;
use crate::shape::{IssuedToken, TokenNotFound, TokenShape};

use super::runs::Nothing;

/// Tokens, newest first.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct TokenList {
    tokens: Vec<TokenShape>,
}

/// All of them; for a caller who may not see those of others, their own.
pub(in crate::server) async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Result<Response, Problem> {
    let accounts = app.gate.accounts().accounts().await?;
    let mut tokens = app.gate.accounts().tokens().await?;
    if principal.may(Action::ReadAccess).is_err() {
        tokens.retain(|token| token.account == principal.account);
    }
    json(&TokenList { tokens: TokenShape::all(&tokens, &accounts, app.gate.now()) })
}

/// A token that somebody wants.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Wanted {
    /// Whose it is: it may never do more than they may.
    account: String,
    /// What it is for, in 80 characters.
    label: String,
    /// What it may do, as `GET /v1/roles` lists it.
    scopes: Scopes,
    /// How long it holds; 90 when nothing is said, at most 365.
    days: Option<u32>,
}

pub(in crate::server) async fn issue(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Given(given): Given<Wanted>,
) -> Result<Response, Problem> {
    app.check_feature(Feature::ApiAccess)?;
    let Wanted { account, label, scopes, days } = given;
    let owner = found(&app.gate.accounts().accounts().await?, &account)?;
    let random = app.gate.draw().map_err(|error| Problem::unavailable(error.to_string(), "try again in a moment"))?;
    let id = TokenId(uuid::Uuid::now_v7());
    let order = TokenOrder { id, label, scopes, days: days.unwrap_or(USUAL_DAYS), random };
    let (secret, change) = match people::issue_token(&principal, &owner, order, app.gate.now()) {
        Ok(issued) => issued,
        Err(error) => return Err(refused(&app, &principal, error).await),
    };
    committed(&app, &principal, Ok(change)).await?;
    with_status(StatusCode::CREATED, &IssuedToken { id, account: owner.name, secret })
}

pub(in crate::server) async fn revoke(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(id): InPath,
    Given(Nothing {}): Given<Nothing>,
) -> Result<Response, Problem> {
    let accounts = app.gate.accounts().accounts().await?;
    let tokens = app.gate.accounts().tokens().await?;
    let list = "GET /v1/tokens lists them";
    let token = shape::token(&tokens, &id).map_err(|not_one| match not_one {
        TokenNotFound::Nothing => Problem::not_found("no token has that id", list),
        TokenNotFound::Several => Problem::invalid("several tokens begin with that", "give more digits"),
    })?;
    let owner = accounts.iter().find(|account| account.id == token.account).ok_or_else(Problem::internal)?;
    let now = app.gate.now();
    committed(&app, &principal, people::revoke_token(&principal, owner, token, now)).await?;
    let revoked = Token { revoked_at: Some(now), ..token.clone() };
    json(&TokenShape::of(&revoked, &owner.name, now))
}
