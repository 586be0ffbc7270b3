//! The story that tests and demos share: a small repository with a failing test, and a model that plans, looks,
//! fixes, tests, commits and pushes, and that takes another way when a person denies the push.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use serde_json::{Value, json};

use super::{Script, Turn};

const SOURCE: &str = "\
//! How much of this month's error budget is left.

/// Minutes of downtime that a month may still have. `objective` counts hundredths of a percent: 9990 is 99.9 %.
pub fn minutes_left(days: u32, objective: u32, down: u32) -> u32 {
    let allowed = days * 24 * 60 * (10_000 - objective) / 1_000;
    allowed.saturating_sub(down)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_at_three_nines_allows_43_minutes() {
        assert_eq!(minutes_left(30, 9_990, 0), 43);
    }

    #[test]
    fn a_budget_is_never_negative() {
        assert_eq!(minutes_left(30, 9_990, 5_000), 0);
    }
}
";

pub(super) const WRONG: &str = "(10_000 - objective) / 1_000;";
pub(super) const RIGHT: &str = "(10_000 - objective) / 10_000;";
pub(super) const COMMIT: &str = "Count the objective in hundredths of a percent when dividing";

const NOTE: &str = "\
# Not pushed

The fix is committed on this branch and was not pushed, because the push was denied. To publish it, push the
branch yourself; to drop it, delete the branch. Nothing has left this machine.
";

/// Makes `below/budget`, a Rust crate in git with one failing test, and `below/origin.git`, its empty remote.
pub fn repository(below: &Path) -> io::Result<PathBuf> {
    let (work, origin) = (below.join("budget"), below.join("origin.git"));
    fs::create_dir_all(work.join("src"))?;
    fs::write(work.join("Cargo.toml"), "[package]\nname = \"budget\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")?;
    fs::write(work.join("Cargo.lock"), "version = 3\n\n[[package]]\nname = \"budget\"\nversion = \"0.1.0\"\n")?;
    fs::write(work.join(".gitignore"), "/target\n")?;
    fs::write(work.join("src/lib.rs"), SOURCE)?;
    commit_and_publish(&work, &origin, "Error budget of a month")?;
    Ok(work)
}

/// Makes a repository of a directory, and its remote.
pub(super) fn commit_and_publish(work: &Path, origin: &Path, message: &str) -> io::Result<()> {
    fs::create_dir_all(origin)?;
    git(origin, &["init", "-q", "--bare", "-b", "main"])?;
    git(work, &["init", "-q", "-b", "main"])?;
    git(work, &["config", "user.name", "A Developer"])?;
    git(work, &["config", "user.email", "dev@example.com"])?;
    git(work, &["add", "-A"])?;
    git(work, &["commit", "-q", "-m", message])?;
    git(work, &["remote", "add", "origin", &origin.display().to_string()])?;
    git(work, &["push", "-q", "-u", "origin", "main"])
}

/// The model of the story. It keeps no state: each turn follows from the conversation it is sent, as with a
/// real model, so that a run resumed elsewhere goes on, and several runs may use one server.
pub fn fix_the_failing_test() -> Script {
    Script::new().forever(Turn::computed(|request| forced_if_asked(request, answer(request))))
}

/// What the model says next, before it is put into the form the request asks for.
pub(super) struct Saying {
    words: &'static str,
    calls: Vec<(&'static str, Value)>,
}

pub(super) fn answer(request: &Value) -> Saying {
    if request["response_format"]["json_schema"]["name"] == json!("plan") {
        return Saying { words: "", calls: vec![("plan", plan())] };
    }
    let done = Done::of(request);
    let Some((last, went_well)) = done.last() else {
        let look = vec![mark(1, "running"), ("list_files", json!({}))];
        return say("I look at what is here before I touch anything.", look);
    };
    let pushed = done.ever("git_push");
    match (last, went_well) {
        ("list_files", true) => {
            say("One source file. I read it.", vec![("read_file", json!({ "path": "src/lib.rs" }))])
        }
        ("read_file", true) => {
            let test = vec![mark(1, "done"), mark(2, "running"), ("run_tests", json!({}))];
            say("The divisor looks wrong for hundredths of a percent. The tests will tell.", test)
        }
        ("run_tests", _) if !done.ever("edit_file") => {
            let edit = json!({ "path": "src/lib.rs", "old": WRONG, "new": RIGHT });
            say("As expected: ten times too many minutes. I correct the divisor.", vec![("edit_file", edit)])
        }
        ("edit_file", true) => say("", vec![("run_tests", json!({}))]),
        ("run_tests", true) => {
            let commit = vec![mark(2, "done"), mark(3, "running"), ("git_commit", json!({ "message": COMMIT }))];
            say("All tests pass. I commit the one-line change.", commit)
        }
        ("git_commit", true) if !pushed => {
            say("Pushing leaves this machine, so a person decides.", vec![("git_push", json!({}))])
        }
        ("git_push", true) => end(
            "The divisor was wrong by a factor of ten. It is fixed, tested, committed and pushed.",
            vec![mark(3, "done")],
        ),
        ("git_push", false) => {
            let note = json!({ "path": "HANDOVER.md", "content": NOTE });
            say(
                "The push was not to be. I leave the fix here, with a note on how to publish it.",
                vec![("write_file", note)],
            )
        }
        ("write_file", true) => say("", vec![("git_commit", json!({ "message": "Say how to publish this branch" }))]),
        ("git_commit", true) => end(
            "Fixed, tested and committed on this branch; not pushed, as decided. HANDOVER.md says how to publish it.",
            vec![mark(3, "done")],
        ),
        _ => Saying {
            words: "",
            calls: vec![(
                "finish",
                json!({ "summary": format!("Stopped: {last} did not work."), "outcome": "failed" }),
            )],
        },
    }
}

pub(super) fn say(words: &'static str, calls: Vec<(&'static str, Value)>) -> Saying {
    Saying { words, calls }
}

