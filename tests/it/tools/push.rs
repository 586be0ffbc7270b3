//! Pushing to a real bare repository on this disk.

use morningai::domain::{
    EffectCard, EffectClass, Environment, FailureKind, Payload, Reversibility, Risk, ToolResult, Untrusted,
};
use morningai::ports::Checked;
use serde_json::json;

use super::{Bench, git};

async fn with_commit() -> Bench {
    let bench = Bench::repository().await;
    bench.write("a.txt", "a\n");
    bench.done("git_commit", json!({"message": "Add a"})).await;
    bench
}

#[tokio::test]
async fn a_push_publishes_exactly_the_commit_on_the_card() {
    let bench = with_commit().await;
    let card = bench.prepare("git_push", json!({})).await.unwrap();
    let head = bench.git(&["rev-parse", "HEAD"]);
    assert_eq!((card.class, card.environment, card.risk), (EffectClass::External, Environment::Remote, Risk::Medium));
    assert_eq!(card.targets[0].raw(), "origin/morningai/fix-it-1234abcd");
    assert_eq!(card.facts["commits"], 1);
    assert!(card.facts["subjects"][0].as_str().unwrap().ends_with(" Add a"));
    assert_eq!(card.facts["force"], false);
    assert_eq!(card.facts["is_default_branch"], false);
    let undo = Untrusted::from("git push origin --delete morningai/fix-it-1234abcd");
    assert_eq!(card.reversible, Reversibility::Undo(undo));
    let Payload::Exec { argv, .. } = &card.payload else { panic!("{card:?}") };
    assert_eq!(argv.last().unwrap().raw(), format!("{head}:refs/heads/morningai/fix-it-1234abcd"));
    assert_eq!(bench.check("git_push", &card).await, Checked::DidNotHappen);
    // What is committed after the card was drawn is not what was approved.
    bench.write("b.txt", "b\n");
    bench.done("git_commit", json!({"message": "Add b"})).await;
    let result = bench.perform("git_push", json!({}), &card).await;
    assert!(result.succeeded(), "{result:?}");
    assert_eq!(bench.remote(&["rev-parse", "morningai/fix-it-1234abcd"]), head);
    let receipt = result.data.unwrap();
    assert_eq!((&receipt["new"], &receipt["old"]), (&json!(head), &json!(null)));
    assert!(matches!(bench.check("git_push", &card).await, Checked::Happened(_)));
    let next = bench.prepare("git_push", json!({})).await.unwrap();
    assert_eq!((&next.facts["old"], &next.facts["commits"]), (&json!(head), &json!(1)));
    assert!(matches!(&next.reversible, Reversibility::Undo(how) if how.raw().contains("--force-with-lease")));
}

#[tokio::test]
async fn the_card_shows_what_would_leave_as_a_diff() {
    let bench = with_commit().await;
    let change = |card: EffectCard| card.change.unwrap().into_raw();
    let new_branch = change(bench.prepare("git_push", json!({})).await.unwrap());
    assert!(new_branch.contains("diff --git a/a.txt b/a.txt\n") && new_branch.contains("\n+a\n"), "{new_branch}");
    assert!(!new_branch.contains("README"), "what the remote has does not leave: {new_branch}");
    bench.done("git_push", json!({})).await;
    bench.write("b.txt", "b\n");
    let committed = change(bench.prepare("git_commit", json!({"message": "Add b"})).await.unwrap());
    bench.done("git_commit", json!({"message": "Add b"})).await;
    let next = change(bench.prepare("git_push", json!({})).await.unwrap());
    assert!(next.ends_with(&format!("\n    Add b\n\n{committed}")), "{next}");
    assert!(next.contains("\n+b\n") && !next.contains("a.txt"), "from the remote's old commit on: {next}");
}

