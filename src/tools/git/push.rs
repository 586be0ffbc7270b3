//! `git_push`: publishes exactly one commit as one branch of one configured remote.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::leaving::Leaving;
use super::program::{GitError, NETWORK_LIMIT};
use super::remote::{Advertised, Remote, online};
use super::repository::{Repository, check_branch_name, failure, nothing, short};
use super::unused::{PUSH_HOOKS, Unused};
use crate::domain::{
    EffectCard, EffectClass, Environment, FailureKind, Output, Payload, Repeat, Reversibility, Risk, ToolResult,
    ToolSpec, Untrusted,
};
use crate::ports::{Checked, Invocation, Prepared, Tool, ToolContext};
use crate::tools::sandbox::Sandbox;
use crate::tools::{args, cards, obeyed};

/// Commit subjects a card shows as evidence.
const MOST_SUBJECTS: usize = 30;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// Name of a configured remote; the branch's own or `origin` when left out.
    remote: Option<String>,
    /// Name of the branch on the remote; the workspace's branch when left out.
    branch: Option<String>,
    /// Replace what the remote branch holds even if commits are lost.
    force: Option<bool>,
}

/// Pushes the worktree's last commit.
pub struct GitPush {
    spec: ToolSpec,
    /// What ties a push to this process.
    sandbox: Arc<Sandbox>,
}

impl GitPush {
    pub fn new(sandbox: Arc<Sandbox>) -> Self {
        let about = "Pushes the workspace's last commit to a branch of a configured remote. It leaves this machine, so a \
                     person usually approves it first. Commit before you push.";
        Self { spec: args::spec::<Args>("git_push", EffectClass::External, Repeat::Checkable, about), sandbox }
    }
}

/// A push with nothing left open.
struct Push {
    remote: Remote,
    branch: String,
    new: String,
    advertised: Advertised,
    force: bool,
    /// How many commits the remote does not have.
    commits: usize,
    /// Subjects of the newest of them, newest first.
    subjects: Vec<String>,
    /// Whether the remote's commit is known here, so that it could be put back.
    old_known: bool,
    /// All that leaves, and what the remote's branch changes by where that is something else.
    change: Option<Untrusted>,
    /// What a person should know before deciding.
    notices: Vec<String>,
}

impl Push {
    async fn plan(spec: &ToolSpec, context: &ToolContext, args: &Value) -> Result<(Repository, Self), ToolResult> {
        let args: Args = args::parse(spec, args)?;
        let repository = Repository::of(context, &CancellationToken::new()).await?;
        let head = repository.head().await?;
        let branch = args.branch.unwrap_or_else(|| head.branch.clone());
        check_branch_name(&branch).await?;
        let remote = Remote::find(&repository, args.remote.as_deref(), &head.branch).await?;
        let advertised = remote.advertised(&repository, &branch).await?;
        let mut push = Self {
            remote,
            branch,
            new: head.commit,
            advertised,
            force: args.force == Some(true),
            commits: 0,
            subjects: Vec::new(),
            old_known: false,
            change: None,
            notices: Vec::new(),
        };
        push.compare(&repository).await?;
        Ok((repository, push))
    }

    /// Finds what the remote lacks, and refuses a push it would reject.
    async fn compare(&mut self, repository: &Repository) -> Result<(), ToolResult> {
        let branch = Untrusted::from(self.branch.as_str());
        if self.advertised.branch.as_ref() == Some(&self.new) {
            let summary = format!("{}/{} is already at {}", self.remote.name, branch.raw(), short(&self.new));
            return Err(ToolResult::success(summary.clone(), Output::text(summary)));
        }
        let mut forward = true;
        if let Some(old) = &self.advertised.branch {
            self.old_known = repository.commit(old).await.is_ok();
            let ancestor = repository.git(["merge-base", "--is-ancestor", old, &self.new]).run().await;
            forward = self.old_known && ancestor.map_err(|error| failure(&error))?.code == Some(0);
            if !forward && !self.force {
                let name = format!("{}/{}", self.remote.name, branch.raw());
                let summary = format!("{name} has commits that this workspace does not have, so it would be rejected");
                let mut result = ToolResult::failure(FailureKind::Failed, summary.clone());
                result.output =
                    Output::text(format!("{summary}.\nPush to a branch of another name, or ask the person."));
                return Err(result);
            }
        }
        let leaving = Leaving::of(repository, &self.remote, &self.advertised, &self.new).await?;
        (self.commits, self.subjects) = (leaving.count(), leaving.subjects(MOST_SUBJECTS));
        let old = self.advertised.branch.as_deref().filter(|_| self.old_known);
        // When it shares nothing with what the remote is known to have, everything leaves.
        let from = old.or(leaving.base()).unwrap_or(nothing(&self.new)).to_owned();
        let replaced = match old {
            Some(old) if !forward || self.gained(repository, old).await? != self.commits => Some(old),
            _ => None,
        };
        self.change = leaving.shown(repository, replaced).await?;
        let names = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", &from, &self.new];
        let changed = repository.git(names).success().await.map_err(|error| failure(&error))?;
        let unused = Unused::of(repository, PUSH_HOOKS).await.map_err(|error| failure(&error))?;
        let hooks = Unused { signing: false, ..unused };
        self.notices.extend(hooks.told().into_iter().chain(obeyed::notice(changed.fields().map(Path::new))));
        Ok(())
    }