pub(super) fn end(summary: &'static str, mut calls: Vec<(&'static str, Value)>) -> Saying {
    calls.push(("finish", json!({ "summary": summary, "outcome": "succeeded" })));
    Saying { words: "", calls }
}

pub(super) fn mark(step: u32, state: &str) -> (&'static str, Value) {
    ("mark_step", json!({ "step": step, "state": state }))
}

/// A step of a plan.
pub(super) fn step(action: &str, tool: &str, success: &str, fallback: &str, after: Value) -> Value {
    json!({ "action": action, "tool": tool, "success": success, "fallback": fallback, "after": after })
}

fn plan() -> Value {
    json!({ "steps": [
        step("Read the code and its tests", "read_file", "the failing test is understood", "ask the person", json!([])),
        step("Correct the code until the tests pass", "edit_file", "all tests pass", "undo the change", json!([1])),
        step("Commit and push the fix", "git_push", "the branch is published", "leave the commit here", json!([2])),
    ] })
}

/// The answer by native calls, or as one JSON object where the request demands that.
pub(super) fn forced_if_asked(request: &Value, saying: Saying) -> Turn {
    let Saying { words, calls } = saying;
    if let [("plan", plan)] = calls.as_slice() {
        return Turn::text(&plan.to_string());
    }
    if request["response_format"]["json_schema"]["name"] == json!("next_action") {
        // One call a turn: the last one, since marks of progress come first.
        let Some((tool, args)) = calls.last() else {
            return Turn::text(&json!({ "next": { "say": words } }).to_string());
        };
        return Turn::text(&json!({ "next": { "tool": tool, "with": args } }).to_string());
    }
    calls.into_iter().fold(Turn::text(words), |turn, (tool, args)| turn.call(tool, args))
}

/// Calls that have been answered, in order, and whether each went well.
pub(super) struct Done(pub(super) Vec<(String, bool)>);

impl Done {
    pub(super) fn of(request: &Value) -> Self {
        let messages = request["messages"].as_array().cloned().unwrap_or_default();
        let mut asked: Vec<(String, String)> = Vec::new();
        let mut done = Vec::new();
        for message in &messages {
            let content = message["content"].as_str().unwrap_or_default();
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                let name = call["function"]["name"].as_str().unwrap_or_default();
                asked.push((call["id"].as_str().unwrap_or_default().to_owned(), name.to_owned()));
            }
            if message["role"] == json!("tool") {
                let id = message["tool_call_id"].as_str().unwrap_or_default();
                let name = asked.iter().rfind(|(asked, _)| asked == id).map(|(_, name)| name.clone());
                done.push((name.unwrap_or_default(), content.starts_with("ok")));
            } else if let Some(result) = content.strip_prefix("Result of ") {
                let (name, text) = result.split_once(":\n").unwrap_or((result, ""));
                done.push((name.to_owned(), text.starts_with("ok")));
            }
        }
        done.retain(|(name, _)| name != "mark_step");
        Self(done)
    }

    pub(super) fn last(&self) -> Option<(&str, bool)> {
        self.0.last().map(|(name, went_well)| (name.as_str(), *went_well))
    }

    pub(super) fn times(&self, tool: &str) -> usize {
        self.0.iter().filter(|(name, _)| name == tool).count()
    }

    pub(super) fn ever(&self, tool: &str) -> bool {
        self.0.iter().any(|(name, _)| name == tool)
    }
}

fn git(at: &Path, arguments: &[&str]) -> io::Result<()> {
    let status = Command::new("git").args(arguments).current_dir(at).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("git {}: {status}", arguments.join(" ")))) }
}
