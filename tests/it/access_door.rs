//! The door on a real store, once on each kind: signing in, being admitted, and what strangers can and cannot do to others.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use morningai::access::people::TokenOrder;
use morningai::access::{
    Credential, Door, DoorSettings, Entropy, Moment, NoEntropy, Principal, Quota, Reach, RefusalKind, SignIn, SignedIn,
    password, people, recovery, totp,
};
use morningai::domain::{AccountId, AccountName, Action, Means, RefusalCause, Role, Timestamp, TokenId};
use morningai::kinds::{AccessEvent, Event, KindEvent};
use morningai::ports::{AccountRows, Log, Standing, TotpSecret};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Store, open_store};
use crate::accounts_contract::{Commit, accounts_of};

const PASSWORD: &str = "rain on a tin roof";
const TOTP: &[u8] = b"12345678901234567890";

/// Counts up: secrets that differ, and a test that repeats.
#[derive(Default)]
struct Counting(Mutex<u8>);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        let mut next = self.0.lock().unwrap();
        *next += 1;
        bytes.fill(*next);
        Ok(())
    }
}

struct House {
    _directory: TempDir,
    store: Arc<Store>,
    door: Door,
}

impl House {
    async fn new() -> Self {
        Self::with(DoorSettings::default()).await
    }

    async fn with(settings: DoorSettings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = open_store(&directory.path().join("store.db")).await;
        let door = Door::new(accounts_of(store.clone()), Arc::new(Counting::default()), settings);
        Self { _directory: directory, store, door }
    }

    async fn add(&self, name: &str, role: Role) -> AccountId {
        let id = AccountId(Uuid::from_u128(name.bytes().map(u128::from).sum()));
        let others = self.store.accounts().await.unwrap();
        let kept = password::keep(PASSWORD, [1; 16]).unwrap();
        let new = (id, AccountName::parse(name).unwrap(), role);
        let change = people::create(&root(), new, Some(kept), &others, start()).unwrap();
        self.store.commit(change).await.unwrap();
        id
    }

    /// With the second factor of RFC 6238's examples; what it returns are the recovery codes.
    async fn add_totp(&self, id: AccountId) -> Vec<String> {
        let account = self.store.account(id).await.unwrap().unwrap();
        let (codes, kept) = recovery::codes(std::array::from_fn(|index| [index as u8; recovery::BYTES]));
        let totp = TotpSecret { secret: TOTP.to_vec(), last_step: 0 };
        self.store.commit(people::set_totp(&root(), &account, totp, kept, start()).unwrap()).await.unwrap();
        codes
    }

    async fn token(&self, id: AccountId, scopes: &[Action]) -> (String, TokenId) {
        let account = self.store.account(id).await.unwrap().unwrap();
        let id = TokenId(Uuid::from_u128(77));
        let scopes = scopes.iter().copied().collect();
        let order = TokenOrder { id, label: "ci".to_owned(), scopes, days: 90, random: [9; 32] };
        let (text, change) = people::issue_token(&root(), &account, order, start()).unwrap();
        self.store.commit(change).await.unwrap();
        (text, id)
    }

    async fn sign_in(&self, name: &str, password: &str, code: &str, at: Moment) -> Result<SignedIn, RefusalKind> {
        self.sign_in_from(place(1), name, password, code, at).await
    }

    async fn sign_in_from(
        &self,
        from: Option<IpAddr>,
        name: &str,
        password: &str,
        code: &str,
        at: Moment,
    ) -> Result<SignedIn, RefusalKind> {
        self.door.sign_in(SignIn { name, password, code, from }, at).await.map_err(|refusal| refusal.kind)
    }

    async fn admit(&self, presented: &str, at: Moment) -> Result<Principal, RefusalKind> {
        self.door.admit(presented, place(1), at).await.map_err(|refusal| refusal.kind)
    }

    /// What the log was told of attempts, oldest first.
    async fn told(&self) -> Vec<AccessEvent> {
        let events = self.store.read(0, 10_000).await.unwrap().into_iter();
        let access = events.filter_map(|envelope| match envelope.event {
            Event::Account(event) => Some(event),
            _ => None,
        });
        access.filter(|event| !matches!(event, AccessEvent::AccountCreated { .. })).collect()
    }
}

