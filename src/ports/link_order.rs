//! Which page of a payment provider is wanted.

/// Which link is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkOrder {
    /// To subscribe to a plan.
    Checkout { plan: String, by_the_year: Yearly, add_ons: Vec<String> },
    /// To change the plan, the card or the address, see invoices, or cancel.
    Portal,
}

/// How often a plan is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yearly {
    Yes,
    No,
}
