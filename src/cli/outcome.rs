//! How a call ended, in words: its kind of ending and its summary, said once.

use crate::domain::{FailureKind, ToolResult};

/// `ok, 3 tests passed`; where the summary says by itself how it ended, the summary.
pub fn of(result: &ToolResult) -> String {
    let ending = result.failure.map_or("ok", ending);
    let summary = result.summary.visible();
    let is_letter = |character: char| character.is_alphanumeric();
    let said = summary.to_lowercase().split(|character| !is_letter(character)).any(|word| word == ending);
    match (said, summary.is_empty()) {
        (true, _) => summary.into_owned(),
        (false, true) => ending.to_owned(),
        (false, false) => format!("{ending}, {summary}"),
    }
}

fn ending(failure: FailureKind) -> &'static str {
    match failure {
        FailureKind::BadCall => "bad call",
        FailureKind::Refused => "refused by policy",
        FailureKind::Denied => "denied",
        FailureKind::Expired => "expired undecided",
        FailureKind::Withdrawn => "withdrawn",
        FailureKind::Failed => "failed",
        FailureKind::Drift => "changed since it was approved",
        FailureKind::Limit => "stopped at a limit",
        FailureKind::Unconfined => "not run: no sandbox works here",
        FailureKind::Unreachable => "host not reached",
        FailureKind::Cancelled => "cancelled",
        FailureKind::GaveUp => "given up",
        FailureKind::InDoubt => "in doubt",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_said_once() {
        let well = |summary: &str| of(&ToolResult::success(summary.to_owned(), Default::default()));
        assert_eq!(well("3 tests passed"), "ok, 3 tests passed");
        assert_eq!(well("ok: 5 % of the disk used"), "ok: 5 % of the disk used");
        assert_eq!(well("okapi"), "ok, okapi");
        assert_eq!(well(""), "ok");
        let badly = |failure, summary: &str| of(&ToolResult::failure(failure, summary.to_owned()));
        assert_eq!(badly(FailureKind::Denied, "ana denied it: not today"), "ana denied it: not today");
        assert_eq!(badly(FailureKind::Failed, "exit code 2"), "failed, exit code 2");
    }
}
