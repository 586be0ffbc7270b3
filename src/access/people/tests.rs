//! Who may change whom, for every pair of roles; and what a token may be.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::access::principal::Credential;
use crate::domain::Means;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
}

fn account(number: u128, role: Role) -> Account {
    Account {
        id: AccountId(Uuid::from_u128(number)),
        name: AccountName::parse(&format!("user{number}")).unwrap(),
        role,
        standing: Standing::Active,
        created_at: at(0),
        version: 3,
        secrets: AccountSecrets { password: Some("kept".to_owned()), ..AccountSecrets::default() },
    }
}

fn principal(of: &Account) -> Principal {
    Principal {
        account: of.id,
        name: of.name.clone(),
        role: of.role,
        reach: Reach::Role,
        means: Means::PasswordAndCode,
        credential: Credential::Store,
    }
}

fn order(scopes: &[Action]) -> TokenOrder {
    let scopes = scopes.iter().copied().collect();
    TokenOrder { id: TokenId(Uuid::from_u128(9)), label: "ci".to_owned(), scopes, days: USUAL_DAYS, random: [5; 32] }
}

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(&Role::ALL[..])
}

/// The account that a change leaves behind.
fn updated(change: &AccessChange) -> &Account {
    let found = change.writes.iter().find_map(|write| match write {
        AccessWrite::Update(account) | AccessWrite::Create(account) => Some(account),
        _ => None,
    });
    found.unwrap()
}

proptest! {
    #[test]
    fn nobody_raises_themselves(own in role(), wanted in role()) {
        let (me, spare) = (account(1, own), account(2, Role::Owner));
        let others = [me.clone(), spare];
        prop_assert!(set_role(&principal(&me), &me, wanted, &others, at(1)).is_err());
        prop_assert!(set_standing(&principal(&me), &me, Standing::Disabled, &others, at(1)).is_err());
    }

    #[test]
    fn only_owners_make_others_their_equals(mine in role(), theirs in role(), wanted in role()) {
        let (me, them, spare) = (account(1, mine), account(2, theirs), account(3, Role::Owner));
        let others = [me.clone(), them.clone(), spare];
        let done = set_role(&principal(&me), &them, wanted, &others, at(1));
        if done.is_ok() {
            prop_assert!(mine == Role::Owner || (mine == Role::Admin && theirs < mine && wanted < mine));
        }
        let made = create(&principal(&me), (AccountId::NOBODY, AccountName::parse("new").unwrap(), wanted), None, &others, at(1));
        prop_assert_eq!(made.is_ok(), mine == Role::Owner || (mine == Role::Admin && wanted < mine));
        let reset = set_password(&principal(&me), &them, "kept".to_owned(), at(1));
        prop_assert_eq!(reset.is_ok(), mine == Role::Owner || (mine == Role::Admin && theirs < mine));
    }

    #[test]
    fn no_token_opens_more_than_its_owner_or_its_maker(
        mine in role(),
        wanted in prop::collection::btree_set(prop::sample::select(Action::ALL), 1..6),
        held in prop::collection::btree_set(prop::sample::select(Action::ALL), 0..22),
    ) {
        let me = account(1, mine);
        let wanted: Vec<_> = wanted.into_iter().collect();
        let allowed = wanted.iter().all(|action| permission::allows(mine, *action));
        prop_assert_eq!(issue_token(&principal(&me), &me, order(&wanted), at(1)).is_ok(), allowed);
        let token = Principal { reach: Reach::Scoped(Scopes(held.clone())), ..principal(&me) };
        let by_token = issue_token(&token, &me, order(&wanted), at(1)).is_ok();
        let within = wanted.iter().all(|action| held.contains(action)) && held.contains(&Action::ManageSelf);
        prop_assert_eq!(by_token, allowed && within);
    }
}

