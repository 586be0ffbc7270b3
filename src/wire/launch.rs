//! What can be run, and everything that is fixed when a run starts: instructions, tools, limits, its workspace.

use std::path::{Path, PathBuf};
use std::sync::Weak;

use async_trait::async_trait;

use super::{Wire, secrets};
use crate::billing::Feature;
use crate::cli::{Failure, Offer, OfferKind, Order, Uncommitted as Changes, Work};
use crate::config::{Agent, Missing, Needs, Procedure};
use crate::domain::{Faults, Limits, PolicyText, ProcedureStep, RunId, RunSpec, SourceText, TaskClass, Workspace};
use crate::ports::{ClientError, Clock, Model, Starter, SystemClock};
use crate::tools::workspace::{
    Uncommitted, UnsavedWork, WorkspaceError, WorkspaceErrorKind, WorktreeRequest, create_worktree, remove, scratch,
};

/// Who works when nobody is named.
const USUAL_AGENT: &str = "dev";

/// Agents and procedures, and what is wrong with those that cannot be used.
pub(super) fn offers(wire: &Wire) -> (Vec<Offer>, Vec<Faults>) {
    let (agents, procedures) = (wire.agents(), wire.procedures());
    let offered_agents = agents.iter().map(|(_, agent)| Offer {
        name: agent.name.clone(),
        kind: OfferKind::Agent,
        description: agent.description.clone(),
        model: Some(agent.class.name().to_owned()),
        tools: agent.tools.iter().map(|tool| tool.0.clone()).collect(),
        source: agent.source.name.to_string(),
        text: agent.instructions.clone(),
        matches: Default::default(),
    });
    let offered_procedures = procedures.iter().map(|(_, procedure)| {
        let calls = procedure.steps.iter().flat_map(ProcedureStep::calls);
        let mut tools: Vec<_> = calls.map(|(_, call)| call.tool.0.clone()).collect();
        tools.sort();
        tools.dedup();
        Offer {
            name: procedure.name.clone(),
            kind: OfferKind::Procedure,
            description: procedure.description.clone(),
            model: None,
            tools,
            source: procedure.source.name.to_string(),
            text: procedure.outline(),
            matches: procedure.matching.labels().clone(),
        }
    });
    let broken = agents.broken().chain(procedures.broken()).map(|(_, faults)| faults.clone());
    (offered_agents.chain(offered_procedures).collect(), broken.collect())
}

/// Prepares the runs that things want.
pub(super) struct Unasked(pub(super) Weak<Wire>);

#[async_trait]
impl Starter for Unasked {
    async fn prepare(&self, order: Order) -> Result<RunSpec, ClientError> {
        let Some(wire) = self.0.upgrade() else {
            return Err(ClientError { message: "the program is ending".to_owned(), hint: String::new() });
        };
        let prepared = prepare(&wire, order).await;
        prepared.map_err(|failure| ClientError { message: failure.message(), hint: failure.hint() })
    }

    async fn discard(&self, spec: &RunSpec) {
        discard(spec).await;
    }
}

/// Checks an order and makes the run's workspace; the last thing it does is the first it leaves behind.
pub(super) async fn prepare(wire: &Wire, order: Order) -> Result<RunSpec, Failure> {
    let Order { run, work, workspace, uncommitted } = order;
    let places = Workplace { wire, run, given: workspace, uncommitted };
    match work {
        Work::Goal { goal, agent } => prepare_agent(places, goal, agent.as_deref().unwrap_or(USUAL_AGENT)).await,
        Work::Procedure(name) => prepare_procedure(places, &name).await,
        Work::Either { name, goal } => match wire.procedures().get(&name) {
            Err(Missing::Unknown { .. }) => match wire.agents().get(&name) {
                Err(Missing::Unknown { .. }) => Err(neither(&name)),
                Ok(_) | Err(Missing::Broken(_)) => prepare_agent(places, goal, &name).await,
            },
            Ok(_) | Err(Missing::Broken(_)) => prepare_procedure(places, &name).await,
        },
    }
}

fn neither(name: &str) -> Failure {
    Failure::usage(format!("there is no runbook and no agent `{name}`")).next("`morningai agents` lists all")
}

async fn prepare_agent(places: Workplace<'_>, goal: String, name: &str) -> Result<RunSpec, Failure> {
    let wire = places.wire;
    let agents = wire.agents();
    let agent = agents.get(name).map_err(missing)?;
    if agents.is_own(name) {
        wire.check_feature(Feature::CustomAgents)?;
    }
    agent.check_tools(&wire.tool_names())?;
    if !wire.model.is_configured() {
        return Err(Failure::usage("no model is configured, and an agent needs one").next(
            "set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own; `morningai run --runbook \
             check-this-machine` needs none",
        ));
    }
    // The branch is named after it.
    let goal = secrets::without(&wire.config, &wire.places, &wire.key, goal);
    let workspace = places.make(&goal, agent_needs(agent)).await?;
    Ok(RunSpec {
        goal: goal.into(),
        agent: agent.name.clone(),
        instructions: agent.instructions.clone(),
        tools: agent.tools.clone(),
        class: agent.class,
        workspace,
        procedure: Vec::new(),
        inputs: Default::default(),
        limits: agent.limits.over(&limits(wire)),
        policies: policies(wire),
        rungs: wire.config.sandbox.rung,
    })
}

