//! Worktrees in which everything an agent can write tries to make git run it.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use morningai::domain::FailureKind;
use serde_json::json;

use super::{Bench, git};

/// A script that leaves a mark when it is run.
fn trap(dir: &Path, name: &str) -> (PathBuf, PathBuf) {
    let mark = dir.join(format!("{name}.ran"));
    let script = dir.join(name);
    std::fs::write(&script, format!("#!/bin/sh\ntouch '{}'\ncat\n", mark.display())).unwrap();
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    (script, mark)
}

/// Every git tool once, with a commit and a push that go through.
async fn use_every_tool(bench: &Bench) {
    bench.done("git_status", json!({})).await;
    bench.done("git_diff", json!({})).await;
    bench.done("git_log", json!({})).await;
    bench.done("git_branch", json!({"name": "fix"})).await;
    bench.done("git_commit", json!({"message": "Change"})).await;
    bench.done("git_push", json!({})).await;
}

#[tokio::test]
async fn hooks_of_the_repository_do_not_run() {
    let outer = Bench::project();
    let mut marks = Vec::new();
    for hook in [
        "pre-commit",
        "commit-msg",
        "prepare-commit-msg",
        "post-commit",
        "pre-push",
        "post-checkout",
        "reference-transaction",
        "post-index-change",
        "fsmonitor-watchman",
    ] {
        let (script, mark) = trap(outer.path(), hook);
        std::fs::copy(script, outer.path().join("project/.git/hooks").join(hook)).unwrap();
        marks.push(mark);
    }
    let bench = Bench::worktree(outer).await;
    bench.write("a.txt", "a\n");
    use_every_tool(&bench).await;
    assert!(marks.iter().all(|mark| !mark.exists()), "a hook ran: {marks:?}");
}

#[tokio::test]
async fn a_git_directory_planted_in_the_worktree_is_not_obeyed() {
    let bench = Bench::repository().await;
    let (script, mark) = trap(bench.outer.path(), "evil");
    git(&bench.path(""), &["init", "-q", "."]);
    let config = bench.path(".git/config");
    let evil = script.display();
    let planted = format!(
        "[core]\nfsmonitor = {evil}\nhooksPath = {}\nsshCommand = {evil}\npager = {evil}\n[diff]\nexternal = {evil}\n",
        bench.outer.path().display()
    );
    std::fs::write(&config, &planted).unwrap();
    bench.write("a.txt", "a\n");
    use_every_tool(&bench).await;
    assert!(!mark.exists(), "the planted configuration was obeyed");
    assert_eq!(bench.git(&["ls-tree", "--name-only", "HEAD"]), "README.md\na.txt\nsrc");
}

#[tokio::test]
async fn a_repository_nested_in_the_worktree_is_neither_obeyed_nor_committed() {
    let bench = Bench::repository().await;
    let (script, mark) = trap(bench.outer.path(), "evil");
    std::fs::create_dir(bench.path("nested")).unwrap();
    git(&bench.path("nested"), &["init", "-q", "."]);
    git(&bench.path("nested"), &["commit", "-q", "--allow-empty", "-m", "x"]);
    git(&bench.path("nested"), &["config", "core.fsmonitor", script.to_str().unwrap()]);
    bench.write("nested/file", "x");
    bench.done("git_status", json!({})).await;
    bench.done("git_diff", json!({})).await;
    let result = bench.call("git_commit", json!({"message": "x"})).await;
    assert_eq!(result.summary.raw(), "`nested` is a separate git repository and cannot be committed");
    assert!(!mark.exists(), "the nested repository's configuration was obeyed");
}

#[tokio::test]
async fn a_submodule_filled_by_an_agent_is_not_looked_into() {
    let outer = Bench::project();
    let project = outer.path().join("project");
    git(outer.path(), &["init", "-q", "other"]);
    git(&outer.path().join("other"), &["commit", "-q", "--allow-empty", "-m", "x"]);
    git(&project, &["submodule", "--quiet", "add", "../other", "sub"]);
    git(&project, &["commit", "-q", "-m", "Add a submodule"]);
    let bench = Bench::worktree(outer).await;
    let (script, mark) = trap(bench.outer.path(), "evil");
    bench.write("a.txt", "a\n");
    git(&bench.path("sub"), &["init", "-q", "."]);
    git(&bench.path("sub"), &["commit", "-q", "--allow-empty", "-m", "evil"]);
    git(&bench.path("sub"), &["config", "core.fsmonitor", script.to_str().unwrap()]);
    bench.write("sub/file", "x");
    use_every_tool(&bench).await;
    assert!(!mark.exists(), "the submodule's configuration was obeyed");
    assert_eq!(bench.git(&["diff", "--name-only", "HEAD~1", "HEAD"]), "a.txt");
}

