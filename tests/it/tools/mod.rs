//! Tools against real files, real repositories and the real host; what they share to be called.

mod endings;
mod files;
mod git;
mod host;
mod host_stop;
mod hostile;
mod judged;
mod leftovers;
mod logs;
mod metrics;
mod names;
mod push;
mod workspace;

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use morningai::domain::{BlobId, CallNo, EffectCard, RunId, ToolName, ToolResult, Workspace};
use morningai::ports::{Caller, Checked, Invocation, OutputSink, Prepared, Tool, ToolContext};
use morningai::tools::Toolbox;
use morningai::tools::sandbox::{Sandbox, SandboxSettings};
use morningai::tools::workspace::{Uncommitted, WorktreeRequest, create_worktree};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Keeps what tools stream and store.
#[derive(Default)]
pub struct Kept {
    pub stored: Mutex<Vec<Vec<u8>>>,
}

#[async_trait]
impl OutputSink for Kept {
    fn chunk(&self, _bytes: &[u8]) {}

    async fn store(&self, content: &[u8]) -> Option<BlobId> {
        self.stored.lock().unwrap().push(content.to_vec());
        Some(BlobId::of(content))
    }
}

/// A directory, perhaps a worktree, and the tools that work in it.
pub struct Bench {
    pub outer: TempDir,
    pub context: ToolContext,
    pub kept: Kept,
    /// Used instead of the bundled ones of the same names.
    own: Vec<Arc<dyn Tool>>,
}

impl Bench {
    pub fn with(mut self, tool: Arc<dyn Tool>) -> Self {
        self.own.push(tool);
        self
    }

    fn tool(&self, name: &str) -> Arc<dyn Tool> {
        let own = self.own.iter().find(|tool| tool.spec().name.0 == name);
        own.map_or_else(|| tool(name), Arc::clone)
    }

    /// An empty workspace.
    pub fn plain() -> Self {
        let outer = tempfile::tempdir().unwrap();
        std::fs::create_dir(outer.path().join("work")).unwrap();
        let root = outer.path().join("work").display().to_string();
        let workspace = Workspace { root, ..Workspace::default() };
        Self::on(outer, workspace)
    }

    /// A worktree of such a repository.
    pub async fn repository() -> Self {
        Self::worktree(Self::project()).await
    }

    /// A repository `project` with one commit and a bare remote called `origin`.
    pub fn project() -> TempDir {
        let outer = tempfile::tempdir().unwrap();
        let repository = outer.path().join("project");
        git(outer.path(), &["init", "-q", "--bare", "-b", "main", "remote.git"]);
        git(outer.path(), &["init", "-q", "-b", "main", "project"]);
        std::fs::write(repository.join("README.md"), "one\ntwo\nthree\n").unwrap();
        std::fs::create_dir(repository.join("src")).unwrap();
        std::fs::write(repository.join("src/lib.rs"), "pub fn one() -> u32 {\n    2\n}\n").unwrap();
        git(&repository, &["add", "-A"]);
        git(&repository, &["commit", "-q", "-m", "Begin"]);
        git(&repository, &["remote", "add", "origin", outer.path().join("remote.git").to_str().unwrap()]);
        git(&repository, &["push", "-q", "origin", "main"]);
        outer
    }

    /// A worktree of the repository `project` in `outer`.
    pub async fn worktree(outer: TempDir) -> Self {
        let (repository, data_dir) = (outer.path().join("project"), outer.path().join("data"));
        let uncommitted = Uncommitted::Refuse;
        let request = WorktreeRequest {
            repository: &repository,
            run: run_id(),
            goal: "Fix it",
            data_dir: &data_dir,
            uncommitted,
        };
        let workspace = create_worktree(request).await.unwrap();
        Self::on(outer, workspace)
    }

    fn on(outer: TempDir, workspace: Workspace) -> Self {
        let context = ToolContext {
            run: run_id(),
            agent: "dev".to_owned(),
            caller: Caller::Agent,
            workspace: Some(workspace),
            inputs: Default::default(),
        };
        Self { outer, context, kept: Kept::default(), own: Vec::new() }
    }

    pub fn workspace(&self) -> &Workspace {
        self.context.workspace.as_ref().unwrap()
    }

    /// Absolute path of something in the workspace.
    pub fn path(&self, below: &str) -> std::path::PathBuf {
        Path::new(&self.workspace().root).join(below)
    }

    pub fn write(&self, below: &str, content: impl AsRef<[u8]>) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn read(&self, below: &str) -> String {
        std::fs::read_to_string(self.path(below)).unwrap()
    }

    pub async fn prepare(&self, tool: &str, args: Value) -> Result<EffectCard, ToolResult> {
        match self.tool(tool).prepare(&self.context, &args).await? {
            Prepared::Effect(card) => Ok(*card),
            other => panic!("{tool} prepared {other:?}"),
        }
    }

    pub async fn perform(&self, tool: &str, args: Value, card: &EffectCard) -> ToolResult {
        let invocation = Invocation {
            context: &self.context,
            call: CallNo(1),
            args: &args,
            card,
            output: &self.kept,
            cancel: CancellationToken::new(),
        };
        self.tool(tool).perform(invocation).await
    }

    pub async fn check(&self, tool: &str, card: &EffectCard) -> Checked {
        self.tool(tool).check(&self.context, card).await
    }

    /// Prepares twice, as the runtime does, then performs.
    pub async fn call(&self, tool: &str, args: Value) -> ToolResult {
        let card = match self.prepare(tool, args.clone()).await {
            Ok(card) => card,
            Err(result) => return result,
        };
        let again = self.prepare(tool, args.clone()).await.unwrap();
        assert_eq!(card.digest(), again.digest(), "{tool} does not prepare the same twice");
        self.perform(tool, args, &card).await
    }

    /// A call that must succeed.
    pub async fn done(&self, tool: &str, args: Value) -> ToolResult {
        let result = self.call(tool, args).await;
        assert!(result.succeeded(), "{tool}: {result:?}");
        result
    }

    /// Git on the run's worktree, as a person would have to call it.
    pub fn git(&self, args: &[&str]) -> String {
        let workspace = self.workspace();
        let git_dir = format!("--git-dir={}", workspace.git_dir.as_ref().unwrap());
        let work_tree = format!("--work-tree={}", workspace.root);
        let all: Vec<&str> = [git_dir.as_str(), work_tree.as_str()].into_iter().chain(args.iter().copied()).collect();
        git(Path::new(&workspace.root), &all)
    }

    pub fn remote(&self, args: &[&str]) -> String {
        git(&self.outer.path().join("remote.git"), args)
    }
}

pub fn run_id() -> RunId {
    RunId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_1234_abcd))
}

pub fn tool(name: &str) -> Arc<dyn Tool> {
    let helper = Some(env!("CARGO_BIN_EXE_morningai").into());
    let sandbox = Arc::new(Sandbox::detect(SandboxSettings { helper, ..SandboxSettings::default() }));
    Toolbox::new(&sandbox).get(&ToolName(name.to_owned())).unwrap()
}

/// Runs git for the test itself, with an identity and without the machine's configuration.
pub fn git(cwd: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(cwd)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}