    /// How many commits the branch gets that it does not have, whether or not the remote has them elsewhere.
    async fn gained(&self, repository: &Repository, old: &str) -> Result<usize, ToolResult> {
        let counted = repository.git(["rev-list", "--count", &self.new, &format!("^{old}"), "--"]).success().await;
        Ok(counted.map_err(|error| failure(&error))?.text().parse().unwrap_or(usize::MAX))
    }

    fn is_default_branch(&self) -> bool {
        matches!(self.branch.as_str(), "main" | "master")
            || self.advertised.default_branch.as_ref() == Some(&self.branch)
    }

    fn risk(&self) -> Risk {
        match (self.is_default_branch(), self.force) {
            (true, true) => Risk::Critical,
            (true, false) | (false, true) => Risk::High,
            (false, false) => Risk::Medium,
        }
    }

    fn way_back(&self) -> Reversibility {
        let (remote, branch) = (&self.remote.name, &self.branch);
        match &self.advertised.branch {
            None => Reversibility::Undo(Untrusted::new(format!("git push {remote} --delete {branch}"))),
            Some(old) if self.old_known => {
                let lease = format!("--force-with-lease={branch}:{}", short(&self.new));
                Reversibility::Undo(Untrusted::new(format!("git push {lease} {remote} {}:{branch}", short(old))))
            }
            Some(_) => Reversibility::Irreversible,
        }
    }

    /// The command, argument by argument. It names commit and branch in full, so nothing else can slip in.
    fn argv(&self, repository: &Repository) -> Vec<String> {
        let (git_dir, work_tree) = repository.locations();
        let fixed = ["push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-recurse-submodules"];
        let mut argv: Vec<String> = ["git".to_owned(), git_dir, work_tree].into();
        argv.extend(fixed.map(str::to_owned));
        if self.force {
            let old = self.advertised.branch.as_deref().unwrap_or_default();
            argv.push(format!("--force-with-lease=refs/heads/{}:{old}", self.branch));
        }
        argv.extend(["--".to_owned(), self.remote.name.clone(), format!("{}:refs/heads/{}", self.new, self.branch)]);
        argv
    }

    fn card(&self, spec: &ToolSpec, repository: &Repository) -> EffectCard {
        let payload = Payload::Exec {
            argv: self.argv(repository).into_iter().map(Untrusted::new).collect(),
            cwd: Untrusted::new(repository.home.to_string_lossy()),
            env: Vec::new(),
        };
        let target = format!("{}/{}", self.remote.name, self.branch);
        let mut card = cards::change(spec, "push", vec![Untrusted::new(target), self.remote.shown().into()], payload);
        card.class = EffectClass::External;
        card.environment = Environment::Remote;
        card.risk = self.risk();
        card.reversible = self.way_back();
        card.change = self.change.clone();
        self.notices.iter().for_each(|notice| cards::notice(&mut card, Some(notice.clone())));
        let old = self.advertised.branch.clone();
        cards::fact(&mut card, "remote", self.remote.name.as_str());
        cards::fact(&mut card, "url", self.remote.shown());
        cards::fact(&mut card, "branch", self.branch.as_str());
        cards::fact(&mut card, "force", self.force);
        cards::fact(&mut card, "is_default_branch", self.is_default_branch());
        cards::fact(&mut card, "new_branch", old.is_none());
        cards::fact(&mut card, "old", old);
        cards::fact(&mut card, "new", self.new.as_str());
        cards::fact(&mut card, "commits", self.commits);
        cards::fact(&mut card, "subjects", self.subjects.clone());
        card
    }
}

