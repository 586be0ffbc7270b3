//! What the bundled policy says to the cards that the tools really draw.

use morningai::domain::Verdict;
use morningai::policy::Policy;
use serde_json::{Value, json};

use super::Bench;

/// `run`, `ask` or `refuse`, with the rule.
async fn verdict(bench: &Bench, policy: &Policy, tool: &str, args: Value) -> String {
    let card = bench.prepare(tool, args).await.unwrap();
    match policy.judge("dev", &card) {
        Verdict::Run { rule, .. } => format!("run {rule}"),
        Verdict::Ask { rule, .. } => format!("ask {rule}"),
        Verdict::Refuse { rule, .. } => format!("refuse {rule}"),
    }
}

#[tokio::test]
async fn looking_and_workspace_changes_run_what_leaves_or_is_lost_asks_the_rest_is_refused() {
    let policy = Policy::bundled().unwrap_or_else(|faults| panic!("{faults}"));
    let bench = Bench::repository().await;
    bench.write("new.txt", "new\n");
    let table = [
        ("run looks", "read_file", json!({"path": "README.md"})),
        ("run looks", "list_files", json!({})),
        ("run looks", "search", json!({"pattern": "one"})),
        ("run looks", "git_status", json!({})),
        ("run looks", "git_diff", json!({})),
        ("run looks", "git_log", json!({})),
        ("run checks-host", "host_check", json!({"what": "load"})),
        ("run checks-host", "host_check", json!({"what": "load", "save": true})),
        ("run changes-workspace", "edit_file", json!({"path": "README.md", "old": "two", "new": "2"})),
        ("run changes-workspace", "write_file", json!({"path": "a/b.txt", "content": "x"})),
        ("run changes-workspace", "delete_files", json!({"paths": ["README.md"]})),
        ("ask deletes-for-good", "delete_files", json!({"paths": ["new.txt"]})),
        ("run branches", "git_branch", json!({"name": "try"})),
        ("refuse no-credentials", "write_file", json!({"path": ".env", "content": "x"})),
    ];
    for (expected, tool, args) in table {
        assert_eq!(verdict(&bench, &policy, tool, args.clone()).await, expected, "{tool} {args}");
    }
    let commit = verdict(&bench, &policy, "git_commit", json!({"message": "x"})).await;
    assert!(commit.starts_with("run "), "{commit}");
    bench.done("git_commit", json!({"message": "x"})).await;
    assert_eq!(verdict(&bench, &policy, "git_push", json!({})).await, "ask leaves-machine");
    let main = verdict(&bench, &policy, "git_push", json!({"branch": "main"})).await;
    assert!(main.starts_with("ask "), "{main}");
    let forced = verdict(&bench, &policy, "git_push", json!({"force": true})).await;
    assert_eq!(forced, "refuse no-force-push");
    bench.write(".env", "TOKEN=1\n");
    let read = verdict(&bench, &policy, "read_file", json!({"path": ".env"})).await;
    assert_eq!(read, "refuse no-credentials");
}
