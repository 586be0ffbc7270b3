//! What news a state or an event is.

/// Whether a state or an event is good or bad news. How that is painted is the console's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Plain,
    /// What is over, and stands back.
    Dim,
    /// Something begins.
    Notable,
    Good,
    Running,
    /// It wants a person.
    Waiting,
    Warning,
    Bad,
}
