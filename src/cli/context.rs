//! What every command works with.

use super::args::GlobalOptions;
use super::host::Host;
use super::output::Output;

/// The form of results on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
}

impl Form {
    pub fn of(options: &GlobalOptions) -> Self {
        if options.json { Self::Json } else { Self::Text }
    }
}

/// Whom it asks, and where what comes of it goes.
pub(super) struct Context<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) output: &'a mut Output,
    pub(super) form: Form,
}
