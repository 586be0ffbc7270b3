//! `git_commit`: commits everything in the worktree. The card names the tree, the parent and every file; what is
//! committed is that tree or nothing.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::program::Git;
use super::repository::{Head, Repository, failure, short};
use super::staging::{Changed, Objects, Staging};
use super::unused::{COMMIT_HOOKS, Unused};
use super::{change, hooks};
use crate::domain::{
    EffectCard, EffectClass, FailureKind, Payload, Repeat, Reversibility, ToolResult, ToolSpec, Untrusted,
};
use crate::ports::{Checked, Invocation, Prepared, Tool, ToolContext};
use crate::tools::files::is_credential;
use crate::tools::sandbox::{Rung, Sandbox};
use crate::tools::{args, cards, obeyed};

const LONGEST_MESSAGE: usize = 16 * 1024;
/// Files a card lists one by one; a larger commit says how many more there are.
const MOST_LISTED: usize = 1_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The commit message: a short first line, then an empty line and why, if it needs saying.
    message: String,
}

/// Commits the worktree.
pub struct GitCommit {
    spec: ToolSpec,
    hooks: Hooks,
}

/// Whether the repository's hooks run.
#[derive(Clone, Debug, Default)]
pub enum Hooks {
    /// They are programs of the repository, which agents write, and would run as the user.
    #[default]
    Off,
    /// Those that may refuse a commit run confined.
    Sandboxed(Arc<Sandbox>),
}

impl GitCommit {
    pub fn with(hooks: Hooks) -> Self {
        Self { hooks, ..Self::default() }
    }

    /// Says on the card which hooks run and which do not, and how those are confined that do.
    async fn tell_hooks(&self, card: &mut EffectCard, repository: &Repository) -> Result<(), ToolResult> {
        let mut unused = Unused::of(repository, COMMIT_HOOKS).await.map_err(|error| failure(&error))?;
        if let Hooks::Sandboxed(sandbox) = &self.hooks {
            let runs = |hook: &PathBuf| hooks::REFUSING.iter().any(|name| hook.ends_with(name));
            let (run, rest) = unused.hooks.into_iter().partition(runs);
            let run = Unused { hooks: run, signing: false };
            unused.hooks = rest;
            if !run.hooks.is_empty() {
                let rung = sandbox.rung().await;
                if let Rung::None { reason } = rung {
                    let what = format!("the repository's hooks would run unconfined: {reason}");
                    return Err(ToolResult::failure(FailureKind::Unconfined, what));
                }
                card.confinement = rung.name().to_owned();
                let names = run.names().join(", ");
                cards::notice(card, Some(format!("the repository's hooks run in the sandbox first ({names})")));
            }
        }
        cards::notice(card, unused.told());
        Ok(())
    }
}

impl Default for GitCommit {
    fn default() -> Self {
        let about = "Commits all changes in the workspace, new and deleted files included, on the present branch.";
        Self {
            spec: args::spec::<Args>("git_commit", EffectClass::Workspace, Repeat::Checkable, about),
            hooks: Hooks::Off,
        }
    }
}

/// Everything a commit consists of but its time. The card carries it; committing and checking read it from there.
#[derive(Debug, PartialEq, Deserialize, serde::Serialize)]
struct Terms {
    message: String,
    branch: String,
    parent: String,
    tree: String,
    name: String,
    email: String,
    files: Vec<String>,
}

impl Terms {
    fn of(card: &EffectCard) -> Option<Self> {
        match &card.payload {
            Payload::Arguments { args } => Self::deserialize(args).ok(),
            _ => None,
        }
    }
}

/// Who commits: the user as git knows them, or plainly the agent.
async fn identity(repository: &Repository, agent: &str) -> (String, String) {
    let setting = async |key: &str| {
        let asked = repository.git(["config", "--get", key]).run().await.ok()?;
        Some(asked.text()).filter(|value| !value.is_empty())
    };
    let plain = |name: String| name.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect::<String>();
    match (setting("user.name").await, setting("user.email").await) {
        (Some(name), Some(email)) => (plain(name), plain(email)),
        _ => (plain(format!("morningai agent {agent}")), "agent@morningai.invalid".to_owned()),
    }
}

