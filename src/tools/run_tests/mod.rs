//! The tool `run_tests`: finds the project's own runner, runs it confined, and says which tests failed, where and how.

mod cargo;
mod feed;
mod go;
mod js;
mod pytest;
mod report;
mod runner;
mod unittest;

#[cfg(test)]
mod golden;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::process::confined::Plan;
use super::process::{Ending, Finished, confined};
use super::sandbox::Sandbox;
use super::{args, cards};
use crate::domain::{EffectClass, FailureKind, Repeat, ToolResult, ToolSpec};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};
use crate::tools::names;
use feed::Feed;
use report::TestReport;
use runner::{Runner, Selection};

/// Building and testing a large project takes its time.
const TIMEOUT_SECONDS: u64 = 1_200;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// Only tests whose name contains this.
    filter: Option<String>,
    /// File or directory of the tests or their project, relative to the workspace; all when left out.
    path: Option<String>,
    /// The runner, when the project has several; found out when left out.
    runner: Option<Runner>,
}

/// Runs a project's tests.
pub struct RunTests {
    spec: ToolSpec,
    sandbox: Arc<Sandbox>,
}

impl RunTests {
    pub fn new(sandbox: Arc<Sandbox>) -> Self {
        // Repeatable for the reason the shell is: nothing but the run's own workspace can change.
        let spec = args::spec::<Args>(
            "run_tests",
            EffectClass::Workspace,
            Repeat::Repeatable,
            "Runs the project's tests (cargo, pytest, unittest, npm or go) in the workspace, without network, and \
             returns counts and the failing tests with their messages and places.",
        );
        Self { spec, sandbox }
    }
}

#[async_trait]
impl Tool for RunTests {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let Args { filter, path, runner } = args::parse(&self.spec, args)?;
        let filter = filter.as_deref().filter(|filter| !filter.is_empty());
        if filter.is_some_and(|filter| filter.starts_with('-') || filter.contains('\0')) {
            return Err(args::bad_call(&self.spec, "\"filter\" is a part of a test's name, not an option"));
        }
        let workspace = confined::workspace(context)?;
        let root = confined::inside(workspace, ".")?;
        let path = path.as_deref().map(|path| confined::inside(workspace, path)).transpose()?;
        let project = runner::find(&root, path.as_deref().unwrap_or(&root), runner);
        let project = project.map_err(|problem| ToolResult::failure(FailureKind::Failed, problem))?;
        let argv = project.argv(Selection { filter, path: path.as_deref() });
        let env = project.runner.env().iter().map(|&entry| entry.to_owned()).collect();
        let plan = Plan { argv, cwd: project.directory, env, timeout_seconds: TIMEOUT_SECONDS };
        let mut card = confined::card(&self.sandbox, &self.spec, context, &plan).await?;
        card.verb = "test".to_owned();
        cards::fact(&mut card, "runner", project.runner.name());
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        let named = invocation.card.facts.get("runner").and_then(Value::as_str);
        let Some(runner) = named.and_then(Runner::of_name) else {
            return ToolResult::failure(FailureKind::Drift, "the card names no runner");
        };
        let feed = Feed::new(invocation.output, runner.parser());
        let finished = confined::perform(&self.sandbox, &invocation, &feed).await;
        let mut report = feed.finish();
        if let Some(workspace) = &invocation.context.workspace {
            shorten_places(&mut report, Path::new(&workspace.root));
        }
        result(runner, finished, &report)
    }
}

/// Places inside the workspace are told from its top, as the other tools take them.
fn shorten_places(report: &mut TestReport, root: &Path) {
    let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    for location in report.failures.iter_mut().filter_map(|failure| failure.location.as_mut()) {
        if let Ok(relative) = Path::new(location.as_str()).strip_prefix(&real) {
            *location = names::written(relative);
        }
    }
}

/// What a run of tests came to. Finding no tests is a failure: silence would look like success.
fn result(runner: Runner, finished: Finished, report: &TestReport) -> ToolResult {
    let data = json!({
        "runner": runner.name(),
        "passed": report.passed,
        "failed": report.failed,
        "skipped": report.skipped,
        "failures": report.failures,
    });
    let (failure, summary) = verdict(&finished.ending, report);
    let summary = finished.summary(summary);
    ToolResult { failure, summary, output: finished.output, diff: None, data: Some(data) }
}

fn verdict(ending: &Ending, report: &TestReport) -> (Option<FailureKind>, String) {
    let failed = |summary: String| (Some(FailureKind::Failed), summary);
    match (ending, &report.problem) {
        (Ending::Exited(_), Some(problem)) if report.total() == 0 => failed(problem.clone()),
        (Ending::Exited(_), Some(problem)) => failed(format!("{}; {problem}", counts(report))),
        (Ending::Exited(0) | Ending::Exited(5), None) if report.total() == 0 => failed("no tests found".to_owned()),
        (Ending::Exited(0), None) if report.failed == 0 => (None, counts(report)),
        (Ending::Exited(_), None) if report.failed > 0 => failed(counts(report)),
        (ending, _) if report.total() == 0 => (ending.failure(), ending.to_string()),
        (ending, _) => (ending.failure(), format!("{ending}, after {}", counts(report))),
    }
}

fn counts(report: &TestReport) -> String {
    let mut parts = vec![format!("{} passed", report.passed), format!("{} failed", report.failed)];
    if report.skipped > 0 {
        parts.push(format!("{} skipped", report.skipped));
    }
    parts.join(", ")
}
