//! What the routes of accounts and of tokens share: finding an account, and carrying out a change of one.

use crate::access::people::PeopleError;
use crate::access::{NotAllowed, Principal};
use crate::domain::{AccountName, nearest};
use crate::ports::{AccessChange, Account};
use crate::server::app::App;
use crate::server::problem::Problem;

/// The account of that name.
pub(super) fn found(accounts: &[Account], name: &str) -> Result<Account, Problem> {
    let wanted = name.trim().to_ascii_lowercase();
    accounts.iter().find(|account| account.name.as_str() == wanted).cloned().ok_or_else(|| {
        let close = nearest(&wanted, accounts.iter().map(|account| account.name.as_str()));
        let hint = close.map_or_else(|| "GET /v1/accounts lists them".to_owned(), |name| format!("there is {name}"));
        Problem::not_found("no account is called that", hint)
    })
}

/// Stores what a verb decided; of a refusal the log is told.
pub(super) async fn committed(
    app: &App,
    principal: &Principal,
    decided: Result<AccessChange, PeopleError>,
) -> Result<(), Problem> {
    match decided {
        Ok(change) => {
            app.gate.accounts().commit(change).await?;
            Ok(())
        }
        Err(error) => Err(refused(app, principal, error).await),
    }
}

/// The same, to the caller and to the log.
pub(super) async fn refused(app: &App, principal: &Principal, error: PeopleError) -> Problem {
    if let PeopleError::NotAllowed(NotAllowed::ByRole { action, .. } | NotAllowed::ByToken { action }) = error
        && let Err(refusal) = app.gate.permit(principal, action).await
    {
        return refusal.into();
    }
    error.into()
}

/// The account as it is now.
pub(super) async fn reread(app: &App, name: &AccountName) -> Result<Account, Problem> {
    app.gate.accounts().account_named(name).await?.ok_or_else(Problem::internal)
}