#[tokio::test]
async fn a_push_of_nothing_has_no_change_and_a_huge_one_says_what_is_missing() {
    let bench = Bench::repository().await;
    assert_eq!(bench.prepare("git_push", json!({})).await.unwrap().change, None);
    commit(&bench, "Nothing");
    let message = leaving(&bench).await;
    assert!(message.ends_with("\n    Nothing\n\n") && !message.contains("diff"), "{message}");
    bench.write("big.txt", "0123456789\n".repeat(40_000));
    bench.done("git_commit", json!({"message": "Add much"})).await;
    let card = bench.prepare("git_push", json!({})).await.unwrap();
    assert!(card.change_is_cut());
    let change = card.change.unwrap();
    assert!(change.raw().len() < 257 * 1024, "{}", change.raw().len());
    let last = change.raw().lines().last().unwrap();
    assert!(last.starts_with("[cut here: ") && last.ends_with(" lines are not shown]"), "{last}");
}

/// Commits what is there as a person would, with any message.
fn commit(bench: &Bench, message: &str) -> String {
    bench.git(&["add", "-A"]);
    let who = ["-c", "user.name=Ann Other", "-c", "user.email=ann@example.com"];
    let commit = ["commit", "-q", "--allow-empty", "--cleanup=verbatim", "-m", message];
    bench.git(&[who.as_slice(), commit.as_slice()].concat());
    bench.git(&["rev-parse", "HEAD"])
}

/// What the card of a push of the workspace's own branch says leaves.
async fn leaving(bench: &Bench) -> String {
    bench.prepare("git_push", json!({})).await.unwrap().change.unwrap().into_raw()
}

#[tokio::test]
async fn what_a_commit_adds_and_the_next_removes_leaves_and_is_shown() {
    let bench = Bench::repository().await;
    bench.write("key.txt", "hunter2 is the key\n");
    let added = commit(&bench, "Add it");
    std::fs::remove_file(bench.path("key.txt")).unwrap();
    let removed = commit(&bench, "Take it away");
    let change = leaving(&bench).await;
    let places = [
        format!("commit {added}\n"),
        "    author Ann Other <ann@example.com> ".to_owned(),
        "\n\n    Add it\n\ndiff --git a/key.txt b/key.txt\n".to_owned(),
        "\n+hunter2 is the key\n".to_owned(),
        format!("\n\ncommit {removed}\n"),
        "\n\n    Take it away\n\ndiff --git a/key.txt b/key.txt\n".to_owned(),
        "\n-hunter2 is the key\n".to_owned(),
    ];
    let found: Vec<_> = places.iter().map(|place| change.find(place.as_str()).expect(&change)).collect();
    assert!(change.starts_with(&places[0]) && found.is_sorted(), "{change}");
}

#[tokio::test]
async fn every_line_of_a_message_is_shown_and_passes_for_nothing_else() {
    let bench = Bench::repository().await;
    let lines: Vec<String> = (1..=60).map(|line| format!("line {line} of the message")).collect();
    let faked = "commit 0000\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n+x\n[cut here: ";
    commit(&bench, &format!("{}\n\n{faked}", lines.join("\n")));
    let card = bench.prepare("git_push", json!({})).await.unwrap();
    assert!(!card.change_is_cut());
    let change = card.change.unwrap().into_raw();
    for line in lines.iter().map(String::as_str).chain(faked.lines()) {
        assert!(change.contains(&format!("\n    {line}\n")), "{line:?} is not in\n{change}");
    }
    let at_the_start = |line: &&str| !line.is_empty() && !line.starts_with("    ");
    assert_eq!(change.lines().filter(at_the_start).count(), 1, "{change}");
}