/// Cleans a message the way git does, and refuses an empty one.
fn cleaned(spec: &ToolSpec, message: &str) -> Result<String, ToolResult> {
    let lines: Vec<&str> = message.lines().map(str::trim_end).collect();
    let cleaned = lines.join("\n").trim_matches('\n').to_owned();
    if cleaned.trim().is_empty() {
        return Err(args::bad_call(spec, "\"message\" is empty"));
    }
    if cleaned.len() > LONGEST_MESSAGE || cleaned.contains('\0') {
        let problem = format!("\"message\" is at most {LONGEST_MESSAGE} bytes of text without NUL");
        return Err(args::bad_call(spec, &problem));
    }
    Ok(cleaned)
}

fn listed(changes: &[Changed]) -> Vec<String> {
    // A single one is named rather than counted.
    let most = if changes.len() == MOST_LISTED + 1 { changes.len() } else { MOST_LISTED };
    let mut files: Vec<String> = changes.iter().take(most).map(Changed::row).collect();
    if changes.len() > most {
        files.push(format!("and {} more", changes.len() - most));
    }
    files
}

impl GitCommit {
    async fn card(&self, context: &ToolContext, args: &Value) -> Result<EffectCard, ToolResult> {
        let Args { message } = args::parse(&self.spec, args)?;
        let message = cleaned(&self.spec, &message)?;
        let repository = Repository::of(context, &CancellationToken::new()).await?;
        let Head { branch, commit } = repository.head().await?;
        let staging = Staging::of(&repository, Objects::Scratch).await?;
        let changes = staging.changes(&commit).await?;
        if changes.is_empty() {
            let summary = "nothing has changed since the last commit, so there is nothing to commit";
            return Err(ToolResult::failure(FailureKind::Failed, summary));
        }
        staging.check(&changes).await?;
        let (name, email) = identity(&repository, &context.agent).await;
        let tree = staging.tree.clone();
        let change = change::shown(staging.trees(change::arguments(&commit, &tree))).await?;
        let files = listed(&changes);
        let terms = Terms { message, branch: branch.clone(), parent: commit.clone(), tree, name, email, files };
        let payload = Payload::Arguments { args: json!(terms) };
        let mut card = cards::change(&self.spec, "commit", vec![Untrusted::from(branch.as_str())], payload);
        let way = format!("git reset --soft {}", short(&commit));
        card.reversible = Reversibility::Undo(Untrusted::new(way));
        card.change = change;
        let (added, removed) = changes
            .iter()
            .filter_map(|change| change.lines)
            .fold((0, 0), |(added, removed), (more, less)| (added + more, removed + less));
        self.tell_hooks(&mut card, &repository).await?;
        cards::notice(&mut card, obeyed::notice(changes.iter().map(|change| change.path.as_path())));
        cards::fact(&mut card, "is_default_branch", matches!(branch.as_str(), "main" | "master"));
        cards::fact(&mut card, "branch", branch);
        cards::fact(&mut card, "files", changes.len());
        cards::fact(&mut card, "lines_added", added);
        cards::fact(&mut card, "lines_removed", removed);
        cards::fact(&mut card, "credential", changes.iter().any(|change| is_credential(&change.path)));
        cards::fact(&mut card, "inside_workspace", true);
        Ok(card)
    }