#[tokio::test]
async fn filters_and_diff_drivers_are_not_run_on_what_an_agent_wrote() {
    let bench = Bench::repository().await;
    let project = bench.outer.path().join("project");
    let (script, mark) = trap(bench.outer.path(), "evil");
    let evil = script.to_str().unwrap();
    for key in
        ["filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.command", "diff.evil.textconv"]
    {
        git(&project, &["config", key, evil]);
    }
    git(&project, &["config", "filter.evil.required", "true"]);
    git(&project, &["config", "diff.external", evil]);
    // A program of the worktree that the user's configuration names is one the agent can replace.
    git(&project, &["config", "core.fsmonitor", evil]);
    bench.write(".gitattributes", "*.txt filter=evil diff=evil\n");
    bench.write("a.txt", "a\n");
    bench.done("git_status", json!({})).await;
    bench.done("git_diff", json!({})).await;
    let refused = bench.call("git_commit", json!({"message": "x"})).await;
    assert_eq!(refused.summary.raw(), "`a.txt` goes through the git filter `evil`");
    bench.write(".gitattributes", "*.txt diff=evil\n");
    use_every_tool(&bench).await;
    assert!(!mark.exists(), "a program named by attributes was run");
}

#[tokio::test]
async fn links_out_of_the_tree_are_committed_as_links() {
    let bench = Bench::repository().await;
    std::fs::write(bench.outer.path().join("secret"), "hunter2").unwrap();
    symlink("../../../../secret", bench.path("link")).unwrap();
    symlink(bench.outer.path(), bench.path("dir")).unwrap();
    bench.done("git_commit", json!({"message": "Links"})).await;
    assert_eq!(bench.git(&["ls-tree", "HEAD", "link", "dir"]).matches("120000 blob").count(), 2);
    assert!(!bench.git(&["show", "HEAD"]).contains("hunter2"));
}

#[tokio::test]
async fn file_names_that_look_like_options_or_escapes_are_only_names() {
    let bench = Bench::repository().await;
    let names = ["--force", "-a", ":(top)x", "a\nb", "esc\u{1b}[31m", "tab\there", "space here", "ünï"];
    for name in names {
        bench.write(name, "x\n");
    }
    let status = bench.done("git_status", json!({})).await;
    assert!(status.output.head.raw().contains(r"\x1b[31m") && !status.output.head.raw().contains('\u{1b}'));
    bench.done("git_diff", json!({"path": "--force"})).await;
    let magic = bench.done("git_diff", json!({"path": ":(top)"})).await;
    assert_eq!(magic.summary.raw(), "nothing has changed");
    let card = bench.prepare("git_commit", json!({"message": "--amend"})).await.unwrap();
    assert_eq!(card.facts["files"], names.len());
    bench.done("git_commit", json!({"message": "--amend"})).await;
    assert_eq!(bench.git(&["log", "-1", "--format=%s"]), "--amend");
    let deleted = bench.prepare("delete_files", json!({"paths": ["--force", "esc\u{1b}[31m"]})).await.unwrap();
    assert_eq!(deleted.facts["count"], 2);
}

#[tokio::test]
async fn a_call_that_fails_says_so_instead_of_waiting() {
    let bench = Bench::repository().await;
    std::fs::write(Path::new(bench.workspace().git_dir.as_ref().unwrap()).join("index.morningai.lock"), "").unwrap();
    bench.write("a.txt", "a\n");
    let args = json!({"message": "x"});
    let card = bench.prepare("git_commit", args.clone()).await.unwrap();
    let result = bench.perform("git_commit", args, &card).await;
    assert_eq!(result.failure, Some(FailureKind::Failed));
    assert!(result.output.head.raw().contains("index.morningai.lock"), "{result:?}");
}
