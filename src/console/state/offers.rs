//! What can be started: agents and procedures, by name.

/// An agent or a procedure, as a list shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    pub name: String,
    /// One line; empty when its author wrote none.
    pub description: String,
}

/// Everything that can be started here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    pub agents: Vec<Offer>,
    pub procedures: Vec<Offer>,
    /// Names of the themes one can change to.
    pub themes: Vec<String>,
    /// Earlier goals, newest last.
    pub past_goals: Vec<String>,
    /// Directory that a new goal suggests to work in.
    pub workspace: String,
}
