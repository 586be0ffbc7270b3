//! The table of kinds. The closed types over all of them are made from it: streams, events, rows, commands.
//!
//! To add a kind, make a folder beside this file, answer [`Kind`](super::Kind), [`Owned`](super::Owned) and
//! [`Kept`](super::Kept) in it, and add a line here. The log, both stores, the snapshot, export, erasure, pruning and
//! rebuilding follow.

/// Hands the table to another macro: kinds that are kept as rows, then those that have events only. Each has its name, a
/// plural where it is listed, and the first byte of its streams as stored, which is never changed nor used again.
macro_rules! table_of_kinds {
    ($macro:ident, $($tried:tt)*) => {
        $macro! {
            kept {
                Run = "run", runs, b'r';
                Approval = "approval", approvals, b'a';
                Incident = "incident", incidents, b'i';
                Page = "page", pages, b'p';
                Handover = "handover", handovers, b'h';
                Maintenance = "maintenance", maintenance, b'm';
                Budget = "budget", budgets, b'b';
                Subscription = "subscription", subscriptions, b's';
                $($tried)*
            }
            events {
                Account = "account", b'u';
            }
        }
    };
}
pub(crate) use table_of_kinds;

#[cfg(not(test))]
macro_rules! with_kinds {
    ($macro:ident) => {
        $crate::kinds::table_of_kinds!($macro,);
    };
}

/// With one more, by which tests see that this table is enough.
#[cfg(test)]
macro_rules! with_kinds {
    ($macro:ident) => {
        $crate::kinds::table_of_kinds!($macro, Toy = "toy", toys, b'~';);
    };
}
pub(crate) use with_kinds;
