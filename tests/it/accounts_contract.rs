//! What every store of accounts must do, whatever it is made of: written against `dyn Accounts`, run by each store's
//! own tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use morningai::domain::{AccountId, AccountName, Action, Actor, Role, TokenId};
use morningai::kinds::{AccessEvent, Envelope, Event, Stream};
use morningai::ports::{
    AccessChange, AccessRecord, AccessWrite, Account, AccountRows, AccountSecrets, Accounts, Log, LogError,
    LogErrorKind, SecretHash, Session, Standing, Token, TotpSecret, Used,
};
use morningai::runtime::{Turns, change_accounts};
use uuid::Uuid;

use crate::store_contract::{append_one, at, run};

/// A fresh place to store things, opened again and again, as by several processes.
#[async_trait]
pub trait AccountStorage: Send + Sync {
    async fn open_accounts(&self, tenant: &str) -> (Arc<dyn Accounts>, Arc<dyn Log>);
}

/// As the program changes accounts where no orchestrator runs.
#[async_trait]
pub trait Commit {
    async fn commit(&self, change: AccessChange) -> Result<Vec<Envelope>, LogError>;
}

#[async_trait]
impl<T: AccountRows> Commit for T {
    async fn commit(&self, change: AccessChange) -> Result<Vec<Envelope>, LogError> {
        change_accounts(self, change).await
    }
}

pub fn accounts_of(rows: Arc<dyn AccountRows>) -> Arc<dyn Accounts> {
    Turns::default().accounts(rows)
}

pub fn account(number: u128, name: &str) -> Account {
    Account {
        id: AccountId(Uuid::from_u128(number)),
        name: AccountName::parse(name).unwrap(),
        role: Role::Operator,
        standing: Standing::Active,
        created_at: at(5),
        version: 1,
        secrets: AccountSecrets::default(),
    }
}

pub fn created(account: &Account) -> AccessChange {
    let event = AccessEvent::AccountCreated { name: account.name.clone(), role: account.role };
    change(vec![AccessWrite::Create(account.clone())], account.id, event)
}

fn change(writes: Vec<AccessWrite>, account: AccountId, event: AccessEvent) -> AccessChange {
    let record = AccessRecord { account, at: at(9), by: Actor::Person("root".into()), event };
    AccessChange { writes, records: vec![record] }
}

pub fn updated(account: &Account) -> AccessChange {
    change(vec![AccessWrite::Update(account.clone())], account.id, AccessEvent::PasswordChanged {})
}

pub fn hash(byte: u8) -> SecretHash {
    SecretHash([byte; 32])
}

pub fn token(number: u8, account: &Account) -> Token {
    Token {
        id: TokenId(Uuid::from_u128(number.into())),
        account: account.id,
        label: "ci \"quoted\" é".to_owned(),
        hash: hash(number),
        scopes: [Action::ReadRuns, Action::StartRuns].into_iter().collect(),
        created_at: at(number.into()),
        expires_at: at(1_000_000),
        revoked_at: None,
        last_used_at: None,
    }
}

pub fn writes(writes: Vec<AccessWrite>) -> AccessChange {
    AccessChange { writes, records: Vec::new() }
}

pub async fn an_account_is_read_back_as_it_was_written(storage: &dyn AccountStorage) {
    let (accounts, _) = storage.open_accounts("local").await;
    let (bo, mut ana) = (account(1, "bo"), account(2, "ana"));
    accounts.commit(created(&bo)).await.unwrap();
    accounts.commit(created(&ana)).await.unwrap();
    ana.version = 2;
    ana.role = Role::Owner;
    ana.standing = Standing::Disabled;
    ana.secrets = AccountSecrets {
        password: Some("$argon2id$…".to_owned()),
        totp: Some(TotpSecret { secret: vec![0, 255, 7], last_step: 59_666_666 }),
        recovery: vec![hash(1), hash(2)],
    };
    accounts.commit(updated(&ana)).await.unwrap();
    assert_eq!(accounts.accounts().await.unwrap(), [ana.clone(), bo.clone()]);
    assert_eq!(accounts.account(bo.id).await.unwrap(), Some(bo.clone()));
    assert_eq!(accounts.account_named(&ana.name).await.unwrap(), Some(ana));
    assert_eq!(accounts.account(AccountId::NOBODY).await.unwrap(), None);
    let (again, _) = storage.open_accounts("local").await;
    assert_eq!(again.account_named(&bo.name).await.unwrap(), Some(bo));
}

