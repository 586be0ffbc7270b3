//! The routes of people: signing in, accounts, tokens, and what the log knows of them.

use axum::routing::{delete, get, post};

use super::route::{Answer, Route, describe};
use crate::domain::Action;
use crate::protocol;
use crate::server::api::runs::Nothing;
use crate::server::api::{accounts, audit, log, second_factor, session, tokens};
use crate::shape::{AccountDetail, AccountShape, IssuedToken, TokenShape, TotpShape};

const SESSION: &str = protocol::SESSION_PATH;
const ACCOUNTS: &str = "/v1/accounts";
const TOKENS: &str = "/v1/tokens";

pub(super) fn session_routes() -> Vec<Route> {
    let oneself = || Answer::Json(describe::<session::Oneself>());
    vec![
        Route::post(
            SESSION,
            "signIn",
            "Begin a session with a name, a password, and a code where there is a second factor",
            describe::<session::Credentials>(),
            Answer::Made(describe::<session::Begun>()),
            || post(session::begin),
        )
        .open()
        .also(&[401, 429]),
        Route::get(SESSION, "showSession", "Who the caller is, and what they may do", oneself(), || get(session::show))
            .admitted(),
        Route::delete(SESSION, "signOut", "End the session", oneself(), || delete(session::end))
            .admitted()
            .also(&[422]),
        Route::get(
            "/v1/roles",
            "listRoles",
            "Which role may do what",
            Answer::Json(describe::<session::Roles>()),
            || get(session::roles),
        )
        .admitted(),
    ]
}

pub(super) fn account_routes() -> Vec<Route> {
    let account = || Answer::Json(describe::<AccountShape>());
    vec![
        Route::get(
            ACCOUNTS,
            "listAccounts",
            "Accounts, by name",
            Answer::Json(describe::<accounts::AccountList>()),
            || get(accounts::list),
        )
        .needs(Action::ReadAccess),
        Route::post(
            ACCOUNTS,
            "addAccount",
            "Add an account with a lower role than one's own; owners may add any",
            describe::<accounts::New>(),
            Answer::Made(describe::<AccountShape>()),
            || post(accounts::add),
        )
        .needs(Action::ManageAccounts),
        Route::get(
            "/v1/accounts/{name}",
            "showAccount",
            "An account with its tokens",
            Answer::Json(describe::<AccountDetail>()),
            || get(accounts::show),
        )
        .needs(Action::ReadAccess),
        Route::post(
            "/v1/accounts/{name}/role",
            "setRole",
            "Change an account's role",
            describe::<accounts::NewRole>(),
            account(),
            || post(accounts::set_role),
        )
        .needs(Action::ManageAccounts),
        Route::post(
            "/v1/accounts/{name}/disable",
            "disableAccount",
            "Disable an account, end its sessions and revoke its tokens",
            describe::<Nothing>(),
            account(),
            || post(accounts::disable),
        )
        .needs(Action::ManageAccounts),
        Route::post(
            "/v1/accounts/{name}/enable",
            "enableAccount",
            "Enable an account again",
            describe::<Nothing>(),
            account(),
            || post(accounts::enable),
        )
        .needs(Action::ManageAccounts),
        Route::post(
            "/v1/accounts/{name}/password",
            "setPassword",
            "Set one's own password, or with `accounts.manage` that of an account with a lower role; ends the sessions",
            describe::<accounts::NewPassword>(),
            account(),
            || post(accounts::set_password),
        )
        .needs(Action::ManageSelf),
        Route::post(
            "/v1/accounts/{name}/totp",
            "beginTotp",
            "Show a second factor, once; it is in force when it is confirmed",
            describe::<second_factor::Proof>(),
            Answer::Json(describe::<TotpShape>()),
            || post(second_factor::begin),
        )
        .needs(Action::ManageSelf),
        Route::post(
            "/v1/accounts/{name}/totp/confirm",
            "confirmTotp",
            "Put the second factor in force by a code it shows; ends the sessions",
            describe::<second_factor::Shown>(),
            account(),
            || post(second_factor::confirm),
        )
        .needs(Action::ManageSelf),
        Route::post(
            "/v1/accounts/{name}/totp/remove",
            "removeTotp",
            "Take the second factor away; ends the sessions",
            describe::<second_factor::Proof>(),
            account(),
            || post(second_factor::remove),
        )
        .needs(Action::ManageSelf),
    ]
}

pub(super) fn token_routes() -> Vec<Route> {
    vec![
        Route::get(
            TOKENS,
            "listTokens",
            "The caller's tokens, or with `access.read` all tokens, newest first",
            Answer::Json(describe::<tokens::TokenList>()),
            || get(tokens::list),
        )
        .needs(Action::ManageSelf),
        Route::post(
            TOKENS,
            "issueToken",
            "Issue a token for oneself, or with `accounts.manage` for an account with a lower role",
            describe::<tokens::Wanted>(),
            Answer::Made(describe::<IssuedToken>()),
            || post(tokens::issue),
        )
        .needs(Action::ManageSelf)
        .also(&[404]),
        Route::post(
            "/v1/tokens/{id}/revoke",
            "revokeToken",
            "Revoke a token",
            describe::<Nothing>(),
            Answer::Json(describe::<TokenShape>()),
            || post(tokens::revoke),
        )
        .needs(Action::ManageSelf),
        Route::get(
            "/v1/audit",
            "audit",
            "Sign-ins, changes to accounts, and decisions, newest first",
            Answer::Json(describe::<log::EventPage>()),
            || get(audit::page),
        )
        .params::<audit::Wanted>()
        .needs(Action::ReadAccess),
    ]
}
