//! Reading, searching, editing, writing and deleting in a workspace.

use std::os::unix::fs::{PermissionsExt, symlink};

use morningai::domain::{EffectClass, FailureKind, Payload, Reversibility};
use morningai::ports::Checked;
use serde_json::json;

use super::Bench;

#[tokio::test]
async fn an_edit_replaces_exact_text_and_keeps_the_mode() {
    let bench = Bench::plain();
    bench.write("run.sh", "one\ntwo\nthree\n");
    std::fs::set_permissions(bench.path("run.sh"), PermissionsExt::from_mode(0o750)).unwrap();
    let args = json!({"path": "run.sh", "old": "two", "new": "2"});
    let card = bench.prepare("edit_file", args.clone()).await.unwrap();
    assert_eq!((card.class, card.verb.as_str()), (EffectClass::Workspace, "edit"));
    assert_eq!(card.facts["inside_workspace"], true);
    assert_eq!(card.facts["credential"], false);
    assert!(matches!(card.reversible, Reversibility::Undo(_)));
    let result = bench.perform("edit_file", args, &card).await;
    assert_eq!(result.summary.raw(), "1 line changed in run.sh");
    assert_eq!(result.diff.unwrap().raw(), "--- a/run.sh\n+++ b/run.sh\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
    assert_eq!(bench.read("run.sh"), "one\n2\nthree\n");
    assert_eq!(std::fs::metadata(bench.path("run.sh")).unwrap().permissions().mode() & 0o777, 0o750);
    let left: Vec<_> = std::fs::read_dir(bench.path("")).unwrap().collect();
    assert_eq!(left.len(), 1, "a temporary file was left behind: {left:?}");
}

#[tokio::test]
async fn a_failed_edit_says_how_often_and_where() {
    let bench = Bench::plain();
    bench.write("a.txt", "alpha beta\nsame\nsame\nsame\n");
    let none = bench.call("edit_file", json!({"path": "a.txt", "old": "alpha betta", "new": "x"})).await;
    assert_eq!(none.failure, Some(FailureKind::Failed));
    assert_eq!(none.summary.raw(), "`old` was found 0 times in a.txt");
    assert!(none.output.head.raw().contains("The closest place is line 1:\nalpha beta"), "{none:?}");
    let many = bench.call("edit_file", json!({"path": "a.txt", "old": "same", "new": "x"})).await;
    assert_eq!(many.summary.raw(), "`old` was found 3 times in a.txt");
    assert!(many.output.head.raw().contains("lines 2, 3, 4"), "{many:?}");
    let missing = bench.call("edit_file", json!({"path": "b.txt", "old": "x", "new": "y"})).await;
    assert_eq!(missing.summary.raw(), "cannot edit `b.txt`: there is no such file");
    bench.done("edit_file", json!({"path": "a.txt", "old": "same", "new": "x", "replace_all": true})).await;
    assert_eq!(bench.read("a.txt"), "alpha beta\nx\nx\nx\n");
}

#[tokio::test]
async fn a_file_changed_after_the_card_is_drift_and_stays_as_it_is() {
    let bench = Bench::plain();
    bench.write("a.txt", "one\ntwo\n");
    let args = json!({"path": "a.txt", "old": "two", "new": "2"});
    let card = bench.prepare("edit_file", args.clone()).await.unwrap();
    bench.write("a.txt", "zero\none\ntwo\n");
    let result = bench.perform("edit_file", args.clone(), &card).await;
    assert_eq!(result.failure, Some(FailureKind::Drift), "{result:?}");
    bench.write("a.txt", "gone\n");
    let result = bench.perform("edit_file", args, &card).await;
    assert_eq!(result.failure, Some(FailureKind::Drift));
    assert_eq!(bench.read("a.txt"), "gone\n");
}

#[tokio::test]
async fn a_file_that_appeared_after_the_card_is_not_overwritten() {
    let bench = Bench::plain();
    let args = json!({"path": "new/a.txt", "content": "mine\n"});
    let card = bench.prepare("write_file", args.clone()).await.unwrap();
    bench.write("new/a.txt", "theirs\n");
    assert_eq!(bench.perform("write_file", args, &card).await.failure, Some(FailureKind::Drift));
    assert_eq!(bench.read("new/a.txt"), "theirs\n");
}

#[tokio::test]
async fn other_arguments_than_the_cards_are_drift() {
    let bench = Bench::plain();
    bench.write("a.txt", "one\n");
    let card = bench.prepare("write_file", json!({"path": "a.txt", "content": "two\n"})).await.unwrap();
    let result = bench.perform("write_file", json!({"path": "a.txt", "content": "evil\n"}), &card).await;
    assert_eq!(result.failure, Some(FailureKind::Drift));
    let result = bench.perform("write_file", json!({"path": "b.txt", "content": "two\n"}), &card).await;
    assert_eq!(result.failure, Some(FailureKind::Drift));
    assert_eq!(bench.read("a.txt"), "one\n");
    assert!(!bench.path("b.txt").exists());
}

#[tokio::test]
async fn a_repeated_write_finds_its_work_done() {
    let bench = Bench::plain();
    bench.write("a.txt", "one\n");
    let args = json!({"path": "a.txt", "old": "one", "new": "two"});
    let card = bench.prepare("edit_file", args.clone()).await.unwrap();
    assert_eq!(bench.check("edit_file", &card).await, Checked::DidNotHappen);
    assert!(bench.perform("edit_file", args.clone(), &card).await.succeeded());
    assert!(matches!(bench.check("edit_file", &card).await, Checked::Happened(result) if result.succeeded()));
    assert!(bench.perform("edit_file", args, &card).await.succeeded());
    bench.write("a.txt", "three\n");
    assert_eq!(bench.check("edit_file", &card).await, Checked::Unknown);
}

#[tokio::test]
async fn a_file_swapped_for_a_link_between_card_and_write_leads_nowhere() {
    let bench = Bench::plain();
    let secret = bench.outer.path().join("secret");
    std::fs::write(&secret, "one\n").unwrap();
    bench.write("a.txt", "one\n");
    bench.write("dir/b.txt", "one\n");
    let edit = json!({"path": "a.txt", "old": "one", "new": "two"});
    let write = json!({"path": "dir/b.txt", "content": "two\n"});
    let edit_card = bench.prepare("edit_file", edit.clone()).await.unwrap();
    let write_card = bench.prepare("write_file", write.clone()).await.unwrap();
    std::fs::remove_file(bench.path("a.txt")).unwrap();
    symlink(&secret, bench.path("a.txt")).unwrap();
    std::fs::remove_dir_all(bench.path("dir")).unwrap();
    std::fs::create_dir(bench.outer.path().join("evil")).unwrap();
    std::fs::write(bench.outer.path().join("evil/b.txt"), "one\n").unwrap();
    symlink(bench.outer.path().join("evil"), bench.path("dir")).unwrap();
    assert_eq!(bench.perform("edit_file", edit, &edit_card).await.failure, Some(FailureKind::Drift));
    assert_eq!(bench.perform("write_file", write, &write_card).await.failure, Some(FailureKind::Drift));
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "one\n");
    assert_eq!(std::fs::read_to_string(bench.outer.path().join("evil/b.txt")).unwrap(), "one\n");
}

