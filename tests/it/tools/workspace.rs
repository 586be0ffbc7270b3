//! Making and removing the places runs work in.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use morningai::domain::Workspace;
use morningai::tools::workspace::{
    Uncommitted, UnsavedWork, WorkspaceError, WorkspaceErrorKind, WorktreeRequest, create_worktree, remove, scratch,
};
use serde_json::json;

use super::{Bench, git, run_id};

async fn create(repository: &Path, uncommitted: Uncommitted) -> Result<Workspace, WorkspaceError> {
    let data = tempfile::tempdir().unwrap().keep();
    let request = WorktreeRequest { repository, run: run_id(), goal: "Fix it", data_dir: &data, uncommitted };
    create_worktree(request).await
}

async fn kind(repository: &Path) -> WorkspaceErrorKind {
    let error = create(repository, Uncommitted::Refuse).await.unwrap_err();
    assert!(!error.hint.is_empty() && !error.what.is_empty(), "{error:?}");
    error.kind
}

#[tokio::test]
async fn each_wrong_place_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("file"), "").unwrap();
    std::fs::create_dir(at("plain")).unwrap();
    git(dir.path(), &["init", "-q", "--bare", "bare"]);
    git(dir.path(), &["init", "-q", "empty"]);
    assert_eq!(kind(&at("missing")).await, WorkspaceErrorKind::Missing);
    assert_eq!(kind(&at("file")).await, WorkspaceErrorKind::NotADirectory);
    assert_eq!(kind(&at("plain")).await, WorkspaceErrorKind::NotARepository);
    assert_eq!(kind(&at("bare")).await, WorkspaceErrorKind::BareRepository);
    assert_eq!(kind(&at("empty")).await, WorkspaceErrorKind::NoCommits);
    assert_eq!(kind(&at("empty/.git")).await, WorkspaceErrorKind::NotARepository);
}

#[tokio::test]
async fn uncommitted_changes_are_named_or_left_behind() {
    let outer = Bench::project();
    let project = outer.path().join("project");
    std::fs::write(project.join("README.md"), "changed\n").unwrap();
    std::fs::write(project.join("new.txt"), "new\n").unwrap();
    let error = create(&project, Uncommitted::Refuse).await.unwrap_err();
    assert_eq!(error.kind, WorkspaceErrorKind::Uncommitted);
    assert!(error.what.contains("README.md") && error.what.contains("?? new.txt"), "{error:?}");
    let workspace = create(&project.join("src"), Uncommitted::LeaveBehind).await.unwrap();
    assert_eq!(std::fs::read_to_string(Path::new(&workspace.root).join("README.md")).unwrap(), "one\ntwo\nthree\n");
    assert_eq!(workspace.repository.as_deref(), Some(project.canonicalize().unwrap().to_str().unwrap()));
}

#[tokio::test]
async fn the_worktree_hides_its_repository_and_survives_a_prune() {
    let bench = Bench::repository().await;
    let workspace = bench.workspace();
    assert!(!bench.path(".git").exists());
    assert!(!workspace.git_dir.as_ref().unwrap().starts_with(&workspace.root));
    assert!(workspace.root.ends_with("/project"));
    git(&bench.outer.path().join("project"), &["worktree", "prune", "--expire=now"]);
    bench.write("a.txt", "a\n");
    bench.done("git_commit", json!({"message": "Still there"})).await;
    let parent = Path::new(&workspace.root).parent().unwrap();
    assert_eq!(std::fs::metadata(parent).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn removing_keeps_what_would_be_lost_unless_told() {
    let bench = Bench::repository().await;
    let project = bench.outer.path().join("project");
    bench.write("a.txt", "a\n");
    let refused = remove(bench.workspace(), UnsavedWork::Keep).await.unwrap_err();
    assert_eq!(refused.kind, WorkspaceErrorKind::Unsaved);
    assert!(refused.what.contains("A a.txt +1 -0") && bench.path("a.txt").exists(), "{refused:?}");
    bench.done("git_commit", json!({"message": "Add a"})).await;
    let commit = bench.git(&["rev-parse", "HEAD"]);
    remove(bench.workspace(), UnsavedWork::Keep).await.unwrap();
    assert!(!Path::new(&bench.workspace().root).exists());
    assert_eq!(git(&project, &["worktree", "list"]).lines().count(), 1);
    assert_eq!(git(&project, &["rev-parse", "morningai/fix-it-1234abcd"]), commit);
}

#[tokio::test]
async fn an_unused_branch_goes_with_its_worktree() {
    let bench = Bench::repository().await;
    bench.write("a.txt", "a\n");
    remove(bench.workspace(), UnsavedWork::Discard).await.unwrap();
    let project = bench.outer.path().join("project");
    assert_eq!(git(&project, &["branch", "--format=%(refname:short)"]), "main");
    remove(bench.workspace(), UnsavedWork::Keep).await.unwrap();
}

#[tokio::test]
async fn a_scratch_directory_is_private_and_empty() {
    let data = tempfile::tempdir().unwrap();
    let workspace = scratch(run_id(), data.path()).unwrap();
    assert_eq!(std::fs::metadata(&workspace.root).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::read_dir(&workspace.root).unwrap().count(), 0);
    assert_eq!(scratch(run_id(), data.path()).unwrap(), workspace);
    remove(&workspace, UnsavedWork::Keep).await.unwrap();
    assert!(!Path::new(&workspace.root).exists());
}
