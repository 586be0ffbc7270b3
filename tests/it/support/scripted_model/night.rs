//! The story of the flagship demo: three agents at once, a model that is overloaded, a push that is denied, a run that
//! reaches its limit on cost, and at last a push that a person decides on.
//!
//! `large` is asked first and `small` where it fails. The agent on call finds `large` overloaded all night; the developer
//! finds both so once, and its turn is tried again. Every turn takes seconds, so that a viewer can follow.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{fs, io};

use serde_json::{Value, json};

use super::story::{
    COMMIT as MESSAGE, Done, RIGHT, Saying, WRONG, answer, commit_and_publish, end, forced_if_asked, mark, say, step,
};
use super::{Script, Turn};

/// What each agent is asked; the server knows by it which of them asks.
pub const FIX: &str = "make the failing test of the error budget pass";
pub const WRITE: &str = "write down how to roll back a release";
pub const LOOK: &str = "find out why this machine was slow at 02:40";

/// How long a model thinks before it says anything.
const USUAL: Duration = Duration::from_millis(2_500);
/// Calls of the developer before each of its changes and before its commit.
const FIRST_EDIT: usize = 5;
const OTHER_EDIT: usize = 7;
const COMMIT: usize = 11;

const NEXT_TEST: &str = "    fn a_budget_is_never_negative() {";
const CHANGES: &str = "# Changes\n\n- The error budget of a month was ten times too large.\n";

const OTHER_TEST: &str = "\
    fn a_week_allows_10_minutes() {
        assert_eq!(minutes_left(7, 9_990, 0), 10);
    }

    #[test]
    fn a_budget_is_never_negative() {";

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
    fs::write(work.join("oncall.md"), "# Who is on call\n\nAna in even weeks, Bo in odd ones.\n")?;
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
                // The last look takes long: its cost limit is nearly used up meanwhile, and that can be seen.
                let thinks = if Done::of(request).0.len() == 4 { Duration::from_secs(14) } else { USUAL };
                forced_if_asked(request, look(request)).usage(31_000, 9_000, 420).after(thinks)
            };
        }
        if asked.contains(WRITE) {
            return forced_if_asked(request, write(request)).usage(5_200, 1_800, 310).after(USUAL);
        }
        let done = Done::of(request).0.len();
        if done == FIRST_EDIT + 1 && failed.fetch_add(1, Ordering::SeqCst) < 2 {
            return overloaded();
        }
        // It thinks about its commit until the others have come to their ends.
        let thinks = match done {
            COMMIT => Duration::from_secs(30),
            OTHER_EDIT => USUAL / 2,
            _ => USUAL,
        };
        forced_if_asked(request, fix(request)).usage(7_400, 2_600, 380).after(thinks)
    };
    Script::new().models(["large", "small"]).forever(Turn::computed(models))
}

fn overloaded() -> Turn {
    Turn::error(503, "the model is overloaded, try again later")
}

fn is_plan(request: &Value) -> bool {
    request["response_format"]["json_schema"]["name"] == json!("plan")
}

/// The fix of the other stories, taken at more leisure: it looks around, adds a test and says what changed.
fn fix(request: &Value) -> Saying {
    let done = Done::of(request);
    if is_plan(request) || done.0.len() > COMMIT + 1 {
        return answer(request);
    }
    // Tests fail before the change.
    if let Some((tool, false)) = done.last().filter(|_| done.0.len() != FIRST_EDIT) {
        return end_failed(tool);
    }
    let read = |path: &str| ("read_file", json!({ "path": path }));
    match done.0.len() {
        0 => {
            say("I look at what is here before I touch anything.", vec![mark(1, "running"), ("list_files", json!({}))])
        }
        1 => say("A small crate. Its manifest first.", vec![read("Cargo.toml")]),
        2 => say("Nothing unusual. Now the one source file.", vec![read("src/lib.rs")]),
        3 => say("Who else relies on this function?", vec![("search", json!({ "pattern": "minutes_left" }))]),
        4 => {
            let test = vec![mark(1, "done"), mark(2, "running"), ("run_tests", json!({}))];
            say("Only its tests. The divisor looks wrong for hundredths of a percent; the tests will tell.", test)
        }
        FIRST_EDIT => {
            let edit = json!({ "path": "src/lib.rs", "old": WRONG, "new": RIGHT });
            say("As expected: ten times too many minutes. I correct the divisor.", vec![("edit_file", edit)])
        }
        OTHER_EDIT => {
            let edit = json!({ "path": "src/lib.rs", "old": NEXT_TEST, "new": OTHER_TEST });
            say("They pass. A week deserves a test as well.", vec![("edit_file", edit)])
        }
        6 | 8 => say("", vec![("run_tests", json!({}))]),
        9 => {
            let page = json!({ "path": "CHANGES.md", "content": CHANGES });
            say("Users should hear of it: their budgets shrink.", vec![("write_file", page)])
        }
        10 => say("Once more over all of it.", vec![("git_diff", json!({}))]),
        COMMIT => {
            let commit = vec![mark(2, "done"), mark(3, "running"), ("git_commit", json!({ "message": MESSAGE }))];
            say("That is all I meant to change. I commit it.", commit)
        }
        _ => say("Pushing leaves this machine, so a person decides.", vec![("git_push", json!({}))]),
    }
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
