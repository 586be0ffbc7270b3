//! What an agent leaves behind: repositories that somebody's git would obey, attributes that would break its own work,
//! files that other programs obey. And what a worktree leaves out, and a commit of an agent leaves undone.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use morningai::domain::{CallNo, FailureKind};
use morningai::ports::{Invocation, Prepared, Tool};
use morningai::tools::git::{GitCommit, Hooks};
use morningai::tools::sandbox::{Sandbox, SandboxSettings};
use morningai::tools::workspace::{Uncommitted, WorkspaceError, WorkspaceErrorKind, WorktreeRequest, create_worktree};
use serde_json::json;

use super::{Bench, git, run_id, tool};

/// The attack, as a confined program makes it: a repository with a filter and a file system monitor.
fn planting(mark: &Path) -> String {
    let mark = mark.display();
    format!(
        "git init -q . && git init -q deep/down && echo '*.txt filter=z' > .gitattributes && echo a > a.txt && \
         git add . && git -c user.name=e -c user.email=e@e commit -q -m x; \
         for r in . deep/down; do git -C $r config filter.z.clean 'touch {mark}; cat'; \
         git -C $r config core.fsmonitor 'touch {mark}; false'; done; touch a.txt"
    )
}

async fn again(bench: &Bench, at: &Path) -> WorkspaceError {
    let data_dir = bench.outer.path().join("data");
    let run = morningai::domain::RunId(uuid::Uuid::from_u128(7));
    let request =
        WorktreeRequest { repository: at, run, goal: "more", data_dir: &data_dir, uncommitted: Uncommitted::Refuse };
    create_worktree(request).await.unwrap_err()
}

#[tokio::test]
async fn a_repository_made_by_a_program_is_set_aside_and_nobody_obeys_it() {
    for bench in [Bench::repository().await, Bench::plain()] {
        let mark = bench.outer.path().join("mark");
        let ran = bench.done("shell", json!({"argv": ["sh", "-c", planting(&mark)]})).await;
        let told = ran.summary.raw();
        assert!(told.contains("moved aside, because git would follow it: `.git`, `deep/down/.git`"), "{told}");
        let _ = std::fs::remove_file(&mark);
        for place in ["", "deep", "deep/down"] {
            Command::new("git").args(["status"]).current_dir(bench.path(place)).output().unwrap();
        }
        assert!(!mark.exists(), "a person's own git ran what an agent planted");
        assert!(!bench.path(".git").exists() && !bench.path("deep/down/.git").exists());
    }
}

#[tokio::test]
async fn a_directory_laid_out_as_a_repository_is_set_aside_unless_it_was_committed() {
    let outer = Bench::project();
    let project = outer.path().join("project");
    for directory in ["fixture/objects", "fixture/refs"] {
        std::fs::create_dir_all(project.join(directory)).unwrap();
        std::fs::write(project.join(directory).join("keep"), "").unwrap();
    }
    std::fs::write(project.join("fixture/HEAD"), "ref: refs/heads/main\n").unwrap();
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-q", "-m", "A fixture"]);
    let bench = Bench::worktree(outer).await;
    let script = "mkdir objects refs; echo 'ref: refs/heads/x' > HEAD; printf '[core]\\nbare=false\\n' > config";
    let ran = bench.done("shell", json!({"argv": ["sh", "-c", script]})).await;
    assert!(ran.summary.raw().ends_with("moved aside, because git would follow it: `HEAD`"), "{ran:?}");
    assert!(bench.path("fixture/HEAD").exists() && bench.path("config").exists() && !bench.path("HEAD").exists());
    // The file tools cannot make one either.
    let refused = bench.call("write_file", json!({"path": "HEAD", "content": "ref: refs/heads/x\n"})).await;
    assert_eq!(refused.failure, Some(FailureKind::Refused));
    assert!(refused.summary.raw().contains("git takes for a repository"), "{refused:?}");
    let disguised = bench.call("write_file", json!({"path": "a/.g\u{200c}it/config", "content": "x"})).await;
    assert_eq!(disguised.failure, Some(FailureKind::Refused));
}

