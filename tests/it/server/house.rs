//! People with accounts, for a server to let in: made in the store from outside the server, as the command line does.

use morningai::access::people::TokenOrder;
use morningai::access::{Credential, Principal, Reach, actions_of, password, people};
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::{AccessChange, Account, AccountRows, Clock, Standing, SystemClock};
use serde_json::{Value, json};
use uuid::Uuid;

use super::post::{Http, Post};
use crate::accounts_contract::Commit;

pub const PASSWORD: &str = "rain on a tin roof";

/// Whoever holds the store.
pub fn root() -> Principal {
    Principal {
        account: AccountId::NOBODY,
        name: AccountName::parse("root").unwrap(),
        role: Role::Owner,
        reach: Reach::Role,
        means: Means::Store,
        credential: Credential::Store,
    }
}

impl Post {
    pub async fn commit(&self, change: AccessChange) {
        self.accounts.commit(change).await.unwrap();
    }

    /// An account that signs in by password.
    pub async fn add(&self, name: &str, role: Role) -> Account {
        self.add_with(name, role, Some(password::keep(PASSWORD, [3; 16]).unwrap())).await
    }

    /// One for programs.
    pub async fn add_program(&self, name: &str, role: Role) -> Account {
        self.add_with(name, role, None).await
    }

    async fn add_with(&self, name: &str, role: Role, kept: Option<String>) -> Account {
        let others = self.accounts.accounts().await.unwrap();
        let new = (AccountId(Uuid::now_v7()), AccountName::parse(name).unwrap(), role);
        self.commit(people::create(&root(), new, kept, &others, SystemClock.now()).unwrap()).await;
        self.account(name).await
    }

    pub async fn account(&self, name: &str) -> Account {
        let found = self.accounts.account_named(&AccountName::parse(name).unwrap()).await.unwrap();
        found.unwrap_or_else(|| panic!("no account {name}"))
    }

    /// A token of an account, for these actions; its id, and the secret.
    pub async fn token(&self, name: &str, scopes: impl IntoIterator<Item = Action>) -> (TokenId, String) {
        let id = TokenId(Uuid::now_v7());
        let random = std::array::from_fn(|at| id.0.as_bytes()[at % 16] ^ at as u8);
        let scopes = scopes.into_iter().collect();
        let order = TokenOrder { id, label: "test".to_owned(), scopes, days: 90, random };
        let account = self.account(name).await;
        let (secret, change) = people::issue_token(&root(), &account, order, SystemClock.now()).unwrap();
        self.commit(change).await;
        (id, secret)
    }

    /// A program of that role, and a token for all that it may do.
    pub async fn program(&self, name: &str, role: Role) -> String {
        self.add_program(name, role).await;
        self.token(name, actions_of(role)).await.1
    }

    /// The secret of a session.
    pub async fn session(&self, name: &str) -> String {
        let nobody = Http { token: None, ..self.http() };
        let given = json!({ "name": name, "password": PASSWORD });
        let (status, begun) = nobody.post("/v1/session", given).await;
        assert_eq!(status, 201, "{begun}");
        begun["token"].as_str().unwrap().to_owned()
    }

    pub async fn set_standing(&self, name: &str, standing: Standing) {
        let others = self.accounts.accounts().await.unwrap();
        let account = self.account(name).await;
        let change = people::set_standing(&root(), &account, standing, &others, SystemClock.now());
        self.commit(change.unwrap()).await;
    }

    pub async fn set_role(&self, name: &str, role: Role) {
        let others = self.accounts.accounts().await.unwrap();
        let change = people::set_role(&root(), &self.account(name).await, role, &others, SystemClock.now());
        self.commit(change.unwrap()).await;
    }

    pub async fn revoke(&self, id: TokenId) {
        let tokens = self.accounts.tokens().await.unwrap();
        let token = tokens.iter().find(|token| token.id == id).unwrap();
        let owner = self.accounts.account(token.account).await.unwrap().unwrap();
        self.commit(people::revoke_token(&root(), &owner, token, SystemClock.now()).unwrap()).await;
    }

    /// What the log knows of attempts and changes, newest first, as text.
    pub async fn told(&self) -> Vec<Value> {
        let log = self.desk.log.read(0, 100_000).await.unwrap().into_iter().rev();
        let access = log.filter(|envelope| matches!(envelope.event, Event::Account(_)));
        access.map(|envelope| serde_json::to_value(envelope).unwrap()).collect()
    }
}