pub async fn a_change_and_what_the_log_says_of_it_are_one(storage: &dyn AccountStorage) {
    let (accounts, log) = storage.open_accounts("local").await;
    let ana = account(1, "ana");
    let told = accounts.commit(created(&ana)).await.unwrap();
    assert_eq!((told.len(), told[0].seq, told[0].version), (1, 1, 1));
    assert_eq!(log.read_stream(Stream::Account(ana.id), 0, 9).await.unwrap(), told);
    assert_eq!(*log.watch_head().borrow(), 1);
    // One write of it cannot be done: neither is the other, nor is anything told.
    let mut half = updated(&Account { version: 2, ..ana.clone() });
    half.writes.push(AccessWrite::Update(Account { version: 7, ..account(9, "nobody") }));
    let error = accounts.commit(half).await.unwrap_err();
    assert_eq!(error.kind, LogErrorKind::Conflict, "{error}");
    assert_eq!(accounts.account(ana.id).await.unwrap(), Some(ana.clone()));
    assert_eq!(log.head().await.unwrap().seq, 1);
    // And the store goes on.
    let mut two = updated(&Account { version: 2, ..ana.clone() });
    two.records.extend(two.records.clone());
    let told = accounts.commit(two).await.unwrap();
    assert_eq!(told.iter().map(|envelope| (envelope.seq, envelope.version)).collect::<Vec<_>>(), [(2, 2), (3, 3)]);
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

pub async fn of_two_changes_to_one_version_one_is_a_conflict(storage: &dyn AccountStorage) {
    let ana = account(1, "ana");
    let (accounts, log) = storage.open_accounts("local").await;
    accounts.commit(created(&ana)).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for step in 0..4 {
        let (accounts, _) = storage.open_accounts("local").await;
        let totp = TotpSecret { secret: vec![1], last_step: step };
        let secrets = AccountSecrets { totp: Some(totp), ..AccountSecrets::default() };
        let next = Account { version: 2, secrets, ..ana.clone() };
        tasks.spawn(async move { accounts.commit(updated(&next)).await });
    }
    let done = tasks.join_all().await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
    for error in done.iter().filter_map(|done| done.as_ref().err()) {
        assert_eq!(error.kind, LogErrorKind::Conflict, "{error}");
    }
    assert_eq!(accounts.account(ana.id).await.unwrap().unwrap().version, 2);
    assert_eq!(log.head().await.unwrap().seq, 2);
}

pub async fn a_name_is_taken_once(storage: &dyn AccountStorage) {
    let (accounts, log) = storage.open_accounts("local").await;
    accounts.commit(created(&account(1, "ana"))).await.unwrap();
    let error = accounts.commit(created(&account(2, "Ana"))).await.unwrap_err();
    assert!(error.kind == LogErrorKind::Conflict && error.message.contains("ana already"), "{error}");
    assert_eq!((accounts.accounts().await.unwrap().len(), log.head().await.unwrap().seq), (1, 1));
}

pub async fn a_witness_that_changed_stops_the_change(storage: &dyn AccountStorage) {
    let (accounts, _) = storage.open_accounts("local").await;
    let (ana, bo) = (account(1, "ana"), account(2, "bo"));
    accounts.commit(created(&ana)).await.unwrap();
    accounts.commit(created(&bo)).await.unwrap();
    let resting_on = |version| {
        let mut change = updated(&Account { version: 2, role: Role::Viewer, ..ana.clone() });
        change.writes.insert(0, AccessWrite::Witness { account: bo.id, version });
        change
    };
    assert_eq!(accounts.commit(resting_on(2)).await.unwrap_err().kind, LogErrorKind::Conflict);
    assert_eq!(accounts.account(ana.id).await.unwrap().unwrap().role, Role::Operator);
    accounts.commit(resting_on(1)).await.unwrap();
    assert_eq!(accounts.account(bo.id).await.unwrap(), Some(bo));
}

/// Two owners who disable each other at once: one of them stays.
pub async fn of_two_changes_that_rest_on_each_other_one_is_done(storage: &dyn AccountStorage) {
    let (ana, bo) = (account(1, "ana"), account(2, "bo"));
    let (accounts, log) = storage.open_accounts("local").await;
    accounts.commit(created(&ana)).await.unwrap();
    accounts.commit(created(&bo)).await.unwrap();
    for round in 1..=10 {
        let mut tasks = tokio::task::JoinSet::new();
        for (one, other) in [(&ana, &bo), (&bo, &ana)] {
            let (accounts, _) = storage.open_accounts("local").await;
            let mut change = updated(&Account { version: round + 1, ..one.clone() });
            change.writes.push(AccessWrite::Witness { account: other.id, version: round });
            tasks.spawn(async move { accounts.commit(change).await });
        }
        let refused: Vec<_> = tasks.join_all().await.into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.iter().map(|error| error.kind).collect::<Vec<_>>(), [LogErrorKind::Conflict], "{refused:?}");
        for left in [&ana, &bo] {
            let found = accounts.account(left.id).await.unwrap().unwrap();
            if found.version == round {
                accounts.commit(updated(&Account { version: round + 1, ..left.clone() })).await.unwrap();
            }
        }
    }
    assert_eq!(log.head().await.unwrap().seq, 22);
}

