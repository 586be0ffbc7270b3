//! The story of the flagship demo: three agents at once, a model that is overloaded, a push that is denied, a run that
//! reaches its limit on cost, and at last a push that a person decides on.
//!
//! `large` is asked first and `small` where it fails. The agent on call finds `large` overloaded all night; the developer
//! finds both so once, and its turn is tried again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{fs, io};

use serde_json::{Value, json};

use super::story::{Done, Saying, answer, commit_and_publish, end, forced_if_asked, mark, say, step};
use super::{Script, Turn};

/// What each agent is asked; the server knows by it which of them asks.
pub const FIX: &str = "make the failing test of the error budget pass";
pub const WRITE: &str = "write down how to roll back a release";
pub const LOOK: &str = "find out why this machine was slow at 02:40";

const ROLLBACK: &str = "\
# Rolling back a release

1. Stop the roll-out: `deploy pause`.
2. Go back one release: `deploy to previous`.
3. Watch the error budget for ten minutes before you go back to bed.
";

/// Makes `below/handbook`, a repository in git with one page, and `below/handbook.git`, its remote.
pub fn handbook(below: &Path) -> io::Result<PathBuf> {
    let work = below.join("handbook");
    fs::create_dir_all(&work)?;
    fs::write(work.join("README.md"), "# Handbook\n\n- [Who is on call](oncall.md)\n")?;
    fs::write(work.join("oncall.md"), "# Who is on call\n\nWhoever holds the pager.\n")?;
    commit_and_publish(&work, &below.join("handbook.git"), "Who is on call")?;
    Ok(work)
}

/// The models of the story.
pub fn night() -> Script {
    let failed = Arc::new(AtomicUsize::new(0));
    let models = move |request: &Value| {
        let asked = request["messages"].to_string();
        let is_large = request["model"] == json!("large");
        if asked.contains(LOOK) {
            return if is_large {
                overloaded()
            } else {
                forced_if_asked(request, look(request)).usage(31_000, 9_000, 420)
            };
        }
        if asked.contains(WRITE) {
            return forced_if_asked(request, write(request)).usage(5_200, 1_800, 310);
        }
        let done = Done::of(request);
        if done.last() == Some(("edit_file", true)) && failed.fetch_add(1, Ordering::SeqCst) < 2 {
            return overloaded();
        }
        // It thinks about its commit until the others have come to their ends.
        let thinks = match done.last() {
            Some(("run_tests", true)) => Duration::from_secs(30),
            _ => Duration::from_secs(1),
        };
        forced_if_asked(request, answer(request)).usage(7_400, 2_600, 380).after(thinks)
    };
    Script::new().models(["large", "small"]).forever(Turn::computed(models))
}

fn overloaded() -> Turn {
    Turn::error(503, "the model is overloaded, try again later")
}

fn is_plan(request: &Value) -> bool {
    request["response_format"]["json_schema"]["name"] == json!("plan")
}

/// A page that nobody lets out tonight.
fn write(request: &Value) -> Saying {
    if is_plan(request) {
        let steps = json!([
            step("Read what the handbook has", "read_file", "its form is known", "ask the person", json!([])),
            step("Write the page on rolling back", "write_file", "the page is complete", "leave a draft", json!([1])),
            step("Commit and push it", "git_push", "the page is published", "leave the commit here", json!([2])),
        ]);
        return say("", vec![("plan", json!({ "steps": steps }))]);
    }
    let done = Done::of(request);
    match done.last() {
        None => say(
            "I read the handbook first, so that the page fits in.",
            vec![mark(1, "running"), ("read_file", json!({ "path": "README.md" }))],
        ),
        Some(("read_file", true)) => say(
            "Short pages with numbered steps. I write this one the same way.",
            vec![
                mark(1, "done"),
                mark(2, "running"),
                ("write_file", json!({ "path": "rollback.md", "content": ROLLBACK })),
            ],
        ),
        Some(("write_file", true)) => say(
            "The page is there. I commit it.",
            vec![
                mark(2, "done"),
                mark(3, "running"),
                ("git_commit", json!({ "message": "Say how to roll back a release" })),
            ],
        ),
        Some(("git_commit", true)) => {
            say("Publishing leaves this machine, so a person decides.", vec![("git_push", json!({}))])
        }
        Some(("git_push", false)) => end(
            "The page is written and committed on this branch. It was not pushed: the handbook is frozen tonight.",
            vec![],
        ),
        Some((tool, _)) => end_failed(tool),
    }
}

/// A look at the machine, on a small purse.
fn look(request: &Value) -> Saying {
    if is_plan(request) {
        let steps = json!([
            step("Look at load and memory", "host_check", "both are known", "say what is missing", json!([])),
            step("Look at disks and processes", "host_check", "the cause is known", "say what is missing", json!([1])),
            step("Report", "write_report", "the report is written", "say it in words", json!([2])),
        ]);
        return say("", vec![("plan", json!({ "steps": steps }))]);
    }
    let check = |what: &str| ("host_check", json!({ "what": what }));
    match Done::of(request).0.len() {
        0 => say("Load first: it tells whether anything competes.", vec![mark(1, "running"), check("load")]),
        1 => say("Now whether memory ran short, and pushed pages out.", vec![check("memory")]),
        2 => say("Neither explains it. The disks next.", vec![mark(1, "done"), mark(2, "running"), check("disks")]),
        3 => say("Which processes were busy?", vec![check("processes")]),
        _ => say("Whatever listens here may tell.", vec![check("ports")]),
    }
}

fn end_failed(tool: &str) -> Saying {
    say("", vec![("finish", json!({ "summary": format!("Stopped: {tool} did not work."), "outcome": "failed" }))])
}
