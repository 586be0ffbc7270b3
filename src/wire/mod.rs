//! Picks the adapters and starts them: the only place that knows every layer.
//!
//! What a first frame does not need is built when it is first used: the policy, the model clients, the sandbox's
//! rung. What a person wrote is read and checked at once all the same, so that a mistake in it is told before
//! anything happens.

mod alerts;
mod attach;
mod billing;
mod cast;
mod console;
mod demos;
mod desk;
mod doctor;
mod door;
mod dry_run;
mod goals;
mod host;
mod hosts;
mod judge;
mod key;
mod launch;
mod line;
mod lock;
mod looking;
mod maintenance;
mod model;
mod oncall;
mod own;
#[cfg(test)]
mod picture;
mod places;
mod prune;
mod receivers;
mod runbooks;
mod rung;
mod secrets;
mod serve;
mod served_store;
mod session;
mod sign_in;
mod signals;
mod start;
mod store;
mod stripe;
#[cfg(test)]
mod toy;
mod trace;
mod upkeep;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};

use crate::billing::Feature;
use crate::cli::{Failure, GlobalOptions, Traces};
use crate::config::{Absence, Agents, Config, HooksChoice, Procedures};
use crate::domain::Actor;
use crate::feeds::{Probe, ProbeBoard};
use crate::ports::{Charts, Clock, SystemClock, Tool};
use crate::runtime::Tools;
use crate::store::OpenMode;
use crate::tools::Toolbox;
use crate::tools::database::{CheckConnections, Databases, EndIdleSessions};
use crate::tools::git::{GitCommit, Hooks};
use crate::tools::monitoring::{
    CheckAlert, Endpoint, LiftSilences, MetricCharts, QueryMetrics, SilenceAlerts, WrongAddress,
};
use crate::tools::sandbox::Sandbox;
use crate::tools::service::{CheckService, RestartService, Services};

use billing::Billing;
use judge::LazyJudge;
use key::LazyKey;
use model::LazyModel;
use places::{Choice, Places};
use store::OpenStore;

/// The program with its configuration read, and nothing started yet.
pub struct Wire {
    options: GlobalOptions,
    places: Places,
    config: Config,
    key: LazyKey,
    person: Actor,
    sandbox: Arc<Sandbox>,
    toolbox: Toolbox,
    model: Arc<LazyModel>,
    judge: Arc<LazyJudge>,
    billing: Arc<Billing>,
    /// What is probed, made when it is first asked for, and how the last looks ended.
    probes: OnceLock<Vec<Arc<Probe>>>,
    probe_board: Arc<ProbeBoard>,
    /// Itself, for what starts runs behind its back.
    own: Weak<Self>,
    /// Writes what is logged; the log ends with it.
    _trace: Option<trace::Guard>,
}

impl Wire {
    /// Reads and checks what people wrote: options, configuration, policies, prices.
    pub fn open(options: &GlobalOptions, traces: Traces) -> Result<Arc<Self>, Failure> {
        let options = &places::absolute(options)?;
        let places = Places::of(options)?;
        let absence = if options.config.is_some() { Absence::IsFault } else { Absence::IsDefault };
        let config = Config::load(places.paths.config_file(), absence)?;
        let judge = LazyJudge::new(places.policy_files(&config, options)?)?;
        let model = LazyModel::new(&config, &places)?;
        let billing = Arc::new(Billing::of(&config, &places)?);
        let sandbox = Arc::new(Sandbox::detect(places.sandbox_settings(&config)));
        let key = LazyKey::new(&config);
        let toolbox = toolbox(&sandbox, &config, &places, options)?;
        Ok(Arc::new_cyclic(|own| Self {
            own: own.clone(),
            person: Actor::Person(places::person(options)),
            toolbox,
            _trace: trace::start(places.paths.log_dir(), traces),
            options: options.clone(),
            key,
            places,
            config,
            sandbox,
            model: Arc::new(model),
            judge: Arc::new(judge),
            billing,
            probes: OnceLock::new(),
            probe_board: Arc::default(),
        }))
    }

    fn agents(&self) -> Agents {
        Agents::load(Some(&self.places.paths.agents_dir()))
    }

    fn procedures(&self) -> Procedures {
        Procedures::load(Some(&self.places.paths.procedures_dir()))
    }