/// Whoever has the store.
fn root() -> Principal {
    Principal {
        account: AccountId::NOBODY,
        name: AccountName::parse("root").unwrap(),
        role: Role::Owner,
        reach: Reach::Role,
        means: Means::Store,
        credential: Credential::Store,
    }
}

fn place(last: u8) -> Option<IpAddr> {
    Some(IpAddr::from([203, 0, 113, last]))
}

/// Within the step of RFC 6238's third example.
fn start() -> Timestamp {
    Timestamp::from_timestamp(1_111_111_111, 0).unwrap()
}

const CODE: &str = "050471";

fn after(seconds: i64) -> Moment {
    Moment { now: start() + TimeDelta::seconds(seconds), steady: Duration::from_secs(1_000 + seconds as u64) }
}

#[tokio::test]
async fn a_password_opens_a_session_that_ends_when_it_is_idle() {
    let house = House::new().await;
    let ana = house.add("ana", Role::Owner).await;
    let session = house.sign_in("Ana", PASSWORD, "", after(0)).await.unwrap();
    let principal = house.admit(&session.secret, after(60)).await.unwrap();
    assert_eq!((principal.account, principal.role, principal.means), (ana, Role::Owner, Means::Session));
    let idle = 30 * 60;
    assert!(house.admit(&session.secret, after(60 + idle)).await.is_ok());
    assert_eq!(house.admit(&session.secret, after(60 + 2 * idle + 1)).await, Err(RefusalKind::NotSignedIn));
    let told = house.told().await;
    assert_eq!(told[0], AccessEvent::SignedIn { with: Means::Password, from: place(1), recovery_codes_left: None });
    let expired = AccessEvent::SignInRefused { cause: RefusalCause::Expired, from: place(1), count: 1 };
    assert_eq!(told[1..], [expired]);
}