pub async fn a_change_elsewhere_is_noticed_in_time(storage: &dyn AccountStorage) {
    let ((_, watching), (changing, _)) = (storage.open_accounts("local").await, storage.open_accounts("local").await);
    let mut head = watching.watch_head();
    assert_eq!(*head.borrow_and_update(), 0);
    for number in 1..=5 {
        let told = changing.commit(created(&account(number, &format!("p{number}")))).await.unwrap();
        let committed = Instant::now();
        let noticed = tokio::time::timeout(Duration::from_secs(5), head.wait_for(|known| *known >= told[0].seq)).await;
        noticed.expect("never noticed").unwrap();
        assert!(committed.elapsed() <= Duration::from_millis(250), "noticed after {:?}", committed.elapsed());
    }
}

pub async fn a_token_is_found_by_its_hash_until_it_is_revoked_and_after(storage: &dyn AccountStorage) {
    let (accounts, _) = storage.open_accounts("local").await;
    let ana = account(1, "ana");
    let (one, two) = (token(1, &ana), token(2, &ana));
    accounts.commit(created(&ana)).await.unwrap();
    let issue = [&one, &two].map(|token| AccessWrite::Issue(token.clone()));
    accounts.commit(writes(issue.to_vec())).await.unwrap();
    assert_eq!(accounts.tokens().await.unwrap(), [two.clone(), one.clone()]);
    assert_eq!(accounts.token_of(&hash(1)).await.unwrap(), Some(one.clone()));
    assert_eq!(accounts.token_of(&hash(3)).await.unwrap(), None);
    accounts.used(Used::Token(one.id), at(50)).await.unwrap();
    accounts.used(Used::Token(one.id), at(40)).await.unwrap();
    accounts.commit(writes(vec![AccessWrite::Revoke { token: one.id, at: at(60) }])).await.unwrap();
    accounts.commit(writes(vec![AccessWrite::RevokeAll { account: ana.id, at: at(70) }])).await.unwrap();
    let found = accounts.token_of(&hash(1)).await.unwrap();
    assert_eq!(found, Some(Token { last_used_at: Some(at(50)), revoked_at: Some(at(60)), ..one }));
    assert_eq!(accounts.token_of(&hash(2)).await.unwrap(), Some(Token { revoked_at: Some(at(70)), ..two }));
}

pub async fn sessions_are_found_used_ended_and_swept(storage: &dyn AccountStorage) {
    let (accounts, _) = storage.open_accounts("local").await;
    let (ana, bo) = (account(1, "ana"), account(2, "bo"));
    let session = |byte: u8, of: &Account, used: i64| Session {
        hash: hash(byte),
        account: of.id,
        created_at: at(1),
        last_used_at: at(used),
    };
    let all = [session(1, &ana, 10), session(2, &ana, 20), session(3, &bo, 5), session(4, &bo, 30)];
    accounts.commit(writes(all.iter().cloned().map(AccessWrite::Begin).collect())).await.unwrap();
    assert_eq!(accounts.session_of(&hash(1)).await.unwrap(), Some(all[0].clone()));
    accounts.used(Used::Session(hash(1)), at(40)).await.unwrap();
    accounts.commit(writes(vec![AccessWrite::Sweep { unused_since: at(20) }])).await.unwrap();
    assert_eq!(accounts.session_of(&hash(3)).await.unwrap(), None, "swept");
    assert_eq!(accounts.session_of(&hash(1)).await.unwrap().unwrap().last_used_at, at(40));
    accounts.commit(writes(vec![AccessWrite::End(hash(4))])).await.unwrap();
    assert_eq!(accounts.session_of(&hash(4)).await.unwrap(), None, "ended");
    accounts.commit(writes(vec![AccessWrite::EndAll(ana.id)])).await.unwrap();
    for byte in [1, 2] {
        assert_eq!(accounts.session_of(&hash(byte)).await.unwrap(), None, "ended with all of them");
    }
}

