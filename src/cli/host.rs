//! What the commands ask of the program around them. `wire` answers; nothing here knows a store or a model.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use super::failure::Failure;
use crate::billing::Account as Billing;
use crate::domain::{Actor, Budgets, Faults, RunId, RunSpec, Timestamp, Untrusted, Usage, Usd};
use crate::feeds::{Grouping, Probe};
use crate::kinds::{Command, Stream};
use crate::ports::{Accounts, Client, Head, Log, Payments, Subjects};
pub use crate::ports::{Offer, OfferKind, Order, Uncommitted, Work};
use crate::shape::{DryRunCall, OnCallShape};
pub use crate::shape::{Finding, Health, Pruned, Rebuilt, Trial};

/// The program around the commands.
#[async_trait]
pub trait Host: Send + Sync {
    /// Who decides here.
    fn person(&self) -> Actor;

    /// How a command that follows from this one begins, for a shell.
    fn program(&self) -> String;

    /// A client on the store. Several may be open one after the other, not at once.
    async fn session(&self, part: Part) -> Result<Box<dyn Session>, Failure>;

    /// The log itself, for its upkeep.
    async fn store(&self, access: Access) -> Result<Box<dyn StoreKeeper>, Failure>;

    /// Copies this tenant's part of the store into the one that `to` names, which must have nothing of it.
    async fn copy_store(&self, to: &str) -> Result<Copied, Failure>;

    /// Puts this tenant's part of a backup into the store, which must have nothing of it.
    async fn restore(&self, backup: &Path) -> Result<Copied, Failure>;

    /// Looks at every part of a backup as it would be restored, and leaves nothing behind: a report for each tenant.
    async fn rehearse_restore(&self, backup: &Path) -> Result<Vec<Rehearsed>, Failure>;

    /// Removes runs that ended before then, and their requests, from the store; or only says what it would remove.
    async fn prune(&self, ended_before: Timestamp, trial: Trial) -> Result<Pruned, Failure>;

    /// How long runs are kept after they ended, where the configuration says so.
    fn keep_ended_runs(&self) -> Option<Duration>;

    /// Agents and procedures that can be used, and what is wrong with the others.
    async fn offers(&self) -> Result<(Vec<Offer>, Vec<Faults>), Failure>;

    /// What is wrong with these runbooks, files or names; with all of them where none is named.
    async fn lint_runbooks(&self, named: &[String]) -> Result<Vec<Linted>, Failure>;

    /// What a procedure would do with these inputs, one call after the other; nothing is performed.
    async fn dry_run(&self, procedure: &str, inputs: BTreeMap<String, Untrusted>) -> Result<Vec<DryRunCall>, Failure>;

    /// The hosts that runbooks may act on over SSH, by name.
    fn hosts(&self) -> Vec<String>;

    /// How alerts are put together, and which runbook is for which.
    fn grouping(&self) -> Grouping;

    /// The Prometheus that the configuration names.
    fn prometheus(&self) -> Option<String>;

    /// What the log is to be told of the maintenance windows of the configuration.
    fn maintenance(&self, now: Timestamp) -> Vec<Command>;

    /// What the configuration has probed.
    fn probes(&self) -> Result<Vec<Arc<Probe>>, Failure>;

    /// The budgets of the configuration.
    fn budgets(&self) -> Budgets;

    /// What these tokens would cost with each configured model whose price is known, by its name.
    fn with_each_model(&self, usage: Usage) -> Vec<(String, Usd)>;

    /// What is subscribed to; `None` where no plan is set.
    fn billing(&self) -> Option<Arc<Billing>>;

    /// By whom it is paid for; `None` where nobody is configured.
    fn payments(&self) -> Option<Arc<dyn Payments>>;

    /// Who is on call at an instant, for each schedule.
    fn on_call(&self, at: Timestamp) -> Vec<OnCallShape>;

    /// Sends a test page by a notifier; says where it went.
    async fn test_notifier(&self, name: &str) -> Result<String, Failure>;

    /// Everything that is fixed when a run starts; makes its workspace.
    async fn prepare(&self, order: Order) -> Result<RunSpec, Failure>;

    /// Takes back what preparing made for a run that was never started.
    async fn discard(&self, spec: &RunSpec);

    /// Lets the person change a text in their own editor; JSON.
    async fn edit(&self, text: String) -> Result<String, Failure>;

    /// Looks at everything this program depends on.
    async fn examine(&self, models: AskModels) -> Vec<Finding>;
}

/// A runbook that was checked.
#[derive(Clone, Debug)]
pub struct Linted {
    pub name: String,
    /// What is wrong with it.
    pub faults: Option<Faults>,
}

/// What a session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Looks, and cannot decide: the store need not be writable, and where there is none, none is made.
    Reader,
    /// Decides: effects are left to others.
    Clerk,
    /// Carries this run.
    Carrier(RunId),
}

/// A client that must be closed, so that what is under way ends in order.
#[async_trait]
pub trait Session: Send + Sync {
    fn client(&self) -> &dyn Client;

    /// Ends what may be cut off and gives the rest some seconds.
    async fn close(self: Box<Self>);

    /// The same with hardly any patience: the person asked twice.
    async fn abandon(self: Box<Self>);
}

/// Whether a store is opened for writing; then it is created or migrated where needed. For reading, a store that was
/// never made is an empty one, unless it was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// An open store, for its upkeep.
#[async_trait]
pub trait StoreKeeper: Send + Sync {
    fn log(&self) -> &dyn Log;

    fn accounts(&self) -> &dyn Accounts;

    fn subjects(&self) -> &dyn Subjects;

    /// Where it is, as people know it.
    fn place(&self) -> String;

    async fn rebuild(&self) -> Result<Rebuilt, Failure>;

    /// Reads every stored output; what is not what was stored, and what events name and is missing.
    async fn check_outputs(&self) -> Result<CheckedOutputs, Failure>;

    /// The stored rows that are not what the log says, a sentence each.
    async fn compare_rows(&self) -> Result<Vec<String>, Failure>;

    /// The streams as a recording.
    async fn record(&self, title: &str, of: &[Stream]) -> Result<String, Failure>;

    async fn back_up(&self, target: &Path) -> Result<(), Failure>;

    /// Lets a role of the database do what the program does, and no more.
    async fn grant(&self, role: &str) -> Result<(), Failure>;

    async fn close(self: Box<Self>) -> Result<(), Failure>;
}

/// What a look at the stored outputs found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckedOutputs {
    /// How many are what was stored.
    pub sound: u64,
    /// A sentence for each that is not, or is missing.
    pub problems: Vec<String>,
}

/// What was copied from one store into another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    pub from: String,
    pub to: String,
    /// Where the log ends, in both.
    pub head: Head,
    /// How many saved heads it was checked against.
    pub checked: usize,
    /// How many of each kind, by what people call them.
    pub records: Vec<(String, u64)>,
    /// Tenants that the source has besides this one, where it can tell.
    pub others: Vec<String>,
}

/// What one tenant's part of a backup turned out to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rehearsed {
    pub tenant: String,
    pub events: u64,
    pub head: Head,
    pub outputs: u64,
    /// What is wrong with it; empty for a sound one.
    pub problems: Vec<String>,
}

/// Whether an examination asks the models anything; that may cost money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskModels {
    Yes,
    No,
}
