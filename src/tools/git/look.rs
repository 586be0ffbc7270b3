//! `git_status`, `git_diff`, `git_log`: what changed, judged by what a commit would hold.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::repository::{Repository, failure};
use super::staging::{Objects, Staging};
use crate::domain::{EffectClass, FailureKind, Output, Repeat, ToolResult, ToolSpec, Untrusted};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};
use crate::tools::files::check_path;
use crate::tools::{args, cards, output};

const USUAL_LOG: u32 = 20;
const LONGEST_LOG: u32 = 500;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StatusArgs {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DiffArgs {
    /// Only this file or directory, relative to the workspace.
    path: Option<String>,
    /// What to compare with: the last commit when left out, or where the run began.
    since: Option<Since>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Since {
    LastCommit,
    Start,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LogArgs {
    /// Most commits to show; 20 when left out.
    #[schemars(range(min = 1))]
    limit: Option<u32>,
}

/// Shows branch and changed files.
pub struct GitStatus {
    spec: ToolSpec,
}

/// Shows changes as a unified diff.
pub struct GitDiff {
    spec: ToolSpec,
}

/// Shows recent commits.
pub struct GitLog {
    spec: ToolSpec,
}

impl Default for GitStatus {
    fn default() -> Self {
        let about =
            "Shows the branch of the workspace and the files that changed since the last commit, new ones included.";
        Self { spec: args::spec::<StatusArgs>("git_status", EffectClass::Observe, Repeat::Repeatable, about) }
    }
}

impl Default for GitDiff {
    fn default() -> Self {
        let about = "Shows what changed in the workspace as a unified diff, new files included: exactly what git_commit \
                     would commit.";
        Self { spec: args::spec::<DiffArgs>("git_diff", EffectClass::Observe, Repeat::Repeatable, about) }
    }
}

impl Default for GitLog {
    fn default() -> Self {
        let about = "Shows the latest commits of the workspace's branch, newest first.";
        Self { spec: args::spec::<LogArgs>("git_log", EffectClass::Observe, Repeat::Repeatable, about) }
    }
}

async fn status(invocation: &Invocation<'_>) -> Result<ToolResult, ToolResult> {
    let repository = Repository::of(invocation.context, &invocation.cancel).await?;
    let head = repository.head().await?;
    let staging = Staging::of(&repository, Objects::Scratch).await?;
    let changes = staging.changes(&head.commit).await?;
    let branch = Untrusted::from(head.branch.as_str());
    let mut text = format!("On branch {} at {}\n", branch.raw(), super::repository::short(&head.commit));
    for change in &changes {
        text.push_str(&change.row());
        text.push('\n');
    }
    let summary = match changes.len() {
        0 => format!("nothing to commit on {}", branch.raw()),
        changed => format!("{} changed on {}", cards::count(changed, "file", "files"), branch.raw()),
    };
    if changes.is_empty() {
        text.push_str("Nothing to commit.\n");
    }
    let mut result = ToolResult::success(summary, output::fit(text.as_bytes(), invocation.output).await);
    result.data = Some(json!({"branch": head.branch, "commit": head.commit, "changed": changes.len()}));
    Ok(result)
}

async fn diff(spec: &ToolSpec, invocation: &Invocation<'_>) -> Result<ToolResult, ToolResult> {
    let args: DiffArgs = args::parse(spec, invocation.args)?;
    let repository = Repository::of(invocation.context, &invocation.cancel).await?;
    let head = repository.head().await?;
    let from = match (args.since, &repository.base) {
        (Some(Since::Start), Some(base)) => base.clone(),
        _ => head.commit,
    };
    let staging = Staging::of(&repository, Objects::Scratch).await?;
    let only = args.path.as_deref().map(|path| check_path(invocation.context, path)).transpose()?;
    let changed = staging.diff(&from, only.as_deref()).await?;
    let files = changed.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"diff --git ")).count();
    if files == 0 {
        let summary = "nothing has changed";
        return Ok(ToolResult::success(summary, Output::text(format!("{summary}\n"))));
    }
    let summary = format!("{} changed", cards::count(files, "file", "files"));
    let fitted = output::fit(&changed, invocation.output).await;
    let whole = fitted.elided() == 0;
    let mut result = ToolResult::success(summary, fitted);
    // The console shows diffs of its own accord; a cut one would be a wrong one.
    result.diff = whole.then(|| Untrusted::new(String::from_utf8_lossy(&changed)));
    Ok(result)
}

async fn log(spec: &ToolSpec, invocation: &Invocation<'_>) -> Result<ToolResult, ToolResult> {
    let args: LogArgs = args::parse(spec, invocation.args)?;
    let repository = Repository::of(invocation.context, &invocation.cancel).await?;
    let most = format!("--max-count={}", args.limit.unwrap_or(USUAL_LOG).min(LONGEST_LOG));
    let format = "--format=%h %as %an: %s";
    let listed =
        repository.git(["log", &most, "--no-decorate", "--no-show-signature", "--no-color", format, "HEAD", "--"]);
    let listed = listed.success().await.map_err(|error| failure(&error))?;
    let commits = listed.stdout.iter().filter(|byte| **byte == b'\n').count();
    let summary = cards::count(commits, "commit", "commits");
    Ok(ToolResult::success(summary, output::fit(&listed.stdout, invocation.output).await))
}

/// The card of looking at the repository.
async fn card(spec: &ToolSpec, verb: &str, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
    let repository = Repository::of(context, &Default::default()).await?;
    let mut card = cards::observe(spec, verb, Untrusted::new(repository.home.to_string_lossy()), args);
    cards::fact(&mut card, "inside_workspace", true);
    Ok(Prepared::Effect(Box::new(card)))
}

#[async_trait]
impl Tool for GitStatus {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let StatusArgs {} = args::parse(&self.spec, args)?;
        card(&self.spec, "status", context, args).await
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        status(&invocation).await.unwrap_or_else(|result| result)
    }
}

#[async_trait]
impl Tool for GitDiff {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let parsed: DiffArgs = args::parse(&self.spec, args)?;
        if matches!(parsed.since, Some(Since::Start)) && context.workspace.as_ref().is_some_and(|w| w.base.is_none()) {
            return Err(ToolResult::failure(FailureKind::Failed, "this workspace does not know where the run began"));
        }
        parsed.path.as_deref().map(|path| check_path(context, path)).transpose()?;
        card(&self.spec, "diff", context, args).await
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        diff(&self.spec, &invocation).await.unwrap_or_else(|result| result)
    }
}

#[async_trait]
impl Tool for GitLog {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let _: LogArgs = args::parse(&self.spec, args)?;
        card(&self.spec, "log", context, args).await
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        log(&self.spec, &invocation).await.unwrap_or_else(|result| result)
    }
}