#[tokio::test]
async fn no_file_tool_leaves_the_workspace() {
    let bench = Bench::plain();
    std::fs::write(bench.outer.path().join("secret"), "s").unwrap();
    std::fs::create_dir(bench.path(".git")).unwrap();
    bench.write(".git/config", "x");
    symlink("../secret", bench.path("link")).unwrap();
    symlink("..", bench.path("up")).unwrap();
    for path in
        ["../secret", "/etc/passwd", "link", "up/secret", "a/../../secret", ".git/config", ".GIT/config", "~/../..", ""]
    {
        for (tool, args) in [
            ("read_file", json!({"path": path})),
            ("list_files", json!({"path": path})),
            ("search", json!({"path": path, "pattern": "s"})),
            ("edit_file", json!({"path": path, "old": "s", "new": "t"})),
            ("write_file", json!({"path": path, "content": "t"})),
        ] {
            let result = bench.prepare(tool, args).await.unwrap_err();
            assert_eq!(result.failure, Some(FailureKind::Refused), "{tool} {path:?}: {result:?}");
        }
    }
    for path in ["../secret", "/etc/passwd", "up/secret", ".git/config", ".git", "."] {
        let result = bench.prepare("delete_files", json!({"paths": [path]})).await.unwrap_err();
        assert_eq!(result.failure, Some(FailureKind::Refused), "delete {path:?}: {result:?}");
    }
    assert_eq!(std::fs::read(bench.outer.path().join("secret")).unwrap(), b"s");
}

#[tokio::test]
async fn credential_files_are_a_fact_for_the_policy_even_behind_a_link() {
    let bench = Bench::plain();
    bench.write(".env", "TOKEN=hunter2\n");
    bench.write("deploy/server.pem", "hunter2\n");
    bench.write("notes.txt", "hunter2 is no secret here\n");
    symlink(".env", bench.path("innocent.txt")).unwrap();
    for path in [".env", "innocent.txt", "deploy/server.pem"] {
        let card = bench.prepare("read_file", json!({"path": path})).await.unwrap();
        assert_eq!(card.facts["credential"], true, "{path}");
    }
    let found = bench.done("search", json!({"pattern": "hunter2"})).await;
    assert_eq!(found.output.head.raw(), "notes.txt:1: hunter2 is no secret here\n");
    let found = bench.done("search", json!({"pattern": "hunter2", "path": ".env"})).await;
    assert_eq!(found.data.unwrap()["matches"], 0);
}

