//! Reads Jest: a bullet begins each failure, `Tests:` counts.

use super::stack::frame;
use crate::tools::run_tests::report::{Parser, TestFailure, TestReport, count_before};

#[derive(Default)]
pub(super) struct Jest {
    report: TestReport,
    file: String,
    failure: Option<TestFailure>,
    /// Whether the message of the failure is over: a picture of the code or a stack follows.
    past_message: bool,
    broken_files: u64,
}

impl Parser for Jest {
    fn line(&mut self, line: &str) {
        if let Some(file) = line.strip_prefix("FAIL ") {
            self.end_failure();
            self.file = file.split(' ').next().unwrap_or(file).to_owned();
        } else if let Some(name) = line.strip_prefix("  ● ") {
            self.begin_failure(name);
        } else if let Some(counts) = line.strip_prefix("Tests: ") {
            self.end_failure();
            self.report.passed = count_before(counts, "passed").unwrap_or(0);
            self.report.failed = count_before(counts, "failed").unwrap_or(0) + self.broken_files;
            self.report.skipped = ["skipped", "todo"].iter().filter_map(|word| count_before(counts, word)).sum();
        } else {
            self.inside_failure(line);
        }
    }

    fn finish(&mut self) -> TestReport {
        self.end_failure();
        std::mem::take(&mut self.report)
    }
}

impl Jest {
    fn begin_failure(&mut self, name: &str) {
        self.end_failure();
        if name == "Console" {
            return;
        }
        // A file that cannot be loaded is counted as a suite only, which would hide it.
        let name = if name == "Test suite failed to run" {
            self.broken_files += 1;
            self.file.clone()
        } else {
            name.to_owned()
        };
        self.failure = Some(TestFailure { name, ..TestFailure::default() });
        self.past_message = false;
    }

    fn inside_failure(&mut self, line: &str) {
        let Some(failure) = &mut self.failure else { return };
        let text = line.trim();
        if let Some(place) = frame(line) {
            failure.location.get_or_insert(place);
            self.past_message = true;
        } else if text.starts_with("> ") && text.contains(" | ") || is_code(text) {
            self.past_message = true;
        } else if !self.past_message && !text.is_empty() {
            failure.message.push_str(text);
            failure.message.push('\n');
        }
    }

    fn end_failure(&mut self) {
        if let Some(failure) = self.failure.take() {
            self.report.push(failure);
        }
    }
}

/// `12 |   code`
fn is_code(text: &str) -> bool {
    text.split_once(" |").is_some_and(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))
}
