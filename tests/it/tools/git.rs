//! Status, diff, log, branch and commit on real worktrees.

use morningai::domain::{EffectClass, FailureKind, Output, Payload};
use morningai::ports::Checked;
use serde_json::json;

use super::{Bench, git};

#[tokio::test]
async fn status_and_diff_show_what_a_commit_would_hold() {
    let bench = Bench::repository().await;
    assert_eq!(bench.done("git_diff", json!({})).await.summary.raw(), "nothing has changed");
    bench.write("src/lib.rs", "pub fn one() -> u32 {\n    1\n}\n");
    bench.write("new.txt", "new\n");
    std::fs::remove_file(bench.path("README.md")).unwrap();
    let before = bench.git(&["count-objects"]);
    let status = bench.done("git_status", json!({})).await;
    let text = status.output.head.raw();
    assert!(text.starts_with("On branch morningai/fix-it-1234abcd at "), "{text}");
    assert!(text.ends_with("\nD README.md +0 -3\nA new.txt +1 -0\nM src/lib.rs +1 -1\n"), "{text}");
    let diff = bench.done("git_diff", json!({})).await;
    assert_eq!(diff.summary.raw(), "3 files changed");
    assert!(diff.diff.unwrap().raw().contains("-    2\n+    1\n"));
    let one = bench.done("git_diff", json!({"path": "new.txt"})).await;
    assert!(one.output.head.raw().contains("+new") && one.summary.raw() == "1 file changed");
    let absolute = bench.path("new.txt").display().to_string();
    assert_eq!(bench.done("git_diff", json!({"path": absolute})).await.summary.raw(), "1 file changed");
    assert_eq!(bench.call("git_diff", json!({"path": "../x"})).await.failure, Some(FailureKind::Refused));
    assert_eq!(bench.git(&["count-objects"]), before, "looking wrote objects");
    assert_eq!(bench.git(&["diff", "--cached", "--name-only"]), "", "looking changed the index");
}

#[tokio::test]
async fn a_long_diff_is_stored_whole() {
    let bench = Bench::repository().await;
    bench.write("big.txt", (0..5_000).map(|n| format!("line {n}\n")).collect::<String>());
    let diff = bench.done("git_diff", json!({})).await;
    assert!(diff.output.elided() > 0 && diff.diff.is_none());
    assert!(diff.output.head.raw().len() + diff.output.tail.raw().len() <= Output::INLINE_BYTES);
    assert_eq!(diff.output.bytes, bench.kept.stored.lock().unwrap()[0].len() as u64);
}

#[tokio::test]
async fn a_commit_is_the_tree_of_its_card() {
    let bench = Bench::repository().await;
    bench.write("src/lib.rs", "pub fn one() -> u32 {\n    1\n}\n");
    bench.write(".morningai-write-7-0", "left by a crash");
    let args = json!({"message": "Return one\n\nThe test says so.\n"});
    let card = bench.prepare("git_commit", args.clone()).await.unwrap();
    assert_eq!((card.class, card.verb.as_str()), (EffectClass::Workspace, "commit"));
    let Payload::Arguments { args: terms } = &card.payload else { panic!("{card:?}") };
    assert_eq!(terms["message"], "Return one\n\nThe test says so.");
    assert_eq!(terms["branch"], "morningai/fix-it-1234abcd");
    assert_eq!(terms["files"], json!(["M src/lib.rs +1 -1"]));
    assert_eq!(bench.check("git_commit", &card).await, Checked::DidNotHappen);
    let result = bench.perform("git_commit", args, &card).await;
    assert!(result.succeeded(), "{result:?}");
    let data = result.data.unwrap();
    assert_eq!(data["commit"], bench.git(&["rev-parse", "HEAD"]));
    assert_eq!(data["parent"], bench.workspace().base.clone().unwrap());
    assert_eq!(bench.git(&["log", "-1", "--format=%B"]), "Return one\n\nThe test says so.");
    assert_eq!(bench.git(&["status", "--porcelain", "--untracked-files=no"]), "");
    assert!(matches!(bench.check("git_commit", &card).await, Checked::Happened(again) if again.data == Some(data)));
    let nothing = bench.call("git_commit", json!({"message": "again"})).await;
    assert_eq!(nothing.failure, Some(FailureKind::Failed));
    let log = bench.done("git_log", json!({"limit": 1})).await;
    assert!(log.output.head.raw().ends_with(": Return one\n"), "{log:?}");
}

#[tokio::test]
async fn a_commit_whose_files_or_branch_moved_is_drift() {
    let bench = Bench::repository().await;
    bench.write("a.txt", "a\n");
    let args = json!({"message": "Add a"});
    let card = bench.prepare("git_commit", args.clone()).await.unwrap();
    bench.write("a.txt", "b\n");
    assert_eq!(bench.perform("git_commit", args.clone(), &card).await.failure, Some(FailureKind::Drift));
    bench.write("a.txt", "a\n");
    bench.git(&["commit", "-q", "--allow-empty", "-m", "meanwhile"]);
    assert_eq!(bench.perform("git_commit", args, &card).await.failure, Some(FailureKind::Drift));
    assert_eq!(bench.git(&["log", "-1", "--format=%s"]), "meanwhile");
    assert_eq!(bench.check("git_commit", &card).await, Checked::Unknown);
}

#[tokio::test]
async fn a_branch_is_made_where_the_worktree_stands() {
    let bench = Bench::repository().await;
    bench.write("a.txt", "kept\n");
    bench.done("git_branch", json!({"name": "fix/one"})).await;
    assert_eq!(bench.git(&["symbolic-ref", "HEAD"]), "refs/heads/fix/one");
    assert_eq!(bench.read("a.txt"), "kept\n");
    bench.done("git_branch", json!({"name": "fix/one"})).await;
    bench.done("git_commit", json!({"message": "Add a"})).await;
    let taken = bench.call("git_branch", json!({"name": "main"})).await;
    assert_eq!(taken.summary.raw(), "a branch `main` exists already; choose another name");
    assert_eq!(
        git(&bench.outer.path().join("project"), &["rev-parse", "main"]),
        bench.workspace().base.clone().unwrap()
    );
}

#[tokio::test]
async fn without_an_identity_the_agent_signs_as_itself() {
    let bench = Bench::repository().await;
    let project = bench.outer.path().join("project");
    git(&project, &["config", "user.name", "Ada <evil>"]);
    git(&project, &["config", "user.email", "ada@example.com"]);
    bench.write("a.txt", "a\n");
    bench.done("git_commit", json!({"message": "As the user"})).await;
    assert_eq!(bench.git(&["log", "-1", "--format=%an <%ae>"]), "Ada evil <ada@example.com>");
    git(&project, &["config", "user.email", ""]);
    bench.write("a.txt", "b\n");
    bench.done("git_commit", json!({"message": "As the agent"})).await;
    assert_eq!(bench.git(&["log", "-1", "--format=%an <%ae>"]), "morningai agent dev <agent@morningai.invalid>");
}

#[tokio::test]
async fn a_scratch_workspace_has_no_git() {
    let bench = Bench::plain();
    let result = bench.call("git_status", json!({})).await;
    assert_eq!(result.failure, Some(FailureKind::Failed));
    assert!(result.summary.raw().contains("not a git worktree"), "{result:?}");
}