pub async fn tenants_share_no_account_token_or_session(storage: &dyn AccountStorage) {
    let (ours, _) = storage.open_accounts("ours").await;
    let (theirs, their_log) = storage.open_accounts("theirs").await;
    let ana = account(1, "ana");
    let session = Session { hash: hash(7), account: ana.id, created_at: at(1), last_used_at: at(2) };
    ours.commit(created(&ana)).await.unwrap();
    ours.commit(writes(vec![AccessWrite::Issue(token(1, &ana)), AccessWrite::Begin(session.clone())])).await.unwrap();
    assert_eq!(theirs.accounts().await.unwrap(), []);
    assert_eq!(theirs.account(ana.id).await.unwrap(), None);
    assert_eq!(theirs.account_named(&ana.name).await.unwrap(), None);
    assert_eq!(theirs.tokens().await.unwrap(), []);
    assert_eq!(theirs.token_of(&hash(1)).await.unwrap(), None);
    assert_eq!(theirs.session_of(&hash(7)).await.unwrap(), None);
    // Nor can they change what they cannot see.
    let next = Account { version: 2, role: Role::Owner, ..ana.clone() };
    assert_eq!(theirs.commit(updated(&next)).await.unwrap_err().kind, LogErrorKind::Conflict);
    let meddling = vec![
        AccessWrite::RevokeAll { account: ana.id, at: at(1) },
        AccessWrite::Revoke { token: token(1, &ana).id, at: at(1) },
        AccessWrite::EndAll(ana.id),
        AccessWrite::End(hash(7)),
        AccessWrite::Sweep { unused_since: at(1_000) },
    ];
    theirs.commit(writes(meddling)).await.unwrap();
    theirs.used(Used::Token(token(1, &ana).id), at(9)).await.unwrap();
    theirs.used(Used::Session(hash(7)), at(9)).await.unwrap();
    assert_eq!(ours.account(ana.id).await.unwrap(), Some(ana.clone()));
    assert_eq!(ours.token_of(&hash(1)).await.unwrap(), Some(token(1, &ana)));
    assert_eq!(ours.session_of(&hash(7)).await.unwrap(), Some(session));
    // The same id and name may be theirs too.
    theirs.commit(created(&ana)).await.unwrap();
    assert_eq!(their_log.head().await.unwrap().seq, 1);
}

pub async fn access_events_and_others_share_one_dense_log(storage: &dyn AccountStorage) {
    let (accounts, log) = storage.open_accounts("local").await;
    assert_eq!(append_one(log.as_ref(), run(1), 1, "x").await, 1);
    let told = accounts.commit(created(&account(1, "ana"))).await.unwrap();
    assert_eq!((told[0].seq, &told[0].by), (2, &Actor::Person("root".into())));
    assert_eq!(append_one(log.as_ref(), run(1), 2, "y").await, 3);
    let (_, elsewhere) = storage.open_accounts("local").await;
    assert_eq!(append_one(elsewhere.as_ref(), run(2), 1, "z").await, 4);
    let refused = AccessEvent::SignInRefused {
        cause: morningai::domain::RefusalCause::WrongPassword,
        from: Some("2001:db8::1".parse().unwrap()),
        count: 3,
    };
    // Unlike an append, a change need not know that somebody else wrote meanwhile.
    let told = accounts.commit(change(Vec::new(), AccountId::NOBODY, refused.clone())).await.unwrap();
    assert_eq!((told[0].seq, &told[0].event), (5, &Event::Account(refused)));
    let read = log.read(4, 9).await.unwrap();
    assert_eq!(read, told);
    assert_eq!(log.read_back(u64::MAX, 9, Some("\"type\":\"access.")).await.unwrap().rows.len(), 2);
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}
