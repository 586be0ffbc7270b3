//! Reads Vitest: ` FAIL ` begins each failure, `Tests` counts.

use crate::tools::run_tests::report::{Parser, TestFailure, TestReport, count_before, file_and_line};

#[derive(Default)]
pub(super) struct Vitest {
    report: TestReport,
    failure: Option<TestFailure>,
    broken_files: u64,
}

impl Parser for Vitest {
    fn line(&mut self, line: &str) {
        let text = line.trim();
        if let Some(name) = line.strip_prefix(" FAIL  ") {
            self.end_failure();
            // `file [ file ]` is one that could not be loaded; it counts as a file only, which would hide it.
            self.broken_files += u64::from(name.ends_with(" ]"));
            let name = name.split(" [ ").next().unwrap_or(name).to_owned();
            self.failure = Some(TestFailure { name, ..TestFailure::default() });
        } else if line.starts_with(' ') && text.starts_with("Test Files  ") {
            self.end_failure();
            self.report.failed = self.broken_files;
        } else if let Some(counts) = text.strip_prefix("Tests  ").filter(|_| line.starts_with(' ')) {
            self.report.passed = count_before(counts, "passed").unwrap_or(0);
            self.report.failed = count_before(counts, "failed").unwrap_or(0) + self.broken_files;
            self.report.skipped = ["skipped", "todo"].iter().filter_map(|word| count_before(counts, word)).sum();
        } else if let Some(failure) = &mut self.failure {
            if let Some(place) = text.strip_prefix("❯ ").and_then(|place| file_and_line(place.rsplit(' ').next()?)) {
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

impl Vitest {
    fn end_failure(&mut self) {
        if let Some(failure) = self.failure.take() {
            self.report.push(failure);
        }
    }
}