#[tokio::test]
async fn a_place_where_an_agent_worked_is_no_workspace_for_another_run() {
    let bench = Bench::repository().await;
    let mark = bench.outer.path().join("mark");
    // As if a program had been killed together with the console, before anybody could look.
    git(&bench.path(""), &["init", "-q", "."]);
    git(&bench.path(""), &["config", "core.fsmonitor", &format!("touch {}; false", mark.display())]);
    git(&bench.path(""), &["-c", "core.fsmonitor=false", "commit", "-q", "--allow-empty", "-m", "x"]);
    let link = bench.outer.path().join("link");
    std::os::unix::fs::symlink(bench.path(""), &link).unwrap();
    for place in [bench.path(""), bench.path("src"), link] {
        let error = again(&bench, &place).await;
        assert_eq!(error.kind, WorkspaceErrorKind::Ours, "{error:?}");
        assert!(error.what.contains("morningai/fix-it-1234abcd") && error.what.contains("/project"), "{error:?}");
        assert!(error.hint.contains("Name that repository"), "{error:?}");
    }
    let scratch = bench.outer.path().join("data/scratch/x");
    std::fs::create_dir_all(&scratch).unwrap();
    git(&scratch, &["init", "-q", "."]);
    assert_eq!(again(&bench, &scratch).await.kind, WorkspaceErrorKind::Ours);
    assert!(!mark.exists());
}

#[tokio::test]
async fn what_an_agent_writes_into_attributes_and_submodules_breaks_nothing_of_its_own() {
    let bench = Bench::repository().await;
    let attributes = "*.txt working-tree-encoding=UTF-16 ident\n*.md eol=crlf -diff\n*.rs text eol=lf filter=none\n";
    bench.write(".gitattributes", attributes);
    bench.write(".gitmodules", "[[[ not a configuration\n");
    bench.write("a.txt", b"$Id$ \xff\r\nlines\r\n");
    bench.write("README.md", "one\ntwo\nFOUR\n");
    bench.write("src/lib.rs", "pub fn one() {}\r\n");
    bench.done("git_status", json!({})).await;
    let diff = bench.done("git_diff", json!({})).await;
    assert!(diff.output.head.raw().contains("+FOUR"), "attributes hide a change: {diff:?}");
    let card = bench.prepare("git_commit", json!({"message": "All"})).await.unwrap();
    assert!(card.change.as_ref().unwrap().raw().contains("+FOUR"), "attributes hide a change from a card");
    bench.done("git_commit", json!({"message": "All"})).await;
    for name in ["a.txt", "README.md", "src/lib.rs", ".gitmodules"] {
        let there = std::fs::read(bench.path(name)).unwrap();
        let workspace = bench.workspace();
        let shown = Command::new("git")
            .args(["--git-dir", workspace.git_dir.as_ref().unwrap(), "cat-file", "blob", &format!("HEAD:{name}")])
            .output()
            .unwrap();
        assert_eq!(shown.stdout, there, "{name} is committed as it is");
    }
    assert_eq!(bench.done("git_status", json!({})).await.summary.raw().split(" on ").next(), Some("nothing to commit"));
}

#[tokio::test]
async fn the_users_own_attributes_still_count_and_cannot_be_made_to_fail() {
    let outer = Bench::project();
    let project = outer.path().join("project");
    std::fs::write(project.join(".gitattributes"), "*.bat eol=crlf\n*.u16 working-tree-encoding=UTF-16LE\n").unwrap();
    std::fs::write(project.join("run.bat"), "one\r\n").unwrap();
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-q", "-m", "Attributes"]);
    git(&project, &["config", "core.autocrlf", "input"]);
    git(&project, &["config", "core.safecrlf", "true"]);
    let bench = Bench::worktree(outer).await;
    assert_eq!(bench.read("run.bat"), "one\r\n");
    bench.write("run.bat", "two\r\n");
    bench.done("git_commit", json!({"message": "Two"})).await;
    assert_eq!(bench.git(&["show", "HEAD:run.bat"]), "two");
    bench.write("bad.u16", "odd");
    bench.done("git_status", json!({})).await;
    bench.done("git_commit", json!({"message": "Odd"})).await;
    assert_eq!(bench.git(&["show", "HEAD:bad.u16"]), "odd");
}

