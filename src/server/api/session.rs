//! `/v1/session`: signing in and out, and who one is here.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{Principal, SignIn, actions_of};
use crate::domain::{AccountName, Action, Means, Role, Timestamp};
use crate::server::app::App;
use crate::server::body::{Given, json, with_status};
use crate::server::peer::Peer;
use crate::server::problem::Problem;
use crate::shape::RoleShape;

/// Who somebody says they are.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Credentials {
    name: String,
    password: String,
    /// Six digits of the authenticator, or a recovery code. Where one is wanted and not given, the problem's type is
    /// `urn:morningai:problem:code-wanted`.
    #[serde(default)]
    code: String,
}

/// A session that began.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct Begun {
    /// To be sent as `Authorization: Bearer TOKEN`; the only time it is shown.
    token: String,
    account: AccountName,
    /// When it ends at the latest; unused, it ends earlier.
    ends_at: Timestamp,
}

/// Who one is, and what one may do.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct Oneself {
    /// In whose name things are done.
    name: String,
    role: Role,
    #[schemars(with = "String")]
    means: Means,
    actions: Vec<Action>,
}

pub(in crate::server) async fn begin(
    State(app): State<Arc<App>>,
    Extension(Peer(from)): Extension<Peer>,
    Given(given): Given<Credentials>,
) -> Result<Response, Problem> {
    let Credentials { name, password, code } = &given;
    let signed_in = app.gate.sign_in(SignIn { name, password, code, from: Some(from) }).await?;
    let begun = Begun { token: signed_in.secret, account: signed_in.name, ends_at: signed_in.until };
    with_status(StatusCode::CREATED, &begun)
}

pub(in crate::server) async fn show(Extension(principal): Extension<Principal>) -> Result<Response, Problem> {
    json(&oneself(&principal))
}

pub(in crate::server) async fn end(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Result<Response, Problem> {
    app.gate.sign_out(&principal).await?;
    json(&oneself(&principal))
}

fn oneself(principal: &Principal) -> Oneself {
    Oneself {
        name: principal.actor().name().to_owned(),
        role: principal.role,
        means: principal.means,
        actions: principal.actions().collect(),
    }
}

/// Which role may do what.
#[derive(Serialize, JsonSchema)]
pub(in crate::server) struct Roles {
    roles: Vec<RoleShape>,
}

/// `GET /v1/roles`
pub(in crate::server) async fn roles() -> Result<Response, Problem> {
    let shape = |role| RoleShape { role, actions: actions_of(role).collect() };
    json(&Roles { roles: Role::ALL.into_iter().map(shape).collect() })
}