#[tokio::test]
async fn more_commits_than_a_fact_names_are_all_on_the_card() {
    let bench = Bench::repository().await;
    let commits: Vec<String> = (1..=35).map(|number| commit(&bench, &format!("Commit {number}."))).collect();
    let card = bench.prepare("git_push", json!({})).await.unwrap();
    assert_eq!((&card.facts["commits"], card.facts["subjects"].as_array().unwrap().len()), (&json!(35), 30));
    assert_eq!(card.facts["subjects"][0], json!(format!("{} Commit 35.", &commits[34][..12])));
    let change = card.change.unwrap().into_raw();
    let ids: Vec<_> = change.lines().filter_map(|line| line.strip_prefix("commit ")).collect();
    assert_eq!(ids, commits);
    assert!((1..=35).all(|number| change.contains(&format!("\n    Commit {number}.\n"))), "{change}");
}

#[tokio::test]
async fn a_merge_is_shown_against_each_of_its_parents() {
    let bench = with_commit().await;
    let (first, base) = (bench.git(&["rev-parse", "HEAD"]), bench.git(&["rev-parse", "HEAD~1"]));
    bench.git(&["checkout", "-q", "-b", "side", &base]);
    bench.write("side.txt", "side\n");
    let second = commit(&bench, "Go aside");
    bench.git(&["checkout", "-q", "morningai/fix-it-1234abcd"]);
    bench.git(&["-c", "user.name=a", "-c", "user.email=a@b.c", "merge", "-q", "--no-commit", "side"]);
    bench.write("evil.txt", "only in the merge\n");
    commit(&bench, "Merge it");
    let change = leaving(&bench).await;
    assert_eq!(change.matches("\n+only in the merge\n").count(), 2, "{change}");
    let against = [first, second].map(|parent| change.find(&format!("\nagainst its parent {parent}\n")).unwrap());
    assert!(against.is_sorted() && change[against[1]..].contains("\n+++ b/a.txt\n"), "{change}");
}

#[tokio::test]
async fn what_the_remote_no_longer_has_leaves_again() {
    let bench = with_commit().await;
    let branch = "morningai/fix-it-1234abcd";
    bench.done("git_push", json!({})).await;
    assert_eq!(bench.prepare("git_push", json!({"branch": "other"})).await.unwrap().change, None);
    bench.remote(&["branch", "-D", branch]);
    assert!(!bench.git(&["rev-parse", &format!("refs/remotes/origin/{branch}")]).is_empty());
    assert!(leaving(&bench).await.contains("\n+a\n"));
    // A branch that moved on to what is unknown here still has what was fetched of it.
    let elsewhere = bench.outer.path().join("elsewhere");
    git(bench.outer.path(), &["clone", "-q", "remote.git", "elsewhere"]);
    git(&elsewhere, &["commit", "-q", "--allow-empty", "-m", "theirs"]);
    git(&elsewhere, &["push", "-q", "origin", "main"]);
    let change = leaving(&bench).await;
    assert!(change.contains("\n+a\n") && !change.contains("README"), "{change}");
}

#[tokio::test]
async fn what_a_branch_loses_or_gets_from_another_is_shown() {
    let bench = with_commit().await;
    let old = bench.git(&["rev-parse", "HEAD"]);
    bench.done("git_push", json!({"branch": "shared"})).await;
    bench.done("git_push", json!({"branch": "other"})).await;
    bench.git(&["reset", "-q", "--hard", "HEAD~1"]);
    bench.write("b.txt", "b\n");
    let new = commit(&bench, "Add b instead");
    let forced = bench.prepare("git_push", json!({"branch": "shared", "force": true})).await.unwrap();
    let change = forced.change.unwrap().into_raw();
    assert!(change.starts_with(&format!("the branch goes from {old} to {new}\n\ndiff --git a/a.txt")), "{change}");
    assert!(change.contains("\n-a\n") && change.contains(&format!("\n\ncommit {new}\n")), "{change}");
    // Nothing leaves, and yet the branch changes.
    bench.git(&["reset", "-q", "--hard", &old]);
    let main = bench.prepare("git_push", json!({"branch": "main"})).await.unwrap();
    assert_eq!(main.facts["commits"], 0);
    assert!(main.change.unwrap().raw().contains("\n+a\n"));
}

