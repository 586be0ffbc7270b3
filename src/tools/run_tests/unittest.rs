//! Reads Python's own `unittest`.

use super::report::{Parser, TestFailure, TestReport};

#[derive(Default)]
pub(super) struct Unittest {
    report: TestReport,
    ran: u64,
    /// The failure whose traceback is being read.
    failure: Option<TestFailure>,
}

impl Parser for Unittest {
    fn line(&mut self, line: &str) {
        if let Some(test) = ["FAIL: ", "ERROR: "].iter().find_map(|word| line.strip_prefix(word)) {
            self.end_failure();
            self.failure = Some(TestFailure { name: full_name(test), ..TestFailure::default() });
        } else if let Some(rest) = line.strip_prefix("Ran ") {
            self.end_failure();
            self.ran = rest.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
        } else if line == "OK" || line.starts_with("OK (") || line.starts_with("FAILED (") {
            self.count(line);
        } else if let Some(failure) = &mut self.failure {
            if let Some(place) = frame(line) {
                failure.location = Some(place);
            } else if !line.is_empty() && !line.starts_with([' ', '-', '=']) && !line.starts_with("Traceback ") {
                // The last line without indentation is the exception.
                failure.message = line.to_owned();
            }
        }
    }

    fn finish(&mut self) -> TestReport {
        self.end_failure();
        std::mem::take(&mut self.report)
    }
}

impl Unittest {
    fn count(&mut self, line: &str) {
        let named = |name: &str| {
            let pairs = line.split(['(', ')', ',']).filter_map(|pair| pair.trim().split_once('='));
            pairs.filter(|(key, _)| *key == name).filter_map(|(_, count)| count.parse::<u64>().ok()).sum::<u64>()
        };
        self.report.skipped = named("skipped");
        self.report.failed = named("failures") + named("errors") + named("unexpected successes");
        // A failure that was expected is a test that did what it should.
        self.report.passed = self.ran.saturating_sub(self.report.failed + self.report.skipped);
    }

    fn end_failure(&mut self) {
        if let Some(failure) = self.failure.take() {
            self.report.push(failure);
        }
    }
}

/// `module.Class.test` of `test (module.Class.test)`, and of `test (module.Class)` as older Pythons print it.
fn full_name(test: &str) -> String {
    let Some((name, rest)) = test.split_once(" (") else { return test.to_owned() };
    let Some((place, more)) = rest.split_once(')') else { return test.to_owned() };
    let ends = place == name || place.ends_with(&format!(".{name}"));
    let full = if ends { place.to_owned() } else { format!("{place}.{name}") };
    format!("{full}{more}")
}

/// `file:line` of a traceback's frame; those of Python's own library are not where to look.
fn frame(line: &str) -> Option<String> {
    let (file, rest) = line.strip_prefix("  File \"")?.split_once("\", line ")?;
    let number = rest.split(',').next()?;
    (!file.contains("/lib/python") && !file.starts_with('<')).then(|| format!("{file}:{number}"))
}
