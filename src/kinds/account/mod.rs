//! A person's account. It has events only: the stores keep its row beside the secrets that no event may hold.

mod event;

use crate::domain::{AccountId, Actor};
use crate::kinds::{Kind, Owner};

pub use event::AccessEvent;

/// The kind of streams about accounts.
pub enum Account {}

impl Kind for Account {
    type Id = AccountId;
    type Event = AccessEvent;

    fn owner<'a>(first: &'a AccessEvent, _: &'a Actor) -> Owner<'a> {
        let AccessEvent::AccountCreated { name, .. } = first else { return Owner::Tenant };
        Owner::Person(name.as_str())
    }
}
