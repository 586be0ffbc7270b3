//! `git_branch`: puts the worktree on a new branch at its present commit. Files stay as they are.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::repository::{Head, Repository, check_branch_name, failure, short};
use crate::domain::{
    EffectClass, FailureKind, Output, Payload, Repeat, Reversibility, ToolResult, ToolSpec, Untrusted,
};
use crate::ports::{Invocation, Prepared, Tool, ToolContext};
use crate::tools::{args, cards};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// Name of the new branch.
    name: String,
}

/// Creates a branch and switches to it.
pub struct GitBranch {
    spec: ToolSpec,
}

impl Default for GitBranch {
    fn default() -> Self {
        let about = "Creates a branch at the workspace's present commit and switches to it, keeping all changes.";
        Self { spec: args::spec::<Args>("git_branch", EffectClass::Workspace, Repeat::Repeatable, about) }
    }
}

/// Fails where switching would move the worktree or share a branch with another one.
async fn check(repository: &Repository, head: &Head, name: &str) -> Result<(), ToolResult> {
    check_branch_name(name).await?;
    let reference = format!("refs/heads/{name}");
    let at = repository.git(["rev-parse", "--verify", "--quiet", "--end-of-options", &reference]).run().await;
    let at = at.map_err(|error| failure(&error))?;
    if head.branch == name || at.code != Some(0) {
        return Ok(());
    }
    let listed =
        repository.git(["worktree", "list", "--porcelain", "-z"]).success().await.map_err(|error| failure(&error))?;
    let taken = listed.fields().any(|line| line == format!("branch {reference}").as_str());
    // An unused branch at the same commit is what a crash between the two halves of this tool leaves.
    if at.text() == head.commit && !taken {
        return Ok(());
    }
    let shown = Untrusted::from(name);
    let summary = format!("a branch `{}` exists already; choose another name", shown.raw());
    Err(ToolResult::failure(FailureKind::Failed, summary))
}

async fn switch(spec: &ToolSpec, invocation: &Invocation<'_>) -> Result<ToolResult, ToolResult> {
    let Args { name } = args::parse(spec, invocation.args)?;
    let repository = Repository::of(invocation.context, &invocation.cancel).await?;
    let head = repository.head().await?;
    let Payload::Arguments { args } = &invocation.card.payload else {
        return Err(ToolResult::failure(FailureKind::Drift, "the card is not one of git_branch"));
    };
    if args["name"] != name.as_str() || args["commit"] != head.commit.as_str() {
        let summary = "the worktree has moved since this was prepared; no branch was made";
        return Err(ToolResult::failure(FailureKind::Drift, summary));
    }
    check(&repository, &head, &name).await?;
    let reference = format!("refs/heads/{name}");
    if head.branch != name {
        let make = repository.git(["update-ref", "--end-of-options", &reference, &head.commit]);
        make.success().await.map_err(|error| failure(&error))?;
        let point = repository.git(["symbolic-ref", "-m", "git_branch", "HEAD", &reference]);
        point.success().await.map_err(|error| failure(&error))?;
    }
    let shown = Untrusted::from(name.as_str());
    let summary = format!("on branch {} at {}", shown.raw(), short(&head.commit));
    let mut result = ToolResult::success(summary.clone(), Output::text(summary));
    result.data = Some(json!({"branch": name, "commit": head.commit}));
    Ok(result)
}

#[async_trait]
impl Tool for GitBranch {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let Args { name } = args::parse(&self.spec, args)?;
        let repository = Repository::of(context, &CancellationToken::new()).await?;
        let head = repository.head().await?;
        check(&repository, &head, &name).await?;
        let payload = Payload::Arguments { args: json!({"name": name, "commit": head.commit, "from": head.branch}) };
        let mut card = cards::change(&self.spec, "branch", vec![Untrusted::from(name.as_str())], payload);
        card.reversible = Reversibility::Undo(Untrusted::new(format!("git branch --delete {name}")));
        cards::fact(&mut card, "branch", name);
        cards::fact(&mut card, "inside_workspace", true);
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        switch(&self.spec, &invocation).await.unwrap_or_else(|result| result)
    }
}