    async fn commit(&self, invocation: &Invocation<'_>) -> Result<ToolResult, ToolResult> {
        let drifted = |what: &str| {
            let summary = format!("{what} since this was prepared; nothing was committed");
            ToolResult::failure(FailureKind::Drift, summary)
        };
        let terms = Terms::of(invocation.card).ok_or_else(|| drifted("the card was changed"))?;
        let repository = Repository::of(invocation.context, &invocation.cancel).await?;
        if repository.head().await? != (Head { branch: terms.branch.clone(), commit: terms.parent.clone() }) {
            return Err(drifted("the branch has moved"));
        }
        let staging = Staging::of(&repository, Objects::Kept).await?;
        if staging.tree != terms.tree {
            // A half-made index is of no use to anyone.
            let _ = std::fs::remove_file(&staging.index);
            return Err(drifted("files have changed"));
        }
        if let Hooks::Sandboxed(sandbox) = &self.hooks {
            let ran = hooks::run(sandbox, &repository, &staging, &terms.message, invocation).await;
            let changed = Staging::of(&repository, Objects::Scratch).await?.tree != terms.tree;
            if let Err(refused) = ran.and_then(|()| if changed { Err(changed_by_hook()) } else { Ok(()) }) {
                let _ = std::fs::remove_file(&staging.index);
                return Err(refused);
            }
        }
        let made = with_identity(repository.git(["commit-tree", &terms.tree, "-p", &terms.parent, "-F", "-"]), &terms);
        let made = made.stdin(format!("{}\n", terms.message).into_bytes()).success().await;
        let commit = made.map_err(|error| failure(&error))?.text();
        let reference = format!("refs/heads/{}", terms.branch);
        let subject = terms.message.lines().next().unwrap_or_default();
        let note = format!("commit: {subject}");
        // Names the old value, so that a branch which moved this instant stays as it is.
        let moved = repository.git(["update-ref", "-m", &note, "--end-of-options", &reference, &commit, &terms.parent]);
        with_identity(moved, &terms).success().await.map_err(|error| failure(&error))?;
        // An index that stays behind only makes the next staging slower.
        let _ = std::fs::rename(&staging.index, repository.git_dir.join("index"));
        Ok(receipt(&terms, &commit, invocation.card))
    }
}

fn changed_by_hook() -> ToolResult {
    hooks::refused("a hook changed files; nothing was committed. Look at what it changed, and commit again")
}

fn with_identity(git: Git, terms: &Terms) -> Git {
    git.env("GIT_AUTHOR_NAME", &terms.name)
        .env("GIT_AUTHOR_EMAIL", &terms.email)
        .env("GIT_COMMITTER_NAME", &terms.name)
        .env("GIT_COMMITTER_EMAIL", &terms.email)
}

fn receipt(terms: &Terms, commit: &str, card: &EffectCard) -> ToolResult {
    let branch = Untrusted::from(terms.branch.as_str());
    let files = cards::count(terms.files.len(), "file", "files");
    let summary = format!("{} committed on {}: {files}", short(commit), branch.raw());
    let summary = card.notices().fold(summary, |summary, notice| format!("{summary}; {}", notice.raw()));
    let text = format!("{summary}\n{}\n", terms.files.join("\n"));
    let mut result = ToolResult::success(summary, crate::tools::output::cut(text.as_bytes()));
    result.data = Some(json!({"commit": commit, "parent": terms.parent, "tree": terms.tree, "branch": terms.branch}));
    result
}

#[async_trait]
impl Tool for GitCommit {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        Ok(Prepared::Effect(Box::new(self.card(context, args).await?)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        self.commit(&invocation).await.unwrap_or_else(|result| result)
    }

    /// The branch's tip tells: the same parent, tree and message can only be this commit.
    async fn check(&self, context: &ToolContext, card: &EffectCard) -> Checked {
        let Some(terms) = Terms::of(card) else { return Checked::Unknown };
        let Ok(repository) = Repository::of(context, &CancellationToken::new()).await else { return Checked::Unknown };
        let format = "--format=%H%x00%P%x00%T%x00%B";
        let reference = format!("refs/heads/{}", terms.branch);
        let shown = repository.git(["log", "-1", "--no-show-signature", format, &reference, "--"]).success().await;
        let Ok(shown) = shown else { return Checked::Unknown };
        match shown.texts().as_slice() {
            [commit, ..] if *commit == terms.parent => Checked::DidNotHappen,
            [commit, parent, tree, message]
                if *parent == terms.parent && *tree == terms.tree && message.trim_end() == terms.message =>
            {
                Checked::Happened(Box::new(receipt(&terms, commit, card)))
            }
            _ => Checked::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cleaned_and_never_empty() {
        let spec = GitCommit::default().spec;
        assert_eq!(cleaned(&spec, "\n\nFix it  \n\nBecause.\n\n").unwrap(), "Fix it\n\nBecause.");
        assert!(cleaned(&spec, " \n ").is_err() && cleaned(&spec, "a\0b").is_err());
    }
}
