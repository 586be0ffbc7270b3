//! Which way to turn: from card to card, from error to error.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Next,
    Previous,
}
