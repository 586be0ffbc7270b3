//! A person's account. It has events only: the stores keep its row beside the secrets that no event may hold.

mod event;

use crate::domain::{AccountId, Actor};
use crate::kinds::{Kind, Owned, Owner};

pub use event::{AccessEvent, Account};

impl Kind for Account {
    type Id = AccountId;
    type Event = AccessEvent;
}

impl Owned for Account {
    fn owner<'a>(first: &'a AccessEvent, _: &'a Actor) -> Owner<'a> {
        let AccessEvent::AccountCreated { name, .. } = first else { return Owner::Tenant };
        Owner::Person(name.as_str())
    }
}
