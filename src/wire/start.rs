//! Starting an orchestrator on the store.

use std::sync::Arc;

use super::launch::Unasked;
use super::places::Choice;
use super::session::LocalSession;
use super::store::{OpenStore, StorePlace};
use super::{Wire, oncall, secrets};
use crate::billing::Feature;
use crate::cli::Failure;
use crate::client::LocalClient;
use crate::pager::Pager;
use crate::ports::{Clock, Observe, Status, SystemClock};
use crate::runtime::{Parts, Role, Runtime};

impl Wire {
    /// An orchestrator on the store, in this process.
    pub(super) async fn start(&self, role: Role) -> Result<LocalSession, Failure> {
        // Where nothing was named and nothing is there, an observer waits for what will come.
        let has_place = self.places.store_is == Choice::Named || self.places.store.exists();
        if self.options.observe && has_place {
            return self.start_reading().await;
        }
        let is_shared = matches!(self.places.store, StorePlace::Postgres(_));
        let is_paid = self.billing.payments().is_some();
        if is_shared && !is_paid {
            self.check_feature(Feature::OnPremises)?;
        }
        let lookouts = if role == Role::Worker { Some(self.lookouts()?) } else { None };
        let plan = Some(self.paging_plan()?).filter(|plan| role == Role::Worker && plan.pages());
        let store = self.store_to_write().await?;
        if is_shared && is_paid {
            // What is paid for stands in the store.
            self.check_feature(Feature::OnPremises)?;
        }
        let mut session = self.start_on(store, role).await?;
        if role == Role::Worker {
            session.keep_paid(self.billing.clone());
        }
        if let Some(lookouts) = lookouts {
            lookouts.start(self, &session.surroundings(self.alert_grouping().rules), session.log());
        }
        if let Some(plan) = plan {
            let pager = Pager::new(plan, oncall::CARD, session.shared(), Arc::new(SystemClock));
            session.page(pager.map_err(|error| Failure::failed(error.to_string()))?);
        }
        Ok(session)
    }

    /// The same, only to look.
    pub(super) async fn start_reading(&self) -> Result<LocalSession, Failure> {
        self.start_on(self.store_to_read().await?, Role::Clerk).await
    }

    async fn start_on(&self, store: OpenStore, role: Role) -> Result<LocalSession, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let parts = Parts {
            log: store.shared(),
            model: self.model.clone(),
            tools: self.tools(),
            judge: self.judge.clone(),
            clock,
            role,
            starter: Some(Arc::new(Unasked(self.own.clone()))),
            redactor: secrets::redactor(&self.config, &self.places, &self.key),
        };
        let runtime = Arc::new(Runtime::start(parts).await?);
        let client = LocalClient::new(runtime.clone(), self.status());
        let client = client.drawing(self.charts()).paying(self.billing.payments());
        Ok(LocalSession::new(runtime, store, client))
    }

    pub(super) fn status(&self) -> Status {
        Status {
            source: self.places.store.to_string(),
            model: self.model.name(),
            sandbox: String::new(),
            observe: Observe::wanted(self.options.observe),
            rosters: self.rosters(SystemClock.now()),
            billing: self.billing.account(),
            ..Status::default()
        }
    }
}
