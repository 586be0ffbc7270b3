//! What is typed into the text console, parsed. Pure.

use serde_json::Value;

use crate::domain::{CardDigest, Settlement};
use crate::kinds::Surface;

pub const HELP: &str = "\
approvals                      print everything that waits for you, in full
approve ID DIGEST              approve the card with this digest (at least 8 digits of it)
deny ID [REASON]               deny it
arguments ID                   print what it would be called with, as JSON on one line
edit ID DIGEST JSON            change that; the changed card is asked anew
answer ID TEXT                 answer a question
settle ID happened|retry|drop  say what became of an unknown outcome
runs                           list runs
show ID                        print a run or a request in full
pause RUN, resume RUN          stop it at its next boundary, let it go on
cancel RUN                     end it at its next boundary
agents                         list agents and procedures
new [@AGENT] [in DIR:] GOAL    give an agent a goal, working on DIR
start PROCEDURE                start a procedure; it needs no model
play                           in a demo: let it go on, or pause it
quit                           quit; runs are not lost
An ID may be shortened to any beginning or end of it that is unique.";

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    Nothing,
    Help,
    Quit,
    Runs,
    Approvals,
    Agents,
    Show(String),
    Approve {
        id: String,
        digest: String,
    },
    Deny {
        id: String,
        reason: String,
    },
    Arguments(String),
    Edit {
        id: String,
        digest: String,
        args: Value,
    },
    Answer {
        id: String,
        text: String,
    },
    Settle {
        id: String,
        settlement: Settlement,
    },
    Pause(String),
    Resume(String),
    Cancel(String),
    New {
        agent: Option<String>,
        workspace: Option<String>,
        goal: String,
    },
    Start(String),
    Play,
    /// Something about a kind that is told by its surface.
    OfKind {
        plural: &'static str,
        rest: String,
    },
}

/// Parses a line, or says what is wrong with it.
pub fn parse(line: &str) -> Result<Typed, String> {
    let line = line.trim();
    let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let (first, more) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let more = more.trim();
    let one = |what: &str| match (first, more) {
        ("", _) => Err(format!("{verb} needs {what}")),
        (id, "") => Ok(id.to_owned()),
        (_, more) => Err(format!("{verb} takes only {what}; {more:?} is too much")),
    };
    Ok(match verb {
        "" => Typed::Nothing,
        "help" | "?" => Typed::Help,
        "quit" | "exit" => Typed::Quit,
        "runs" => Typed::Runs,
        "approvals" => Typed::Approvals,
        "agents" => Typed::Agents,
        "show" => Typed::Show(one("the id of a run or a request")?),
        "approve" => return approve(first, more),
        "deny" if first.is_empty() => return Err("deny needs the id of a request".to_owned()),
        "deny" => Typed::Deny { id: first.to_owned(), reason: more.to_owned() },
        "arguments" => Typed::Arguments(one("the id of a request")?),
        "edit" => return edit(first, more),
        "answer" if more.is_empty() => return Err("answer needs the id of a question and a text".to_owned()),
        "answer" => Typed::Answer { id: first.to_owned(), text: more.to_owned() },
        "settle" => Typed::Settle { id: first.to_owned(), settlement: settlement(more)? },
        "pause" => Typed::Pause(one("the id of a run")?),
        "resume" => Typed::Resume(one("the id of a run")?),
        "cancel" => Typed::Cancel(one("the id of a run")?),
        "new" => return new(rest),
        "start" => Typed::Start(one("the name of a procedure")?),
        "play" => Typed::Play,
        other => match Surface::called(other) {
            Some(surface) => Typed::OfKind { plural: surface.plural, rest: rest.to_owned() },
            None => return Err(format!("there is no command {other:?}")),
        },
    })
}

fn approve(id: &str, digest: &str) -> Result<Typed, String> {
    let least = CardDigest::LEAST;
    if id.is_empty() || digest.is_empty() {
        return Err("approve needs the id of a request and the digest that its card shows".to_owned());
    }
    if digest.len() < least || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("{digest:?} is not a digest: at least {least} hexadecimal digits are needed"));
    }
    Ok(Typed::Approve { id: id.to_owned(), digest: digest.to_ascii_lowercase() })
}

