//! Agents: Markdown with front matter; the body is the agent's instructions.

use std::path::Path;

use serde::Deserialize;

use super::front_matter;
use super::front_matter::Parts;
use super::library::Library;
use super::limits::RunLimits;
use crate::domain::{Fault, Faults, SourceText, TaskClass, ToolName, nearest};

const BUNDLED: &[(&str, &str)] = &[
    ("classify", include_str!("../../assets/agents/classify.md")),
    ("dev", include_str!("../../assets/agents/dev.md")),
    ("ops", include_str!("../../assets/agents/ops.md")),
];

/// An agent as its file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    pub name: String,
    /// One line for lists.
    pub description: String,
    pub tools: Vec<ToolName>,
    /// Kind of work its turns are; `[routes]` of the configuration gives each kind its models.
    pub class: TaskClass,
    pub limits: RunLimits,
    pub instructions: String,
    /// Where it is written.
    pub source: SourceText,
    parts: Parts,
}

/// All agents.
pub type Agents = Library<Agent>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Matter {
    name: String,
    description: String,
    tools: Vec<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    limits: RunLimits,
}

impl Agents {
    /// The bundled agents and those of a directory, usually `Paths::agents_dir`.
    pub fn load(dir: Option<&Path>) -> Self {
        Self::stock("agent", BUNDLED, dir, Agent::read)
    }
}

impl Agent {
    /// Reads an agent's file; `name` is what the file is called.
    pub fn read(source: &SourceText, name: &str) -> Result<Self, Faults> {
        let parts = front_matter::split(source)?;
        let matter: Matter = front_matter::read(source, &parts)?;
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: String, help: &str| {
            faults.push(Fault::new(source, front_matter::key_span(source, &parts, key), message).help(help));
        };
        if matter.name != name {
            fault(
                "name",
                format!("the file is called `{name}`, its agent `{}`", matter.name),
                "give both the same name",
            );
        }
        if matter.description.trim().is_empty() {
            fault("description", "the description is empty".to_owned(), "say in one line what this agent is for");
        }
        if matter.tools.is_empty() {
            fault("tools", "an agent without tools can do nothing".to_owned(), "list some, `finish` among them");
        }
        let class = matter.model.as_deref().map_or(Some(TaskClass::default()), class_of);
        if class.is_none() {
            let message = format!("`{}` is not a kind of work", matter.model.as_deref().unwrap_or_default());
            fault("model", message, "one of code, reasoning, simple; [routes] in config.toml gives each its models");
        }
        let instructions = source.text[parts.body.clone()].trim().to_owned();
        if instructions.is_empty() {
            let end = source.text.len();
            faults.push(
                Fault::new(source, end..end, "there are no instructions").help("write them below the front matter"),
            );
        }
        Faults::none_in(faults)?;
        let Matter { name, description, tools, limits, model: _ } = matter;
        let tools = tools.into_iter().map(ToolName).collect();
        let class = class.unwrap_or_default();
        Ok(Self { name, description, tools, class, limits, instructions, source: source.clone(), parts })
    }

    /// Whether all its tools exist.
    pub fn check_tools(&self, known: &[&str]) -> Result<(), Faults> {
        let unknown = self.tools.iter().filter(|tool| !known.contains(&tool.0.as_str()));
        let faults = unknown.map(|tool| {
            let span = front_matter::word_span(&self.source, &self.parts, "tools", &tool.0);
            Fault::new(&self.source, span, format!("there is no tool `{tool}`")).help(tool_hint(&tool.0, known))
        });
        Faults::none_in(faults.collect())
    }
}

/// The nearest tool, or all of them.
pub(super) fn tool_hint(given: &str, known: &[&str]) -> String {
    match nearest(given, known.iter().copied()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("tools: {}", known.join(", ")),
    }
}

fn class_of(name: &str) -> Option<TaskClass> {
    TaskClass::ALL.into_iter().find(|class| class.name() == name)
}