#[tokio::test]
async fn search_respects_ignore_files_and_explains_bad_patterns() {
    let bench = Bench::plain();
    bench.write(".gitignore", "built/\n");
    bench.write("built/a.rs", "needle\n");
    bench.write("src/a.rs", "a needle (\n");
    bench.write("src/b.py", "a needle (\n");
    bench.write("data.bin", b"needle\0");
    let found = bench.done("search", json!({"pattern": "need.e", "glob": "*.rs"})).await;
    assert_eq!(found.output.head.raw(), "src/a.rs:1: a needle (\n");
    assert_eq!(found.summary.raw(), "1 match in 1 file");
    let literal = bench.done("search", json!({"pattern": "needle (", "literal": true})).await;
    assert_eq!(literal.summary.raw(), "2 matches in 2 files");
    let bad = bench.call("search", json!({"pattern": "needle ("})).await;
    assert_eq!(bad.failure, Some(FailureKind::BadCall));
    assert!(bad.summary.raw().contains("literal") && bad.output.head.raw().contains("unclosed group"), "{bad:?}");
}

#[tokio::test]
async fn deleting_lists_every_file_and_only_they_go() {
    let bench = Bench::plain();
    bench.write("readings/a.json", "12345");
    bench.write("readings/deep/.hidden", "123");
    bench.write("keep.txt", "x");
    symlink("../keep.txt", bench.path("readings/link")).unwrap();
    let args = json!({"paths": ["readings"]});
    let card = bench.prepare("delete_files", args.clone()).await.unwrap();
    let Payload::Delete { paths } = &card.payload else { panic!("{card:?}") };
    let paths: Vec<&str> = paths.iter().map(|path| path.raw()).collect();
    assert_eq!(paths, ["readings/", "readings/a.json", "readings/deep/", "readings/deep/.hidden", "readings/link"]);
    assert_eq!(card.facts["count"], 3);
    assert_eq!(card.reversible, Reversibility::Irreversible);
    assert_eq!(bench.check("delete_files", &card).await, Checked::DidNotHappen);
    bench.write("readings/new.json", "x");
    assert_eq!(bench.perform("delete_files", args.clone(), &card).await.failure, Some(FailureKind::Drift));
    std::fs::remove_file(bench.path("readings/new.json")).unwrap();
    let result = bench.perform("delete_files", args, &card).await;
    assert!(result.succeeded(), "{result:?}");
    assert!(!bench.path("readings").exists() && bench.read("keep.txt") == "x");
    assert!(matches!(bench.check("delete_files", &card).await, Checked::Happened(_)));
}

#[tokio::test]
async fn a_committed_file_can_be_deleted_and_brought_back() {
    let bench = Bench::repository().await;
    let committed = bench.prepare("delete_files", json!({"paths": ["src"]})).await.unwrap();
    assert!(matches!(committed.reversible, Reversibility::Undo(_)), "{committed:?}");
    bench.write("src/new.rs", "x");
    let with_new = bench.prepare("delete_files", json!({"paths": ["src"]})).await.unwrap();
    assert_eq!(with_new.reversible, Reversibility::Irreversible);
    bench.write("README.md", "changed\n");
    let changed = bench.prepare("delete_files", json!({"paths": ["README.md"]})).await.unwrap();
    assert_eq!(changed.reversible, Reversibility::Irreversible);
}

#[tokio::test]
async fn large_and_binary_files_are_read_without_harm() {
    let bench = Bench::plain();
    bench.write("big.log", format!("{}\n", "x".repeat(999)).repeat(32_000));
    bench.write("a.out", b"\x7fELF\0\0");
    let page = bench.done("read_file", json!({"path": "big.log", "from_line": 31_999, "lines": 5})).await;
    assert_eq!(page.summary.raw(), "lines 31999–32000 of 32000 of big.log");
    let first = bench.done("read_file", json!({"path": "big.log"})).await;
    assert!(first.output.head.raw().contains("go on with from_line"), "{}", first.summary.raw());
    assert!(bench.done("read_file", json!({"path": "a.out"})).await.summary.raw().starts_with("a.out is binary"));
    let past = bench.call("read_file", json!({"path": "a.out", "from_line": 0})).await;
    assert_eq!(past.failure, Some(FailureKind::BadCall));
}
