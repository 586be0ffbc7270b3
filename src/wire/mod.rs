//! Picks the adapters and starts them: the only place that knows every layer.
//!
//! What a first frame does not need is built when it is first used: the policy, the model clients, the sandbox's
//! rung. What a person wrote is read and checked at once all the same, so that a mistake in it is told before
//! anything happens.

mod console;
mod demos;
mod desk;
mod doctor;
mod host;
mod judge;
mod launch;
mod model;
mod places;
mod secrets;
mod session;
mod store;
mod trace;

use std::sync::Arc;

use crate::cli::Failure;
use crate::cli::GlobalOptions;
use crate::config::Absence;
use crate::config::Agents;
use crate::config::Config;
use crate::config::Procedures;
use crate::domain::Actor;
use crate::ports::Clock;
use crate::ports::SystemClock;
use crate::runtime::Parts;
use crate::runtime::Role;
use crate::runtime::Runtime;
use crate::runtime::Tools;
use crate::store::OpenMode;
use crate::tools::Toolbox;
use crate::tools::sandbox::Sandbox;

use judge::LazyJudge;
use model::LazyModel;
use places::Places;
use session::LocalSession;
use store::OpenStore;

/// The program with its configuration read, and nothing started yet.
pub struct Wire {
    options: GlobalOptions,
    places: Places,
    config: Config,
    person: Actor,
    sandbox: Arc<Sandbox>,
    toolbox: Toolbox,
    model: Arc<LazyModel>,
    judge: Arc<LazyJudge>,
    /// Writes what is logged; the log ends with it.
    _trace: Option<trace::Guard>,
}

impl Wire {
    /// Reads and checks what people wrote: options, configuration, policies, prices.
    pub fn open(options: &GlobalOptions) -> Result<Self, Failure> {
        let places = Places::of(options)?;
        let absence = if options.config.is_some() { Absence::IsFault } else { Absence::IsDefault };
        let config = Config::load(places.paths.config_file(), absence)?;
        let judge = LazyJudge::new(places.policy_files(&config, options)?)?;
        let model = LazyModel::new(&config, &places)?;
        let sandbox = Arc::new(Sandbox::detect(places.sandbox_settings(&config)));
        Ok(Self {
            person: Actor::Person(places::person(options)),
            toolbox: Toolbox::new(&sandbox),
            _trace: trace::start(places.paths.log_dir()),
            options: options.clone(),
            places,
            config,
            sandbox,
            model: Arc::new(model),
            judge: Arc::new(judge),
        })
    }

    fn agents(&self) -> Agents {
        Agents::load(Some(&self.places.paths.agents_dir()))
    }

    fn procedures(&self) -> Procedures {
        Procedures::load(Some(&self.places.paths.procedures_dir()))
    }

    fn tool_names(&self) -> Vec<&str> {
        self.toolbox.specs().map(|spec| spec.name.0.as_str()).collect()
    }

    fn tools(&self) -> Tools {
        let names = self.toolbox.specs().map(|spec| spec.name.clone());
        names.filter_map(|name| self.toolbox.get(&name).map(|tool| (name, tool))).collect()
    }

    /// Opens the store; for writing it is created or brought up to date where needed.
    async fn store(&self, mode: OpenMode) -> Result<OpenStore, Failure> {
        if mode == OpenMode::ReadWrite {
            self.places.make_data_dir()?;
        }
        Ok(self.places.store.open(self.places.tenant.clone(), mode, self.places.paths.data_dir()).await?)
    }

    /// An orchestrator on the store, in this process.
    async fn start(&self, role: Role) -> Result<LocalSession, Failure> {
        // Whoever only looks should not need to be able to write, unless there is nothing to look at yet.
        let only_looks = self.options.observe && self.places.store.exists();
        let store = self.store(if only_looks { OpenMode::ReadOnly } else { OpenMode::ReadWrite }).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let parts = Parts {
            log: store.shared(),
            model: self.model.clone(),
            tools: self.tools(),
            judge: self.judge.clone(),
            clock,
            role: if only_looks { Role::Clerk } else { role },
            redactor: secrets::redactor(&self.config, &self.places),
        };
        let runtime = Arc::new(Runtime::start(parts).await?);
        Ok(LocalSession::new(runtime, store, self.status()))
    }

    fn status(&self) -> crate::ports::Status {
        crate::ports::Status {
            source: self.places.store.to_string(),
            model: self.model.name(),
            sandbox: String::new(),
            observe: self.options.observe,
        }
    }
}
