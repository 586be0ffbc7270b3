//! What the commands ask of the program, answered.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::session::Keeper;
use super::{Wire, doctor, dry_run, launch, prune, upkeep};
use crate::billing::Account;
use crate::cli::{
    Access, AskModels, Copied, Failure, Finding, Host, Linted, Offer, Order, Part, Pruned, Rehearsed, Session,
    StoreKeeper, Trial,
};
use crate::console::edit_text;
use crate::console::update::{Edit, Written};
use crate::domain::{Actor, Budgets, Faults, RunSpec, Timestamp, Untrusted, Usage, Usd};
use crate::feeds::{Grouping, Probe};
use crate::kinds::Command;
use crate::ports::Payments;
use crate::runtime::Role;
use crate::shape::{DryRunCall, OnCallShape};

#[async_trait]
impl Host for Wire {
    fn person(&self) -> Actor {
        self.person.clone()
    }

    fn program(&self) -> String {
        self.options.program()
    }

    fn budgets(&self) -> Budgets {
        self.config.budgets.budgets()
    }

    fn with_each_model(&self, usage: Usage) -> Vec<(String, Usd)> {
        // Prices that cannot be read are told by `doctor` and by each call.
        let Ok(prices) = self.model.prices() else { return Vec::new() };
        let costs = prices.with_each(self.model.settings(), usage).into_iter();
        costs.filter_map(|(name, cost)| Some((name.to_owned(), cost?))).collect()
    }

    fn billing(&self) -> Option<Arc<Account>> {
        self.billing.account()
    }

    fn payments(&self) -> Option<Arc<dyn Payments>> {
        self.billing.payments()
    }

    async fn session(&self, part: Part) -> Result<Box<dyn Session>, Failure> {
        let session = match part {
            Part::Reader => self.start_reading().await?,
            Part::Clerk => self.start(Role::Clerk).await?,
            Part::Carrier(run) => self.start(Role::Carrier(run)).await?,
        };
        Ok(Box::new(session))
    }

    async fn store(&self, access: Access) -> Result<Box<dyn StoreKeeper>, Failure> {
        let store = match access {
            Access::Read => self.store_to_read().await?,
            Access::Write => self.store_to_write().await?,
        };
        Ok(Box::new(Keeper::new(store)))
    }

    async fn copy_store(&self, to: &str) -> Result<Copied, Failure> {
        upkeep::copy_store(self, to).await
    }

    async fn restore(&self, backup: &Path) -> Result<Copied, Failure> {
        upkeep::restore(self, backup).await
    }

    async fn rehearse_restore(&self, backup: &Path) -> Result<Vec<Rehearsed>, Failure> {
        upkeep::rehearse_restore(self, backup).await
    }

    async fn prune(&self, ended_before: Timestamp, trial: Trial) -> Result<Pruned, Failure> {
        prune::prune(self, ended_before, trial).await
    }

    fn keep_ended_runs(&self) -> Option<Duration> {
        self.config.retention.ended_runs.map(Duration::from_secs)
    }

    async fn offers(&self) -> Result<(Vec<Offer>, Vec<Faults>), Failure> {
        Ok(launch::offers(self))
    }

    async fn lint_runbooks(&self, named: &[String]) -> Result<Vec<Linted>, Failure> {
        dry_run::lint(self, named)
    }

    async fn dry_run(&self, procedure: &str, inputs: BTreeMap<String, Untrusted>) -> Result<Vec<DryRunCall>, Failure> {
        dry_run::dry_run(self, procedure, inputs).await
    }

    fn hosts(&self) -> Vec<String> {
        self.config.hosts.keys().cloned().collect()
    }

    fn grouping(&self) -> Grouping {
        self.alert_grouping()
    }

    fn prometheus(&self) -> Option<String> {
        self.config.incidents.prometheus.clone()
    }

    fn maintenance(&self, now: Timestamp) -> Vec<Command> {
        self.maintenance_at(now)
    }

    fn probes(&self) -> Result<Vec<Arc<Probe>>, Failure> {
        Wire::probes(self).map(<[_]>::to_vec)
    }

    fn on_call(&self, at: Timestamp) -> Vec<OnCallShape> {
        self.on_call_at(at)
    }

    async fn test_notifier(&self, name: &str) -> Result<String, Failure> {
        self.send_test(name, chrono::Utc::now()).await
    }

    async fn prepare(&self, order: Order) -> Result<RunSpec, Failure> {
        launch::prepare(self, order).await
    }

    async fn discard(&self, spec: &RunSpec) {
        launch::discard(spec).await;
    }

    async fn edit(&self, text: String) -> Result<String, Failure> {
        let edit = Edit { text, written: Written::Json };
        let changed = edit_text(&super::console::persons_editor(), &edit).await;
        changed.map_err(|reason| Failure::failed(reason).next("set VISUAL or EDITOR to an editor that exists"))
    }

    async fn examine(&self, models: AskModels) -> Vec<Finding> {
        doctor::examine(self, models).await
    }
}