async fn prepare_procedure(places: Workplace<'_>, name: &str) -> Result<RunSpec, Failure> {
    let wire = places.wire;
    let procedure = look_up(wire, name).map_err(missing)?;
    procedure.check_tools(&wire.tool_names())?;
    procedure.check_agents(&wire.agents())?;
    if let Some((agent, _)) = procedure.agents().next().filter(|_| !wire.model.is_configured()) {
        let message =
            format!("the procedure {} has a step for the agent {agent}, and no model is configured", procedure.name);
        return Err(Failure::usage(message).next("set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own"));
    }
    let workspace = places.make(&procedure.name, procedure.needs).await?;
    Ok(RunSpec {
        goal: procedure.description.clone().into(),
        agent: procedure.name.clone(),
        instructions: String::new(),
        tools: Vec::new(),
        class: TaskClass::Simple,
        workspace,
        procedure: procedure.steps,
        inputs: Default::default(),
        limits: procedure.limits.over(&limits(wire)),
        policies: policies(wire),
        rungs: wire.config.sandbox.rung,
    })
}

/// A name from the library, or a file.
pub(super) fn look_up(wire: &Wire, name: &str) -> Result<Procedure, Missing> {
    if name.contains('/') || name.ends_with(".md") {
        return Procedure::read_file(Path::new(name)).map_err(Missing::Broken);
    }
    wire.procedures().get(name).cloned()
}

fn policies(wire: &Wire) -> Vec<PolicyText> {
    let text = |file: &SourceText| PolicyText { name: file.name.to_string(), text: file.text.to_string() };
    wire.judge.files().iter().map(text).collect()
}

fn limits(wire: &Wire) -> Limits {
    let quota = wire.billing.account().and_then(|account| account.quota(SystemClock.now()));
    let base = Limits { budgets: wire.config.budgets.budgets(), quota, ..Limits::default() };
    wire.config.limits.over(&base)
}

/// An agent that uses git works in a repository, any other in a directory of its own.
fn agent_needs(agent: &Agent) -> Needs {
    if agent.tools.iter().any(|tool| tool.0.starts_with("git_")) { Needs::Repository } else { Needs::Scratch }
}

pub(super) fn missing(missing: Missing) -> Failure {
    match missing {
        Missing::Unknown { message, hint } => {
            let end = if hint.ends_with('?') { "" } else { ";" };
            Failure::usage(message).next(format!("{hint}{end} `morningai agents` lists all"))
        }
        Missing::Broken(faults) => faults.into(),
    }
}

/// Where a run is to work.
struct Workplace<'a> {
    wire: &'a Wire,
    run: RunId,
    given: Option<PathBuf>,
    uncommitted: Changes,
}

impl Workplace<'_> {
    /// Makes it. A directory that was named is a repository; otherwise it depends on what is needed.
    async fn make(&self, goal: &str, needs: Needs) -> Result<Option<Workspace>, Failure> {
        self.wire.places.make_data_dir()?;
        let data_dir = self.wire.places.paths.data_dir();
        match (&self.given, needs) {
            (Some(repository), _) => self.worktree(repository, goal, data_dir).await.map(Some),
            (None, Needs::Repository) => self.worktree(Path::new("."), goal, data_dir).await.map(Some),
            (None, Needs::Scratch) => Ok(Some(scratch(self.run, data_dir).map_err(failure)?)),
            (None, Needs::None) => Ok(None),
        }
    }

    async fn worktree(&self, repository: &Path, goal: &str, data_dir: &Path) -> Result<Workspace, Failure> {
        // A relative path means something here and nothing in a message read elsewhere.
        let repository = std::path::absolute(repository).unwrap_or_else(|_| repository.to_owned());
        let uncommitted = match self.uncommitted {
            Changes::Refuse => Uncommitted::Refuse,
            Changes::LeaveBehind => Uncommitted::LeaveBehind,
        };
        let request = WorktreeRequest { repository: &repository, run: self.run, goal, data_dir, uncommitted };
        create_worktree(request).await.map_err(failure)
    }
}

/// Takes back what preparing made for a run that was never started: its workspace, which nobody has worked in.
pub(super) async fn discard(spec: &RunSpec) {
    let Some(workspace) = &spec.workspace else { return };
    if let Err(error) = remove(workspace, UnsavedWork::Discard).await {
        tracing::warn!(%error, "the workspace of a run that was not started could not be removed");
    }
}

fn failure(error: WorkspaceError) -> Failure {
    let place = error.path.display().to_string();
    let failure = match error.kind {
        WorkspaceErrorKind::Missing
        | WorkspaceErrorKind::NotADirectory
        | WorkspaceErrorKind::NotARepository
        | WorkspaceErrorKind::BareRepository
        | WorkspaceErrorKind::NoCommits
        | WorkspaceErrorKind::Uncommitted
        | WorkspaceErrorKind::NotOwned
        | WorkspaceErrorKind::Ours => Failure::usage(error.what),
        WorkspaceErrorKind::Unsaved | WorkspaceErrorKind::Git | WorkspaceErrorKind::Io => Failure::failed(error.what),
    };
    let next = match error.kind {
        WorkspaceErrorKind::Uncommitted => {
            "commit or stash them, since the run would not see them; or give --leave-changes to go on from the last \
             commit without them"
                .to_owned()
        }
        _ => error.hint,
    };
    failure.at(place).next(next)
}
