//! Reads Mocha: counts first, then numbered failures.

use super::stack::frame;
use crate::tools::run_tests::report::{Parser, TestFailure, TestReport, count_before};

#[derive(Default)]
pub(super) struct Mocha {
    report: TestReport,
    /// Whether the counts have been seen: numbered lines before them are the live list.
    counted: bool,
    failure: Option<TestFailure>,
    /// Whether the failure's title, which spans lines, has come to its colon.
    titled: bool,
}

impl Parser for Mocha {
    fn line(&mut self, line: &str) {
        let text = line.trim();
        if let Some(count) = line.strip_prefix("  ").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            if let Some(passed) = count_before(count, "passing") {
                self.counted = true;
                self.report.passed = passed;
            } else if let Some(skipped) = count_before(count, "pending").filter(|_| self.counted) {
                self.report.skipped = skipped;
            } else if let Some(failed) = count_before(count, "failing").filter(|_| self.counted) {
                self.report.failed = failed;
            } else if let Some((number, title)) = count.split_once(") ").filter(|_| self.report.failed > 0) {
                self.end_failure();
                if number.bytes().all(|byte| byte.is_ascii_digit()) {
                    self.titled = title.ends_with(':');
                    let name = title.trim_end_matches(':').to_owned();
                    self.failure = Some(TestFailure { name, ..TestFailure::default() });
                }
            }
        } else if let Some(failure) = &mut self.failure {
            if !self.titled && !text.is_empty() {
                self.titled = text.ends_with(':');
                failure.name = format!("{} {}", failure.name, text.trim_end_matches(':'));
            } else if let Some(place) = frame(line) {
                failure.location.get_or_insert(place);
            } else if failure.message.is_empty() {
                failure.message = text.to_owned();
            }
        }
    }

    fn finish(&mut self) -> TestReport {
        self.end_failure();
        std::mem::take(&mut self.report)
    }
}

impl Mocha {
    fn end_failure(&mut self) {
        if let Some(failure) = self.failure.take() {
            self.report.push(failure);
        }
    }
}