#[test]
fn the_last_owner_stays_one_and_the_second_is_a_witness() {
    let (ana, bo, cy) = (account(1, Role::Owner), account(2, Role::Owner), account(3, Role::Admin));
    let alone = [ana.clone(), cy.clone()];
    // By access to the store: nobody else could.
    let store = Principal { account: AccountId::NOBODY, name: AccountName::parse("root").unwrap(), ..principal(&bo) };
    let refused = set_role(&store, &ana, Role::Admin, &alone, at(1)).unwrap_err();
    assert_eq!(refused, PeopleError::LastOwner(ana.name.clone()));
    assert!(set_standing(&store, &ana, Standing::Disabled, &alone, at(1)).is_err());
    let disabled = Account { standing: Standing::Disabled, ..bo.clone() };
    assert!(set_role(&store, &ana, Role::Admin, &[ana.clone(), disabled], at(1)).is_err(), "a disabled owner is none");
    let change = set_role(&store, &ana, Role::Admin, &[ana.clone(), bo.clone()], at(1)).unwrap();
    assert_eq!(change.writes[0], AccessWrite::Witness { account: bo.id, version: bo.version });
    assert_eq!((updated(&change).role, updated(&change).version), (Role::Admin, 4));
}

#[test]
fn the_first_account_is_an_owner() {
    let store = Principal { account: AccountId::NOBODY, ..principal(&account(1, Role::Owner)) };
    let new = |role| (AccountId(Uuid::from_u128(7)), AccountName::parse("ana").unwrap(), role);
    assert_eq!(create(&store, new(Role::Admin), None, &[], at(1)), Err(PeopleError::FirstIsOwner));
    let change = create(&store, new(Role::Owner), None, &[], at(1)).unwrap();
    assert_eq!(crate::kinds::KindEvent::remark(&change.records[0].event).raw(), "ana, owner");
    let taken = Account { name: AccountName::parse("ana").unwrap(), ..account(1, Role::Owner) };
    assert!(matches!(create(&store, new(Role::Viewer), None, &[taken], at(1)), Err(PeopleError::NameTaken(_))));
}

#[test]
fn disabling_ends_sessions_and_tokens() {
    let (ana, bo) = (account(1, Role::Owner), account(2, Role::Operator));
    let change = set_standing(&principal(&ana), &bo, Standing::Disabled, &[ana.clone(), bo.clone()], at(1)).unwrap();
    assert!(change.writes.contains(&AccessWrite::EndAll(bo.id)));
    assert!(change.writes.contains(&AccessWrite::RevokeAll { account: bo.id, at: at(1) }));
    let changed = set_password(&principal(&bo), &bo, "new".to_owned(), at(1)).unwrap();
    assert!(changed.writes.contains(&AccessWrite::EndAll(bo.id)));
}

#[test]
fn a_token_expires_has_a_label_and_tells_its_secret_only_to_who_asked() {
    let ana = account(1, Role::Operator);
    let issue = |order| issue_token(&principal(&ana), &ana, order, at(0));
    let (text, change) = issue(order(&[Action::ReadRuns])).unwrap();
    let AccessWrite::Issue(token) = &change.writes[1] else { panic!("{change:?}") };
    assert_eq!(token.expires_at, at(90 * 86_400));
    assert_eq!(secret::read(&text), Some((SecretKind::Token, token.hash)));
    let told = serde_json::to_string(&change.records[0].event).unwrap();
    assert!(!told.contains(&text[4..]) && !told.contains(&hex::encode(token.hash.0)), "{told}");
    assert!(!format!("{change:?}").contains(&text[4..20]));
    for days in [0, 366] {
        assert_eq!(issue(TokenOrder { days, ..order(&[Action::ReadRuns]) }), Err(PeopleError::Lifetime));
    }
    assert_eq!(issue(TokenOrder { label: " ".to_owned(), ..order(&[Action::ReadRuns]) }), Err(PeopleError::Unlabelled));
    assert_eq!(issue(order(&[])), Err(PeopleError::Unlabelled));
    let revoked = Token { revoked_at: Some(at(1)), ..token.clone() };
    assert!(revoke_token(&principal(&ana), &ana, token, at(2)).is_ok());
    assert!(revoke_token(&principal(&ana), &ana, &revoked, at(2)).is_err());
}

#[test]
fn a_second_factor_needs_a_first() {
    let mut ana = account(1, Role::Viewer);
    let totp = || TotpSecret { secret: vec![1; 20], last_step: 0 };
    assert!(set_totp(&principal(&ana), &ana, totp(), Vec::new(), at(1)).is_ok());
    ana.secrets.password = None;
    assert!(matches!(set_totp(&principal(&ana), &ana, totp(), Vec::new(), at(1)), Err(PeopleError::NoPassword(_))));
    assert!(remove_totp(&principal(&ana), &ana, at(1)).is_err());
}