/// `ID DIGEST JSON`.
fn edit(id: &str, rest: &str) -> Result<Typed, String> {
    let (digest, json) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if json.trim().is_empty() {
        return Err(
            "edit needs the id of a request, the digest that its card shows, and the arguments as JSON".to_owned()
        );
    }
    let Typed::Approve { id, digest } = approve(id, digest)? else { return Ok(Typed::Nothing) };
    let args = serde_json::from_str(json).map_err(|error| format!("the arguments are not JSON: {error}"))?;
    Ok(Typed::Edit { id, digest, args })
}

fn settlement(word: &str) -> Result<Settlement, String> {
    match word {
        "happened" => Ok(Settlement::Happened),
        "retry" => Ok(Settlement::Retry),
        "drop" => Ok(Settlement::GiveUp),
        _ => Err("settle needs the id of a request and one of happened, retry, drop".to_owned()),
    }
}

/// `[@AGENT] [in DIR:] GOAL`.
fn new(rest: &str) -> Result<Typed, String> {
    let (agent, rest) = match rest.strip_prefix('@').and_then(|rest| rest.split_once(char::is_whitespace)) {
        Some((agent, rest)) => (Some(agent.to_owned()), rest.trim()),
        None => (None, rest),
    };
    let (workspace, goal) = match rest.strip_prefix("in ").and_then(|rest| rest.split_once(": ")) {
        Some((workspace, goal)) => (Some(workspace.trim().to_owned()), goal.trim()),
        None => (None, rest),
    };
    if goal.is_empty() {
        return Err("new needs a goal in words".to_owned());
    }
    Ok(Typed::New { agent, workspace, goal: goal.to_owned() })
}

/// The one id among `known` that begins or ends like `given`.
pub fn find<T>(given: &str, known: impl Iterator<Item = (T, String, String)>) -> Result<T, String> {
    let given = given.to_ascii_lowercase();
    let mut found = known.filter(|(_, long, short)| long.starts_with(&given) || short.starts_with(&given));
    match (found.next(), found.next()) {
        (Some((id, ..)), None) => Ok(id),
        (Some(_), Some(_)) => Err(format!("{given:?} could be several; give more of it")),
        (None, _) => Err(format!("nothing here has the id {given:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_names_what_it_decides_on() {
        let digest = "AB12CD34".to_owned();
        let approve = Typed::Approve { id: "78dd".to_owned(), digest: digest.to_ascii_lowercase() };
        assert_eq!(parse(&format!(" approve 78dd {digest} ")), Ok(approve));
        let deny = Typed::Deny { id: "78dd".to_owned(), reason: "not  now".to_owned() };
        assert_eq!(parse("deny 78dd not  now"), Ok(deny));
        for wrong in ["approve", "approve 78dd", "approve 78dd ab12", "approve 78dd nothexno", "answer 1", "settle 1 x"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn other_arguments_come_as_json_and_say_where_they_are_not() {
        let args = serde_json::json!({ "branch": "a b" });
        let edit = Typed::Edit { id: "78dd".to_owned(), digest: "ab12cd34".to_owned(), args };
        assert_eq!(parse("edit 78dd AB12CD34 {\"branch\": \"a b\"}"), Ok(edit));
        assert!(parse("edit 78dd ab12cd34 {branch}").is_err_and(|said| said.contains("line 1 column 2")));
        assert!(parse("edit 78dd ab12cd34").is_err() && parse("edit 78dd short {}").is_err());
    }

    #[test]
    fn a_goal_may_name_agent_and_directory() {
        let new = |agent: Option<&str>, workspace: Option<&str>, goal: &str| Typed::New {
            agent: agent.map(str::to_owned),
            workspace: workspace.map(str::to_owned),
            goal: goal.to_owned(),
        };
        assert_eq!(parse("new fix it: now"), Ok(new(None, None, "fix it: now")));
        assert_eq!(parse("new @ops in /srv/a b: look"), Ok(new(Some("ops"), Some("/srv/a b"), "look")));
        assert!(parse("new @ops").is_ok_and(|typed| typed == new(None, None, "@ops")));
    }

    #[test]
    fn an_id_must_be_unique() {
        let known = || [(1, "aaa-1".to_owned(), "x1".to_owned()), (2, "aab-2".to_owned(), "x2".to_owned())].into_iter();
        assert_eq!(find("aab", known()), Ok(2));
        assert_eq!(find("x1", known()), Ok(1));
        assert!(find("aa", known()).is_err() && find("zz", known()).is_err());
    }
}
