//! Typed tools and the sandbox they run in. The table of tools is here; each tool is a file.
//!
//! A tool never judges whether it may run: it says what would happen (`prepare`) and does exactly that (`perform`).

mod args;
mod cards;
pub mod converse;
pub mod database;
pub mod delegate;
pub mod files;
pub mod git;
pub mod host;
pub mod logs;
pub mod monitoring;
pub mod names;
mod obeyed;
pub mod output;
pub mod process;
pub mod remote;
pub mod run_tests;
pub mod runbook;
pub mod sandbox;
pub mod service;
pub mod shell;
pub mod workspace;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::{FailureKind, Output, ToolName, ToolResult, ToolSpec};
use crate::ports::{SystemClock, Tool};
use remote::Hosts;
use sandbox::Sandbox;

/// All tools there are, by name.
#[derive(Clone)]
pub struct Toolbox {
    tools: BTreeMap<ToolName, Arc<dyn Tool>>,
}

impl Toolbox {
    /// All bundled tools; those that run programs run them in `sandbox`, or tied to it.
    pub fn new(sandbox: &Arc<Sandbox>) -> Self {
        Self::for_hosts(sandbox, &Hosts::default())
    }

    /// The same, where some of them also act on these hosts.
    pub fn for_hosts(sandbox: &Arc<Sandbox>, hosts: &Hosts) -> Self {
        let services = service::Services::new(PathBuf::from("/etc/service"));
        // Without secrets, until the configuration gives them some.
        let none = |name: &str| Err(format!("there is no secret {name:?}; write it under [secrets] in config.toml"));
        let databases = database::Databases::new(Arc::new(none));
        let tools: Vec<Arc<dyn Tool>> = vec![
            Arc::new(converse::AskPerson::default()),
            Arc::new(converse::Finish::default()),
            Arc::new(delegate::RunAgent::default()),
            Arc::new(converse::MarkStep::default()),
            Arc::new(converse::SetSeverity::default()),
            Arc::new(files::ListFiles::default()),
            Arc::new(files::Search::default()),
            Arc::new(files::ReadFile::default()),
            Arc::new(files::EditFile::default()),
            Arc::new(files::WriteFile::default()),
            Arc::new(files::DeleteFiles::default()),
            Arc::new(files::RemoveOldFiles::new(Arc::new(SystemClock), sandbox.hidden(), hosts.clone())),
            Arc::new(git::GitStatus::default()),
            Arc::new(git::GitDiff::default()),
            Arc::new(git::GitLog::default()),
            Arc::new(git::GitBranch::default()),
            Arc::new(git::GitCommit::default()),
            Arc::new(git::GitPush::new(Arc::clone(sandbox))),
            Arc::new(host::HostCheck::new(Arc::new(SystemClock), hosts.clone())),
            Arc::new(host::StopProcess::new(hosts.clone())),
            Arc::new(host::CheckCertificate::new(Arc::new(SystemClock), hosts.clone())),
            Arc::new(host::SwitchRelease::new(hosts.clone())),
            Arc::new(service::CheckService::new(services.clone(), hosts.clone())),
            Arc::new(service::RestartService::new(services, hosts.clone())),
            Arc::new(database::CheckConnections::new(databases.clone())),
            Arc::new(database::EndIdleSessions::new(databases)),
            Arc::new(host::WriteReport::default()),
            Arc::new(logs::SearchLogs::new(Arc::new(SystemClock), sandbox.hidden(), hosts.clone())),
            // Without an address, until the configuration gives them one.
            Arc::new(monitoring::QueryMetrics::new(None, Arc::new(SystemClock))),
            Arc::new(monitoring::CheckAlert::new(None, None)),
            Arc::new(monitoring::SilenceAlerts::new(None, Arc::new(SystemClock))),
            Arc::new(monitoring::LiftSilences::new(None)),
            // Without a folder, until it is known where the user's runbooks are.
            Arc::new(runbook::ProposeRunbook::new(None)),
            Arc::new(shell::Shell::new(Arc::clone(sandbox), hosts.clone())),
            Arc::new(run_tests::RunTests::new(Arc::clone(sandbox))),
        ];
        Self { tools: BTreeMap::new() }.with(tools)
    }

    /// Adds tools, replacing those of the same name.
    pub fn with(mut self, tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        self.tools.extend(tools.into_iter().map(|tool| (tool.spec().name.clone(), tool)));
        self
    }

    pub fn get(&self, name: &ToolName) -> Option<Arc<dyn Tool>> {
        self.tools.get(name).cloned()
    }

    /// Every tool's spec, by name.
    pub fn specs(&self) -> impl Iterator<Item = &ToolSpec> {
        self.tools.values().map(|tool| tool.spec())
    }

    /// What a call of a tool that does not exist comes to: the closest names, or all of them.
    pub fn unknown(&self, name: &ToolName) -> ToolResult {
        let known: Vec<&str> = self.tools.keys().map(|name| name.0.as_str()).collect();
        let close = similar::get_close_matches(name.0.as_str(), &known, 3, 0.5);
        let advice = if close.is_empty() {
            format!("the tools are: {}", known.join(", "))
        } else {
            format!("the closest are: {}", close.join(", "))
        };
        let mut result = ToolResult::failure(FailureKind::BadCall, format!("there is no tool {:?}", name.0));
        result.output = Output::text(format!("There is no tool {:?}; {advice}.", name.0));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandbox::SandboxSettings;

    fn toolbox() -> Toolbox {
        Toolbox::new(&Arc::new(Sandbox::detect(SandboxSettings::default())))
    }

    #[test]
    fn every_tool_describes_itself_completely() {
        for spec in toolbox().specs() {
            let schema = &spec.parameters;
            assert_eq!(schema["type"], "object", "{}", spec.name);
            assert_eq!(schema["additionalProperties"], false, "{}", spec.name);
            assert!(schema["properties"].is_object(), "{}", spec.name);
            assert!(spec.description.ends_with('.'), "{}: {:?}", spec.name, spec.description);
            assert!(!schema.to_string().contains("$ref"), "{}", spec.name);
            for (name, argument) in schema["properties"].as_object().unwrap() {
                assert!(argument["description"].is_string(), "{} says nothing of {name}", spec.name);
                assert!(argument["type"].is_string(), "{} has no single type for {name}", spec.name);
            }
        }
    }

    #[test]
    fn an_unknown_tool_is_answered_with_the_closest_names() {
        let result = toolbox().unknown(&ToolName("ask_human".to_owned()));
        assert_eq!(result.failure, Some(FailureKind::BadCall));
        assert!(result.output.head.raw().contains("ask_person"), "{result:?}");
        let far = toolbox().unknown(&ToolName("zzz\u{1b}".to_owned()));
        let marks = toolbox().unknown(&ToolName("⟨⏎".to_owned()));
        assert_eq!(marks.summary.raw(), "there is no tool \"⟨⏎\"", "views mark it");
        assert!(far.output.head.raw().contains("the tools are: ask_person") && !far.summary.raw().contains('\u{1b}'));
    }
}
