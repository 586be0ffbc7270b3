//! morningai: a terminal console for people who are on call for AI agents.
//!
//! # One idea
//!
//! There is a log of past-tense events, and everything else is a view of it. A key press becomes an intent, the
//! intent a [`kinds::Command`]; [`engine::decide`] turns that into events, [`runtime`] appends them to the log, and
//! only what is on disk is shown, acted upon or told to anybody. A committed event may lead to an effect, a call of a
//! model or a tool, and the outcome returns as another command.
//!
//! ```text
//!            ┌──────────────── log (store) ────────────────┐
//!            │ append                                      │ feed
//!            │                                             ▼
//!  engine::decide ◀── Command ◀── update ◀── Intent    fold ─▶ Snapshot ─▶ view ─▶ render
//!            │
//!            └─ committed event ─▶ Effect ─▶ runtime performs it ─▶ its outcome returns as a Command
//! ```
//!
//! # Where things are
//!
//! | to find | look in |
//! |---|---|
//! | ids, money, text from outside, cards, tools | [`domain`] |
//! | what can be asked and what can have happened, a folder a kind | [`kinds`]: `run/`, `approval/`, `incident/`, `page/`, `account/`, `spend/` |
//! | all kinds in one table, and the types made from it | [`kinds`]: `table.rs`; `stream.rs`, `event.rs`, `command.rs` |
//! | how a run goes on | [`engine`] |
//! | what is live, as one row each | [`fold`] |
//! | the traits between the core and the world | [`ports`] |
//! | what appends: only this | [`runtime`]: `writer.rs` |
//! | what is appended with a change beside the log: accounts, what is pruned, who is erased | [`runtime`]: `turns.rs` |
//! | SQLite, Postgres | [`store`] |
//! | what copies, backups and pruning keep and leave | [`store`]: `copying/`, `pruning.rs` |
//! | what is encrypted, and how somebody is erased | [`store`]: `seal/`, `sqlite/erase.rs`, `postgres/erase.rs` |
//! | what tools do, and how they are confined | [`tools`] |
//! | alerts from elsewhere, and which incidents they are of | [`feeds`] |
//! | what is wrong with alerting rules | [`lint`]: `checks/mod.rs` has the table |
//! | plans, and the invoices they lead to | [`billing`], and `assets/plans.toml` |
//! | how they are paid | [`stripe`]; `kinds/subscription/` is what it says, and the outbox of usage |
//! | who is on call at any instant | [`rota`] |
//! | whom to page when, and that it arrives | [`pager`]; `kinds/page/` is its outbox |
//! | Slack, PagerDuty, webhooks, mail | [`notify`] |
//! | what may run, must ask, or is refused | [`policy`], and `assets/policy/` |
//! | who may do what, and how they show who they are | [`access`] |
//! | what a server and a console elsewhere say to each other | [`protocol`] |
//! | the HTTP API, and the feed of attached consoles | [`server`] |
//! | what scripts see, on the command line and over HTTP | [`shape`] |
//! | the screen | [`console`] |
//! | the command line | [`cli`] |
//! | which adapters are started | [`wire`] |
//!
//! `tests/tidy/` holds the table of who may name whom. Files that need each other in a circle fail there as well.
//!
//! # Adding a kind
//!
//! 1. Make a folder in `src/kinds/` with `event.rs` (past tense, tagged `kind.what_happened`), `row.rs`, `verbs.rs` and
//!    a file in `decide/` for each verb; declare it in `kinds/mod.rs`.
//! 2. Answer [`kinds::Kind`] (its ids and events), [`kinds::Owned`] (whose data a stream is) and [`kinds::Kept`] (how the
//!    row begins and changes, what it is found by, when time alone asks for something, which runs it wants, what each verb
//!    leads to).
//! 3. Declare its verbs with the macro `verbs`, each with its help, what it takes and the right it needs, and answer
//!    [`kinds::Verb`]: the words in it that people typed.
//! 4. Answer [`kinds::Shown`] (columns and facts) and [`kinds::Surfaced`], unless it gets pages and commands of its own.
//! 5. Add its line to the table in `kinds/table.rs`, with a name and a stored tag that no kind ever had.
//!
//! All else follows: the codec of the log, both stores, the snapshot, short ids, rights, redaction, timers, the runs it
//! wants, export, erasure, pruning, rebuilding; its commands, routes and their document, the text console, the palette,
//! its list and its page. `kinds/toy/` is one that only tests have.
//!
//! # What is absent
//!
//! The kinds, the engine, the folds and the views perform no I/O, read no clock and draw no random numbers. The console
//! never learns whether its source is the embedded orchestrator, a server elsewhere or a recording. No effect starts
//! before its intent is on disk, and none is repeated because its outcome is unknown: see [`engine::effects_left`]. No
//! text from outside reaches the screen but through [`domain::Untrusted`]. There is no second place that decides:
//! headless commands and the console submit the same commands.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

// A support file of the tests names this crate as they do.
#[cfg(test)]
extern crate self as morningai;

pub mod access;
pub mod billing;
pub mod cli;
pub mod client;
pub mod config;
pub mod console;
pub mod domain;
pub mod engine;
pub mod feeds;
pub mod fold;
pub mod kinds;
pub mod lint;
pub mod models;
pub mod notify;
pub mod pager;
pub mod policy;
pub mod ports;
pub mod protocol;
pub mod rota;
pub mod runtime;
pub mod server;
pub mod shape;
pub mod store;
pub mod stripe;
pub mod tools;
pub mod wire;