fn fact<'a>(card: &'a EffectCard, name: &str) -> &'a str {
    card.facts.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn receipt(card: &EffectCard) -> ToolResult {
    let (remote, new) = (fact(card, "remote"), fact(card, "new"));
    let branch = Untrusted::from(fact(card, "branch"));
    let commits = card.facts.get("commits").and_then(Value::as_u64).unwrap_or_default();
    let commits = cards::count(usize::try_from(commits).unwrap_or(usize::MAX), "commit", "commits");
    let summary = format!("{remote}/{} is now at {}: {commits}", branch.raw(), short(new));
    let mut result = ToolResult::success(summary.clone(), Output::text(format!("{summary}\n{}\n", fact(card, "url"))));
    result.data = Some(json!({
        "remote": remote, "url": fact(card, "url"), "branch": branch.raw(),
        "old": card.facts.get("old"), "new": new,
    }));
    result
}

async fn push(sandbox: &Sandbox, invocation: &Invocation<'_>) -> Result<ToolResult, ToolResult> {
    let card = invocation.card;
    let drifted = || ToolResult::failure(FailureKind::Drift, "the repository has changed since this was prepared");
    let Payload::Exec { argv, .. } = &card.payload else { return Err(drifted()) };
    let repository = Repository::of(invocation.context, &invocation.cancel).await?;
    let remote = Remote::find(&repository, Some(fact(card, "remote")), fact(card, "branch")).await?;
    let (git_dir, work_tree) = repository.locations();
    let place: Vec<&str> = argv.iter().take(3).map(Untrusted::raw).collect();
    if remote.shown() != fact(card, "url") || place != ["git", git_dir.as_str(), work_tree.as_str()] {
        return Err(drifted());
    }
    let command = repository.git(argv.iter().skip(3).map(Untrusted::raw)).limit(NETWORK_LIMIT);
    let failed = match online(command, &repository).await.tied(sandbox.tether()).run().await {
        Ok(ran) if ran.code == Some(0) => return Ok(receipt(card)),
        Ok(ran) => rejected(&remote, &format!("{}\n{}", ran.text(), ran.complaint())),
        Err(GitError::Start(error)) => return Err(failure(&GitError::Start(error))),
        Err(error) => failure(&error),
    };
    // Only the remote knows what became of it: it may have been stopped when all was done, or come second to an
    // earlier push of the same commit whose end nobody saw.
    match happened(invocation.context, card).await {
        Checked::Happened(result) => Ok(all_the_same(*result, &failed)),
        Checked::DidNotHappen | Checked::Unknown => Err(failed),
    }
}

/// A push that failed by its own account, of a commit that the remote has.
fn all_the_same(mut receipt: ToolResult, failed: &ToolResult) -> ToolResult {
    let summary = format!("{}; the push was reported as failed, but the remote has it", receipt.summary.raw());
    receipt.output = Output::text(format!("{summary}\n{}\n", failed.output.head.raw()));
    receipt.summary = summary.into();
    receipt
}

fn rejected(remote: &Remote, said: &str) -> ToolResult {
    if !said.contains("[rejected]") && !said.contains("[remote rejected]") {
        return remote.unreachable(said);
    }
    let mut result = ToolResult::failure(FailureKind::Failed, format!("remote {} rejected the push", remote.name));
    result.output = Output::text(remote.redact(said));
    result
}

/// Asks the remote whether the branch is at the commit.
async fn happened(context: &ToolContext, card: &EffectCard) -> Checked {
    let Ok(repository) = Repository::of(context, &CancellationToken::new()).await else { return Checked::Unknown };
    let branch = fact(card, "branch");
    let Ok(remote) = Remote::find(&repository, Some(fact(card, "remote")), branch).await else {
        return Checked::Unknown;
    };
    let Ok(advertised) = remote.advertised(&repository, branch).await else { return Checked::Unknown };
    let old = card.facts.get("old").and_then(Value::as_str);
    match advertised.branch.as_deref() {
        Some(now) if now == fact(card, "new") => Checked::Happened(Box::new(receipt(card))),
        now if now == old => Checked::DidNotHappen,
        _ => Checked::Unknown,
    }
}

#[async_trait]
impl Tool for GitPush {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let (repository, push) = Push::plan(&self.spec, context, args).await?;
        Ok(Prepared::Effect(Box::new(push.card(&self.spec, &repository))))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        push(&self.sandbox, &invocation).await.unwrap_or_else(|result| result)
    }

    async fn check(&self, context: &ToolContext, card: &EffectCard) -> Checked {
        happened(context, card).await
    }
}
