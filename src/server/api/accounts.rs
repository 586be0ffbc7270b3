//! `/v1/accounts`: who may do what here, and changing it. A person who changes their own password or second factor shows the
//! password they have: a token that was left lying about must not be enough to take an account over.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::people::{committed, found, refused, reread};
use crate::access::people::PeopleError;
use crate::access::{Principal, password, people};
use crate::domain::{AccountId, AccountName, Role};
use crate::ports::{Account, Standing};
use crate::server::app::App;
use crate::server::body::{Given, InPath, json, with_status};
use crate::server::peer::Peer;
use crate::server::problem::Problem;
use crate::shape::{AccountDetail, AccountShape};

use super::runs::Nothing;
use super::second_factor::{Proof, prove_oneself};

/// Accounts, by name.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct AccountList {
    accounts: Vec<AccountShape>,
}

pub(in crate::server) async fn list(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let accounts = app.gate.accounts().accounts().await?;
    json(&AccountList { accounts: accounts.iter().map(AccountShape::of).collect() })
}

pub(in crate::server) async fn show(State(app): State<Arc<App>>, InPath(name): InPath) -> Result<Response, Problem> {
    let account = found(&app.gate.accounts().accounts().await?, &name)?;
    let tokens = app.gate.accounts().tokens().await?;
    json(&AccountDetail::of(&account, &tokens, app.gate.now()))
}

/// A new account.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct New {
    name: String,
    /// The first account must be an owner's.
    role: Role,
    /// Without one it uses tokens only: for programs.
    password: Option<String>,
}

pub(in crate::server) async fn add(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Given(given): Given<New>,
) -> Result<Response, Problem> {
    let name = AccountName::parse(&given.name).map_err(|why| Problem::invalid(why, "choose another name"))?;
    let others = app.gate.accounts().accounts().await?;
    check_room(&app, &others)?;
    let new = (AccountId(uuid::Uuid::now_v7()), name.clone(), given.role);
    // Refused before any work is done for it.
    if let Err(error) = people::create(&principal, new.clone(), None, &others, app.gate.now()) {
        return Err(refused(&app, &principal, error).await);
    }
    let kept = match given.password {
        Some(password) => Some(kept(&app, &name, password).await?),
        None => None,
    };
    committed(&app, &principal, people::create(&principal, new, kept, &others, app.gate.now())).await?;
    with_status(StatusCode::CREATED, &AccountShape::of(&reread(&app, &name).await?))
}

/// What somebody is from now on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct NewRole {
    role: Role,
}

pub(in crate::server) async fn set_role(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(name): InPath,
    Given(given): Given<NewRole>,
) -> Result<Response, Problem> {
    let others = app.gate.accounts().accounts().await?;
    let target = found(&others, &name)?;
    committed(&app, &principal, people::set_role(&principal, &target, given.role, &others, app.gate.now())).await?;
    json(&AccountShape::of(&reread(&app, &target.name).await?))
}

pub(in crate::server) async fn disable(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(name): InPath,
    Given(Nothing {}): Given<Nothing>,
) -> Result<Response, Problem> {
    set_standing(&app, &principal, &name, Standing::Disabled).await
}

pub(in crate::server) async fn enable(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(name): InPath,
    Given(Nothing {}): Given<Nothing>,
) -> Result<Response, Problem> {
    set_standing(&app, &principal, &name, Standing::Active).await
}

async fn set_standing(app: &App, principal: &Principal, name: &str, standing: Standing) -> Result<Response, Problem> {
    let others = app.gate.accounts().accounts().await?;
    let target = found(&others, name)?;
    if standing == Standing::Active {
        check_room(app, &others)?;
    }
    committed(app, principal, people::set_standing(principal, &target, standing, &others, app.gate.now())).await?;
    json(&AccountShape::of(&reread(app, &target.name).await?))
}

/// Whether the plan has room for one more account.
fn check_room(app: &App, accounts: &[Account]) -> Result<(), Problem> {
    let Some(billing) = app.client.status().billing else { return Ok(()) };
    Ok(billing.check_users(people::active(accounts), app.gate.now())?)
}

/// A password to come.
#[derive(Deserialize, JsonSchema)]
pub(in crate::server) struct NewPassword {
    password: String,
    /// For one's own: the password one has, and a code where there is a second factor.
    #[serde(flatten)]
    proof: Proof,
}

pub(in crate::server) async fn set_password(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Extension(Peer(from)): Extension<Peer>,
    InPath(name): InPath,
    Given(given): Given<NewPassword>,
) -> Result<Response, Problem> {
    let target = found(&app.gate.accounts().accounts().await?, &name)?;
    // Refused before a password is looked at.
    if let Err(error) = people::set_password(&principal, &target, String::new(), app.gate.now()) {
        return Err(refused(&app, &principal, error).await);
    }
    let kept = kept(&app, &target.name, given.password).await?;
    let target = prove_oneself(&app, &principal, target, &given.proof, from).await?;
    committed(&app, &principal, people::set_password(&principal, &target, kept, app.gate.now())).await?;
    json(&AccountShape::of(&reread(&app, &target.name).await?))
}

/// A password in the form it is kept in, if the rules take it. Hashing takes a while, so it is done elsewhere.
async fn kept(app: &App, name: &AccountName, given: String) -> Result<String, Problem> {
    password::judge(&given, name).map_err(PeopleError::from)?;
    let salt = app.gate.draw().map_err(|error| Problem::unavailable(error.to_string(), "try again in a moment"))?;
    let hashed = tokio::task::spawn_blocking(move || password::keep(&given, salt)).await;
    let kept = hashed.map_err(|_| Problem::internal())?;
    Ok(kept.map_err(PeopleError::from)?)
}