    /// Whether the plan has it; everything is there where no plan is set.
    fn check_feature(&self, feature: Feature) -> Result<(), Failure> {
        let now = SystemClock.now();
        Ok(self.billing.account().map_or(Ok(()), |account| account.check(feature, now))?)
    }

    fn tool_names(&self) -> Vec<&str> {
        self.toolbox.specs().map(|spec| spec.name.0.as_str()).collect()
    }

    /// What draws metrics, where a Prometheus is configured.
    fn charts(&self) -> Option<Arc<dyn Charts>> {
        let prometheus = Endpoint::new(self.config.incidents.prometheus.as_deref()?).ok()?;
        Some(Arc::new(MetricCharts::new(prometheus)))
    }

    fn tools(&self) -> Tools {
        let names = self.toolbox.specs().map(|spec| spec.name.clone());
        names.filter_map(|name| self.toolbox.get(&name).map(|tool| (name, tool))).collect()
    }

    /// Opens the store; it is created or brought up to date where needed.
    async fn store_to_write(&self) -> Result<OpenStore, Failure> {
        self.places.make_data_dir()?;
        self.open_store(OpenMode::ReadWrite).await
    }

    /// Opens the store to look into it: nothing is made, and nothing needs to be writable.
    async fn store_to_read(&self) -> Result<OpenStore, Failure> {
        match (self.places.store.missing(), self.places.store_is) {
            (None, _) => self.open_store(OpenMode::ReadOnly).await,
            (Some(place), Choice::Default) => Ok(OpenStore::Absent(place.to_owned())),
            (Some(place), Choice::Named) => Err(Failure::usage("there is no store at this place")
                .at(place.display().to_string())
                .next("check what --db or MORNINGAI_DB says; with the same, `morningai db migrate` makes a new store")),
        }
    }

    async fn open_store(&self, mode: OpenMode) -> Result<OpenStore, Failure> {
        let encryption = self.key.encryption(&self.places).await?;
        let (tenant, data) = (self.places.tenant.clone(), self.places.paths.data_dir());
        let store = self.places.store.open_with(tenant, mode, data, &encryption).await?;
        self.billing.read(store.shared().as_ref()).await;
        Ok(store)
    }
}

/// All tools, as the configuration wants them.
fn toolbox(
    sandbox: &Arc<Sandbox>,
    config: &Config,
    places: &Places,
    options: &GlobalOptions,
) -> Result<Toolbox, Failure> {
    let hooks = match config.git.hooks {
        HooksChoice::Off => Hooks::Off,
        HooksChoice::Sandbox => Hooks::Sandboxed(Arc::clone(sandbox)),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // A wrong address of an Alertmanager is an error where alerts are asked for.
    let alertmanager = options.alertmanager.as_ref().or(config.incidents.alertmanager.as_ref());
    let alertmanager = alertmanager.and_then(|address| Endpoint::new(address).ok());
    let prometheus = config.incidents.prometheus.as_deref().map(Endpoint::new).transpose();
    let prometheus = prometheus
        .map_err(|wrong| Failure::usage(wrong.to_string()).at("[incidents] prometheus").next(WrongAddress::HINT))?;
    let hosts = hosts::hosts(config);
    // As runit's own programs have it.
    let services = Services::new(std::env::var_os("SVDIR").map_or_else(|| "/etc/service".into(), PathBuf::from));
    let databases = Databases::new(Arc::new(secrets::by_name(config, places)));
    let tools: [Arc<dyn Tool>; 9] = [
        Arc::new(CheckService::new(services.clone(), hosts.clone())),
        Arc::new(RestartService::new(services, hosts.clone())),
        Arc::new(CheckConnections::new(databases.clone())),
        Arc::new(EndIdleSessions::new(databases)),
        Arc::new(GitCommit::with(hooks)),
        Arc::new(CheckAlert::new(alertmanager.clone(), prometheus.clone())),
        Arc::new(QueryMetrics::new(prometheus, Arc::clone(&clock))),
        Arc::new(SilenceAlerts::new(alertmanager.clone(), clock)),
        Arc::new(LiftSilences::new(alertmanager)),
    ];
    let toolbox = Toolbox::for_hosts(sandbox, &hosts).with(tools);
    let propose: Arc<dyn Tool> = Arc::new(runbooks::propose(&toolbox, places));
    Ok(toolbox.with([propose]))
}
