//! The way from a tool to a confined program: the card that says exactly what would run, and the run of exactly
//! what the card says.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Ending, Finished, Job, run};
use crate::domain::{
    EffectCard, EffectClass, Environment, FailureKind, Output, Payload, Reversibility, Risk, ToolResult, ToolSpec,
    Untrusted, Workspace,
};
use crate::ports::{Invocation, OutputSink, ToolContext};
use crate::tools::names;
use crate::tools::sandbox::{ResourceLimits, Rung, Sandbox};

/// A program a tool would run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub argv: Vec<String>,
    /// Absolute, inside the workspace.
    pub cwd: PathBuf,
    /// Variables on top of the sandbox's environment, as `NAME=value`.
    pub env: Vec<String>,
    pub timeout_seconds: u64,
}

/// The card of a plan; refused where nothing can be confined, before anybody is asked about it.
pub(crate) async fn card(
    sandbox: &Sandbox,
    spec: &ToolSpec,
    context: &ToolContext,
    plan: &Plan,
) -> Result<EffectCard, ToolResult> {
    let workspace = workspace(context)?;
    let rung = sandbox.rung().await;
    if let Rung::None { reason } = rung {
        return Err(ToolResult::failure(FailureKind::Unconfined, format!("nothing runs unconfined: {reason}")));
    }
    let mut facts = serde_json::Map::new();
    let program = Path::new(&plan.argv[0]).file_name().unwrap_or_default().to_string_lossy();
    facts.insert("program".to_owned(), program.into());
    facts.insert("confined".to_owned(), true.into());
    facts.insert("rung".to_owned(), rung.name().into());
    facts.insert("timeout_seconds".to_owned(), plan.timeout_seconds.into());
    let outside = |words: &[String]| words.iter().map(Untrusted::new).collect();
    Ok(EffectCard {
        tool: spec.name.clone(),
        class: EffectClass::Workspace,
        repeat: spec.repeat,
        verb: "run".to_owned(),
        targets: vec![Untrusted::new(command_line(&plan.argv))],
        environment: Environment::Workspace,
        risk: Risk::Low,
        reversible: undo(workspace),
        payload: Payload::Exec {
            argv: outside(&plan.argv),
            cwd: Untrusted::new(names::written(&plan.cwd)),
            env: outside(&plan.env),
        },
        facts,
        confinement: rung.name().to_owned(),
        change: None,
    })
}

/// Runs what the invocation's card says. `sink` is where output goes, the invocation's own or one around it.
pub(crate) async fn perform(sandbox: &Sandbox, invocation: &Invocation<'_>, sink: &dyn OutputSink) -> Finished {
    let card = invocation.card;
    let (Some(workspace), Payload::Exec { argv, cwd, env }) = (&invocation.context.workspace, &card.payload) else {
        return refused("the card describes no program in a workspace");
    };
    if sandbox.rung().await.name() != card.confinement {
        return refused("the sandbox is not the one that was approved");
    }
    let argv: Vec<_> = argv.iter().map(|word| word.raw().to_owned()).collect();
    let env: Vec<_> = env.iter().filter_map(|entry| entry.raw().split_once('=')).collect();
    let env: Vec<_> = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut limits = ResourceLimits::default();
    if let Some(seconds) = card.facts.get("timeout_seconds").and_then(serde_json::Value::as_u64) {
        limits.wall_seconds = seconds;
    }
    let job = Job { workspace, argv: &argv, cwd: &names::read(cwd.raw()), env: &env, limits };
    run(sandbox, job, sink, &invocation.cancel).await
}

fn refused(reason: &str) -> Finished {
    let ending = Ending::Unconfined { reason: reason.to_owned() };
    Finished { ending, output: Output::default(), took: std::time::Duration::ZERO, left: None }
}

/// The workspace of the run; a program needs one.
pub(crate) fn workspace(context: &ToolContext) -> Result<&Workspace, ToolResult> {
    let missing = "this run has no workspace, so there is no place where a program may run";
    context.workspace.as_ref().ok_or_else(|| ToolResult::failure(FailureKind::BadCall, missing))
}

/// An existing path of the workspace, symbolic links followed: absolute, and still inside.
pub(crate) fn inside(workspace: &Workspace, relative: &str) -> Result<PathBuf, ToolResult> {
    let bad = |what: String| ToolResult::failure(FailureKind::BadCall, what);
    let root = fs::canonicalize(&workspace.root).map_err(|error| bad(format!("the workspace is gone: {error}")))?;
    let real = fs::canonicalize(root.join(names::read(relative)));
    let real = real.map_err(|error| bad(format!("{relative}: {error}")))?;
    if real.starts_with(&root) { Ok(real) } else { Err(bad(format!("{relative} leads out of the workspace"))) }
}

/// How to take back what a confined program did: it can only have changed the workspace.
fn undo(workspace: &Workspace) -> Reversibility {
    match (&workspace.git_dir, &workspace.branch) {
        (Some(_), Some(branch)) => Reversibility::Undo(Untrusted::new(format!(
            "throw the run's worktree away; {branch} keeps what was committed"
        ))),
        (Some(_), None) => Reversibility::Undo(Untrusted::from("throw the run's worktree away")),
        (None, _) => Reversibility::Irreversible,
    }
}

/// For people: words a shell would split are quoted. The payload has the exact list.
pub(crate) fn command_line(argv: &[String]) -> String {
    let plain = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./=:,+@%".contains(c));
    let quoted = |word: &String| if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', "'\\''")) };
    argv.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace_at(root: &Path) -> Workspace {
        Workspace { root: root.display().to_string(), ..Workspace::default() }
    }

    #[test]
    fn only_paths_that_end_up_inside_are_taken() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("work");
        fs::create_dir_all(root.join("src")).unwrap();
        std::os::unix::fs::symlink(outer.path(), root.join("up")).unwrap();
        let workspace = workspace_at(&root);
        assert!(inside(&workspace, "src").unwrap().ends_with("work/src"));
        assert!(inside(&workspace, ".").unwrap().ends_with("work"));
        for path in ["..", "up", "src/../..", "/etc", "missing"] {
            assert_eq!(inside(&workspace, path).unwrap_err().failure, Some(FailureKind::BadCall), "{path}");
        }
    }

    #[test]
    fn a_command_line_shows_where_words_end() {
        let argv = ["grep", "-n", "a b", "it's", ""].map(str::to_owned);
        assert_eq!(command_line(&argv), r"grep -n 'a b' 'it'\''s' ''");
    }

    #[test]
    fn a_plain_directory_cannot_be_taken_back() {
        assert_eq!(undo(&workspace_at(Path::new("/w"))), Reversibility::Irreversible);
    }
}