#[tokio::test]
async fn a_session_ends_after_half_a_day_however_busy_and_when_it_is_signed_out() {
    let house = House::new().await;
    house.add("ana", Role::Owner).await;
    let session = house.sign_in("ana", PASSWORD, "", after(0)).await.unwrap();
    for quarter in 0..48 {
        assert!(house.admit(&session.secret, after(quarter * 900)).await.is_ok(), "{quarter}");
    }
    assert!(house.admit(&session.secret, after(12 * 3_600 + 1)).await.is_err());
    let next = house.sign_in("ana", PASSWORD, "", after(50_000)).await.unwrap();
    let principal = house.admit(&next.secret, after(50_001)).await.unwrap();
    house.door.sign_out(&principal, after(50_002)).await.unwrap();
    assert!(house.admit(&next.secret, after(50_003)).await.is_err());
    assert_eq!(house.told().await.last().unwrap().remark().raw(), "unknown credential from 203.0.113.1");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told_what_a_wrong_password_is() {
    let house = House::new().await;
    house.add("ana", Role::Owner).await;
    let mut refusals = Vec::new();
    for name in ["ana", "nobody", "no name\u{202e}"] {
        let attempt = SignIn { name, password: "wrong horse battery", code: "", from: place(1) };
        refusals.push(house.door.sign_in(attempt, after(0)).await.unwrap_err());
    }
    assert!(refusals.iter().all(|refusal| refusal == &refusals[0]), "{refusals:?}");
    let log = house.store.read(0, 100).await.unwrap();
    let text = serde_json::to_string(&log).unwrap();
    assert!(!text.contains("nobody") && !text.contains("battery"), "a stranger's words are in the log: {text}");
}

#[tokio::test]
async fn a_code_is_wanted_taken_once_and_replaced_by_a_recovery_code() {
    let house = House::new().await;
    let ana = house.add("ana", Role::Owner).await;
    let codes = house.add_totp(ana).await;
    let uri = totp::uri(&AccountName::parse("ana").unwrap(), TOTP);
    assert!(uri.contains("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
    assert_eq!(house.sign_in("ana", PASSWORD, "", after(0)).await, Err(RefusalKind::CodeWanted));
    assert_eq!(house.sign_in("ana", "wrong horse battery", CODE, after(0)).await, Err(RefusalKind::NotSignedIn));
    assert!(house.sign_in("ana", PASSWORD, CODE, after(1)).await.is_ok());
    assert_eq!(house.sign_in("ana", PASSWORD, CODE, after(2)).await, Err(RefusalKind::NotSignedIn));
    assert!(house.sign_in("ana", PASSWORD, &codes[3].to_uppercase(), after(60)).await.is_ok());
    assert_eq!(house.sign_in("ana", PASSWORD, &codes[3], after(120)).await, Err(RefusalKind::NotSignedIn));
    let told: Vec<_> = house.told().await.iter().map(|event| event.remark().into_raw()).collect();
    assert_eq!(
        told,
        [
            "8 recovery codes",
            "wrong name or password from 203.0.113.1",
            "by password and code from 203.0.113.1",
            "code used before from 203.0.113.1",
            "by password and recovery code from 203.0.113.1",
            "wrong or missing code from 203.0.113.1",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_show_the_same_code_at_once_one_gets_in() {
    let house = Arc::new(House::new().await);
    let ana = house.add("ana", Role::Owner).await;
    house.add_totp(ana).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..3 {
        let house = house.clone();
        tasks.spawn(async move { house.sign_in_from(place(number), "ana", PASSWORD, CODE, after(0)).await.is_ok() });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|got_in| *got_in).count(), 1);
}

#[tokio::test]
async fn guessing_is_slowed_and_the_owner_is_not_shut_out() {
    let house = House::new().await;
    house.add("ana", Role::Owner).await;
    assert!(house.sign_in_from(place(9), "ana", PASSWORD, "", after(0)).await.is_ok());
    for guess in 0..5 {
        let refused = house.sign_in("ana", "wrong horse battery", "", after(guess)).await.unwrap_err();
        let delayed = matches!(refused, RefusalKind::TooMany { .. });
        assert!(!delayed, "{guess}");
    }
    let delayed = house.sign_in("ana", PASSWORD, "", after(5)).await.unwrap_err();
    assert_eq!(delayed, RefusalKind::TooMany { retry_after: 1 }, "even the right password has to wait there");
    assert!(house.sign_in_from(place(9), "ana", PASSWORD, "", after(5)).await.is_ok(), "and nowhere else");
    assert!(house.sign_in("ana", PASSWORD, "", after(6)).await.is_ok());
}

#[tokio::test]
async fn a_token_does_what_it_is_for_until_it_ends() {
    let house = House::new().await;
    house.add("root2", Role::Owner).await;
    let bo = house.add("bo", Role::Operator).await;
    let (text, id) = house.token(bo, &[Action::ReadRuns, Action::ApproveLow]).await;
    let principal = house.admit(&text, after(0)).await.unwrap();
    assert_eq!(principal.means, Means::Token);
    assert!(matches!(principal.credential, Credential::Token { id: known, .. } if known == id));
    assert!(house.door.permit(&principal, Action::ReadRuns, after(0)).await.is_ok());
    for beyond in [Action::StartRuns, Action::ManageAccounts, Action::ApproveCritical] {
        let refused = house.door.permit(&principal, beyond, after(0)).await.unwrap_err();
        assert_eq!(refused.kind, RefusalKind::NotAllowed, "{beyond}");
    }
    let used = house.store.tokens().await.unwrap()[0].last_used_at.unwrap();
    assert_eq!(used.timestamp() % 3_600, 0, "to the hour");
    // What its owner may no longer do, it may not either.
    let account = house.store.account(bo).await.unwrap().unwrap();
    let others = house.store.accounts().await.unwrap();
    house.store.commit(people::set_role(&root(), &account, Role::Viewer, &others, start()).unwrap()).await.unwrap();
    let principal = house.admit(&text, after(1)).await.unwrap();
    assert!(house.door.permit(&principal, Action::ApproveLow, after(1)).await.is_err());
    assert_eq!(house.admit(&text, after(90 * 86_400)).await, Err(RefusalKind::NotSignedIn));
    assert_eq!(house.admit(&text.replace("mai_", "mai_a"), after(1)).await, Err(RefusalKind::NotSignedIn));
    let token = house.store.tokens().await.unwrap().remove(0);
    let account = house.store.account(bo).await.unwrap().unwrap();
    house.store.commit(people::revoke_token(&root(), &account, &token, start()).unwrap()).await.unwrap();
    assert_eq!(house.admit(&text, after(2)).await, Err(RefusalKind::NotSignedIn));
    let text = serde_json::to_string(&house.store.read(0, 1_000).await.unwrap()).unwrap();
    assert!(!text.contains("mai_"), "a token is in the log");
}

#[tokio::test]
async fn disabling_somebody_ends_all_they_hold() {
    let house = House::new().await;
    house.add("ana", Role::Owner).await;
    let bo = house.add("bo", Role::Operator).await;
    let (text, _) = house.token(bo, &[Action::ReadRuns]).await;
    let session = house.sign_in("bo", PASSWORD, "", after(0)).await.unwrap();
    let account = house.store.account(bo).await.unwrap().unwrap();
    let others = house.store.accounts().await.unwrap();
    let change = people::set_standing(&root(), &account, Standing::Disabled, &others, start()).unwrap();
    house.store.commit(change).await.unwrap();
    assert!(house.admit(&text, after(1)).await.is_err());
    assert!(house.admit(&session.secret, after(1)).await.is_err());
    assert_eq!(house.sign_in("bo", PASSWORD, "", after(1)).await, Err(RefusalKind::NotSignedIn));
}

#[tokio::test]
async fn a_principal_has_a_limit_and_a_stranger_does_not_use_it_up() {
    let house = House::new().await;
    let ana = house.add("ana", Role::Owner).await;
    let (text, _) = house.token(ana, &[Action::ReadRuns]).await;
    let mut kinds = Vec::new();
    for _ in 0..30 {
        kinds.push(house.admit("mai_nonsense", after(0)).await.unwrap_err());
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == RefusalKind::NotSignedIn).count(), 20);
    assert!(matches!(kinds[29], RefusalKind::TooMany { retry_after: 60..=61 }), "{:?}", kinds[29]);
    for request in 0..100 {
        assert!(house.admit(&text, after(1)).await.is_ok(), "{request}");
    }
    assert!(matches!(house.admit(&text, after(1)).await, Err(RefusalKind::TooMany { retry_after: 1..=61 })));
    assert!(house.admit(&text, after(62)).await.is_ok());
}

#[tokio::test]
async fn a_flood_of_refusals_is_a_few_events_that_lose_no_count() {
    let quotas = vec![Quota::per_minute(1_000_000)];
    let house = House::with(DoorSettings { per_place: quotas, ..DoorSettings::default() }).await;
    house.add("ana", Role::Owner).await;
    for _ in 0..500 {
        let _ = house.admit("mai_nonsense", after(0)).await;
    }
    house.door.tell(after(61)).await;
    house.door.tell_rest(after(62)).await;
    let counts: Vec<_> = house.told().await.iter().map(|event| event.remark().into_raw()).collect();
    let of = |count: &str| format!("unknown credential from 203.0.113.1{count}");
    assert_eq!(counts, [of(""), of(", 499 times")]);
}

#[tokio::test]
async fn a_wall_clock_that_jumps_opens_no_limit_and_shuts_nobody_out() {
    let house = House::new().await;
    let ana = house.add("ana", Role::Owner).await;
    let (text, _) = house.token(ana, &[Action::ReadRuns]).await;
    let jumped = |steady: i64, jump: i64| Moment { now: after(steady).now + TimeDelta::hours(jump), ..after(steady) };
    for request in 0..100i64 {
        assert!(house.admit(&text, jumped(1, request % 3 - 1)).await.is_ok());
    }
    for jump in [-1, 0, 1] {
        assert!(house.admit(&text, jumped(2, jump)).await.is_err(), "{jump} h");
    }
    for jump in [-1, 0, 1] {
        assert!(house.admit(&text, jumped(63, jump)).await.is_ok(), "{jump} h");
    }
}
