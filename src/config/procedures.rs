//! Procedures: Markdown whose `##` headings are steps. They need no model. `steps` says what stands under a heading.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;

use super::agents::{Agents, tool_hint};
use super::library::{Library, Missing};
use super::limits::RunLimits;
use super::steps::{AGENT, Step, steps};
use super::{front_matter, markdown};
use crate::domain::{Condition, Fault, Faults, Matching, ProcedureStep, SourceText, StepCall, StepPart};

const BUNDLED: &[(&str, &str)] = &[
    ("bad-deploy", include_str!("../../assets/procedures/bad-deploy.md")),
    ("certificate-expiring", include_str!("../../assets/procedures/certificate-expiring.md")),
    ("check-this-machine", include_str!("../../assets/procedures/check-this-machine.md")),
    ("connections-exhausted", include_str!("../../assets/procedures/connections-exhausted.md")),
    ("disk-filling", include_str!("../../assets/procedures/disk-filling.md")),
    ("error-rate-up", include_str!("../../assets/procedures/error-rate-up.md")),
    ("lift-silences", include_str!("../../assets/procedures/lift-silences.md")),
    ("memory-leak", include_str!("../../assets/procedures/memory-leak.md")),
    ("propose-match", include_str!("../../assets/procedures/propose-match.md")),
    ("runaway-process", include_str!("../../assets/procedures/runaway-process.md")),
    ("service-down", include_str!("../../assets/procedures/service-down.md")),
    ("silence-alerts", include_str!("../../assets/procedures/silence-alerts.md")),
];

/// A procedure as its file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Procedure {
    pub name: String,
    /// One line for lists.
    pub description: String,
    pub needs: Needs,
    /// The alerts that it is a runbook for.
    pub matching: Matching,
    pub limits: RunLimits,
    pub steps: Vec<ProcedureStep>,
    pub source: SourceText,
    /// Where each step's blocks stand.
    places: Vec<Vec<(StepPart, Range<usize>)>>,
}

/// The workspace a procedure works in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// An empty directory of its own.
    #[default]
    Scratch,
    /// A worktree of a git repository.
    Repository,
    None,
}

/// All procedures.
pub type Procedures = Library<Procedure>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Matter {
    name: String,
    description: String,
    #[serde(default)]
    needs: Needs,
    #[serde(default, rename = "match")]
    matching: Matching,
    #[serde(default)]
    limits: RunLimits,
}

impl Procedures {
    /// The bundled procedures and those of a directory, usually `Paths::procedures_dir`.
    pub fn load(dir: Option<&Path>) -> Self {
        Self::stock("procedure", BUNDLED, dir, Procedure::read)
    }

    /// The text of a bundled one.
    pub fn bundled(name: &str) -> Option<&'static str> {
        BUNDLED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }
}

impl Procedure {
    /// Reads a procedure's file; `name` is what the file is called.
    pub fn read(source: &SourceText, name: &str) -> Result<Self, Faults> {
        let parts = front_matter::split(source)?;
        let matter: Matter = front_matter::read(source, &parts)?;
        let mut faults = Vec::new();
        if matter.name != name {
            let message = format!("the file is called `{name}`, its procedure `{}`", matter.name);
            let span = front_matter::key_span(source, &parts, "name");
            faults.push(Fault::new(source, span, message).help("give both the same name"));
        }
        let body = &source.text[parts.body.clone()];
        let read = steps(source, markdown::parts(body, parts.body.start), &mut faults);
        let (steps, places) = read.into_iter().map(|Step { step, places }| (step, places)).unzip();
        Faults::none_in(faults)?;
        let Matter { name, description, needs, matching, limits } = matter;
        Ok(Self { name, description, needs, matching, limits, steps, source: source.clone(), places })
    }

    /// Reads a file that is on no shelf: its name is the file's own.
    pub fn read_file(path: &Path) -> Result<Self, Faults> {
        let shown = path.display().to_string();
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let bytes = std::fs::read(path).map_err(|error| {
            let source = SourceText::new(shown.clone(), "");
            Fault::new(&source, 0..0, format!("it cannot be read: {error}")).help("check the path and its permissions")
        })?;
        Self::read(&SourceText::written(shown, bytes)?, &name)
    }

    /// Whether all its tools exist.
    pub fn check_tools(&self, known: &[&str]) -> Result<(), Faults> {
        let unknown = self.calls().filter(|(_, _, call, _)| !known.contains(&call.tool.0.as_str()));
        let faults = unknown.map(|(_, _, call, span)| {
            let message = format!("there is no tool `{}`", call.tool);
            Fault::new(&self.source, span.clone(), message).help(tool_hint(&call.tool.0, known))
        });
        Faults::none_in(faults.collect())
    }

    /// Whether all agents exist that its steps are for.
    pub fn check_agents(&self, agents: &Agents) -> Result<(), Faults> {
        let faults = self.agents().filter_map(|(name, span)| {
            let missing = agents.get(name).err()?;
            let fault = Fault::new(&self.source, span.clone(), missing.to_string());
            Some(match missing {
                Missing::Unknown { hint, .. } => fault.help(hint),
                Missing::Broken(_) => fault.help("`morningai agents` says what is wrong with it"),
            })
        });
        Faults::none_in(faults.collect())
    }

    /// The agents that its steps are for, and where they are named.
    pub fn agents(&self) -> impl Iterator<Item = (&str, &Range<usize>)> {
        let of_agent = self.calls().filter(|(_, _, call, _)| call.tool.0 == AGENT);
        of_agent.filter_map(|(_, _, call, span)| Some((call.args["agent"].as_str()?, span)))
    }

    /// All calls it may make, each with its step, its part and the place of its block.
    pub fn calls(&self) -> impl Iterator<Item = (&ProcedureStep, StepPart, &StepCall, &Range<usize>)> {
        self.steps.iter().zip(&self.places).flat_map(|(step, places)| {
            places.iter().filter_map(move |(part, span)| Some((step, *part, step.call(*part)?, span)))
        })
    }

    /// Its steps in a few lines: titles, conditions, checks and what rolls back.
    pub fn outline(&self) -> String {
        let mut lines = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            let approved = if step.act.needs_approval { ", always after approval" } else { "" };
            lines.push(format!("{}. {}{approved}", index + 1, step.title));
            match &step.when {
                Some(Condition::Answer(answers)) => {
                    lines.push(format!("   only if the answer is {}", answers.join(" or ")))
                }
                Some(Condition::Call(call)) => lines.push(format!("   only if {} succeeds", call.tool)),
                Some(Condition::Unless(call)) => lines.push(format!("   unless {} succeeds", call.tool)),
                None => {}
            }
            if let Some(verify) = &step.verify {
                let patience = verify
                    .patience
                    .map(|patience| format!(", every {} s for up to {} s", patience.every, patience.within));
                lines.push(format!("   verified by {}{}", verify.call.tool, patience.unwrap_or_default()));
            }
            lines.extend(step.rollback.as_ref().map(|call| format!("   rolled back by {}", call.tool)));
        }
        lines.join("\n")
    }
}
