//! What a run of tests found, in any framework, and the interface of those who read it from text.

use serde::Serialize;

use crate::tools::output;

/// Most failures that are named; more are only counted.
const MOST_FAILURES: usize = 50;
/// Longest message of one failure, in bytes.
const LONGEST_MESSAGE: usize = 800;

/// Counts and failures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TestReport {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    pub failures: Vec<TestFailure>,
    /// Why tests did not get to run, or not all of them: a build that fails, a missing runner.
    pub problem: Option<String>,
}

/// One failing test, or one error that kept tests from running.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct TestFailure {
    pub name: String,
    pub message: String,
    /// `file:line`, where the runner says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// Reads a runner's output line by line, without ends of lines and escape sequences.
pub(super) trait Parser: Send {
    fn line(&mut self, line: &str);
    fn finish(&mut self) -> TestReport;
}

impl TestReport {
    pub fn total(&self) -> u64 {
        self.passed + self.failed + self.skipped
    }

    /// Adds a failure, unless it was told before (some runners repeat them at the end).
    pub fn push(&mut self, mut failure: TestFailure) {
        failure.message = output::shorten(failure.message.trim(), LONGEST_MESSAGE).to_owned();
        if self.failures.len() < MOST_FAILURES && !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
    }
}

/// The number right before `word`: 14 for `passed` in `14 passed, 1 failed`.
pub(super) fn count_before(line: &str, word: &str) -> Option<u64> {
    let words: Vec<_> = line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|candidate| *candidate == word)?;
    words.get(at.checked_sub(1)?)?.parse().ok()
}

/// `file:line` of `file:line:column`, with or without a colon after it.
pub(super) fn file_and_line(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches(':');
    let mut parts = text.split(':');
    let (file, line) = (parts.next()?, parts.next()?);
    let is_place = !file.is_empty() && !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
    is_place.then(|| format!("{file}:{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stand_before_their_words() {
        assert_eq!(count_before("== 14 passed, 1 failed in 0.5s ==", "failed"), Some(1));
        assert_eq!(count_before("Tests  2 failed | 3 passed (5)", "passed"), Some(3));
        assert_eq!(count_before("passed", "passed"), None);
    }

    #[test]
    fn a_place_is_a_file_and_a_line() {
        assert_eq!(file_and_line("src/lib.rs:13:42:"), Some("src/lib.rs:13".to_owned()));
        assert_eq!(file_and_line("a.py:5"), Some("a.py:5".to_owned()));
        assert_eq!(file_and_line("error: nothing"), None);
    }
}
