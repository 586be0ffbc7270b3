//! `search_logs`: log files and the journal of this machine, by form and against the time before. All of it is text of
//! outsiders: bounded, never obeyed, and shown only through `Untrusted`.

mod gather;
mod over_ssh;
mod place;
mod said;
mod search;
mod stamp;
mod templates;

pub use gather::{Gathered, Gatherer, Window};
pub use search::SearchLogs;
pub use stamp::Reader;
pub use templates::{Change, Span, Template, Templates};
