//! A link to pay at, while it is shown. It is as good as a password: it is kept nowhere else, and goes with the screen.

use std::fmt;

/// What is known of the link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Payment {
    #[default]
    Closed,
    Asked,
    Shown(ShownLink),
    /// Why there is none.
    Failed(String),
}

/// A link, which tells nothing of itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct ShownLink(pub String);

impl fmt::Debug for ShownLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownLink(…)")
    }
}
