//! Whose data a stream is.

use super::kind::Kind;
use super::stream::Stream;
use crate::domain::Actor;

/// A kind whose streams belong to somebody.
pub trait Owned: Kind {
    /// Whose data a stream is that begins with `first`, caused by `by`.
    fn owner<'a>(first: &'a Self::Event, by: &'a Actor) -> Owner<'a>;
}

/// Whose data a stream is: who may take it along, and with whom it is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    Person(&'a str),
    /// The owner of that stream; it is also removed with it.
    Stream(Stream),
    Tenant,
}