#[tokio::test]
async fn no_replacement_and_no_setting_changes_what_is_shown() {
    let bench = Bench::repository().await;
    bench.write("b.txt", "b\n\nb\n");
    let real = commit(&bench, "Add b");
    bench.write("b.txt", "c\n\nb\n");
    commit(&bench, "Caf\u{e9}");
    let before = leaving(&bench).await;
    bench.git(&["replace", &real, "HEAD~2"]);
    for (name, value) in [("diff.suppressBlankEmpty", "true"), ("i18n.logOutputEncoding", "latin1")] {
        bench.git(&["config", name, value]);
    }
    assert_eq!(leaving(&bench).await, before);
    assert!(before.contains("\n \n") && before.contains("\n    Caf\u{e9}\n"), "{before}");
}

#[tokio::test]
async fn the_default_branch_and_force_raise_the_risk() {
    let bench = with_commit().await;
    let main = bench.prepare("git_push", json!({"branch": "main"})).await.unwrap();
    assert_eq!((main.risk, &main.facts["is_default_branch"]), (Risk::High, &json!(true)));
    let forced = bench.prepare("git_push", json!({"branch": "main", "force": true})).await.unwrap();
    assert_eq!((forced.risk, &forced.facts["force"]), (Risk::Critical, &json!(true)));
    bench.remote(&["branch", "trunk", "main"]);
    bench.remote(&["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    let trunk = bench.prepare("git_push", json!({"branch": "trunk"})).await.unwrap();
    assert_eq!(trunk.facts["is_default_branch"], true);
}

#[tokio::test]
async fn a_branch_that_moved_on_is_not_overwritten() {
    let bench = with_commit().await;
    let project = bench.outer.path().join("project");
    git(&project, &["commit", "-q", "--allow-empty", "-m", "theirs"]);
    git(&project, &["push", "-q", "origin", "main:shared"]);
    let refused = bench.call("git_push", json!({"branch": "shared"})).await;
    assert_eq!(refused.failure, Some(FailureKind::Failed));
    assert!(refused.summary.raw().contains("does not have"), "{refused:?}");
    // With force, the lease still names the value the card showed.
    let args = json!({"branch": "shared", "force": true});
    let card = bench.prepare("git_push", args.clone()).await.unwrap();
    git(&project, &["commit", "-q", "--allow-empty", "-m", "theirs again"]);
    git(&project, &["push", "-q", "origin", "main:shared"]);
    let result = bench.perform("git_push", args, &card).await;
    assert_eq!(result.failure, Some(FailureKind::Failed), "{result:?}");
    assert!(result.summary.raw().contains("rejected"), "{result:?}");
    assert_eq!(bench.remote(&["log", "-1", "--format=%s", "shared"]), "theirs again");
    assert_eq!(bench.check("git_push", &card).await, Checked::Unknown);
}

/// Lets a push go on only when a second one has come as far, so that one of them must come too late.
fn meet_in_the_hook(bench: &Bench) {
    use std::os::unix::fs::PermissionsExt;
    let met = bench.outer.path().join("met");
    std::fs::create_dir(&met).unwrap();
    let hook = bench.outer.path().join("remote.git/hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let script = "touch $$; until [ \"$(ls | wc -l)\" -ge 2 ]; do sleep 0.01; done";
    std::fs::write(&hook, format!("#!/bin/sh\ncd '{}'; {script}\n", met.display())).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_push_that_fails_because_the_remote_has_the_commit_already_succeeded() {
    let bench = with_commit().await;
    let card = bench.prepare("git_push", json!({})).await.unwrap();
    meet_in_the_hook(&bench);
    let push = || bench.perform("git_push", json!({}), &card);
    let (one, other) = tokio::join!(push(), push());
    let said_so = |result: &ToolResult| result.summary.raw().ends_with("reported as failed, but the remote has it");
    assert!(one.succeeded() && other.succeeded(), "{one:?} {other:?}");
    let late = if said_so(&one) { &one } else { &other };
    assert!(said_so(late) && said_so(&one) != said_so(&other), "{one:?} {other:?}");
    assert!(late.output.head.raw().contains("remote rejected"), "{late:?}");
    assert_eq!(late.data.as_ref().unwrap()["new"], json!(bench.git(&["rev-parse", "HEAD"])));
}

#[tokio::test]
async fn remotes_are_named_never_given_as_addresses() {
    let bench = with_commit().await;
    let elsewhere = bench.outer.path().join("elsewhere.git").display().to_string();
    git(bench.outer.path(), &["init", "-q", "--bare", "elsewhere.git"]);
    for remote in
        [elsewhere.as_str(), "--upload-pack=touch pwned", "ext::sh -c 'touch pwned'", "https://evil.example", ""]
    {
        let result = bench.call("git_push", json!({"remote": remote})).await;
        assert_eq!(result.failure, Some(FailureKind::BadCall), "{remote}: {result:?}");
    }
    for branch in
        ["--upload-pack=x", "-f", "a b", "a..b", "HEAD", "refs/heads/x", "a:b", "@{-1}", "+main", "a\u{7}", ""]
    {
        let result = bench.call("git_push", json!({"branch": branch})).await;
        assert_eq!(result.failure, Some(FailureKind::BadCall), "{branch}: {result:?}");
        let result = bench.call("git_branch", json!({"name": branch})).await;
        assert_eq!(result.failure, Some(FailureKind::BadCall), "{branch}: {result:?}");
    }
    assert_eq!(bench.remote(&["branch", "--format=%(refname:short)"]), "main");
}

#[tokio::test]
async fn credentials_in_an_address_stay_hidden() {
    let bench = with_commit().await;
    let project = bench.outer.path().join("project");
    git(&project, &["remote", "set-url", "origin", "http://me:s3cret@127.0.0.1:1/a.git"]);
    let result = bench.call("git_push", json!({})).await;
    assert_eq!(result.failure, Some(FailureKind::Failed));
    let said = serde_json::to_string(&result).unwrap();
    assert!(!said.contains("s3cret") && said.contains("did not answer"), "{said}");
}

#[tokio::test]
async fn a_remote_inside_the_workspace_or_with_two_addresses_is_refused() {
    let bench = with_commit().await;
    let project = bench.outer.path().join("project");
    let inside = bench.path("inside.git");
    git(&bench.path(""), &["init", "-q", "--bare", "inside.git"]);
    git(&project, &["remote", "add", "trap", inside.to_str().unwrap()]);
    let result = bench.call("git_push", json!({"remote": "trap"})).await;
    assert_eq!(result.failure, Some(FailureKind::Refused), "{result:?}");
    let url = bench.outer.path().join("remote.git");
    git(&project, &["remote", "set-url", "--add", "--push", "origin", url.to_str().unwrap()]);
    git(&project, &["remote", "set-url", "--add", "--push", "origin", "/nowhere"]);
    let result = bench.call("git_push", json!({})).await;
    assert!(result.summary.raw().contains("2 addresses"), "{result:?}");
}

#[tokio::test]
async fn a_relative_remote_is_relative_to_the_repository() {
    let bench = with_commit().await;
    git(&bench.outer.path().join("project"), &["remote", "set-url", "origin", "../remote.git"]);
    let result = bench.done("git_push", json!({})).await;
    assert_eq!(result.data.unwrap()["url"], "../remote.git");
    assert_eq!(bench.remote(&["rev-parse", "morningai/fix-it-1234abcd"]), bench.git(&["rev-parse", "HEAD"]));
}

#[tokio::test]
async fn pushing_twice_says_there_is_nothing_to_do() {
    let bench = with_commit().await;
    bench.done("git_push", json!({})).await;
    let again = bench.call("git_push", json!({})).await;
    assert!(again.succeeded() && again.summary.raw().contains("is already at"), "{again:?}");
}
