//! `/v1/accounts/{name}/totp`: a second factor is shown once, confirmed with a code it shows, and only then wanted.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use super::people::{committed, found, refused, reread};
use crate::access::{NoEntropy, Principal, SignIn, people, recovery, totp};
use crate::ports::{Account, TotpSecret};
use crate::server::app::App;
use crate::server::body::{Given, InPath, json};
use crate::server::peer::Peer;
use crate::server::problem::Problem;
use crate::shape::{AccountShape, TotpShape};

/// That one is not just somebody who found a token.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(in crate::server) struct Proof {
    /// For one's own account: the password one has.
    current: String,
    /// And a code, where there is a second factor.
    code: String,
}

/// Checks it, for one's own account that has a password; the account as it is after that, since a code is used up.
pub(super) async fn prove_oneself(
    app: &App,
    principal: &Principal,
    target: Account,
    proof: &Proof,
    from: IpAddr,
) -> Result<Account, Problem> {
    if principal.name != target.name || target.secrets.password.is_none() {
        return Ok(target);
    }
    let (name, password, code) = (target.name.as_str(), proof.current.as_str(), proof.code.as_str());
    if password.is_empty() {
        return Err(Problem::invalid("this needs the password you have", "send it as `current`"));
    }
    app.gate.confirm(SignIn { name, password, code, from: Some(from) }).await?;
    reread(app, &target.name).await
}

pub(in crate::server) async fn begin(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Extension(Peer(from)): Extension<Peer>,
    InPath(name): InPath,
    Given(proof): Given<Proof>,
) -> Result<Response, Problem> {
    let target = found(&app.gate.accounts().accounts().await?, &name)?;
    let (secret, random) = drawn(&app).map_err(|error| Problem::unavailable(error.to_string(), "try again"))?;
    let (recovery_codes, kept) = recovery::codes(random);
    let totp = TotpSecret { secret: secret.to_vec(), last_step: 0 };
    // Refused before anything is shown.
    if let Err(error) = people::set_totp(&principal, &target, totp.clone(), kept.clone(), app.gate.now()) {
        return Err(refused(&app, &principal, error).await);
    }
    let target = prove_oneself(&app, &principal, target, &proof, from).await?;
    app.enrolments.begin(target.id, totp, kept);
    json(&TotpShape { uri: totp::uri(&target.name, &secret), name: target.name, recovery_codes })
}

type Random = ([u8; totp::BYTES], [[u8; recovery::BYTES]; recovery::COUNT]);

fn drawn(app: &App) -> Result<Random, NoEntropy> {
    let mut codes = [[0; recovery::BYTES]; recovery::COUNT];
    for code in &mut codes {
        *code = app.gate.draw()?;
    }
    Ok((app.gate.draw()?, codes))
}

/// What the authenticator shows now.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Shown {
    /// Six digits.
    code: String,
}

pub(in crate::server) async fn confirm(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    InPath(name): InPath,
    Given(shown): Given<Shown>,
) -> Result<Response, Problem> {
    let target = found(&app.gate.accounts().accounts().await?, &name)?;
    let Some(enrolment) = app.enrolments.of(target.id) else {
        let begin = format!("POST /v1/accounts/{}/totp shows one; it waits ten minutes", target.name);
        return Err(Problem::invalid("no second factor waits to be confirmed", begin));
    };
    let last_step = match totp::check(&enrolment.totp, &shown.code, app.gate.now()) {
        totp::Code::Right { step } => step,
        totp::Code::UsedBefore | totp::Code::Wrong => {
            let hint = "check the clock of the authenticator, and send the code it shows now";
            return Err(Problem::invalid("the code is not right; nothing was changed", hint));
        }
    };
    let totp = TotpSecret { last_step, ..enrolment.totp };
    let change = people::set_totp(&principal, &target, totp, enrolment.recovery, app.gate.now());
    committed(&app, &principal, change).await?;
    app.enrolments.forget(target.id);
    json(&AccountShape::of(&reread(&app, &target.name).await?))
}

pub(in crate::server) async fn remove(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Extension(Peer(from)): Extension<Peer>,
    InPath(name): InPath,
    Given(proof): Given<Proof>,
) -> Result<Response, Problem> {
    let target = found(&app.gate.accounts().accounts().await?, &name)?;
    if let Err(error) = people::remove_totp(&principal, &target, app.gate.now()) {
        return Err(refused(&app, &principal, error).await);
    }
    let target = prove_oneself(&app, &principal, target, &proof, from).await?;
    committed(&app, &principal, people::remove_totp(&principal, &target, app.gate.now())).await?;
    json(&AccountShape::of(&reread(&app, &target.name).await?))
}