#[tokio::test]
async fn names_that_are_no_text_are_committed_and_no_submodule_hides_behind_one() {
    let bench = Bench::repository().await;
    let odd = std::ffi::OsStr::from_bytes(b"a\xffb\nc");
    std::fs::write(bench.path("").join(odd), "x\n").unwrap();
    bench.done("git_status", json!({})).await;
    bench.done("git_commit", json!({"message": "Odd"})).await;
    let listed = bench.git(&["ls-tree", "--name-only", "HEAD"]);
    assert!(listed.contains(r#""a\377b\nc""#), "{listed}");
}

#[tokio::test]
async fn files_that_other_programs_obey_are_told_where_people_decide_and_at_the_end() {
    let bench = Bench::repository().await;
    bench.write(".envrc", "touch /tmp/x\n");
    bench.write(".vscode/tasks.json", "{}\n");
    bench.write("src/lib.rs", "pub fn two() {}\n");
    let told =
        "changed files that control other programs: `.envrc` (direnv), `.vscode/tasks.json` (Visual Studio Code)";
    let card = bench.prepare("git_commit", json!({"message": "x"})).await.unwrap();
    assert_eq!(card.notices().map(|notice| notice.raw().to_owned()).collect::<Vec<_>>(), [told]);
    let committed = bench.done("git_commit", json!({"message": "x"})).await;
    assert!(committed.summary.raw().ends_with(told), "{committed:?}");
    let push = bench.prepare("git_push", json!({})).await.unwrap();
    assert_eq!(push.notices().map(|notice| notice.raw().to_owned()).collect::<Vec<_>>(), [told]);
    let ended = tool("finish").prepare(&bench.context, &json!({"summary": "Done.", "outcome": "succeeded"})).await;
    let Ok(Prepared::Finish { summary, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!(summary.raw(), format!("Done.\n\nNote by morningai: {told}"));
}

#[tokio::test]
async fn what_a_worktree_leaves_out_is_said_at_the_start_and_in_the_listing() {
    let outer = Bench::project();
    let project = outer.path().join("project");
    git(outer.path(), &["init", "-q", "other"]);
    git(&outer.path().join("other"), &["commit", "-q", "--allow-empty", "-m", "x"]);
    git(&project, &["submodule", "--quiet", "add", "../other", "vendor/lib"]);
    std::fs::write(project.join(".gitattributes"), "*.bin filter=lfs\n").unwrap();
    std::fs::write(project.join("big.bin"), "version https://git-lfs.github.com/spec/v1\n").unwrap();
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-q", "-m", "Add a submodule"]);
    let bench = Bench::worktree(outer).await;
    let expected = [
        "`vendor/lib` is a submodule that is not checked out",
        "`big.bin`: Git LFS keeps the content elsewhere, and only a pointer is here",
    ];
    assert_eq!(bench.workspace().left_out, expected);
    let listed = bench.done("list_files", json!({})).await;
    let text = listed.output.head.raw();
    assert!(text.contains("vendor/lib/  (submodule that is not checked out)\n"), "{text}");
    let inside = bench.done("list_files", json!({"path": "vendor/lib"})).await;
    assert_eq!(inside.summary.raw(), "vendor/lib is a submodule that is not checked out");
    let lost = bench.call("write_file", json!({"path": "vendor/lib/n", "content": "x"})).await;
    assert_eq!(lost.summary.raw(), "vendor/lib/n lies in a submodule that is not checked out");
}

#[tokio::test]
async fn a_sparse_checkout_stays_sparse_and_a_file_beyond_it_can_be_committed() {
    let outer = Bench::project();
    let project = outer.path().join("project");
    std::fs::create_dir(project.join("far")).unwrap();
    std::fs::write(project.join("far/away.txt"), "x\n").unwrap();
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-q", "-m", "Far"]);
    git(&project, &["sparse-checkout", "set", "src"]);
    let bench = Bench::worktree(outer).await;
    assert!(!bench.path("far").exists());
    assert_eq!(bench.workspace().left_out, ["1 file lies outside the repository's sparse checkout"]);
    bench.write("far/new.txt", "new\n");
    let status = bench.done("git_status", json!({})).await;
    assert!(status.output.head.raw().ends_with("\nA far/new.txt +1 -0\n"), "{status:?}");
    bench.done("git_commit", json!({"message": "Beyond"})).await;
    assert_eq!(bench.git(&["ls-tree", "--name-only", "HEAD", "far/"]), "far/away.txt\nfar/new.txt");
}

#[tokio::test]
async fn hooks_and_signing_that_an_agent_goes_without_are_named() {
    let bench = Bench::repository().await;
    let project = bench.outer.path().join("project");
    bench.write("a.txt", "a\n");
    let plain = bench.prepare("git_commit", json!({"message": "x"})).await.unwrap();
    assert_eq!(plain.notices().count(), 0);
    for hook in ["pre-commit", "pre-push", "commit-msg.sample"] {
        let path = project.join(".git/hooks").join(hook);
        std::fs::write(&path, "#!/bin/sh\nexit 1\n").unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    git(&project, &["config", "commit.gpgSign", "yes"]);
    let told = "the repository's hooks are not run for an agent (pre-commit); an agent's commits are not signed, \
                although commit.gpgSign is set";
    let committed = bench.done("git_commit", json!({"message": "x"})).await;
    assert!(committed.summary.raw().ends_with(told), "{committed:?}");
    let push = bench.prepare("git_push", json!({})).await.unwrap();
    let notices: Vec<_> = push.notices().map(|notice| notice.raw().to_owned()).collect();
    assert_eq!(notices, ["the repository's hooks are not run for an agent (pre-push)"]);
    // Hooks elsewhere, as many tools set them up.
    git(&project, &["config", "core.hooksPath", ".husky"]);
    bench.write(".husky/commit-msg", "#!/bin/sh\n");
    std::fs::set_permissions(bench.path(".husky/commit-msg"), PermissionsExt::from_mode(0o755)).unwrap();
    let card = bench.prepare("git_commit", json!({"message": "x"})).await.unwrap();
    assert!(card.notices().next().unwrap().raw().contains("(commit-msg)"), "{card:?}");
}

#[tokio::test]
async fn a_worktree_that_cannot_be_made_leaves_nothing_behind() {
    let outer = Bench::project();
    let (project, data_dir) = (outer.path().join("project"), outer.path().join("data"));
    // The branch exists already: git makes the directory, and then gives up.
    git(&project, &["branch", "morningai/fix-it-1234abcd"]);
    git(&project, &["commit", "-q", "--allow-empty", "-m", "on"]);
    let request = WorktreeRequest {
        repository: &project,
        run: run_id(),
        goal: "Fix it",
        data_dir: &data_dir,
        uncommitted: Uncommitted::Refuse,
    };
    let error = create_worktree(request).await.unwrap_err();
    assert_eq!(error.kind, WorkspaceErrorKind::Git);
    assert_eq!(git(&project, &["worktree", "list"]).lines().count(), 1);
    assert_eq!(std::fs::read_dir(data_dir.join("worktrees")).unwrap().count(), 0);
    assert!(!project.join(".git/worktrees").exists());
    assert_ne!(git(&project, &["rev-parse", "morningai/fix-it-1234abcd"]), git(&project, &["rev-parse", "HEAD"]));
}

#[tokio::test]
async fn a_repository_is_the_one_that_was_named_whatever_its_name() {
    let outer = Bench::project();
    std::fs::rename(outer.path().join("project"), outer.path().join("new\nline")).unwrap();
    git(outer.path(), &["init", "-q", "new"]);
    git(&outer.path().join("new"), &["commit", "-q", "--allow-empty", "-m", "another"]);
    std::fs::rename(outer.path().join("new\nline"), outer.path().join("project")).unwrap();
    for (name, works) in [(&b"new\nline"[..], true), (b"end\n", true), (b"no\xfftext", false)] {
        let path = outer.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::rename(outer.path().join("project"), &path).unwrap();
        let data_dir = outer.path().join("data");
        let run = morningai::domain::RunId(uuid::Uuid::now_v7());
        let request = WorktreeRequest {
            repository: &path,
            run,
            goal: "x",
            data_dir: &data_dir,
            uncommitted: Uncommitted::Refuse,
        };
        match create_worktree(request).await {
            Ok(workspace) => {
                assert!(works && Path::new(&workspace.root).join("README.md").exists(), "{workspace:?}");
                assert_eq!(workspace.repository.as_deref(), path.canonicalize().unwrap().to_str());
            }
            Err(error) => {
                assert!(!works && error.what.contains("not valid UTF-8"), "{error:?}");
                assert!(error.hint.starts_with("Rename"), "{error:?}");
            }
        }
        std::fs::rename(&path, outer.path().join("project")).unwrap();
    }
}

#[tokio::test]
async fn a_data_directory_inside_the_repository_is_no_change_of_it() {
    let outer = Bench::project();
    let project = outer.path().join("project");
    let data_dir = project.join("d");
    for _ in 0..2 {
        let run = morningai::domain::RunId(uuid::Uuid::now_v7());
        let request = WorktreeRequest {
            repository: &project,
            run,
            goal: "x",
            data_dir: &data_dir,
            uncommitted: Uncommitted::Refuse,
        };
        let workspace = create_worktree(request).await.unwrap();
        assert!(Path::new(&workspace.root).starts_with(data_dir.canonicalize().unwrap()));
    }
}

/// Commits in the workspace with hooks that run confined.
async fn commit_with_hooks(bench: &Bench) -> morningai::domain::ToolResult {
    let settings = SandboxSettings { helper: Some(env!("CARGO_BIN_EXE_morningai").into()), ..Default::default() };
    let committing = GitCommit::with(Hooks::Sandboxed(std::sync::Arc::new(Sandbox::detect(settings))));
    let args = json!({"message": "By an agent"});
    let Ok(Prepared::Effect(card)) = committing.prepare(&bench.context, &args).await else { panic!("no card") };
    assert!(
        card.notices().next().unwrap().raw().starts_with("the repository's hooks run in the sandbox first (pre-commit")
    );
    assert!(!card.confinement.is_empty(), "{card:?}");
    let (context, output, cancel) = (&bench.context, &bench.kept, Default::default());
    committing.perform(Invocation { context, call: CallNo(1), args: &args, card: &card, output, cancel }).await
}

#[tokio::test]
async fn hooks_run_in_the_sandbox_where_that_is_wanted() {
    let bench = Bench::repository().await;
    let hooks = bench.outer.path().join("project/.git/hooks");
    let hook = |name: &str, script: &str| {
        std::fs::write(hooks.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(hooks.join(name), PermissionsExt::from_mode(0o755)).unwrap();
    };
    let outside = bench.outer.path().join("outside");
    let escape = format!("touch '{}' 2>/dev/null", outside.display());
    hook(
        "pre-commit",
        &format!("{escape}; git diff --cached --name-only | grep -q bad && echo no bad files && exit 1; exit 0"),
    );
    hook("commit-msg", "grep -q agent \"$1\"");
    bench.write("bad.txt", "x\n");
    let refused = commit_with_hooks(&bench).await;
    assert!(refused.summary.raw().starts_with("the hook `pre-commit` refused the commit (exit 1"), "{refused:?}");
    assert_eq!(refused.output.head.raw(), "no bad files\n");
    std::fs::rename(bench.path("bad.txt"), bench.path("good.txt")).unwrap();
    let committed = commit_with_hooks(&bench).await;
    assert!(committed.succeeded(), "{committed:?}");
    assert_eq!(bench.git(&["show", "--name-only", "--format=", "HEAD"]), "good.txt");
    assert!(!outside.exists(), "a hook reached out of the sandbox");
    hook("pre-commit", "echo more >> good.txt");
    bench.write("next.txt", "x\n");
    let changed = commit_with_hooks(&bench).await;
    assert!(changed.summary.raw().starts_with("a hook changed files; nothing was committed"), "{changed:?}");
}

#[tokio::test]
async fn a_committed_repository_that_an_agent_changes_is_set_aside() {
    let outer = Bench::project();
    let project = outer.path().join("project");
    for directory in ["fixture/objects", "fixture/refs"] {
        std::fs::create_dir_all(project.join(directory)).unwrap();
        std::fs::write(project.join(directory).join("keep"), "").unwrap();
    }
    std::fs::write(project.join("fixture/HEAD"), "ref: refs/heads/main\n").unwrap();
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-q", "-m", "A fixture"]);
    let bench = Bench::worktree(outer).await;
    bench.done("shell", json!({"argv": ["true"]})).await;
    assert!(bench.path("fixture/HEAD").exists(), "it is as it was committed");

    let mark = bench.outer.path().join("mark");
    let config = format!("[core]\nbare = false\nworktree = ..\nfsmonitor = touch {}; false\n", mark.display());
    let ran = bench.done("shell", json!({"argv": ["sh", "-c", format!("printf '{config}' > fixture/config")]})).await;
    assert!(ran.summary.raw().contains("moved aside, because git would follow it: `fixture"), "{}", ran.summary.raw());
    Command::new("git").args(["status"]).current_dir(bench.path("fixture")).output().unwrap();
    assert!(!mark.exists() && !bench.path("fixture/HEAD").exists());
}
